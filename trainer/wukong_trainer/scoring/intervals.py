"""What differences between two models prove: an interval that takes a section's questions as alike, and exact tests.

The interval is for few sections of unequal size and for hit rates near 0 and 1, where the usual ones cover too little;
`benchmarks/intervals.md` compares them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit
from scipy.stats import binomtest, nct

Verdict = Literal["better", "worse", "no evidence", "too few sections"]

POWER = 0.8
"""How often a test should find what is there."""
MIN_SECTIONS = 8
"""Below this many sections no interval is worth a verdict."""
METHOD = (
    "score interval at the effective sample size; CR2 variance by section, t with Imbens-Kolesár degrees of freedom"
)
_ALIKE = 0.3
"""The correlation within a section that is assumed where the answers do not show it: all right, or all as before."""


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """The mean of paired differences, tuned minus base, and how sure it is.

    MeanDifference(0.42, low=0.31, high=0.52, p=0.0001, freedom=24.3, sections=30)
    """

    difference: float
    low: float
    """Lower end of the 95 % interval; -inf where fewer than two sections leave an unbounded score open."""
    high: float
    p: float
    """Two-sided p of no difference, of the test that the interval inverts."""
    freedom: float
    """Degrees of freedom of the t distribution; 0 with fewer than two sections."""
    sections: int

    effective_n: float = 0.0
    """As many independent questions would find as much, at most as many as there are; 0 for a score without bounds."""
    noise: float = 0.0
    """The share of questions that would be won, and as many lost, if there were no true difference."""

    @property
    def ends(self) -> list[float] | None:
        """The interval; None where it has no bounds, which JSON cannot hold."""
        return [self.low, self.high] if math.isfinite(self.low) else None

    @property
    def smallest_effect(self) -> float | None:
        """About the smallest true difference that a test like this finds in 80 of 100, at the 5 % level.

        The power is that of the score test at the effective sample size, which grows more certain of "no difference"
        than it can be of a gain: the noncentral t, its variance that of the gain. Where sections are few and uneven
        it is found in as few as 50 of 100 (`benchmarks/intervals.md` simulates it). None under MIN_SECTIONS sections,
        which get no verdict, and where not even a difference of 1 is found so often.
        """
        if self.sections < MIN_SECTIONS:
            return None
        quantile = float(stdtrit(self.freedom, 0.975))
        if not self.effective_n:
            return (quantile + float(stdtrit(self.freedom, 0.8))) * (self.high - self.low) / (2 * quantile)
        low, high = 0.0, 1.0
        if self._power(high, quantile) < POWER:
            return None
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (low, middle) if self._power(middle, quantile) >= POWER else (middle, high)
        return high

    def _power(self, difference: float, quantile: float) -> float:
        """How often a true `difference` is told from none."""
        # Where nearly all are won, few are left to go either way.
        assumed = 2 * min(self.noise, (1 - difference) / 2) + difference
        spread = max(assumed - difference**2, 1e-3)
        missed = float(
            nct.cdf(
                quantile * math.sqrt(assumed / spread), self.freedom, difference * math.sqrt(self.effective_n / spread)
            )
        )
        return 1 - missed if math.isfinite(missed) else 1.0  # SciPy gives NaN where next to nothing is missed.

    @property
    def verdict(self) -> Verdict:
        """ "better" or "worse" only when the interval excludes zero, and neither under MIN_SECTIONS sections."""
        if self.sections < MIN_SECTIONS:
            return "too few sections"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no evidence"


def estimate(differences: Sequence[float], sections: Sequence[str], *, bounded: bool = True) -> MeanDifference:
    """Mean difference with a 95 % confidence interval that takes the questions of a section as alike.

    The variance is cluster-robust (Miller 2024, "Adding Error Bars to Evals") with the corrections for few clusters of
    Imbens and Kolesár (2016, doi:10.1162/REST_a_00552): residuals stretched as in CR2 (Bell and McCaffrey 2002), and a
    t quantile whose degrees of freedom are G - 1 for G sections of equal size and fewer for unequal ones.

    Differences of scores between 0 and 1 get a score interval: Tango's (1998, Statistics in Medicine 17:891) for the
    difference of paired rates, with the counts scaled to the effective sample size, as surveys do (Kott and Carr 1997;
    Dean and Pagano 2015, doi:10.1093/jssam/smv024). It takes the variance at the difference under test, so it
    does not shrink to nothing where nearly all answers agree. Other scores get the plain t interval.

    Args:
        differences: one a question, tuned minus base.
        sections: the section of each.
        bounded: whether no difference can leave [-1, 1].

    Returns:
        With fewer than two sections, which tell nothing of the spread between sections, the interval is all that is
        possible: [-1, 1], or everything for a score without bounds.

    Raises:
        ValueError: the two sequences differ in length, or there are none.
    """
    if len(differences) != len(sections) or not sections:
        raise ValueError(f"{len(differences)} differences for {len(sections)} sections")
    values = np.asarray(differences, dtype=float)
    names, index = np.unique(np.asarray(sections, dtype=str), return_inverse=True)
    mean = float(values.mean())
    if len(names) < 2:
        most = 1.0 if bounded else math.inf
        return MeanDifference(mean, -most, most, 1.0, 0.0, len(names))
    sizes = np.bincount(index).astype(float)
    variance, freedom = _clustered_variance(values - mean, index, sizes)
    quantile = float(stdtrit(freedom, 0.975))
    counts = 0.0, 0.0
    if bounded:
        wins, losses, n = _effective_counts(values, index, sizes, variance)
        # Sections whose wins and losses happen to cancel out seem to say more than questions of their own would: such
        # luck is not to be counted on another time.
        least = min(1.0, len(values) / n)
        counts = n * least, _noise(wins * least, losses * least, n * least, quantile)
        statistic = _score_statistic(wins, losses, n)
        low, high = _crossing(statistic, mean, -1.0, quantile), _crossing(statistic, mean, 1.0, -quantile)
        t = statistic(0.0)
    else:
        error = math.sqrt(variance)
        low, high = mean - quantile * error, mean + quantile * error
        t = mean / error if error else math.copysign(math.inf, mean) if mean else 0.0
    return MeanDifference(mean, low, high, min(1.0, 2 * float(stdtr(freedom, -abs(t)))), freedom, len(names), *counts)


def _clustered_variance(residuals: np.ndarray, index: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """CR2 variance of a mean and its degrees of freedom; `residuals`, `index` [rows], `sizes` [sections].

    Equal residuals tell nothing of how alike a section's rows are: G - 1 degrees.
    """
    sums = np.bincount(index, weights=residuals)
    share = sizes / sizes.sum()
    # A section's residuals shrink because it pulled the mean towards itself; CR2 stretches them back.
    stretch = 1 / (1 - share)
    variance = float((stretch * sums**2).sum()) / float(sizes.sum()) ** 2
    # The random-effects model of Imbens and Kolesár: variance between the sections and within them.
    squares = float((residuals**2).sum())
    pairs = float((sizes * (sizes - 1)).sum())
    between = max(0.0, (float((sums**2).sum()) - squares) / pairs) if pairs else 0.0
    spread = max(0.0, squares / float(sizes.sum()) - between) * sizes + between * sizes**2
    if squares < 1e-18:
        return variance, len(sizes) - 1.0
    # (trace C)² / trace C² of the covariance C of the stretched sums, C being diagonal plus two outer products:
    # C_ij = √(stretch_i stretch_j) (spread_i [i = j] - share_i spread_j - spread_i share_j + total share_i share_j).
    total = float(spread.sum())
    outer = total * share**2 - 2 * share * spread
    hh, hv, vv = (float((stretch * a * b).sum()) for a, b in ((share, share), (share, spread), (spread, spread)))
    hh2, hv2, vv2 = hh * hh, hv * hv, hh * vv
    trace = float((stretch * (spread + outer)).sum())
    squared = float((stretch**2 * (spread**2 + 2 * spread * outer)).sum())
    squared += 2 * vv2 + 2 * hv2 + total**2 * hh2 - 4 * total * hh * hv
    return variance, trace**2 / squared


def _effective_counts(
    values: np.ndarray, index: np.ndarray, sizes: np.ndarray, variance: float
) -> tuple[float, float, float]:
    """Wins, losses and questions, scaled to as many independent questions as these are worth.

    Fractional differences count by their size: a gain of 0.3 is 0.3 of a win.
    """
    n, mean = float(len(values)), float(values.mean())
    wins, losses = float(values.clip(0, None).sum()), float((-values).clip(0, None).sum())
    # How the mean of one kind of answer varies if rows were independent, and how much more it does.
    independent = ((wins + losses) / n - mean**2) / n
    assumed = 1 + (float((sizes**2).sum()) / n - 1) * _ALIKE
    design = variance / independent if independent > 1e-12 else assumed
    # Where hardly a section departs from "all won" or "all as before", its spread cannot be seen; assume some.
    apart = min(len(np.unique(index[values != outcome])) for outcome in (-1.0, 0.0, 1.0))
    design += max(0.0, assumed - design) / (1 + apart**3)
    return wins / design, losses / design, n / design


def _noise(wins: float, losses: float, n: float, quantile: float) -> float:
    """The share of questions that go one way by chance, half a question added; the rarer way, where both differ."""
    by_chance = abs(wins - losses) < quantile * math.sqrt(wins + losses)
    return ((wins + losses) / 2 + 0.5 if by_chance else min(wins, losses) + 0.5) / (n + 1)


def _score_statistic(wins: float, losses: float, n: float) -> Callable[[float], float]:
    """Tango's statistic of "the true difference is d"."""

    def statistic(d: float) -> float:
        # The share of losses that is most likely if the difference is d.
        b = (2 * n - wins + losses) * d - wins - losses
        lost = (math.sqrt(max(0.0, b * b + 8 * n * losses * d * (1 - d))) - b) / (4 * n)
        spread = n * max(0.0, 2 * lost + d * (1 - d))
        gap = wins - losses - n * d
        return gap / math.sqrt(spread) if spread > 1e-12 else math.copysign(math.inf, gap) if abs(gap) > 1e-9 else 0.0

    return statistic


