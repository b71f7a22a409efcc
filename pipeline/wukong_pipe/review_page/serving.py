"""What the pages have in common: who may ask, what is said of an error, and how a template is filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from wukong_pipe.errors import WukongError
from wukong_pipe.language.page_words import filled
from wukong_pipe.printable import printable
from wukong_pipe.reasons import Lang
from wukong_pipe.review_page.document import marked_text
from wukong_pipe.review_page.security import HEADERS, Access, Guard
from wukong_pipe.review_page.words import WORDS

HERE = Path(__file__).parent


def served(routes: Sequence[BaseRoute], access: Access, say: Callable[..., str]) -> Starlette:
    """A page of these routes, for those whom `access` lets in.

    Args:
        say: gives a text of the page by its key.
    """
    return Starlette(
        routes=[
            *routes,
            Route("/favicon.ico", lambda _: Response(status_code=204)),
            Mount("/assets", StaticFiles(directory=HERE / "assets")),
        ],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={
            WukongError: lambda _, error: PlainTextResponse(str(error), status_code=409),
            # Answered outside of the guard, which would say the headers.
            Exception: lambda _, error: PlainTextResponse(say("broken", kind=type(error).__name__), 500, HEADERS),
        },
    )


def templates(lang: Lang) -> Environment:
    """The templates of the pages, with the words of a language."""
    # finalize sees every value before autoescape does, so no place in a template can forget it; what a macro returns
    # is Markup and went through it already.
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.filters["filled"] = filled
    environment.filters["set"] = marked_text
    environment.globals |= {"w": WORDS[lang], "lang": lang}
    return environment
