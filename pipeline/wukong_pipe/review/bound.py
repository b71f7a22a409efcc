"""How much of a dataset may be wrong, after the first pairs of its sample were read.

Whoever reads looks at the bound after every pair, stops when it is low enough, and may know pairs that stand further
behind. A bound for one size of a sample that was fixed beforehand does not hold then: of 1000 pairs 55 of which are
wrong, it says "at most 5 %" at some time in 14 of 100 reviews. This one holds at all sizes at once: with 95 % certainty
no beginning of the sample ever has a bound below the truth (there it says so in 3 of 100).

It is a confidence sequence for sampling without replacement (Waudby-Smith and Ramdas 2020,
https://arxiv.org/abs/2006.04347): a number of wrong pairs is ruled out when what was read is 20 times less likely under
it than under the mixture `PRIOR`, which by Ville's inequality happens to the true number in one of 20 reviews at most.
That is proved for a sample drawn from all pairs alike; for one drawn by sections the tests show it. Its price is some
more reading: 70 pairs without a fault for 5 %, where 59 would do if nobody looked before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log

from wukong_pipe.review.library import Library
from wukong_pipe.review.versions import State

ENOUGH = 0.05
MISSED = 0.05
"""How likely a bound may be below the truth."""
WRONG = frozenset(("mended", "dropped"))
PRIOR = 0.5, 30.0
"""The beta distribution of shares of wrong pairs that the bound is sharpest for: few, as checks and a verifier leave.
Whatever the truth is, the bound holds."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Bound(read=64, wrong=2, pairs=4000, at_most=14, more_needed=108): at most 14 % of 4000 pairs are wrong (95 %)."""

    read: int
    """Pairs of the sample that have a decision, up to the first that has none."""
    wrong: int
    """How many of these are mended or dropped."""
    pairs: int
    at_most: int
    """Per cent of all pairs that are wrong as the teacher gave them, rounded up."""
    more_needed: int | None
    """How many more of the sample, if none of them is wrong, make it enough; 0 where it is, None where too many are
    known to be wrong."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be wrong of all pairs, and of those of each section and kind."""

    overall: Bound
    by_section: Mapping[str, Bound]
    by_kind: Mapping[str, Bound]


@lru_cache(maxsize=4096)  # Most sections are alike: of six pairs, none of them read.
def bound(read: int, wrong: int, pairs: int, enough: float = ENOUGH, known: int = 0) -> Bound:
    """The bound after the first pairs of a sample.

    Args:
        known: how many pairs are known to be wrong, those that were read elsewhere than in the sample among them.
    """

    def most(more: int) -> int:
        return max(known, most_wrong(read + more, wrong, pairs))

    at_most = -(-100 * most(0) // pairs) if pairs else 0
    low, high = 0, pairs - read
    if most(high) > enough * pairs:
        return Bound(read, wrong, pairs, at_most, None)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if most(middle) <= enough * pairs else (middle + 1, high)
    return Bound(read, wrong, pairs, at_most, low)


def most_wrong(read: int, wrong: int, pairs: int) -> int:
    """The largest number of wrong pairs among all that the sample does not rule out."""
    if not read:
        return pairs
    low, high = min(wrong * (pairs + 1) // read, pairs - read + wrong), pairs - read + wrong
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (low, middle - 1) if is_ruled_out(middle, read, wrong, pairs) else (middle, high)
    return low


def is_ruled_out(truth: int, read: int, wrong: int, pairs: int) -> bool:
    """Whether what was read speaks against so many wrong pairs."""
    if not wrong <= truth <= pairs - read + wrong:
        return True
    under_truth = _log_choose(pairs - read, truth - wrong) - _log_choose(pairs, truth)
    right, (a, b) = read - wrong, PRIOR
    return _log_beta(a + wrong, b + right) - _log_beta(a, b) - under_truth >= -log(MISSED)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def bounds(library: Library, enough: float = ENOUGH) -> Bounds:
    """What may be said after the decisions so far."""
    by_section, by_kind = defaultdict[str, list[State]](list), defaultdict[str, list[State]](list)
    overall = []
    for pair in library.sample:
        state = library.state(pair)
        overall.append(state)
        by_section[pair.section_id].append(state)
        by_kind[pair.kind].append(state)
    return Bounds(
        _bound(overall, enough),
        {section: _bound(states, enough) for section, states in by_section.items()},
        {kind: _bound(states, enough) for kind, states in by_kind.items()},
    )


def overall_bound(library: Library, enough: float = ENOUGH) -> Bound:
    """The bound of all pairs alone, which is looked at after each decision."""
    return _bound([library.state(pair) for pair in library.sample], enough)


def _bound(states: Sequence[State], enough: float) -> Bound:
    """The bound of pairs in these states, in the order of the sample.

    The order within a section, or of a kind, is one that hashes alone decide, too. The beginning that is read may be
    longer there than among all pairs.
    """
    read = next((place for place, state in enumerate(states) if state == "unread"), len(states))
    wrong, known = (sum(state in WRONG for state in some) for some in (states[:read], states))
    return bound(read, wrong, len(states), enough, known)
