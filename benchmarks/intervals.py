"""How often does a 95 % interval for tuned minus base hold the truth, when questions of a section are alike?

    python benchmarks/intervals.py [--draws 2000] [--jobs 2] [--cells] [--variants]

simulates held-out answers of sections of equal and of unequal size whose hit rates differ (beta distributed, so that
two answers of a section have the correlation `alike`) and prints Markdown tables: every method summed up, and with
--cells the coverage of each in every cell. Methods that resample see the first 400 draws.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product

import numpy as np
from scipy.special import betainc, ndtr, ndtri, stdtrit
from scipy.stats import beta

from wukong_trainer.scoring.intervals import estimate

Ends = tuple[np.ndarray, np.ndarray]
RESAMPLES = 199
SECTIONS = (8, 12, 24, 60)
SIZES = {"5 each": (5,), "1 to 20": (1, 2, 3, 4, 6, 10, 15, 20)}
ALIKE = (0.0, 0.3)
ALIKE_POWER = (0.1, 0.3)
SLOW_DRAWS = 400
"""So many of the draws are enough to see what the methods do that resample."""
OURS = "score interval, effective n"


@dataclass(frozen=True)
class Scenario:
    """What base and tuned do: hit rates, and how the two are linked."""

    name: str
    base: float
    tuned: float
    kind: str = "hits"

    @property
    def truth(self) -> float:
        return 0.0 if self.kind == "flips" else self.tuned - self.base


SCENARIOS = (
    Scenario("0.40 → 0.40", 0.4, 0.4),
    Scenario("0.20 → 0.70", 0.2, 0.7),
    Scenario("0.00 → 0.50", 0.0, 0.5),
    Scenario("0.50 → 0.80, same sections hard", 0.5, 0.8, "shared"),
    Scenario("F1 0.30 → 0.60", 0.3, 0.6, "fractions"),
    Scenario("F1 0.90 → 0.95", 0.9, 0.95, "fractions"),
    Scenario("0.05 → 0.90", 0.05, 0.9),
    Scenario("0.00 → 0.97", 0.0, 0.97),
    Scenario("0.90 → 0.97", 0.9, 0.97),
    Scenario("0.05 → 0.05", 0.05, 0.05),
    Scenario("unchanged but for 4 % flips", 0.04, 0.04, "flips"),
)
MODERATE = {scenario.name for scenario in SCENARIOS[:5]}


@dataclass(frozen=True)
class Sample:
    """Many data sets of one cell: differences [draws, rows], sections of the rows, their sizes [sections]."""

    rows: np.ndarray
    index: np.ndarray
    sizes: np.ndarray

    @cached_property
    def sums(self) -> np.ndarray:
        """Summed differences [draws, sections]."""
        starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(int)
        return np.add.reduceat(self.rows, starts, axis=1)

    @cached_property
    def mean(self) -> np.ndarray:
        return np.asarray(self.rows.mean(axis=1))


def simulate(scenario: Scenario, sections: int, sizes: tuple[int, ...], alike: float, draws: int, seed: int) -> Sample:
    rng = np.random.default_rng([seed, sections])
    each = np.resize(sizes, sections)
    index = np.repeat(np.arange(sections), each)
    rows = len(index)

    place = rng.random((draws, sections))

    def rates(mean: float) -> np.ndarray:
        if not alike or mean in (0.0, 1.0):
            return np.full((draws, rows), mean)
        a, b = mean * (1 / alike - 1), (1 - mean) * (1 / alike - 1)
        drawn = beta.ppf(place, a, b) if scenario.kind == "shared" else rng.beta(a, b, (draws, sections))
        return np.asarray(drawn)[:, index]

    if scenario.kind == "flips":
        flipped = rng.random((draws, rows)) < rates(scenario.base)
        found = flipped * rng.choice([-1.0, 1.0], size=(draws, rows))
    else:
        base, tuned = rates(scenario.base), rates(scenario.tuned)
        if scenario.kind == "fractions":  # Scores spread around the section's rate, as F1 is.
            scores = [rng.beta(np.maximum(4 * rate, 1e-6), np.maximum(4 * (1 - rate), 1e-6)) for rate in (base, tuned)]
            found = scores[1] - scores[0]
        else:
            hits = [(rng.random((draws, rows)) < rate).astype(float) for rate in (base, tuned)]
            found = hits[1] - hits[0]
    return Sample(np.asarray(found, dtype=float), index, each.astype(float))


# --- the methods ---------------------------------------------------------------------------------------------


def robust(sample: Sample, correction: str) -> tuple[np.ndarray, np.ndarray]:
    """Cluster-robust variance of the mean [draws], and what the residual sums were stretched by [sections]."""
    count, share = len(sample.sizes), sample.sizes / sample.sizes.sum()
    stretch = {
        "CR1": np.full(count, math.sqrt(count / (count - 1))),
        "CR2": 1 / np.sqrt(1 - share),
        "CR3": 1 / (1 - share),  # as the jackknife that leaves a section out
    }[correction]
    residuals = sample.sums - sample.sizes * sample.mean[:, None]
    return ((stretch * residuals) ** 2).sum(axis=1) / sample.sizes.sum() ** 2, stretch


def freedom(sample: Sample, stretch: np.ndarray, *, independent: bool) -> np.ndarray:
    """Satterthwaite degrees of freedom [draws] under independence (Bell and McCaffrey), or estimated correlation."""
    sizes, total = sample.sizes, sample.sizes.sum()
    residuals = sample.rows - sample.mean[:, None]
    sums, squares = sample.sums - sizes * sample.mean[:, None], (residuals**2).sum(axis=1)
    between = np.clip(((sums**2).sum(axis=1) - squares) / (sizes * (sizes - 1)).sum(), 0, None)
    between = np.zeros_like(between) if independent else between
    within = np.clip(squares / total - between, 0, None)
    maker = stretch[:, None] * (np.eye(len(sizes)) - (sizes / total)[:, None])
    one, two = (maker * sizes) @ maker.T, (maker * sizes**2) @ maker.T
    top = (within * np.trace(one) + between * np.trace(two)) ** 2
    bottom = within**2 * (one**2).sum() + 2 * within * between * (one * two).sum() + between**2 * (two**2).sum()
    found = top / np.maximum(bottom, 1e-300)
    return np.where(found > 0, found, len(sizes) - 1.0)


def t_interval(correction: str, degrees: str) -> Callable[[Sample], Ends]:
    def ends(sample: Sample) -> Ends:
        variance, stretch = robust(sample, correction)
        df = np.full(len(variance), len(sample.sizes) - 1.0)
        if degrees != "G-1":
            df = freedom(sample, stretch, independent=degrees == "BM")
        half = stdtrit(df, 0.975) * np.sqrt(variance)
        return sample.mean - half, sample.mean + half

    return ends


def _resamples(count: int) -> np.ndarray:
    return np.random.default_rng(2).multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float)


def percentile(sample: Sample) -> Ends:
    weights = _resamples(len(sample.sizes))
    low, high = np.quantile(sample.sums @ weights.T / (weights @ sample.sizes), [0.025, 0.975], axis=1)
    return low, high


def accelerated(sample: Sample) -> Ends:
    """BCa (Efron 1987) over sections."""
    weights, sums, mean = _resamples(len(sample.sizes)), sample.sums, sample.mean
    means = np.sort(sums @ weights.T / (weights @ sample.sizes), axis=1)
    below = (means < mean[:, None]).mean(axis=1) + (means == mean[:, None]).mean(axis=1) / 2
    bias = ndtri(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    without = (sums.sum(axis=1)[:, None] - sums) / (sample.sizes.sum() - sample.sizes)
    pull = without.mean(axis=1)[:, None] - without
    skew = (pull**3).sum(axis=1) / np.maximum(6 * (pull**2).sum(axis=1) ** 1.5, 1e-30)
    ends = []
    for share in (0.025, 0.975):
        z = bias + ndtri(share)
        place = (ndtr(bias + z / (1 - skew * z)) * (RESAMPLES - 1)).round().astype(int)
        ends.append(means[np.arange(len(mean)), np.clip(place, 0, RESAMPLES - 1)])
    return ends[0], ends[1]


def studentised(sample: Sample) -> Ends:
    """Bootstrap-t over sections; a resample without spread counts as endlessly far off."""
    weights, sums, sizes, mean = _resamples(len(sample.sizes)), sample.sums, sample.sizes, sample.mean
    totals = weights @ sizes
    means = sums @ weights.T / totals
    spread = (
        (sums**2) @ weights.T - 2 * means * (sums @ (weights * sizes).T) + means**2 * (weights @ sizes**2)
    ) / totals**2
    gap = means - mean[:, None]
    t = np.where(spread > 1e-14, gap / np.sqrt(np.maximum(spread, 1e-300)), np.sign(gap) * 1e9)
    low, high = np.quantile(t, [0.025, 0.975], axis=1)
    error = np.sqrt(((sums - sizes * mean[:, None]) ** 2).sum(axis=1)) / sizes.sum()
    return np.maximum(mean - high * error, -1), np.minimum(mean - low * error, 1)


WEBB = np.sqrt([1.5, 1.0, 0.5]) @ np.array([[-1, 0, 0, 0, 0, 1], [0, -1, 0, 0, 1, 0], [0, 0, -1, 1, 0, 0]])


def _wild_t(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """|t| of wild resamples of residual sums [draws, resamples], with Webb's six weights (Webb 2014)."""
    signs = np.random.default_rng(3).choice(WEBB, size=(RESAMPLES, len(sizes)))
    gap = sums @ signs.T / sizes.sum()
    spread = (sums**2) @ (signs**2).T - 2 * gap * ((sums * sizes) @ signs.T) + gap**2 * (sizes**2).sum()
    t = np.abs(gap) * sizes.sum() / np.sqrt(np.maximum(spread, 1e-300))
    return np.where(spread > 1e-12, t, 0.0)


