"""How two shares of a metrics.json differ, with the interval of the difference."""

from __future__ import annotations

from dataclasses import dataclass

Ends = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference of shares on n questions, tuned minus base, with its 95 % interval."""

    n: int
    difference: float
    ci95: Ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates(Difference):
    """The shares of right answers."""

    base: float
    tuned: float
