"""The answers of an evaluation as a person reads them: blind, one at a time, in an order of which any beginning is a
sample.

One at a time, as the judge grades them: beside another answer a grade would hang on that one, half right looks right
beside nonsense, and who sees both sees at once which of them was tuned. An answer that both models gave is read once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from wukong_pipe.errors import DataError
from wukong_pipe.files import read_numbered
from wukong_pipe.language.fact_matching import Facts
from wukong_pipe.language.hashing import digest
from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.person_grades import answer_hash
from wukong_trainer.evaluation.records import SIDES, Side
from wukong_trainer.scoring.score_names import PRIMARY

BLOCK = 20
"""Questions of which one answer each is read, then the others: so many lie between the two answers of one question. If
all questions were one block, who stops early would have graded both answers of none."""
SAMPLE = 120
"""Answers that are enough for a first figure: a kappa of 0.9 then has an interval some 0.15 wide."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AnswerToRead:
    """An answer, and what is known of it; the reader is shown neither sides nor scores.

    AnswerToRead(hash="9f86d081884c7d65", question_id="cb1a0dc6ae74539c", level="wording", text="铁匠打造了它。",
                 sides=("tuned",), hit=True, judged="right", …)
    """

    hash: str
    """What its grade names it by."""
    question_id: str
    pair_id: str
    section_id: str
    level: str
    cluster: str
    """See `TestRow.cluster`."""
    lang: str
    place: tuple[str, ...]
    """The source, and the headings above the section."""
    question: str
    reference: str
    facts: Facts
    text: str
    """Without what was thought before it, as the scores read it."""
    sides: tuple[Side, ...]
    """Whose answer it is: of both where they are the same."""
    hit: bool | None
    """By the primary score; None where that is not about the question."""
    judged: str
    """The judge's grade; "" where there is none."""


def answers_to_read(path: Path) -> list[AnswerToRead]:
    """The answers in a file like eval/answers.jsonl, in its order.

    Raises:
        DataError: the file cannot be read, or a row was written by hand or by a version that is not known.
    """
    found = []
    for number, row in read_numbered(path):
        try:
            found += _of_row(row)
        except (AttributeError, KeyError, TypeError) as error:
            raise DataError(
                f"{path}, line {number} is no answered question ({error!r}): restore the file, or run "
                "`wukong-pipe eval` again."
            ) from error
    return found


def answers_of(rows: Iterable[Mapping[str, Any]]) -> list[AnswerToRead]:
    """The answers of rows of answers.jsonl; see `answers_to_read`."""
    return [answer for row in rows for answer in _of_row(row)]


def _of_row(row: Mapping[str, Any]) -> list[AnswerToRead]:
    sides: dict[str, tuple[Side, ...]] = {}
    for side in SIDES:
        text = said(row[side]["answer"])
        sides[text] = (*sides.get(text, ()), side)
    return [_answer(row, text, of) for text, of in sides.items()]


def _answer(row: Mapping[str, Any], text: str, sides: tuple[Side, ...]) -> AnswerToRead:
    scored = row[sides[0]]
    score = scored.get(PRIMARY) if row.get("scored_as", "facts") == "facts" else None
    judged = scored.get("grade", {}).get("value", "ungraded")
    return AnswerToRead(
        hash=answer_hash(row["instruction"], row["reference"], text),
        question_id=str(row["id"]),
        pair_id=str(row.get("pair_id", row["id"])),
        section_id=str(row.get("section_id", "")),
        level=str(row["level"]),
        cluster=str(row.get("cluster", row["id"])),
        lang=str(row.get("lang", "")),
        place=(str(row.get("source", "")), *map(str, row.get("heading_path") or ())),
        question=row["instruction"],
        reference=row["reference"],
        facts=tuple(tuple(fact) for fact in row.get("facts") or () if fact),
        text=text,
        sides=sides,
        hit=None if score is None else score >= 1,
        judged="" if judged == "ungraded" else judged,
    )


# --- the order --------------------------------------------------------------------------------------------------


def reading_order(answers: Iterable[AnswerToRead]) -> list[AnswerToRead]:
    """The answers in the order in which they are read; it follows from their texts alone, so that it is the same for
    whoever reads them, and says nothing of the side.

    Any beginning is a sample: one question of each level in turn, of a level one question of each pair in turn. The
    two answers of a question never follow one another, unless there is no other question.
    """
    questions: dict[str, list[AnswerToRead]] = {}
    for answer in answers:
        questions.setdefault(digest(answer.question_id, answer.question, answer.reference), []).append(answer)
    by_chance = [questions[name] for name in sorted(questions)]
    by_pair = _in_rounds(by_chance, lambda question: question[0].pair_id)
    sample = _in_rounds(by_pair, lambda question: question[0].level)
    blocks = max(1, len(sample) // BLOCK)
    ends = [len(sample) * i // blocks for i in range(blocks + 1)]
    return [answer for start, end in pairwise(ends) for answer in _first_then_other(sample[start:end])]


def _in_rounds(items: Iterable[_T], group: Callable[[_T], Hashable]) -> list[_T]:
    """One item of each group, then the second of each, and so on; else in their order."""
    seen = Counter[Hashable]()
    ranked: list[tuple[int, _T]] = []
    for item in items:
        ranked.append((seen[group(item)], item))
        seen[group(item)] += 1
    return [item for _, item in sorted(ranked, key=lambda pair: pair[0])]


def _first_then_other(questions: Sequence[list[AnswerToRead]]) -> list[AnswerToRead]:
    """One answer of each question, then the other of each that has another; questions with one answer lie between."""
    ordered = sorted(questions, key=lambda answers: -len(answers))
    shuffled = [sorted(answers, key=lambda answer: answer.hash) for answers in ordered]
    most = max(map(len, shuffled), default=0)
    return [answers[i] for i in range(most) for answers in shuffled if i < len(answers)]
