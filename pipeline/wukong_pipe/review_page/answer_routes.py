"""`review --answers`: a person grades an evaluation's answers one at a time, and is not told which model gave them.

The routes are those of a page of its own, without the pairs: a run may have answers and no dataset.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from wukong_pipe.review_page.answer_desk import AnswerDesk
from wukong_pipe.review_page.security import Access
from wukong_pipe.review_page.serving import served
from wukong_trainer.evaluation.person_grades import PERSON_GRADES


def answers_application(desk: AnswerDesk, access: Access) -> Starlette:
    """The page of a desk, for those whom `access` lets in."""
    routes = [
        Route("/", lambda _: RedirectResponse("/answers", status_code=303)),
        _route(desk, "/answers", show_first),
        _route(desk, "/answers/agreement", show_agreement),
        _route(desk, "/answers/undo", undo, "POST"),
        _route(desk, "/answers/{number:int}", show_answer),
        _route(desk, "/answers/{number:int}", grade_answer, "POST"),
    ]
    return served(routes, access, desk.say)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the routes read it."""

    number: int
    """That the address names; else 0."""
    is_part: bool
    """Whether htmx asks for what changes on the page; else a browser, for all of it."""
    form: Mapping[str, str]


Handler = Callable[[AnswerDesk, Asked], Response]


def _route(desk: AnswerDesk, path: str, handler: Handler, method: str = "GET") -> Route:
    async def respond(request: Request) -> Response:
        # Not request.form(): what a browser sends without files needs no library to read.
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        desk.refresh()
        number = int(request.path_params.get("number", 0))
        return handler(desk, Asked(number, "HX-Request" in request.headers, form))

    endpoint: Callable[[Request], Awaitable[Response]] = respond
    return Route(path, endpoint, methods=[method])


def show_first(desk: AnswerDesk, asked: Asked) -> Response:
    """The first answer without a grade; where all have one, what that says."""
    number = desk.ungraded()
    return _shown(desk, asked, number) if number else _done(desk, asked, "all_graded")


def show_answer(desk: AnswerDesk, asked: Asked) -> Response:
    """An answer."""
    if desk.numbered(asked.number) is None:
        return show_first(desk, asked)
    return _shown(desk, asked, asked.number)


def grade_answer(desk: AnswerDesk, asked: Asked) -> Response:
    """Write a grade down, and show the next answer that has none; at the end of the sample, what the grades say."""
    answer = desk.numbered(asked.number)
    value = next((name for name in PERSON_GRADES if name == asked.form.get("grade")), None)
    if answer is None or value is None or asked.form.get("answer") != answer.hash:
        # Another evaluation wrote other answers since the page was shown.
        shown = asked.number if answer else 1
        return _shown(desk, asked, shown, desk.say("answers_changed"))
    was_graded = desk.is_sample_graded
    desk.record(answer, value)
    following, said = desk.ungraded(asked.number), desk.say(f"said_{value}", number=asked.number)
    if following is None or desk.is_sample_graded != was_graded:
        return _done(desk, asked, "sample_graded" if following else "all_graded", said)
    return _shown(desk, asked, following, said)


def undo(desk: AnswerDesk, asked: Asked) -> Response:
    """Take the newest grade back, and show the answer that it was of."""
    number = desk.undo()
    if number is None:
        return _shown(desk, asked, desk.ungraded() or 1, desk.say("no_grade_to_undo"))
    return _shown(desk, asked, number, desk.say("said_grade_undone", number=number))


def show_agreement(desk: AnswerDesk, asked: Asked) -> Response:
    """What the grades so far say."""
    return _done(desk, asked, "agreement_title")


def _shown(desk: AnswerDesk, asked: Asked, number: int, message: str = "") -> Response:
    values = desk.answer_values(number, desk.answers[number - 1])
    return desk.show("answer_swap.html.j2" if asked.is_part else "answers.html.j2", message, **values)


def _done(desk: AnswerDesk, asked: Asked, title: str, message: str = "") -> Response:
    values = desk.agreement() | {"following": desk.ungraded(), "title": desk.say(title, n=desk.graded)}
    return desk.show("answer_swap.html.j2" if asked.is_part else "answers.html.j2", message, **values)
