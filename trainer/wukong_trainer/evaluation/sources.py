"""What an evaluation asks the side that built the run: sections, names, templates, inventions, and a judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from wukong_trainer.evaluation.records import Grade, TestRow


@dataclass(frozen=True, slots=True)
class Inventions:
    """What an answer states that its source does not hold.

    Inventions(nowhere=["9000 kg"], outside_section=["9000 kg", "1968"], stated=5)
    """

    nowhere: list[str]
    """Numbers and names that neither the whole source nor the question holds."""
    outside_section: list[str] | None
    """Those that the row's section, its headings and the question do not hold; None where the section is gone."""
    stated: int
    """How many numbers and names the answer states in all."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One answer that the judge grades; it cannot see which model gave it.

    Submission("zh", "谁打造了它？", "铁匠", "……它由一名铁匠打造。", answer="一名铁匠打造了它。")
    """

    lang: str
    question: str
    reference: str
    source: str
    """The section's text; empty where nobody has it any more."""
    answer: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers that the judge compares.

    Comparison("zh", "谁打造了它？", "铁匠", "……它由一名铁匠打造。", a="铁匠", b="不知道")
    """

    lang: str
    question: str
    reference: str
    source: str
    """The section's text; empty where nobody has it any more."""
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class JudgeReply:
    """{"better": "A", "reason": "A names the smith."}"""

    better: Literal["A", "B", "tie"]
    reason: str


class Sources(Protocol):
    """The build's knowledge of the rows of a run."""

    def form(self, question: str) -> str:
        """The template that a question was made with; "" where it was written freely."""

    def names(self) -> frozenset[str]:
        """Terms that tell two questions of the corpus apart."""

    def section(self, row: TestRow) -> str | None:
        """Headings and text of the section that a row is about; None where nobody has it any more."""

    def inventions(self, answer: str, row: TestRow) -> Inventions | None:
        """What an answer to a row states that its source does not hold; None where nobody has the source any more."""

    def judge_model(self) -> str:
        """The id of the model that judges; "" where no judge is wanted."""

    def grades(self, submissions: Sequence[Submission]) -> list[Grade] | None:
        """The judge's grade of each answer, "ungraded" where a call failed; None for all where no judge is wanted.

        Raises:
            StoppedShort: the judge's budget is reached, or it cannot be asked.
        """

    def judge_replies(self, comparisons: Sequence[Comparison]) -> list[JudgeReply | None] | None:
        """The judge's reply to each comparison, None where a call failed; None for all where no judge is wanted.

        Raises:
            StoppedShort: the judge's budget is reached, or it cannot be asked.
        """


class NoSources:
    """The `Sources` of rows that no build made: it knows nothing, and there is no judge."""

    def form(self, question: str) -> str:  # noqa: ARG002
        return ""

    def names(self) -> frozenset[str]:
        return frozenset()

    def section(self, row: TestRow) -> str | None:  # noqa: ARG002
        return None

    def inventions(self, answer: str, row: TestRow) -> Inventions | None:  # noqa: ARG002
        return None

    def judge_model(self) -> str:
        return ""

    def grades(self, submissions: Sequence[Submission]) -> list[Grade] | None:  # noqa: ARG002
        return None

    def judge_replies(self, comparisons: Sequence[Comparison]) -> list[JudgeReply | None] | None:  # noqa: ARG002
        return None
