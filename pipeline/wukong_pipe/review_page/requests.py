"""A request as the routes read it, and how a route answers one.

All of them run on the server's one thread: a decision is written before the next request is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wukong_pipe.review.queue import Filters
from wukong_pipe.review_page.desk import Desk


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the routes read it."""

    id: str
    """What the address names: a pair, a row, a reject; else ""."""
    values: Mapping[str, str]
    """Of the address and of the form together."""

    def get(self, name: str) -> str:
        return self.values.get(name, "").replace("\r\n", "\n").strip()

    @property
    def filters(self) -> Filters:
        texts = ("split", "kind", "state", "source", "section", "tag", "words")
        return Filters(doubtful=bool(self.get("doubtful")), **{name: self.get(name) for name in texts})


Handler = Callable[[Desk, Asked], Response]


def route(desk: Desk, path: str, handler: Handler, method: str = "GET") -> Route:
    """A path of the page and what answers it; decisions and dataset are as they are on the disk now."""

    async def answer(request: Request) -> Response:
        # Not request.form(): what a browser sends without files needs no library to read.
        form = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        desk.library.refresh()
        values = dict(request.query_params) | dict(form)
        return handler(desk, Asked(request.path_params.get("id", ""), values))

    return Route(path, answer, methods=[method])


def refused(desk: Desk, key: str, **values: str) -> Response:
    """A sentence for the live region; what the page shows stays."""
    return PlainTextResponse(desk.say(key, **values), status_code=409)
