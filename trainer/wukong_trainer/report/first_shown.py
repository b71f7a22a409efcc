"""Which held-out questions are shown first: one of each kind that a reader learns something from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wukong_trainer.report.comparisons import is_hit, outcome
from wukong_trainer.report.grades import disagrees

Row = Mapping[str, Any]


def first_shown(rows: Sequence[Row]) -> dict[int, str]:
    """The places of the rows to show first, each with why: a "disagreement" of judge and score, a "gain",
    a "loss", an "invention".

    Of a kind the first row is taken, one of a form that was not trained before any other; no row is taken twice.
    """
    chosen: dict[int, str] = {}
    places = sorted(range(len(rows)), key=lambda i: (rows[i].get("form") != "unseen", i))
    for why, shows in _KINDS.items():
        place = next((i for i in places if i not in chosen and shows(rows[i])), None)
        if place is not None:
            chosen[place] = why
    return chosen


def _invents(row: Row) -> bool:
    """Of a question without facts nobody can see what the answer should have held."""
    return is_hit(row["tuned"]) is not None and bool(row["tuned"].get("invented_terms"))


_KINDS: Mapping[str, Callable[[Row], bool]] = {
    "disagreement": disagrees,
    "gain": lambda row: outcome(row) == "won",
    "loss": lambda row: outcome(row) == "lost",
    "invention": _invents,
}
