"""How far two raters of the same answers agree, beyond what chance would give."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean


def cohens_kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Cohen's kappa (1960, doi:10.1177/001316446002000104) of two raters who say yes or no.

    1 is full agreement, 0 what chance gives. None where both say one and the same of everything, or there is nothing:
    chance alone would agree fully then, and kappa has no value.

    >>> cohens_kappa([True, True, False, False], [True, False, False, False])
    0.5

    Raises:
        ValueError: the two sequences differ in length.
    """
    agreeing = [one == other for one, other in zip(first, second, strict=True)]
    if not agreeing:
        return None
    yes, also = fmean(first), fmean(second)
    by_chance = yes * also + (1 - yes) * (1 - also)
    return (fmean(agreeing) - by_chance) / (1 - by_chance) if by_chance < 1 else None
