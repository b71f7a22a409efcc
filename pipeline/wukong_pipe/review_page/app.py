"""The application of the pairs: its routes."""

from __future__ import annotations

from starlette.applications import Starlette

from wukong_pipe.review_page.bulk_routes import bulk_change, bulk_page
from wukong_pipe.review_page.decision_routes import check_rescue, check_typed, decide, decide_row, rescue, undo
from wukong_pipe.review_page.desk import Desk
from wukong_pipe.review_page.page_routes import search, show_page, show_pair, state, table
from wukong_pipe.review_page.requests import route
from wukong_pipe.review_page.security import Access
from wukong_pipe.review_page.serving import served


def application(desk: Desk, access: Access) -> Starlette:
    """The page of a desk, for those whom `access` lets in."""
    routes = [
        route(desk, "/", show_page),
        route(desk, "/pair/{id}", show_pair),
        route(desk, "/pair/{id}", decide, "POST"),
        route(desk, "/row/{id}", decide_row, "POST"),
        route(desk, "/reject/{id}", rescue, "POST"),
        route(desk, "/reject/{id}/check", check_rescue, "POST"),
        route(desk, "/undo", undo, "POST"),
        route(desk, "/check/{id}", check_typed, "POST"),
        route(desk, "/search", search),
        route(desk, "/state", state),
        route(desk, "/table", table),
        route(desk, "/bulk", bulk_page),
        route(desk, "/bulk", bulk_change, "POST"),
    ]
    return served(routes, access, desk.say)
