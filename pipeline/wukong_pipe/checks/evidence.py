"""Where a piece of evidence stands in its section, and which units of the section it covers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.units import Unit, units
from wukong_pipe.records import Section

MARKED_UP = 4
"""At most so many times as long as a source's own words may its quotation be, by markup and white space."""
_INVISIBLE = re.compile(r"[\s*_`|\\]+")


def find_evidence(text: str, section: Section) -> tuple[int, int] | None:
    """Where a piece of evidence stands in the section; white space, markup and debris need not agree."""
    if len(text) > MARKED_UP * len(section.text):
        return None  # However it is marked up, it is longer than what it is said to be a part of.
    at = section.text.find(text)
    if at >= 0 and text.strip():
        return at + len(text) - len(text.lstrip()), at + len(text.rstrip())
    bare, offsets = _bare(section.text)
    wanted, _ = _bare(text)
    at = bare.find(wanted) if wanted else -1
    return (offsets[at], offsets[at + len(wanted) - 1] + 1) if at >= 0 else None


@lru_cache(maxsize=64)
def _bare(text: str) -> tuple[str, tuple[int, ...]]:
    """The text without white space, markup and debris, and where each character left stood."""
    cleaned = clean(text)
    kept = [(char, i) for char, i in zip(cleaned.text, cleaned.offsets, strict=True) if not _INVISIBLE.match(char)]
    return "".join(char for char, _ in kept), tuple(i for _, i in kept)


def covered_units(spans: Iterable[tuple[int, int] | None], section: Section) -> list[Unit]:
    """The units that share at least one character with a span; what says nothing, as a heading, is none."""
    places = [span for span in spans if span]
    return [
        unit
        for unit in units(section)
        if unit.is_telling and any(unit.start < end and start < unit.end for start, end in places)
    ]
