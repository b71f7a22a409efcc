"""What a reviewer decides on, as the build left it: a pair with its wordings, and a reject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wukong_pipe.edits.rescue import rescuable
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, Row
from wukong_pipe.stages.heldout_wordings import STAGE as HELD_OUT


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One row of a pair: its own question, or another wording of it.

    ReviewRow("9b1c…", "出云棍怎样获得？", "由石敢当掉落。", split="train", level="")
    """

    id: str
    question: str
    answer: str
    split: str
    level: str


@dataclass(frozen=True, slots=True)
class ReviewPair:
    """A question, its answer and all its rows, as the dataset has them."""

    id: str
    number: int
    """Its place in the documents, from 1."""
    rows: tuple[ReviewRow, ...]
    """The pair's own question first."""
    own: Row = field(repr=False)
    """The whole record of the first of them."""
    splits: tuple[str, ...]
    level: str
    """Of its test rows; "" where it has none."""
    rescued: str = ""
    """The id of the reject that a person let in as this pair; "" where it was none."""

    @property
    def section_id(self) -> str:
        return self.own.section_id

    @property
    def kind(self) -> str:
        return self.own.kind

    @property
    def question(self) -> str:
        return self.own.instruction

    @property
    def answer(self) -> str:
        return self.own.output

    @property
    def facts(self) -> Facts:
        return self.own.facts

    @property
    def evidence(self) -> tuple[str, ...]:
        return self.own.evidence

    @property
    def lines(self) -> tuple[int, int]:
        return self.own.lines

    @property
    def source(self) -> str:
        return self.own.source

    @property
    def title(self) -> tuple[str, ...]:
        """The heading path."""
        return self.own.heading_path

    @property
    def lang(self) -> str:
        return self.own.lang

    @property
    def verified(self) -> str:
        return self.own.verified


@dataclass(frozen=True, slots=True)
class ReviewReject:
    """A line of rejected.jsonl.

    ReviewReject("5c1e…", "3f2a…", "paraphrase", Reason("number-gone", …), "…？", "…", "", "…？", "", "", "{…}", …)
    """

    id: str
    section_id: str
    stage: str
    reason: Reason
    question: str
    answer: str
    pair_id: str
    """The pair that it is a row of; "" where it is none."""
    base: str
    """The question of the pair that it words in another way; "" where it does not."""
    fact: str
    spelling: str
    """Another spelling of that fact; both "" where it is none."""
    reply: str
    """What the teacher sent, whole."""
    item: Mapping[str, Any]
    """The candidate as a reply held it; nothing where none could be read."""
    not_rescuable: Reason | None
    """Why it cannot be rescued; None where it can."""

    @staticmethod
    def of(line: Mapping[str, Any]) -> ReviewReject:
        """The reject on a line; a candidate may be an item of a reply in any form, or a row of the dataset."""
        candidate = line["candidate"] if isinstance(line["candidate"], dict) else {}
        question, answer = (
            next((str(candidate[key]) for key in keys if candidate.get(key)), "")
            for keys in (("instruction", "question"), ("output", "answer"))
        )
        return ReviewReject(
            id=line["id"],
            section_id=line["section_id"],
            stage=line["stage"],
            reason=Reason.from_json(line),
            question=question,
            answer=answer,
            pair_id=str(candidate.get("pair_id", "")),
            base=str(candidate.get("base", "")),
            fact=str(candidate.get("fact", "")),
            spelling=str(candidate.get("spelling", "")),
            reply=str(line["reply"]),
            item=candidate,
            not_rescuable=rescuable(line),
        )

    @property
    def is_tested(self) -> bool:
        """Whether it was written as a test question."""
        return self.stage == HELD_OUT
