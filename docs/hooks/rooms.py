"""The map of the rooms: a drawing of who imports whom, made from the imports when the docs are built.

A page asks for one with a line of its own, which names the package:

    {{ rooms wukong_pipe }}

It becomes an SVG in which arrows point from a room to what it imports. An arrow that others already imply is left out
(`cli` imports `language`, but also `screens`, which leads there).
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"wukong_pipe": ROOT / "pipeline" / "wukong_pipe", "wukong_trainer": ROOT / "trainer" / "wukong_trainer"}
FILES = {"build", "recipe"}
"""Files that are drawn like rooms: the story of a build, and what a training is made from."""
WIDTH, HEIGHT, ACROSS, DOWN = 112, 34, 200, 62
"""Of a box, and from one box to the next, in pixels."""

Arrows = Counter[tuple[str, str]]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """MkDocs calls this for each page before it is rendered."""
    return re.sub(r"^\{\{ rooms (\w+) \}\}$", lambda match: drawing(match[1]), markdown, flags=re.MULTILINE)


def rooms(package: str) -> set[str]:
    """The folders with code of a package, and the files that are drawn like them."""
    folder = PACKAGES[package]
    folders = {path.parent.name for path in folder.glob("*/*.py") if path.name != "__init__.py"}
    return folders | {name for name in FILES if (folder / f"{name}.py").exists()}


@cache
def imports(package: str) -> Arrows:
    """How often each room imports of each other: `{("cli", "screens"): 9, …}`."""
    arrows: Arrows = Counter()
    inside = rooms(package)
    for path in PACKAGES[package].rglob("*.py"):
        room = path.relative_to(PACKAGES[package]).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
                other = (node.module or "").split(".")[1]
                if other != room and {room, other} <= inside:
                    arrows[room, other] += 1
    return arrows


def without_circles(arrows: Arrows) -> Arrows:
    """The same, less one arrow of each circle: a drawing from top to bottom needs an order. It is the arrow of the
    fewest imports; of several such, the one without which the fewest arrows are in circles."""
    kept = Counter(arrows)
    while circle := _in_circles(kept):
        del kept[
            min(circle, key=lambda arrow: (kept[arrow], len(_in_circles(kept - Counter({arrow: kept[arrow]}))), arrow))
        ]
    return kept


def _in_circles(arrows: Arrows) -> list[tuple[str, str]]:
    """The arrows that lead back to where they start."""
    return [(start, end) for start, end in arrows if start in _reached(arrows, end)]


def _reached(arrows: Arrows, start: str) -> set[str]:
    """Where the arrows lead from a room, in any number of steps; itself only by a circle."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        ends = {end for begin, end in arrows if begin == waiting[-1]} - reached
        waiting.pop()
        reached |= ends
        waiting.extend(ends)
    return reached


def reduced(arrows: Arrows) -> Arrows:
    """The arrows that no way over other rooms implies; there must be no circle."""
    return Counter(
        {
            (start, end): count
            for (start, end), count in arrows.items()
            if not any(end in _reached(arrows, between) for begin, between in arrows if begin == start)
        }
    )


def floors(arrows: Arrows, all_rooms: set[str]) -> dict[str, int]:
    """Each room's floor from below: one above the highest that it imports."""

    @cache
    def floor(room: str) -> int:
        return max((floor(end) + 1 for start, end in arrows if start == room), default=0)

    return {room: floor(room) for room in all_rooms}


def columns(arrows: Arrows, floor: dict[str, int]) -> dict[str, int]:
    """0 for the rooms of the longest chain, the middle column; the others stand left and right of it in turn."""
    chain = [max(floor, key=lambda room: (floor[room], room))]
    while below := [end for start, end in arrows if start == chain[-1] and floor[end] == floor[start] - 1]:
        chain.append(min(below))
    column = dict.fromkeys(chain, 0)
    on_floor: Counter[int] = Counter()
    for room in sorted(floor.keys() - column.keys(), key=lambda room: (-floor[room], room)):
        on_floor[floor[room]] += 1
        nth = on_floor[floor[room]]
        column[room] = (nth + 1) // 2 * (-1 if nth % 2 else 1)
    return column


def drawing(package: str) -> str:
    """The SVG, in one HTML block."""
    arrows = reduced(without_circles(imports(package)))
    floor = floors(arrows, rooms(package))
    column = columns(arrows, floor)
    left, top = min(column.values()), max(floor.values())
    width = (max(column.values()) - left) * ACROSS + WIDTH + 4
    place = {room: ((column[room] - left) * ACROSS + 2, (top - floor[room]) * DOWN + 2) for room in floor}
    parts = [
        f'<svg class="rooms" viewBox="0 0 {width} {top * DOWN + HEIGHT + 4}" style="max-width: {width}px" role="img" '
        f'aria-label="{escape(package)}: {escape(_in_words(arrows))}">',
        f'<defs><marker id="{package}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
    ]
    for start, end in sorted(arrows):
        (x, y), (to_x, to_y) = _ends(place[start], place[end], outward=abs(column[end]) > abs(column[start]))
        parts.append(f'<path class="arrow" marker-end="url(#{package}-head)" d="M{x:g} {y:g} L{to_x:g} {to_y:g}"/>')
    for room, (x, y) in sorted(place.items()):
        parts.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>')
        parts.append(f'<text x="{x + WIDTH / 2:g}" y="{y + HEIGHT / 2 + 5:g}">{escape(room)}</text>')
    return "\n".join([*parts, "</svg>"])


def _ends(start: tuple[int, int], end: tuple[int, int], outward: bool) -> tuple[tuple[float, float], ...]:
    """Where an arrow leaves its box and where it meets the other: below and above in one column; else it leaves the
    middle column, and meets it, at a side, so that it does not cross the boxes in between."""
    (x, y), (to_x, to_y) = start, end
    below, above = (x + WIDTH / 2, float(y + HEIGHT)), (to_x + WIDTH / 2, float(to_y))
    if x == to_x:
        return below, above
    if outward:
        return (x if to_x < x else x + WIDTH, y + HEIGHT / 2), above
    return below, (to_x if x < to_x else to_x + WIDTH, to_y + HEIGHT / 2)


def _in_words(arrows: Arrows) -> str:
    return "; ".join(f"{start} → {end}" for start, end in sorted(arrows))
