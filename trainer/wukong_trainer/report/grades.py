"""The judge's grades on the page: a table of them, and where judge and score disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wukong_trainer.evaluation.grading import HIT_OR_MISS
from wukong_trainer.evaluation.records import SIDES, Side
from wukong_trainer.report.blocks import Block
from wukong_trainer.report.grade_records import GradeRates, Grades, GradeShares, OfScore, Share
from wukong_trainer.report.metrics_records import Metrics
from wukong_trainer.report.tables import NOTHING, Table
from wukong_trainer.report.words import Words, filled, percent
from wukong_trainer.scoring.figures import interval, points
from wukong_trainer.scoring.score_names import PRIMARY

Row = Mapping[str, Any]
"""A row of answers.jsonl."""
_COLUMNS = ("base", "tuned", "difference", "interval", "verdict", "kappa", "right_missed", "others_hit")


def disagrees(row: Row) -> bool:
    """Whether judge and score see one of the answers in a row of answers.jsonl differently, right or not."""
    return differs(row, {side: row[side]["grade"]["value"] if "grade" in row[side] else None for side in SIDES})


def differs(row: Row, grades: Mapping[Side, str | None]) -> bool:
    """Whether the score sees one of the answers in a row of answers.jsonl unlike these grades, by side."""
    is_scored = row.get("scored_as", "facts") in HIT_OR_MISS
    return is_scored and any(_differs(grades[side], row[side].get(PRIMARY)) for side in SIDES)


def _differs(grade: str | None, score: float | None) -> bool:
    return grade not in (None, "ungraded") and score is not None and (grade == "right") != (score >= 1)


def denial(metrics: Metrics, words: Words) -> str:
    """Why the score's verdict does not stand: what the grades say of the same answers; "" where it stands."""
    level = metrics.grades.levels.get(metrics.primary.level) if metrics.grades else None
    if not (metrics.primary.by_score and level and level.of_score):
        return ""
    proven = level.of_score
    return words["grades_deny"].format(
        by_score=words[f"verdict_{metrics.primary.by_score}"],
        difference=points(proven.difference),
        interval=interval(proven.ci95),
        verdict=words[f"verdict_{proven.verdict}"],
    )


def grades_block(grades: Grades, words: Words) -> Block:
    """A line a level: shares of right, partly right and wrong answers, and how far the score agrees."""
    sentences = [words["grades_about"].format(judge=grades.judge)]
    if grades.disagreements:
        sentences.append(filled(words["grades_disagree"], n=grades.disagreements))
    if grades.ungraded:
        sentences.append(filled(words["grades_ungraded"], n=grades.ungraded))
    lines = [
        (words["of_n"].format(what=words[level], n=rates.n), [*_rates(rates, words), *_errors(rates.of_score, words)])
        for level, rates in grades.levels.items()
    ]
    return Block("grades", sentences, Table([words[column] for column in _COLUMNS], lines))


def _rates(rates: GradeRates, words: Words) -> list[str]:
    shares = [_shares(side, words) for side in (rates.base, rates.tuned)]
    return [*shares, points(rates.difference), interval(rates.ci95), words[f"verdict_{rates.verdict}"]]


def _shares(side: GradeShares, words: Words) -> str:
    return " / ".join(percent(share, words) for share in (side.right, side.partly, side.wrong))


def _errors(of_score: OfScore | None, words: Words) -> list[str]:
    """Kappa, right answers missed, others hit, each of how many: of the base and of the tuned answers."""
    if of_score is None:
        return [NOTHING] * 3
    sides = (of_score.base, of_score.tuned)
    return [
        " / ".join(NOTHING if side.kappa is None else f"{side.kappa:.2f}".replace("-", "−") for side in sides),
        " / ".join(_missed(side.sensitivity, words) for side in sides),
        " / ".join(_missed(side.specificity, words) for side in sides),
    ]


def _missed(rate: Share | None, words: Words) -> str:
    """What was not found: "2 of 16"."""
    return NOTHING if rate is None else words["missed"].format(n=rate[1] - rate[0], of=rate[1])