def wild(sample: Sample) -> Ends:
    """Wild cluster bootstrap-t, unrestricted."""
    sums = sample.sums - sample.sizes * sample.mean[:, None]
    error = np.sqrt((sums**2).sum(axis=1)) / sample.sizes.sum()
    half = np.quantile(_wild_t(sums, sample.sizes), 0.95, axis=1) * error
    return sample.mean - half, sample.mean + half


def wild_restricted(sample: Sample) -> Ends:
    """Wild cluster bootstrap-t with the null imposed (Cameron, Gelbach and Miller 2008), inverted by bisection."""
    sums, sizes, mean = sample.sums, sample.sizes, sample.mean
    error = np.sqrt(((sums - sizes * mean[:, None]) ** 2).sum(axis=1)) / sizes.sum()

    def rejected(value: np.ndarray) -> np.ndarray:
        t = np.abs(mean - value) / np.maximum(error, 1e-300)
        return np.asarray((_wild_t(sums - sizes * value[:, None], sizes) >= t[:, None] - 1e-9).mean(axis=1) < 0.05)

    ends = []
    for end in (-1.0, 1.0):
        inside, outside = mean.copy(), np.full_like(mean, end)
        for _ in range(10):
            middle = (inside + outside) / 2
            out = rejected(middle)
            inside, outside = np.where(out, inside, middle), np.where(out, middle, outside)
        ends.append((inside + outside) / 2)
    return ends[0], ends[1]


