"""A table of the page as ready text, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONG = 300
"""Characters of a table cell."""
NOTHING = "–"
"""A cell without a value."""


@dataclass(frozen=True, slots=True)
class Table:
    """Column headings, and lines of a name and its cells, as ["base", "tuned"] and [("F1", ["0.004", "0.965"])]."""

    columns: Sequence[str]
    lines: Sequence[tuple[str, Sequence[str]]]


def figure(value: float | str | None) -> str:
    """A value as a table cell: three decimals, a real minus.

    >>> figure(-0.25), figure(1.26e-47), figure(12), figure(None)
    ('−0.250', '1.26e-47', '12', '–')
    """
    if value is None:
        return NOTHING
    if isinstance(value, float):
        text = f"{value:.3f}" if 0.001 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"
        return "−" + text[1:] if text.startswith("-") else text
    return shortened(str(value))


def shortened(text: str, most: int = LONG) -> str:
    """A text of at most so many characters; a longer one ends in "…"."""
    return text if len(text) <= most else text[: most - 1] + "…"
