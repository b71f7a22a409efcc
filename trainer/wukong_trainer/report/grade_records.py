"""`metrics["grades"]` as frozen dataclasses: what the judge said of every answer by itself, and what that says of the
score.

{"judge": "qwen3-235b", "n": 40, "ungraded": 1, "disagreements": 6, "levels": {"wording": {
    "n": 30, "base": {"right": 0.1, "partly": 0.2, "wrong": 0.7}, "tuned": {…},
    "difference": 0.6, "ci95": [0.4, 0.8], "verdict": "better", "of_score": {"base": {"kappa": 0.8, …}, …}, …}}}
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


Share = tuple[int, int, float, float]
"""Found, of how many, and the ends of the interval of this share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreErrors:
    """How the primary score does on the answers of one side, by their grades."""

    kappa: float | None
    """Cohen's, of right or not; None where both say one and the same of all."""
    sensitivity: Share | None
    """Right answers that hit; None where there are none."""
    specificity: Share | None
    """Others that do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RightAnswers:
    """The difference of the shares of answers graded right, tuned minus base, and what it proves."""

    n: int
    sections: int
    difference: float
    ci95: tuple[float, float]
    verdict: VerdictName


@dataclass(frozen=True, slots=True, kw_only=True)
class OfScore(RightAnswers):
    """Those of the questions that the primary score is about: what its difference is without its errors."""

    base: ScoreErrors
    tuned: ScoreErrors


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRates(RightAnswers):
    """The grades of one level, of all its questions."""

    base: GradeShares
    tuned: GradeShares
    of_score: OfScore | None = None
    """None where no question of the level is scored by hits, and in files of an earlier version."""


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