@dataclass(frozen=True)
class Effective:
    """All draws of a cell as counts of independent questions [draws], and the t quantile of each."""

    wins: np.ndarray
    losses: np.ndarray
    n: np.ndarray
    quantile: np.ndarray


def effective(sample: Sample, assumed_alike: float = 0.3) -> Effective:
    """What `intervals` makes of the answers before it inverts a test."""
    sizes, n = sample.sizes, float(sample.sizes.sum())
    variance, stretch = robust(sample, "CR2")
    quantile = stdtrit(freedom(sample, stretch, independent=False), 0.975)
    wins, losses = sample.rows.clip(0, None).sum(axis=1), (-sample.rows).clip(0, None).sum(axis=1)
    independent = _independent(sample)
    assumed = 1 + ((sizes**2).sum() / n - 1) * assumed_alike
    design = np.where(independent > 1e-12, variance / np.maximum(independent, 1e-12), assumed)
    starts = np.searchsorted(sample.index, np.arange(len(sizes)))
    apart = np.min(
        [np.logical_or.reduceat(sample.rows != end, starts, axis=1).sum(axis=1) for end in (-1, 0, 1)], axis=0
    )
    design += np.maximum(0, assumed - design) / (1.0 + apart**3)
    return Effective(wins / design, losses / design, n / design, quantile)


