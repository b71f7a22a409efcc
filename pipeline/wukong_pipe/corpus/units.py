"""What a section says, piece by piece: its units, what they are worth together, and the names it marks.

A unit (unit.py) is the smallest thing that can be evidence. The worth of the units decides how many pairs a section is
asked for; the coverage in the manifest counts those that some evidence covers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from wukong_pipe.corpus.blocks import FRONT_MATTER
from wukong_pipe.corpus.outline import outline
from wukong_pipe.corpus.unit import Unit as Unit
from wukong_pipe.corpus.unit import moved
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section


def units(section: Section) -> tuple[Unit, ...]:
    """The units of a section in order, those that say nothing included."""
    found = outline(section.header + section.text, section.first_line == 1).units
    if not section.header:
        return found
    return tuple(
        _within(moved(unit, -len(section.header)), section.text) for unit in found if unit.end > len(section.header)
    )


def _within(unit: Unit, text: str) -> Unit:
    """A unit of which only the end stands in `text`: code whose fence was opened in the piece before."""
    if unit.start >= 0:
        return unit
    start = len(text) - len(text.lstrip())
    return replace(unit, start=start, text=text[start : unit.end])


def worth(section: Section) -> int:
    """How many pairs the section's content is worth asking for."""
    return sum(unit.facts for unit in units(section))


def why_not_asked(section: Section) -> Reason | None:
    """Why a section is asked nothing; None where it is worth asking."""
    found = units(section)
    if any(unit.facts for unit in found):
        return None
    kinds = {unit.kind for unit in found}
    if section.first_line == 1 and not kinds and FRONT_MATTER.match(section.text):
        return Reason.of("only-front-matter")
    if kinds & {"sentence", "item", "row", "code"}:
        return Reason.of("only-announcement")
    return Reason.of(next((code for kind, code in _ONLY.items() if kind in kinds), "only-blank"))


_ONLY = {"autodoc": "only-autodoc", "image": "only-image", "heading": "only-heading"}


@lru_cache(maxsize=1024)
def terms(section: Section) -> frozenset[str]:
    """The names a section marks as such: headings, bold lead-ins and the first cell of each table row."""
    names = set(section.heading_path)
    for unit in units(section):
        names |= {unit.lead, unit.cells[0] if unit.cells else ""}
    return frozenset(names - {""})


def telling_terms(sections: Iterable[Section]) -> frozenset[str]:
    """The terms of a whole corpus that tell two questions apart; a single character stands in too many words."""
    return frozenset(name for section in sections for name in terms(section) if len(name) > 1)
