"""Tables that have lines between their rows and none between their columns: these are where no row has a word.

Zone         Temperature
------------------------
Firing       1,060 °C
------------------------
Cooling      180 °C
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

Word = dict[str, Any]
Box = tuple[float, float, float, float]
"""x0, top, x1, bottom."""
_RULES = 3
"""So few lines of one length below each other make a table: one above, one below the head, one at the end. Fewer do
with a head above them and so many columns, as where a table's last row stands overleaf."""
_SAME = 3.0
"""Points by which their ends may differ."""
_GAP = 0.45
"""Share of the text's size that is free between two columns in every row, where a blank is a quarter."""
_LONGEST_CELL = 200


def tables_between_rules(lines: Sequence[Word], words: Sequence[Word]) -> Iterator[tuple[Box, list[list[list[Word]]]]]:
    """Where each table is, and the words of each cell of its rows.

    Args:
        lines: the horizontal ones of a page, as pdfplumber has them.
    """
    for left, right, heights in _groups(lines):
        inside = [word for word in words if left - _SAME < word["x0"] and word["x1"] < right + _SAME]
        bands = [_within(inside, top, bottom) for top, bottom in pairwise(heights)]
        if not bands or not all(bands):
            continue
        if len(heights) == _RULES:
            bands = [bands[0], *_by_line(bands[1])]
        columns = _columns(bands)
        above = _head(inside, heights[0])
        # Where no line stands above the head, the first one stands below it.
        if len(heights) != _RULES and len(above) > 1 and len(_columns([above, *bands])) == len(columns):
            bands = [above, *bands]
            columns = _columns(bands)
        if len(heights) < _RULES and (len(bands) < len(heights) or len(columns) < _RULES):
            continue
        rows = [[[word for word in band if _is_in(word, column)] for column in columns] for band in bands]
        if len(columns) > 1 and len(rows) > 1 and max(_length(cell) for row in rows for cell in row) <= _LONGEST_CELL:
            top = min(word["top"] for word in bands[0])
            yield (left - _SAME, top, right + _SAME, heights[-1]), rows


def _groups(lines: Sequence[Word]) -> Iterator[tuple[float, float, list[float]]]:
    """(left, right, heights) of lines of one length below each other; what stands end to end is one line."""
    by_height: dict[int, list[Word]] = {}
    for line in lines:
        by_height.setdefault(round(line["top"]), []).append(line)
    whole = [
        (min(line["x0"] for line in row), max(line["x1"] for line in row), float(height))
        for height, row in sorted(by_height.items())
    ]
    group: list[tuple[float, float, float]] = []
    for each in [*whole, (-1.0, -1.0, 0.0)]:
        if group and (abs(each[0] - group[0][0]) > _SAME or abs(each[1] - group[0][1]) > _SAME):
            if len(group) > 1:
                yield group[0][0], group[0][1], _apart([height for _, _, height in group])
            group = []
        group.append(each)


def _apart(heights: Sequence[float]) -> list[float]:
    """The heights, those of the two sides of one line once."""
    return [height for at, height in enumerate(heights) if not at or height - heights[at - 1] > _SAME]


def _head(words: Sequence[Word], bottom: float) -> list[Word]:
    """The lines of text right above a table's first line."""
    head: list[Word] = []
    for line in reversed(_by_line(_within(words, bottom - 4 * words[0]["size"], bottom))):
        if head and min(word["top"] for word in head) - line[0]["bottom"] > line[0]["size"] / 2:
            break
        head += line
    return head


def _within(words: Sequence[Word], top: float, bottom: float) -> list[Word]:
    return [word for word in words if top <= (word["top"] + word["bottom"]) / 2 <= bottom]


def _by_line(words: Sequence[Word]) -> list[list[Word]]:
    """The words of each line of text."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: float(word["bottom"])):
        if not lines or word["bottom"] - lines[-1][-1]["bottom"] > word["size"] / 2:
            lines.append([])
        lines[-1].append(word)
    return lines


def _columns(bands: Sequence[Sequence[Word]]) -> list[tuple[float, float]]:
    """What the words fill from left to right, between the gaps that all rows leave."""
    filled: list[tuple[float, float]] = []
    for word in sorted((word for band in bands for word in band), key=lambda word: float(word["x0"])):
        if filled and word["x0"] - filled[-1][1] < _GAP * word["size"]:
            filled[-1] = (filled[-1][0], max(filled[-1][1], word["x1"]))
        else:
            filled.append((word["x0"], word["x1"]))
    return filled


def _is_in(word: Word, column: tuple[float, float]) -> bool:
    return column[0] - 0.1 <= word["x0"] and bool(word["x1"] <= column[1] + 0.1)


def _length(cell: Sequence[Word]) -> int:
    return sum(len(word["text"]) for word in cell)
