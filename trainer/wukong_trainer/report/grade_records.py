"""`metrics["grades"]` as frozen dataclasses: what the judge said of every answer by itself.

{"judge": "qwen3-235b", "n": 40, "ungraded": 1, "disagreements": 6, "levels": {"wording": {
    "n": 30, "base": {"right": 0.1, "partly": 0.2, "wrong": 0.7}, "tuned": {…},
    "difference": 0.6, "ci95": [0.4, 0.8], "verdict": "better", "agreement": {"base": {"kappa": 0.8, …}, …}, …}}}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VerdictName = Literal["better", "worse", "no evidence", "too few sections"]
"""Those of scoring/intervals.py, which imports SciPy: too slow for `--help`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeShares:
    """The share of each grade among the answers of one side."""

    right: float
    partly: float
    wrong: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreAgreement:
    """Judge and primary score on the answers of one side, right or not."""

    kappa: float | None
    """Cohen's; None where both say one and the same of all."""
    right_missed: int
    """Right answers that the score misses."""
    others_hit: int
    """Answers that the score hits and that are not right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideAgreement:
    """By side: a score that favours the style of one of them agrees less on the other's."""

    base: ScoreAgreement
    tuned: ScoreAgreement


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRates:
    """The grades of one level; the difference is of the shares of "right", tuned minus base."""

    n: int
    sections: int
    base: GradeShares
    tuned: GradeShares
    difference: float
    ci95: tuple[float, float]
    verdict: VerdictName
    agreement: SideAgreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Grades:
    """The grades of an evaluation."""

    judge: str
    """The model."""
    n: int
    """Questions of which both answers are graded."""
    ungraded: int
    disagreements: int
    """Questions with an answer that judge and score see differently."""
    levels: dict[str, GradeRates]
