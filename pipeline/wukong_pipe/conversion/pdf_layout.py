"""What stands where on a PDF's pages: what each page repeats is left out, tables without lines are found, columns are
read one after the other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from wukong_pipe.conversion.pdf_pages import Grid, Page, Segment

Piece = Segment | Grid
_MARGIN = 0.12
"""Share of a page's height, above and below, in which headers and footers stand."""
_HEADED = 0.3
"""Share of the pages that have a header or footer where any has; left and right pages may have their own."""
_NUMBER = re.compile(r"[\d一二三四五六七八九十百]+|\b[ivxlc]+\b")
_LEADER = re.compile(r"(?:[.·…] ?){4,}\s*[\divxlc]+$", re.IGNORECASE)
"""The dots of a table of contents, which says nothing."""
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
        segments = [segment for segment in page.segments if (page.number, _height(segment, page)) not in repeated]
        grids, others = _grids([segment for segment in segments if not _LEADER.search(segment.text)])
        pieces += _columns([*others, *grids, *page.grids])
    return pieces


def _repeated(pages: Sequence[Page]) -> frozenset[tuple[int, int | None]]:
    """(page, height) of the headers and footers: what stands, numbers apart, at one height of several pages; where
    chapters have headers of their own, of half of them."""
    at_height: dict[int, dict[int, str]] = defaultdict(lambda: defaultdict(str))
    for page in pages:
        for segment in page.segments:
            if (height := _height(segment, page)) is not None:
                at_height[height][page.number] += _NUMBER.sub("#", segment.text.lower())
    return frozenset(
        (number, height)
        for height, by_page in at_height.items()
        if len(by_page) >= max(2, _HEADED * len(pages)) and len({*by_page.values()}) <= len(by_page) / 2
        for number in by_page
    )


def _height(segment: Segment, page: Page) -> int | None:
    """Where in the margins of a page a segment stands; None of what stands in none."""
    if _MARGIN * page.height < segment.bottom and segment.top < (1 - _MARGIN) * page.height:
        return None
    return round(segment.bottom / 4)


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
        left = [piece.x1 - piece.x0 for piece in pieces if piece.x1 <= at - _GUTTER]
        right = [piece.x1 - piece.x0 for piece in pieces if piece.x0 >= at]
        across = len(pieces) - len(left) - len(right)
        # Labels in the margin are no column.
        if across < best and min(len(left), len(right)) >= _ROWS and median(right) > median(left) / 2:
            best, place = across, at
    return place
