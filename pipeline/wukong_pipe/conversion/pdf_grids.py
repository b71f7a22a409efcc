"""Tables without lines: rows whose cells stand below each other; some cells may be empty, and labels indented.

                    2022    2023
Loans                878     727
  of them short      370
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from wukong_pipe.conversion.pdf_pages import Grid, Segment

_SAME = 6.0
"""Points by which the cells of one column may differ in place."""
_FULL = 0.75
"""Cells fill less of the way to the next column; lines of a text in columns fill it."""
_LONGEST_CELL = 60
ROWS = 3
"""So few rows in line are a table, or lines beside each other columns."""

Cells = list[Segment | None]
"""Of a row, by column."""


def tables_without_lines(segments: Sequence[Segment]) -> tuple[list[Grid], list[Segment]]:
    """The tables, and the segments that stand in none."""
    grids, inside = [], set[Segment]()
    run, above = list[list[Segment]](), list[Segment]()
    for row in [*_rows(segments), []]:
        if not run or not _fits(row, run):
            if table := _table(run):
                grids.append(_grid(table))
                inside.update(cell for cells in table for cell in cells if cell)
                above = []
            run = [row] if len(row) > 1 else []
            # A head may have no word above the first column.
            if run and len(row) > len(above) > 1 and _fits(above, run) and _are_near(above, row):
                run = [above, row]
        else:
            run.append(row)
        above = row
    return grids, [segment for segment in segments if segment not in inside]


def _rows(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    by_foot: dict[int, list[Segment]] = defaultdict(list)
    for segment in sorted(segments, key=lambda segment: segment.bottom):
        foot = next((foot for foot in by_foot if abs(foot - segment.bottom) < 3), round(segment.bottom))
        by_foot[foot].append(segment)
    for row in by_foot.values():
        yield sorted(row, key=lambda segment: segment.x0)


def _fits(row: Sequence[Segment], run: Sequence[Sequence[Segment]]) -> bool:
    """Whether a row's cells stand each in a column of its own of the table above it."""
    return len(row) > 1 and _are_near(run[-1], row) and _cells(row, _columns(run)) is not None


def _are_near(above: Sequence[Segment], row: Sequence[Segment]) -> bool:
    return row[0].top - above[0].top < 3 * above[0].size


def _columns(run: Sequence[Sequence[Segment]]) -> list[tuple[float, float]]:
    """From where to where each column goes: as wide as the widest of its cells."""
    columns = [(cell.x0, cell.x1) for cell in max(run, key=len)]
    for row in run:
        for at, cell in enumerate(_cells(row, columns) or ()):
            if cell:
                columns[at] = min(columns[at][0], cell.x0), max(columns[at][1], cell.x1)
    return columns


def _cells(row: Sequence[Segment], columns: Sequence[tuple[float, float]]) -> Cells | None:
    cells: Cells = [None] * len(columns)
    for segment in row:
        places = [at for at, (left, right) in enumerate(columns) if segment.x0 < right and segment.x1 > left]
        if len(places) != 1 or cells[places[0]]:
            return None
        cells[places[0]] = segment
    return cells


def _table(run: Sequence[Sequence[Segment]]) -> list[Cells]:
    """The cells of a table's rows; none where the rows only look like one."""
    if len(run) < ROWS:
        return []
    columns = _columns(run)
    rows = [cells for row in run if (cells := _cells(row, columns))]
    by_column = [[cell for cell in column if cell] for column in zip(*rows, strict=True)]
    if len(rows) < len(run) or any(len(cell.text) > _LONGEST_CELL or cell.is_item for row in run for cell in row):
        return []
    for column, following in pairwise(by_column):
        pitch = min(cell.x0 for cell in following) - min(cell.x0 for cell in column)
        if sum(cell.x1 - cell.x0 for cell in column) / len(column) > _FULL * pitch:
            return []
    # Labels may be indented, and the head centred.
    aligned = by_column[1:] if len(columns) > 2 else by_column
    return rows if all(_is_aligned([cell for cell in column if cell not in run[0]]) for column in aligned) else []


def _is_aligned(column: Sequence[Segment]) -> bool:
    """Whether the cells stand below each other by their left sides, right sides or middles."""
    places = (
        [cell.x0 for cell in column],
        [cell.x1 for cell in column],
        [(cell.x0 + cell.x1) / 2 for cell in column],
    )
    return not column or any(max(place) - min(place) < _SAME for place in places)


def _grid(rows: Sequence[Cells]) -> Grid:
    cells = [cell for row in rows for cell in row if cell]
    return Grid(
        cells[0].page,
        min(cell.x0 for cell in cells),
        max(cell.x1 for cell in cells),
        min(cell.top for cell in cells),
        max(cell.bottom for cell in cells),
        tuple(tuple(cell.text if cell else "" for cell in row) for row in rows),
    )