def _independent(sample: Sample) -> np.ndarray:
    """The variance of the mean [draws] if all questions were independent."""
    n = float(sample.sizes.sum())
    return np.asarray((np.abs(sample.rows).sum(axis=1) / n - sample.mean**2) / n)


def tango(counts: Effective, mean: np.ndarray) -> Ends:
    """The score interval of each draw."""
    w, lo, n, quantile = counts.wins, counts.losses, counts.n, counts.quantile

    def statistic(d: np.ndarray) -> np.ndarray:
        b = (2 * n - w + lo) * d - w - lo
        lost = (np.sqrt(np.maximum(0, b * b + 8 * n * lo * d * (1 - d))) - b) / (4 * n)
        spread = n * np.maximum(0, 2 * lost + d * (1 - d))
        gap = w - lo - n * d
        at_end = np.where(np.abs(gap) > 1e-9, np.sign(gap) * np.inf, 0.0)
        return np.where(spread > 1e-12, gap / np.sqrt(np.maximum(spread, 1e-12)), at_end)

    ends = []
    for end in (-1.0, 1.0):
        inside, outside = mean.copy(), np.full_like(mean, end)
        inside = np.where(np.abs(statistic(outside)) <= quantile, outside, inside)
        for _ in range(35):
            middle = (inside + outside) / 2
            within = np.abs(statistic(middle)) <= quantile
            inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
        ends.append(inside)
    return ends[0], ends[1]


def ours(sample: Sample) -> Ends:
    """`intervals.estimate` on all draws at once; that it gives what the product gives is checked on the first ones."""
    low, high = tango(effective(sample), sample.mean)
    names = [str(i) for i in sample.index]
    for i, row in enumerate(sample.rows[:3]):
        found = estimate(row.tolist(), names)
        if not np.allclose((low[i], high[i]), (found.low, found.high), atol=1e-6):
            raise AssertionError(f"{(low[i], high[i])} is not {found}")
    return low, high


# --- variants of ours: is there one that covers no more than 0.97 at the ends of the scale? --------------------


def less_alike(sample: Sample) -> Ends:
    """With a correlation of 0.1 where the answers do not show it."""
    return tango(effective(sample, 0.1), sample.mean)


def adjusted_wald(sample: Sample) -> Ends:
    """Bonett and Price (2012): one win and one loss added to the effective counts."""
    counts = effective(sample)
    won, lost = ((each + 1) / (counts.n + 2) for each in (counts.wins, counts.losses))
    half = counts.quantile * np.sqrt(np.maximum(0, won + lost - (won - lost) ** 2) / (counts.n + 2))
    return won - lost - half, won - lost + half


