"""What `review --answers` works on: an evaluation's answers in their order, their grades, and what is shown of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import HTMLResponse

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.language.page_words import filled
from wukong_pipe.reasons import Lang
from wukong_pipe.records import Section
from wukong_pipe.review.file_stamp import Stamp, stamp
from wukong_pipe.review_page.document import Marks, document, fact_places, marked_text
from wukong_pipe.review_page.serving import templates
from wukong_pipe.review_page.words import WORDS
from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.answers_to_read import SAMPLE, AnswerToRead, answers_to_read, reading_order
from wukong_trainer.evaluation.person_agreement import person_grades
from wukong_trainer.evaluation.person_grades import PersonGrade, grade, read_grades, take_back
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
            "blocks": section and document(section, Marks(facts=fact_places(answer.facts, section.text))),
        }

    def agreement(self) -> dict[str, Any]:
        """How far judge and score agree with the person, as the report shows it; by side once the sample is graded."""
        found = person_grades(self.answers, self.grades)
        block_of = person_block if self.is_sample_graded else blind_block
        block = found and block_of(found, REPORT_WORDS[self.lang])
        return {"block": block, "is_blind": not self.is_sample_graded}
