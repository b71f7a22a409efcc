"""The routes that show: the page, a pair, the list, the progress, the table of bounds."""

from __future__ import annotations

from starlette.responses import Response

from wukong_pipe.review import queue
from wukong_pipe.review.bound import bounds
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review.queue import Filters
from wukong_pipe.review_page.desk import Desk
from wukong_pipe.review_page.requests import Asked


def show_page(desk: Desk, asked: Asked) -> Response:
    """The page: with the pair that the address names, else with the first that is to be read."""
    pair = desk.library.pair_of(asked.get("pair")) if asked.get("pair") else first_of(desk, asked.filters)
    return desk.pair_page(pair or first_of(desk, asked.filters), asked.filters)


def first_of(desk: Desk, filters: Filters) -> ReviewPair | None:
    return queue.first_unread(desk.library, filters) or next(iter(queue.matching(desk.library, filters)), None)


def show_pair(desk: Desk, asked: Asked) -> Response:
    """A pair, the one before or after it, the first that is unread, or the first of all that match."""
    pair, filters, to = desk.library.by_id.get(asked.id), asked.filters, asked.get("to")
    if to == "first":
        return desk.panes(next(iter(queue.matching(desk.library, filters)), None), filters)
    if to == "unread":
        found = queue.first_unread(desk.library, filters)
        return desk.panes(found or pair, filters, "" if found else desk.say("none_unread"))
    if not pair:
        return desk.panes(first_of(desk, filters), filters, desk.say("gone", id=asked.id))
    if to not in {"next", "previous"}:
        return desk.panes(pair, filters)
    step = queue.next_after if to == "next" else queue.previous
    found = step(desk.library, pair.id, filters)
    return desk.panes(found or pair, filters, "" if found else desk.say(f"no_{to}"))


def search(desk: Desk, asked: Asked) -> Response:
    return desk.results(asked.get("pair"), asked.filters)


def state(desk: Desk, asked: Asked) -> Response:
    """The progress, where anything changed since a window saw it; that another one decided on its pair."""
    if asked.get("seen") == str(desk.library.version):
        return Response(status_code=204)
    pair = desk.library.by_id.get(asked.get("pair"))
    if not pair or (now := desk.library.state(pair)) == asked.get("known"):
        return desk.message("", is_oob=False)
    said = desk.say("elsewhere", state=desk.words[f"state_{now}"])
    return desk.message(said, state=now, pair_id=pair.id, is_oob=False)


def table(desk: Desk, asked: Asked) -> Response:
    """The bound by kind and section."""
    found = bounds(desk.library, desk.enough)
    titles = {pair.section_id: " › ".join(pair.title) for pair in desk.library.pairs}
    kinds = [(desk.words.get(f"kind_{name}", name), Filters(kind=name), bound) for name, bound in found.by_kind.items()]
    sections = [(title, Filters(section=name), found.by_section[name]) for name, title in titles.items()]
    return desk.page(
        "table.html.j2",
        asked.filters,
        kinds=[(desk.words["overall"], Filters(), found.overall), *kinds],
        sections=sections,
    )
