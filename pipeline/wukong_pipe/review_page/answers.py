"""`review --answers`: a person grades an evaluation's answers one at a time, and is not told which model gave them.

The routes are those of a page of its own, without the pairs: a run may have answers and no dataset.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.language.fact_matching import places
from wukong_pipe.language.page_words import filled
from wukong_pipe.reasons import Lang
from wukong_pipe.records import Facts, Section
from wukong_pipe.review.file_stamp import Stamp, stamp
from wukong_pipe.review_page.document import Marks, Span, document, marked_text
from wukong_pipe.review_page.security import Access
from wukong_pipe.review_page.serving import served, templates
from wukong_pipe.review_page.words import WORDS
from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.answers_to_read import SAMPLE, AnswerToRead, answers_to_read, reading_order
from wukong_trainer.evaluation.person_agreement import person_grades
from wukong_trainer.evaluation.person_grades import PERSON_GRADES, PersonGrade, grade, read_grades, take_back
from wukong_trainer.report.person_block import blind_block, person_block
from wukong_trainer.report.words import WORDS as REPORT_WORDS

KEYS = (
    ("1", "key_right"),
    ("2", "key_partly"),
    ("3", "key_wrong"),
    ("u", "key_undo_grade"),
    ("j n", "key_next_answer"),
    ("k p", "key_previous_answer"),
    ("g", "key_ungraded"),
    ("s", "key_fold_section"),
    ("?", "key_help"),
)
"""The keys of the page, and the text that says what each does."""


class AnswerDesk:
    """The answers in the order in which they are read, and their grades."""

    def __init__(self, run: Run, section: Callable[[str], Section | None], lang: Lang | None = None) -> None:
        """Of a run that was evaluated.

        Args:
            section: the section of an id; None where nobody has its text any more.
            lang: of the page; None for the language that most answers are in.

        Raises:
            WorkspaceError: nothing was evaluated.
            DataError: answers or grades cannot be read.
        """
        self.run, self.section = run, section
        self._seen: Stamp | None = None
        self.refresh()
        most_chinese = 2 * sum(answer.lang == "zh" for answer in self.answers) > len(self.answers)
        self.lang: Lang = lang or ("zh" if most_chinese else "en")
        self.words = WORDS[self.lang]
        self._templates = templates(self.lang)

    def refresh(self) -> None:
        """Read the answers again where another evaluation wrote them, and the grades."""
        if not self.run.answers.is_file():
            raise WorkspaceError(f"The run “{self.run.name}” has no answers yet: start with `wukong-pipe eval`.")
        seen = stamp(self.run.answers)
        if seen != self._seen:
            self._seen, self.answers = seen, reading_order(answers_to_read(self.run.answers))
        if not self.answers:
            raise WorkspaceError(f"{self.run.answers} holds no answers: run `wukong-pipe eval` again.")
        self.grades = read_grades(self.run.grades)

    def numbered(self, number: int) -> AnswerToRead | None:
        """The answer of that number in the order, from 1."""
        return self.answers[number - 1] if 0 < number <= len(self.answers) else None

    def ungraded(self, after: int = 0) -> int | None:
        """The number of the next answer without a grade, from the beginning again behind the last one."""
        numbers = [number for number, answer in enumerate(self.answers, start=1) if answer.hash not in self.grades]
        return next((number for number in numbers if number > after), numbers[0] if numbers else None)

    @property
    def is_sample_graded(self) -> bool:
        return all(answer.hash in self.grades for answer in self.answers[:SAMPLE])

    @property
    def goal(self) -> int:
        """How many answers are to be graded: the sample, and once that is done all."""
        return len(self.answers) if self.is_sample_graded else min(SAMPLE, len(self.answers))

    @property
    def graded(self) -> int:
        """How many of those are."""
        return sum(answer.hash in self.grades for answer in self.answers[: self.goal])

    def record(self, answer: AnswerToRead, value: PersonGrade) -> None:
        """Write a grade down.

        Raises:
            WorkspaceError: the file cannot be written.
        """
        grade(self.run.grades, answer.question_id, answer.hash, value)
        self.refresh()

    def undo(self) -> int | None:
        """Take the newest grade of these answers back; the number of the answer.

        Raises:
            WorkspaceError: the file cannot be written.
        """
        numbers = {answer.hash: number for number, answer in enumerate(self.answers, start=1)}
        newest = next((name for name in reversed(self.grades) if name in numbers), None)
        if newest is None:
            return None
        take_back(self.run.grades, self.answers[numbers[newest] - 1].question_id, newest)
        self.refresh()
        return numbers[newest]

    # --- what is shown --------------------------------------------------------------------------------------------

    def say(self, key: str, **values: Any) -> str:
        """A text of the page."""
        return filled(self.words[key], **values)

    def show(self, template: str, message: str = "", **values: Any) -> HTMLResponse:
        """A template with its values, and with what all of the page's have."""
        shown = {"name": self.run.name, "graded": self.graded, "goal": self.goal, "message": message}
        shown["answers"] = len(self.answers)
        shown["key_list"] = [(keys.split(), word) for keys, word in KEYS]
        return HTMLResponse(self._templates.get_template(template).render(shown | values))

    def answer_values(self, number: int, answer: AnswerToRead) -> dict[str, Any]:
        """What the page shows of an answer: not whose it is, nor what score and judge say of it."""
        section = self.section(answer.section_id)
        return {
            "number": number,
            "of": len(self.answers),
            "answer": answer,
            "given": self.grades.get(answer.hash),
            "reference": marked_text(answer.reference, answer.facts),
            "blocks": section and document(section, Marks(facts=_places(answer.facts, section.text))),
        }

    def agreement(self) -> dict[str, Any]:
        """How far judge and score agree with the person, as the report shows it; by side once the sample is graded."""
        found = person_grades(self.answers, self.grades)
        block_of = person_block if self.is_sample_graded else blind_block
        block = found and block_of(found, REPORT_WORDS[self.lang])
        return {"block": block, "is_blind": not self.is_sample_graded}


def _places(facts: Facts, text: str) -> tuple[Span, ...]:
    """Where facts stand in a text."""
    return tuple(sorted({span for fact in facts for spelling in fact for span in places(spelling, text)}))


# --- the routes ---------------------------------------------------------------------------------------------------


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
