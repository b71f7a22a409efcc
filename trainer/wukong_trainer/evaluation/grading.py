"""A language model as the grader of each answer: right, partly right or wrong, against reference and source.

It grades one answer a call. Beside another answer a grade would hang on that one, and on which of the two stands first.
Alone, nothing in the call tells which model answered, and equal answers are one call and get one grade. That costs two
calls a question where both answers in one call would cost one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.records import SIDES, AnsweredRow, Grade, Side
from wukong_trainer.evaluation.sources import Sources, Submission
from wukong_trainer.scoring.agreement import cohens_kappa
from wukong_trainer.scoring.intervals import estimate, wilson

GRADES = ("right", "partly", "wrong")
GRADE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "grade": {"type": "string", "enum": list(GRADES)}},
    "required": ["reason", "grade"],
    "additionalProperties": False,
}
"""What the judge replies to one `Submission`. The reason comes first: the grade then follows from it."""
BORNE_OUT = ("wording", "question")
"""The levels whose verdict the grades must bear out; the first is the primary one."""
HIT_OR_MISS = ("facts", "polar")
"""The groups of questions that are scored by hits; an explanation is scored by its mean fact_recall."""


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


def known_grades(rows: Sequence[AnsweredRow], earlier: Iterable[Mapping[str, Any]]) -> list[Grade] | None:
    """The grades that an earlier evaluation gave to the very same answers to the same questions, with the same
    references; None where one is missing.

    Some grades would not do: which answers stayed the same is no accident.

    Args:
        earlier: the rows of its answers.jsonl.
    """
    known = {
        (row["id"], row["instruction"], row["reference"], side, row[side]["answer"]): Grade(**row[side]["grade"])
        for row in earlier
        for side in SIDES
        if row[side].get("grade", {}).get("value", "ungraded") != "ungraded"
    }
    found = [
        known.get((row.test.id, row.test.question, row.test.reference, side, row.by(side).text))
        for row in rows
        for side in SIDES
    ]
    return None if None in found else [grade for grade in found if grade]


def grade_rates(rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """`metrics["grades"]` of graded rows, without the judge's name.

    Returns:
        n; ungraded (rows of which a call of the two failed, and which are in no share); disagreements (rows with an
        answer that is right for one of judge and score alone); `levels`: of each level what `_block` says.
        There is no sum of all levels: it would mix what was trained with the control.
    """
    found = [row for row in rows if all(_is_graded(row, side) for side in SIDES)]
    levels = dict.fromkeys(row.test.level for row in found)
    return {
        "n": len(found),
        "ungraded": len(rows) - len(found),
        "disagreements": sum(any(_disagrees(row, side) for side in SIDES) for row in rows),
        "levels": {level: _block([row for row in found if row.test.level == level]) for level in levels},
    }


def graded_metrics(rows: Sequence[AnsweredRow], metrics: Mapping[str, Any], judge: str) -> dict[str, Any]:
    """What the grades bring to metrics.json: themselves, and the verdicts that they do not bear out.

    With the sensitivity and specificity of the score on each side taken from grades of all answers, the difference
    corrected for them (Rogan and Gladen 1978, doi:10.1093/oxfordjournals.aje.a112510) is the difference of the answers
    graded right. A verdict of the score stands only where this difference proves the same; else it is no evidence, and
    `by_score` keeps what the score alone says. The control is left as it is: a rise there is a warning.

    Args:
        metrics: of the rows before they were graded.

    Returns:
        "grades"; and, where a verdict falls, "primary" and "levels".
    """
    grades = grade_rates(rows)
    levels = dict(metrics["levels"])
    for level in BORNE_OUT:
        proven = (grades["levels"].get(level) or {}).get("of_score")
        said_of_it = levels.get(level, {}).get("verdict")
        if proven and said_of_it in ("better", "worse") and proven["verdict"] != said_of_it:
            levels[level] = levels[level] | {"verdict": "no evidence", "by_score": said_of_it}
    found: dict[str, Any] = {"grades": {"judge": judge} | grades}
    if levels != metrics["levels"]:
        found["levels"] = levels
        fallen = {key: value for key, value in levels[BORNE_OUT[0]].items() if key in ("verdict", "by_score")}
        found["primary"] = metrics["primary"] | fallen
    return found


def _block(rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """Shares of the grades on both sides and the difference of "right"; `of_score`, the questions that the primary
    score is about: the same difference, and how often the score is wrong."""
    of_score = [row for row in rows if row.is_primary]
    return {
        **{side: _shares(rows, side) for side in SIDES},
        **_difference(rows),
        "of_score": _difference(of_score) | {side: _errors(of_score, side) for side in SIDES} if of_score else None,
    }


def _difference(rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """Tuned minus base in the share of answers graded right, and what it proves."""
    right = {side: [float(_grade(row, side).is_right) for row in rows] for side in SIDES}
    differences = [tuned - base for base, tuned in zip(right["base"], right["tuned"], strict=True)]
    found = estimate(differences, [row.test.cluster for row in rows])
    return {
        "n": len(rows),
        "sections": found.sections,
        "difference": found.difference,
        "ci95": [found.low, found.high],
        "verdict": found.verdict,
    }


def _errors(rows: Sequence[AnsweredRow], side: Side) -> dict[str, Any]:
    """How often the score is right about the answers of one side: one that favours a model's style errs more on the
    other's. Each share is [found, of, low, high] with Wilson's interval; None where there is nothing to find."""
    right, hits = [_grade(row, side).is_right for row in rows], [_is_hit(row, side) for row in rows]
    return {
        "kappa": cohens_kappa(right, hits),
        "sensitivity": _rate([is_hit for is_right, is_hit in zip(right, hits, strict=True) if is_right]),
        "specificity": _rate([not is_hit for is_right, is_hit in zip(right, hits, strict=True) if not is_right]),
    }


def _rate(found: Sequence[bool]) -> list[float] | None:
    return [sum(found), len(found), *wilson(sum(found), len(found))] if found else None


def _shares(rows: Sequence[AnsweredRow], side: Side) -> dict[str, float]:
    return {grade: fmean(_grade(row, side).value == grade for row in rows) for grade in GRADES}


def _grade(row: AnsweredRow, side: Side) -> Grade:
    return row.by(side).grade or Grade("ungraded")


def _is_graded(row: AnsweredRow, side: Side) -> bool:
    return _grade(row, side).value != "ungraded"


def _is_hit(row: AnsweredRow, side: Side) -> bool:
    return row.by(side).hit >= 1


def _disagrees(row: AnsweredRow, side: Side) -> bool:
    """Whether judge and score see an answer differently that the score calls right or wrong."""
    if not _is_graded(row, side) or row.test.wanted.group not in HIT_OR_MISS:
        return False
    return _grade(row, side).is_right != _is_hit(row, side)