def _crossing(statistic: Callable[[float], float], inside: float, outside: float, level: float) -> float:
    """Where a falling statistic passes `level`, between the mean and an end of the range."""
    if abs(statistic(outside)) <= abs(level):
        return outside
    for _ in range(35):
        middle = (inside + outside) / 2
        if abs(statistic(middle)) <= abs(level):
            inside = middle
        else:
            outside = middle
    return inside


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a rate of `hits` in `n` independent questions; (0, 1) for n = 0.

    Shares of facts may stand for hits: they vary less than hits and misses of the same mean, so it covers enough.
    """
    if n == 0:
        return 0.0, 1.0
    rate, z2 = hits / n, float(ndtri(0.975)) ** 2
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    spread = math.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p that wins and losses are equally likely; ties are left out, and no difference gives 1.0.

    Of hits this is the exact McNemar test. It takes every win for independent of the others: questions of one section
    are not, so p comes out too small there.
    """
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def tally(differences: Sequence[float]) -> tuple[int, int, int]:
    """Wins, ties and losses: how many differences are above, at and below zero."""
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    return wins, len(differences) - wins - losses, losses


def section_tally(differences: Sequence[float], sections: Sequence[str]) -> tuple[int, int, int]:
    """Wins, ties and losses of whole sections, by the sign of a section's sum: sections are independent, and the
    sign test of these counts holds whatever happens inside one."""
    sums: dict[str, float] = {}
    for difference, section in zip(differences, sections, strict=True):
        sums[section] = sums.get(section, 0.0) + difference
    return tally([total if abs(total) > 1e-12 else 0.0 for total in sums.values()])


def holm(ps: Sequence[float]) -> list[float]:
    """The p-values corrected for how many there are (Holm 1979), in their order.

    Calling those under 0.05 significant errs in at most 5 of 100 families, however the tests depend on one another.
    """
    corrected = [0.0] * len(ps)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = highest
    return corrected
