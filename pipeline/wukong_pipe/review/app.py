"""The application: its routes, who may ask it, and what it says when something is wrong."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from wukong_pipe.errors import WukongError
from wukong_pipe.review.bulk_routes import bulk_change, bulk_page
from wukong_pipe.review.decision_routes import check_typed, decide, decide_row, rescue, undo
from wukong_pipe.review.desk import Desk
from wukong_pipe.review.page_routes import search, show_page, show_pair, state, table
from wukong_pipe.review.requests import route
from wukong_pipe.review.security import HEADERS, Access, Guard

ASSETS = Path(__file__).with_name("assets")


def application(desk: Desk, access: Access, more: tuple[BaseRoute, ...] = ()) -> Starlette:
    """The page of a desk, for those whom `access` lets in.

    Args:
        more: routes besides those of the pairs.
    """
    return Starlette(
        routes=[
            route(desk, "/", show_page),
            route(desk, "/pair/{id}", show_pair),
            route(desk, "/pair/{id}", decide, "POST"),
            route(desk, "/row/{id}", decide_row, "POST"),
            route(desk, "/reject/{id}", rescue, "POST"),
            route(desk, "/undo", undo, "POST"),
            route(desk, "/check/{id}", check_typed, "POST"),
            route(desk, "/search", search),
            route(desk, "/state", state),
            route(desk, "/table", table),
            route(desk, "/bulk", bulk_page),
            route(desk, "/bulk", bulk_change, "POST"),
            Route("/favicon.ico", lambda _: Response(status_code=204)),
            Mount("/assets", StaticFiles(directory=ASSETS)),
            *more,
        ],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={
            WukongError: lambda _, error: PlainTextResponse(str(error), status_code=409),
            # Answered outside of the guard, which would say the headers.
            Exception: lambda _, error: PlainTextResponse(desk.say("broken", kind=type(error).__name__), 500, HEADERS),
        },
    )
