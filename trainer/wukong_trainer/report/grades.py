"""The judge's grades on the page: a table of them, and where judge and score disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wukong_trainer.evaluation.records import SIDES
from wukong_trainer.report.blocks import Block
from wukong_trainer.report.grade_records import GradeRates, Grades, GradeShares, SideAgreement
from wukong_trainer.report.tables import NOTHING, Table
from wukong_trainer.report.words import Words, filled, percent
from wukong_trainer.scoring.figures import interval, points
from wukong_trainer.scoring.scores import PRIMARY

_COLUMNS = ("base", "tuned", "difference", "interval", "verdict", "kappa", "right_missed", "others_hit")


def disagrees(row: Mapping[str, Any]) -> bool:
    """Whether judge and primary score see one of the answers in a row of answers.jsonl differently, right or not."""
    return any(_is_doubtful(row[side]) for side in SIDES)


def _is_doubtful(answer: Mapping[str, Any]) -> bool:
    value, hit = answer["grade"]["value"] if "grade" in answer else "ungraded", answer.get(PRIMARY)
    return value != "ungraded" and hit is not None and (value == "right") != (hit >= 1)


def grades_block(grades: Grades, words: Words) -> Block:
    """A line a level: shares of right, partly right and wrong answers, and how far the score agrees."""
    sentences = [words["grades_about"].format(judge=grades.judge)]
    if grades.disagreements:
        sentences.append(filled(words["grades_disagree"], n=grades.disagreements))
    if grades.ungraded:
        sentences.append(filled(words["grades_ungraded"], n=grades.ungraded))
    lines = [
        (words["of_n"].format(what=words[level], n=rates.n), [*_rates(rates, words), *_agreement(rates.agreement)])
        for level, rates in grades.levels.items()
    ]
    return Block("grades", sentences, Table([words[column] for column in _COLUMNS], lines))


def _rates(rates: GradeRates, words: Words) -> list[str]:
    shares = [_shares(side, words) for side in (rates.base, rates.tuned)]
    return [*shares, points(rates.difference), interval(rates.ci95), words[f"verdict_{rates.verdict}"]]


def _shares(side: GradeShares, words: Words) -> str:
    return " / ".join(percent(share, words) for share in (side.right, side.partly, side.wrong))


def _agreement(agreement: SideAgreement) -> list[str]:
    """Kappa, right answers missed, others hit: of the base and of the tuned answers."""
    base, tuned = agreement.base, agreement.tuned
    pairs = (
        (_kappa(base.kappa), _kappa(tuned.kappa)),
        (base.right_missed, tuned.right_missed),
        (base.others_hit, tuned.others_hit),
    )
    return [f"{one} / {other}" for one, other in pairs]


def _kappa(kappa: float | None) -> str:
    return NOTHING if kappa is None else f"{kappa:.2f}".replace("-", "−")