def mid_p(sample: Sample) -> Ends:
    """Where all that changed went one way, the mid-P interval of one rate (Lancaster 1961), else the score interval."""
    counts = effective(sample)
    low, high = tango(counts, sample.mean)
    shrunk = (1.96 / counts.quantile) ** 2
    for x, other, sign in ((counts.wins, counts.losses, 1), (counts.losses, counts.wins, -1)):
        ends = [sign * _mid_p_end(x * shrunk, counts.n * shrunk, upper) for upper in (False, True)][::sign]
        one_way = (other < 1e-9) & (x > 1e-9)
        low, high = np.where(one_way, ends[0], low), np.where(one_way, ends[1], high)
    none = (counts.wins < 1e-9) & (counts.losses < 1e-9)
    end = _mid_p_end(counts.wins * shrunk, counts.n * shrunk, True)
    return np.where(none, -end, low), np.where(none, end, high)


def _mid_p_end(x: np.ndarray, n: np.ndarray, upper: bool) -> np.ndarray:
    """The rate at which x or fewer (upper), or x or more, of n has a mid-P of 0.025; counts may be fractions."""
    low, high = np.zeros_like(x), np.ones_like(x)
    for _ in range(40):
        rate = (low + high) / 2
        at_most = np.where(x >= n - 1e-9, 1.0, betainc(np.maximum(n - x, 1e-9), x + 1, 1 - rate))
        fewer = np.where(x <= 1e-9, 0.0, betainc(n - x + 1, np.maximum(x, 1e-9), 1 - rate))
        tail = (at_most + fewer) / 2
        inside = tail > 0.025 if upper else 1 - tail <= 0.025
        low, high = np.where(inside, rate, low), np.where(inside, high, rate)
    return np.asarray((low + high) / 2)


def oracle(sample: Sample) -> Ends:
    """The score interval told the true design effect of the cell, which no evaluation knows."""
    design = max(1e-9, float(sample.mean.var()) / max(float(_independent(sample).mean()), 1e-12))
    wins, losses = sample.rows.clip(0, None).sum(axis=1), (-sample.rows).clip(0, None).sum(axis=1)
    n = np.full(len(wins), float(sample.sizes.sum()) / design)
    return tango(Effective(wins / design, losses / design, n, np.full_like(n, 1.96)), sample.mean)


METHODS: dict[str, Callable[[Sample], Ends]] = {
    OURS: ours,
    "CR2, t Imbens-Kolesár": t_interval("CR2", "IK"),
    "CR2, t Bell-McCaffrey": t_interval("CR2", "BM"),
    "CR3, t Imbens-Kolesár": t_interval("CR3", "IK"),
    "CR3, t(G-1)": t_interval("CR3", "G-1"),
    "CR1, t(G-1)": t_interval("CR1", "G-1"),
    "wild bootstrap-t, null imposed": wild_restricted,
    "wild bootstrap-t": wild,
    "bootstrap-t": studentised,
    "BCa": accelerated,
    "percentile bootstrap": percentile,
}


VARIANTS: dict[str, Callable[[Sample], Ends]] = {
    OURS: ours,
    "the same, 0.1 assumed": less_alike,
    "Bonett-Price, effective n": adjusted_wald,
    "mid-P where all changes go one way": mid_p,
    "score interval, told the true design effect": oracle,
}


# --- the tables ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """What one method did in one cell."""

    sections: int
    sizes: str
    alike: float
    scenario: Scenario
    covered: float
    width: float
    better: float


def measured(place: tuple[int, str, float, Scenario, int], draws: int, variants: bool) -> list[Cell]:
    """What every method, or every variant of ours, did in one cell."""
    sections, sizes, alike, scenario, seed = place
    sample = simulate(scenario, sections, SIZES[sizes], alike, draws, seed)
    few = replace(sample, rows=sample.rows[:SLOW_DRAWS])
    cells = []
    for name, method in (VARIANTS if variants else METHODS).items():
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            low, high = (np.clip(end, -1, 1) for end in method(few if "boot" in name or name == "BCa" else sample))
        covered = (low - 1e-9 <= scenario.truth) & (scenario.truth <= high + 1e-9)
        better = float((low > 1e-9).mean())
        width = float(np.median(high - low))
        cells.append(Cell(sections, sizes, alike, scenario, float(covered.mean()), width, better))
    return cells


