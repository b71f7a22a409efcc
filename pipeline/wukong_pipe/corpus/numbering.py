"""A section as a prompt shows it: one unit a line, each under a number that the teacher cites as evidence.

    [1] 出云棍是一件武器。
    [2] 武器: 出云棍 | 掉落者: 石敢当

A cited number stands for the verbatim slice of its unit, so evidence is exact with any teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.corpus.units import Unit, units
from wukong_pipe.records import Section


@dataclass(frozen=True, slots=True)
class NumberedSection:
    """The lines that a prompt shows, and the unit behind each number: unit n is `units[n - 1]`."""

    text: str
    units: tuple[Unit, ...]


@lru_cache(maxsize=64)
def numbered(section: Section) -> NumberedSection:
    """The section's units, each under its number from 1; not the heading above, which a prompt shows elsewhere."""
    pieces = units(section)
    pieces = pieces[1:] if pieces and pieces[0].kind == "heading" else pieces
    # A comment or an image without words is nothing to cite.
    pieces = tuple(unit for unit in pieces if unit.shown)
    lines = [unit.shown for unit in pieces]
    whole, depth = "\n".join(lines), 1
    # The mark must not stand in the text: code holds “[1]”, too.
    while any(f"{'[' * depth}{digit}" in whole for digit in "0123456789"):
        depth += 1
    marked = (f"{'[' * depth}{number}{']' * depth} {line}" for number, line in enumerate(lines, 1))
    return NumberedSection("\n".join(marked), pieces)
