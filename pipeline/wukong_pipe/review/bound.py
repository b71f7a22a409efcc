"""How much of a dataset may be wrong, after some of it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wukong_pipe.review.library import Library

ENOUGH = 0.05


@dataclass(frozen=True, slots=True)
class Bound:
    """Bound(read=64, wrong=2, pairs=500, at_most=13, more_needed=58): of 500 pairs at most 13 % are wrong (95 %)."""

    read: int
    """Pairs of the sample that have a decision, up to the first that has none."""
    wrong: int
    """How many of these were mended or dropped."""
    pairs: int
    at_most: int
    """Per cent of all pairs, rounded up."""
    more_needed: int
    """How many more, if none of them is wrong, make it enough; 0 where it is."""


@dataclass(frozen=True, slots=True)
class Bounds:
    overall: Bound
    by_section: Mapping[str, Bound]
    by_kind: Mapping[str, Bound]


def bound(read: int, wrong: int, pairs: int, enough: float = ENOUGH) -> Bound:
    raise NotImplementedError


def bounds(library: Library, enough: float = ENOUGH) -> Bounds:
    """The bound of all pairs, and that of each section and kind."""
    raise NotImplementedError