def power_table(draws: int) -> None:
    """Is the smallest effect found in 80 of 100 tests?"""
    print(
        "\n| sections | sizes | alike | base | smallest effect | found at that effect |\n|---:|---|---:|---:|---:|---:|"
    )
    for sections, sizes, alike, base in product(SECTIONS, SIZES, ALIKE_POWER, (0.05, 0.3)):
        null = simulate(Scenario("", base, base), sections, SIZES[sizes], alike, 100, 1)
        names = [str(i) for i in null.index]
        effects = [estimate(row.tolist(), names).smallest_effect or 1.0 for row in null.rows]
        effect = float(np.median(effects))
        place = f"| {sections} | {sizes} | {alike} | {base:.2f} "
        if effect > 0.999 - base:
            print(f"{place}| more than can be: {1 - base:.2f} | – |", flush=True)
            continue
        risen = simulate(Scenario("", base, base + effect), sections, SIZES[sizes], alike, draws, 2)
        with np.errstate(all="ignore"):
            found = float((ours(risen)[0] > 0).mean())
        print(f"{place}| {effect:.2f} | {found:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cells", action="store_true", help="print every cell")
    parser.add_argument("--variants", action="store_true", help="compare variants of ours instead of other methods")
    parser.add_argument("--power", action="store_true", help="print the table of the smallest effect alone")
    args = parser.parse_args()
    if args.power:
        power_table(args.draws)
        return
    places = [
        (sections, sizes, alike, scenario)
        for sections in SECTIONS
        for sizes in SIZES
        for scenario in SCENARIOS
        for alike in ALIKE
    ]
    seeded = [(*place, seed) for seed, place in enumerate(places)]
    with ProcessPoolExecutor(args.jobs) as pool:
        rows = list(pool.map(partial(measured, draws=args.draws, variants=args.variants), seeded))
    methods = list(VARIANTS if args.variants else METHODS)
    found = {name: [row[i] for row in rows] for i, name in enumerate(methods)}
    head = " | ".join(f"least, {sections} sections" for sections in SECTIONS)
    print(
        f"| method | {head} | most | below 0.93 | above 0.97 | moderate rates | false “better” at most | mean width |"
    )
    print("|---" + "|---:" * 10 + "|")
    for name, cells in found.items():
        least = " | ".join(f"{min(c.covered for c in cells if c.sections == n):.3f}" for n in SECTIONS)
        below, above = (sum(test) for test in zip(*((c.covered < 0.93, c.covered > 0.97) for c in cells), strict=True))
        moderate = [c.covered for c in cells if c.scenario.name in MODERATE]
        better = max(c.better for c in cells if c.scenario.truth == 0)
        print(
            f"| {name} | {least} | {max(c.covered for c in cells):.3f} | {below} of {len(cells)} | {above}"
            f" | {min(moderate):.3f} to {max(moderate):.3f} | {better:.3f} | {np.mean([c.width for c in cells]):.3f} |"
        )
    if not args.variants:
        power_table(args.draws)
    if args.cells:
        print("\n| sections | sizes | alike | base → tuned | " + " | ".join(methods) + " | width of ours |")
        print("|---:|---|---:|---" + "|---:" * (len(methods) + 1) + "|")
        for row in zip(*found.values(), strict=True):
            cell = row[0]
            marks = " | ".join(f"{c.covered:.3f}" if 0.93 <= c.covered <= 0.97 else f"*{c.covered:.3f}*" for c in row)
            place = f"{cell.sections} | {cell.sizes} | {cell.alike} | {cell.scenario.name}"
            print(f"| {place} | {marks} | {cell.width:.2f} |")


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"\n{time.perf_counter() - started:.0f} s")
