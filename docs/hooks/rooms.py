"""The map of the rooms: who imports whom, drawn from the table to which `tests/test_imports.py` holds the code.

A page asks for one with a line of its own, which names the package:

    {{ rooms wukong_pipe }}

It becomes an SVG in which arrows point from a room to what it imports. An arrow that others already imply is left out
(`commands` imports `checks`, but also `pipeline`, which leads there).
"""

from __future__ import annotations

import ast
import re
from functools import cache
from html import escape
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

TABLE = Path(__file__).resolve().parents[2] / "tests" / "test_imports.py"
WIDTH, HEIGHT, ACROSS, DOWN = 112, 34, 170, 72
"""Of a box, and from one box to the next, in pixels."""
SWEEPS = 4
"""So many times all floors are put in order."""

Rooms = dict[str, set[str]]
"""Each room, and the rooms that it imports."""


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """MkDocs calls this for each page before it is rendered."""
    return re.sub(r"^\{\{ rooms (\w+) \}\}$", lambda match: drawing(match[1]), markdown, flags=re.MULTILINE)


def table(package: str) -> Rooms:
    """The rooms of a package, as the test's table `ROOMS` has them. The table is read, not imported: the docs can be
    built where pytest is not installed."""
    (packages,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(TABLE.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROOMS"
    )
    return {room: set(imported.split()) & packages[package].keys() for room, imported in packages[package].items()}


def reduced(rooms: Rooms) -> Rooms:
    """The same, less the arrows that a way over other rooms implies."""

    @cache
    def reached(room: str) -> set[str]:
        return rooms[room].union(*map(reached, rooms[room]))

    return {room: imported - set().union(*map(reached, imported)) for room, imported in rooms.items()}


def floors(rooms: Rooms) -> dict[str, int]:
    """Each room's floor from below: one above the highest that it imports."""

    @cache
    def floor(room: str) -> int:
        return max((floor(imported) + 1 for imported in rooms[room]), default=0)

    return {room: floor(room) for room in rooms}


def columns(rooms: Rooms, floor: dict[str, int]) -> dict[str, int]:
    """The column of each room. Floor after floor, from the top, the rooms are put where the fewest arrows run through a
    box that they do not mean, and where the arrows are shortest. This is done a few times, since the best order of one
    floor depends on the others."""
    on_floor = [[room for room in rooms if floor[room] == level] for level in range(max(floor.values()) + 1)]
    wide = range(max(map(len, on_floor)))
    arrows = [(room, imported) for room in rooms for imported in rooms[room]]

    def cost(column: dict[str, int]) -> tuple[int, int]:
        through = 0
        for start, end in arrows:
            down, across = floor[start] - floor[end], column[end] - column[start]
            for level in range(1, down):
                at = column[start] + across * level / down
                through += any(abs(column[room] - at) < WIDTH / ACROSS for room in on_floor[floor[start] - level])
        return through, sum((column[start] - column[end]) ** 2 for start, end in arrows)

    column = {room: place for level in on_floor for place, room in enumerate(level)}
    for level in on_floor[::-1] * SWEEPS:
        ways = (column | dict(zip(level, way, strict=True)) for way in permutations(wide, len(level)))
        column = min(ways, key=cost)
    return column


def drawing(package: str) -> str:
    """The SVG, in one HTML block."""
    arrows = reduced(table(package))
    floor = floors(arrows)
    column = columns(arrows, floor)
    top, width = max(floor.values()), max(column.values()) * ACROSS + WIDTH + 4
    place = {room: (column[room] * ACROSS + 2, (top - floor[room]) * DOWN + 2) for room in arrows}
    in_words = "; ".join(f"{room} → {', '.join(sorted(imported))}" for room, imported in arrows.items() if imported)
    parts = [
        f'<svg class="rooms" viewBox="0 0 {width} {top * DOWN + HEIGHT + 4}" style="max-width: {width}px" role="img" '
        f'aria-label="{escape(package)}: {escape(in_words)}">',
        f'<defs><marker id="{package}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
    ]
    for start, end in ((room, imported) for room in arrows for imported in sorted(arrows[room])):
        (x, y), (to_x, to_y) = place[start], place[end]
        line = f"M{x + WIDTH / 2:g} {y + HEIGHT} L{to_x + WIDTH / 2:g} {to_y}"
        parts.append(f'<path class="arrow" marker-end="url(#{package}-head)" d="{line}"/>')
    for room, (x, y) in place.items():
        parts.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>')
        parts.append(f'<text x="{x + WIDTH / 2:g}" y="{y + HEIGHT / 2 + 5:g}">{escape(room)}</text>')
    return "\n".join([*parts, "</svg>"])
