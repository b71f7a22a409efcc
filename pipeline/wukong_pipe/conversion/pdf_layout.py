"""What stands where on a PDF's pages: what each page repeats is left out, tables without lines are found, columns are
read one after the other."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from wukong_pipe.conversion.pdf_pages import Grid, Page, Segment

Piece = Segment | Grid
_MARGIN = 0.12
"""Share of a page's height, above and below, in which headers and footers stand."""
_DIGITS = re.compile(r"[\d一二三四五六七八九十]+|\b[ivxlc]+\b")
_SAME = 6.0
"""Points by which the cells of one column may differ in place."""
_FULL = 0.75
"""Cells fill less of the way to the next column; lines of a text in columns fill it."""
_LONGEST_CELL = 60
_ROWS = 3
"""So few rows in line are a table, or lines beside each other columns."""
_ACROSS = 0.2
"""Share of the pieces of a page in columns that may stand across them."""
_GUTTER = 8.0
"""Points between two columns."""


def in_order(pages: Sequence[Page]) -> list[Piece]:
    """The segments and tables of all pages, in the order in which they are read."""
    repeated = _repeated(pages)
    pieces: list[Piece] = []
    for page in pages:
        segments = [segment for segment in page.segments if _key(segment, page) not in repeated]
        grids, others = _grids(segments)
        pieces += _columns([*others, *grids, *page.grids])
    return pieces


def _repeated(pages: Sequence[Page]) -> frozenset[tuple[int, str]]:
    """What stands at one height of at least half of the pages, its numbers apart."""
    if len(pages) < 2:
        return frozenset()
    counts = Counter(key for page in pages for key in {_key(segment, page) for segment in page.segments} if key)
    return frozenset(key for key, times in counts.items() if key and times >= max(2, len(pages) / 2))


def _key(segment: Segment, page: Page) -> tuple[int, str] | None:
    """Where in the margin a segment stands and what it says, but for numbers; None of what stands in no margin."""
    if _MARGIN * page.height < segment.bottom and segment.top < (1 - _MARGIN) * page.height:
        return None
    return round(segment.bottom / 4), _DIGITS.sub("#", segment.text.lower())


def _grids(segments: Sequence[Segment]) -> tuple[list[Grid], list[Segment]]:
    """Tables without lines, and the segments that stand in none."""
    grids, inside = [], set[Segment]()
    run: list[list[Segment]] = []
    for row in [*_rows(segments), []]:
        if run and len(row) == len(run[0]) and _are_near(run[-1], row):
            run.append(row)
            continue
        if len(run) >= _ROWS and _is_table(run):
            grids.append(_grid(run))
            inside.update(segment for cells in run for segment in cells)
        run = [row] if len(row) > 1 else []
    return grids, [segment for segment in segments if segment not in inside]


def _rows(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    by_foot: dict[int, list[Segment]] = defaultdict(list)
    for segment in sorted(segments, key=lambda segment: segment.bottom):
        foot = next((foot for foot in by_foot if abs(foot - segment.bottom) < 3), round(segment.bottom))
        by_foot[foot].append(segment)
    for row in by_foot.values():
        yield sorted(row, key=lambda segment: segment.x0)


def _are_near(above: Sequence[Segment], row: Sequence[Segment]) -> bool:
    return row[0].top - above[0].top < 3 * above[0].size


def _is_table(run: Sequence[Sequence[Segment]]) -> bool:
    columns = [*zip(*run, strict=True)]
    if any(len(cell.text) > _LONGEST_CELL or cell.is_item for column in columns for cell in column):
        return False
    for column, following in pairwise(columns):
        pitch = min(cell.x0 for cell in following) - min(cell.x0 for cell in column)
        if sum(cell.x1 - cell.x0 for cell in column) / len(column) > _FULL * pitch:
            return False
    return all(map(_is_aligned, columns))


def _is_aligned(column: Sequence[Segment]) -> bool:
    """Whether the cells stand below each other by their left sides, right sides or middles."""
    places = (
        [cell.x0 for cell in column],
        [cell.x1 for cell in column],
        [(cell.x0 + cell.x1) / 2 for cell in column],
    )
    return any(max(place) - min(place) < _SAME for place in places)


def _grid(run: Sequence[Sequence[Segment]]) -> Grid:
    cells = [cell for row in run for cell in row]
    return Grid(
        cells[0].page,
        min(cell.x0 for cell in cells),
        max(cell.x1 for cell in cells),
        run[0][0].top,
        run[-1][0].bottom,
        tuple(tuple(cell.text for cell in row) for row in run),
    )


def _columns(pieces: list[Piece]) -> list[Piece]:
    """The pieces of a page from top to bottom; where they stand in two columns, the left one first. What stands across
    both ends the columns above it."""
    pieces = sorted(pieces, key=lambda piece: (piece.top, piece.x0))
    between = _gap(pieces)
    if between is None:
        return pieces
    done: list[Piece] = []
    left: list[Piece] = []
    right: list[Piece] = []
    for piece in pieces:
        if piece.x1 <= between:
            left.append(piece)
        elif piece.x0 >= between:
            right.append(piece)
        else:
            done += [*_columns(left), *_columns(right), piece]
            left, right = [], []
    return [*done, *_columns(left), *_columns(right)]


def _gap(pieces: Sequence[Piece]) -> float | None:
    """Where the right one of two columns begins; None where there is one column."""
    best, place = _ACROSS * len(pieces), None
    for at in {piece.x0 for piece in pieces}:
        left = sum(piece.x1 <= at - _GUTTER for piece in pieces)
        right = sum(piece.x0 >= at for piece in pieces)
        across = len(pieces) - left - right
        if across < best and min(left, right) >= _ROWS:
            best, place = across, at
    return place
