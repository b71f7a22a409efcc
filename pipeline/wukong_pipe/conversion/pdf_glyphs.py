"""The characters of a PDF's page that its reader sees: inside the page, printed once, and upright.

A wide table is set sideways, and an old typesetter prints a letter twice to make it bold; both are read as they are
meant. A stamp that stands aslant across the page is left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdfplumber.page import Page as PlumbedPage

_ASLANT = 5.0
"""Degrees by which a line of a scanned page may be off."""
_AGAIN = 0.1
"""Share of its size within which a character that is printed again stands; one point at most."""

_Place = tuple[str, float, int, int]
"""A character, the width of the grid's cells, and its cell."""


def upright(page: PlumbedPage) -> Iterator[PlumbedPage]:
    """The page once for each direction in which text is set on it, turned so that this text is upright and alone; the
    direction of most characters first."""
    turns = Counter(turn for char in page.chars if (turn := _turn(char)) is not None and not char["text"].isspace())
    for turn, _ in turns.most_common() or [(0, 0)]:
        yield _seen(_turned(page, turn))


def _turn(char: dict[str, Any]) -> int | None:
    """Degrees by which a page is turned to the right for the character to stand upright; None for one aslant."""
    across, up, *_ = char["matrix"]
    angle = math.degrees(math.atan2(up, across))
    turn = 90 * round(angle / 90)
    return turn % 360 if abs(angle - turn) < _ASLANT else None


def _turned(page: PlumbedPage, turn: int) -> PlumbedPage:
    if not turn:
        return page
    source = page.page_obj
    source.rotate = (page.rotation + turn) % 360
    source.attrs = {**source.attrs, "Rotate": source.rotate}
    return type(page)(page.pdf, source, page.page_number, page.initial_doctop)


def _seen(page: PlumbedPage) -> PlumbedPage:
    places = set[_Place]()
    left, top, right, bottom = _box(page)

    def is_seen(shape: dict[str, Any]) -> bool:
        if shape["object_type"] != "char":
            return True
        x, y = (shape["x0"] + shape["x1"]) / 2, (shape["top"] + shape["bottom"]) / 2
        return _turn(shape) == 0 and left <= x <= right and top <= y <= bottom and not _is_again(shape, places)

    return page.filter(is_seen)


def _box(page: PlumbedPage) -> tuple[float, float, float, float]:
    """What is shown of a page: that of its sheet which is not cut off."""
    sheet, cut = page.bbox, page.cropbox
    left, top, right, bottom = (*map(max, sheet[:2], cut[:2]), *map(min, sheet[2:], cut[2:]))
    return (left, top, right, bottom) if left < right and top < bottom else sheet


def _is_again(char: dict[str, Any], places: set[_Place]) -> bool:
    """Whether the same character stands at its place already; notes the place."""
    step = min(round(_AGAIN * char["size"], 1), 1.0) or 1.0
    x, y = round(char["x0"] / step), round(char["top"] / step)
    near = {(char["text"], step, x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
    is_again = not near.isdisjoint(places)
    places.add((char["text"], step, x, y))
    return is_again
