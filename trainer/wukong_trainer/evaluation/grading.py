"""A language model as the grader of each answer: right, partly right or wrong, against reference and source.

It grades one answer a call. Beside another answer a grade would hang on that one, and on which of the two stands first.
Alone, nothing in the call tells which model answered, and equal answers are one call and get one grade. That costs two
calls a question where both answers in one call would cost one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.records import SIDES, AnsweredRow, Grade, Side
from wukong_trainer.evaluation.sources import Sources, Submission
from wukong_trainer.scoring.agreement import cohens_kappa
from wukong_trainer.scoring.corrected_difference import GradedHits, corrected
from wukong_trainer.scoring.intervals import estimate
from wukong_trainer.scoring.scores import PRIMARY

GRADES = ("right", "partly", "wrong")
GRADE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "grade": {"type": "string", "enum": list(GRADES)}},
    "required": ["reason", "grade"],
    "additionalProperties": False,
}
"""What the judge replies to one `Submission`. The reason comes first: the grade then follows from it."""


def submissions(rows: Sequence[AnsweredRow], sources: Sources) -> list[Submission]:
    """Two a row: the base's answer, then the tuned model's."""
    found = []
    for row in rows:
        about = (row.test.lang, row.test.question, row.test.reference, sources.section(row.test) or "")
        found += [Submission(*about, said(row.by(side).text)) for side in SIDES]
    return found


def graded(rows: Sequence[AnsweredRow], grades: Sequence[Grade]) -> list[AnsweredRow]:
    """The rows with a grade on each side.

    Args:
        grades: of the `submissions` of the rows.
    """
    return [
        replace(row, base=replace(row.base, grade=base), tuned=replace(row.tuned, grade=tuned))
        for row, base, tuned in zip(rows, grades[::2], grades[1::2], strict=True)
    ]


def grade_rates(rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """`metrics["grades"]` of graded rows, without the judge's name.

    Returns:
        n; ungraded (rows of which a call of the two failed, and which are in no share); disagreements (rows with an
        answer that is right for one of judge and primary score alone); `levels`: of each level what `_block` says.
        There is no sum of all levels: it would mix what was trained with the control.
    """
    found = [row for row in rows if all(_is_graded(row, side) for side in SIDES)]
    doubtful = [row for row in rows if any(_is_graded(row, side) and _disagrees(row, side) for side in SIDES)]
    levels = dict.fromkeys(row.test.level for row in found)
    return {
        "n": len(found),
        "ungraded": len(rows) - len(found),
        "disagreements": len(doubtful),
        "levels": {level: _block([row for row in found if row.test.level == level]) for level in levels},
    }


def graded_metrics(rows: Sequence[AnsweredRow], metrics: Mapping[str, Any], judge: str) -> dict[str, Any]:
    """What the grades bring to metrics.json: themselves, and the primary difference less the errors of the score.

    A difference that these errors may explain is no evidence, whatever the score alone says.

    Args:
        metrics: of the rows before they were graded.

    Returns:
        "grades"; and, where answers to primary questions were graded, "corrected" (see there), "primary" and "levels".
    """
    found: dict[str, Any] = {"grades": {"judge": judge} | grade_rates(rows)}
    primary = [row for row in rows if row.is_primary and row.test.level == "wording"]
    if not any(_is_graded(row, side) for row in primary for side in SIDES):
        return found
    base, tuned = (
        GradedHits(
            [_is_hit(row, side) for row in primary],
            [_grade(row, side).value if _is_graded(row, side) else None for row in primary],
        )
        for side in SIDES
    )
    correction = corrected(base, tuned, [row.test.cluster for row in primary])
    found["corrected"] = correction
    if metrics["primary"]["verdict"] in ("better", "worse") and not correction["excludes_zero"]:
        no_evidence = {"verdict": "no evidence"}
        levels = metrics["levels"]
        found["primary"] = metrics["primary"] | no_evidence
        found["levels"] = levels | {"wording": levels["wording"] | no_evidence}
    return found


def _block(rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """Shares of the grades on both sides, the difference of "right" and what it proves, agreement with the score."""
    right = {side: [float(_grade(row, side).is_right) for row in rows] for side in SIDES}
    differences = [tuned - base for base, tuned in zip(right["base"], right["tuned"], strict=True)]
    change = estimate(differences, [row.test.cluster for row in rows])
    return {
        "n": len(rows),
        "sections": change.sections,
        **{side: _shares(rows, side) for side in SIDES},
        "difference": change.difference,
        "ci95": [change.low, change.high],
        "verdict": change.verdict,
        "agreement": {side: _agreement(rows, side) for side in SIDES},
    }


def _shares(rows: Sequence[AnsweredRow], side: Side) -> dict[str, float]:
    return {grade: fmean(_grade(row, side).value == grade for row in rows) for grade in GRADES}


def _agreement(rows: Sequence[AnsweredRow], side: Side) -> dict[str, Any]:
    """With the primary score where it is one, of one side alone: a score that favours one model's style agrees less on
    the other's."""
    scored = [row for row in rows if _is_scored(row, side)]
    right, hits = [_grade(row, side).is_right for row in scored], [_is_hit(row, side) for row in scored]
    return {
        "kappa": cohens_kappa(right, hits),
        "right_missed": sum(is_right and not is_hit for is_right, is_hit in zip(right, hits, strict=True)),
        "others_hit": sum(is_hit and not is_right for is_right, is_hit in zip(right, hits, strict=True)),
    }


def _grade(row: AnsweredRow, side: Side) -> Grade:
    return row.by(side).grade or Grade("ungraded")


def _is_graded(row: AnsweredRow, side: Side) -> bool:
    return _grade(row, side).value != "ungraded"


def _is_scored(row: AnsweredRow, side: Side) -> bool:
    """Whether the question has facts to look for."""
    return row.by(side).scores[PRIMARY] is not None


def _is_hit(row: AnsweredRow, side: Side) -> bool:
    return row.by(side).hit >= 1


def _disagrees(row: AnsweredRow, side: Side) -> bool:
    return _is_scored(row, side) and _grade(row, side).is_right != _is_hit(row, side)
