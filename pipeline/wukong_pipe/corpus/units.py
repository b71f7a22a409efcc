"""What a section says, piece by piece: sentences, list items and table rows, each a verbatim slice.

A unit is the smallest thing that can be evidence; tables.py says how a table row becomes one. The number of units
decides how many pairs a section is asked for; the coverage in the manifest counts those that some evidence covers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from wukong_pipe.corpus.blocks import line_starts, parse, plain, unmarked
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.tables import cells, is_head, worth_of_row
from wukong_pipe.language.sentences import sentence_spans
from wukong_pipe.records import Section

_MARKER = re.compile(r"\s*(?:>\s*)*(?:[-*+]|\d{1,9}[.)])\s+")
_SIGNPOST = re.compile(r"[：:]\s*$|^(?:下表|如下|The following|As follows)|(?:as follows|如下)[.。]$")
_LEAD = re.compile(r"(?:\*\*|__)(.+?)(?:\*\*|__)\s*[：:]?\s*|(?:\*\*|__)(.+?)[：:](?:\*\*|__)\s*")


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence, list item or table row of a section.

    {"kind": "row", "start": 96, "end": 110, "text": "| 出云棍 | 石敢当 |", "words": "出云棍 石敢当", "lead": "",
     "header": ["武器", "掉落者"], "cells": ["出云棍", "石敢当"]}
    """

    kind: Literal["sentence", "item", "row"]
    start: int
    end: int
    text: str
    """section.text[start:end], verbatim."""
    words: str
    """The text without markup, list marker and bold lead-in."""
    lead: str = ""
    """The bold term that a list item or paragraph begins with."""
    header: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()

    @property
    def facts(self) -> int:
        """How many pairs this unit is worth: for a table row one for each cell but the name, else one.

        A sentence that only announces what follows it says nothing to ask for.
        """
        if self.kind == "row":
            return worth_of_row(self.cells)
        return 0 if _SIGNPOST.search(self.words) else 1


@dataclass(frozen=True, slots=True)
class Outline:
    """What one pass over the blocks of a text finds."""

    headings: tuple[tuple[int, int, str], ...]
    """(0-based line, level, words) of each that stands in no list or quotation."""
    units: tuple[Unit, ...]
    is_open: bool
    """Whether its last block, a fence or HTML, may go on in what follows the text."""
    refers: bool
    """Whether a heading's words may depend on a link's definition elsewhere."""


@lru_cache(maxsize=1024)
def outline(text: str, at_start: bool) -> Outline:
    """Headings and units of Markdown; cached, because parsing takes most of a plan's time, and a section is parsed to
    find its end and to find what it says.

    Args:
        at_start: whether the text begins its file, and so may begin with front matter.
    """
    tokens = parse(text, 1 if at_start else 2)
    starts = line_starts(text)
    headings: list[tuple[int, int, str]] = []
    found: list[Unit] = []
    refers = False
    inside_item = 0
    header: tuple[str, ...] = ()
    for i, token in enumerate(tokens):
        if token.type == "list_item_open":
            inside_item += 1
        elif token.type == "list_item_close":
            inside_item -= 1
        elif token.type == "heading_open" and token.level == 0 and token.map:
            headings.append((token.map[0], int(token.tag[1:]), _shortened(clean(plain(tokens[i + 1])).text.strip())))
            refers = refers or "[" in tokens[i + 1].content
        elif token.type == "tr_open" and token.map:
            if is_head(tokens, i):
                header = cells(tokens, i)
            else:
                found += _row(text, starts, token.map[0], header, cells(tokens, i))
        elif token.type == "inline" and token.map and tokens[i - 1].type == "paragraph_open":
            begin, end = starts[token.map[0]], starts[token.map[1]]
            found += _paragraph(text, begin, end, item=inside_item > 0)
    last = tokens[-1] if tokens else None
    ends = last.map[1] if last and last.map and last.type in {"fence", "html_block"} else 0
    return Outline(tuple(headings), tuple(found), ends >= len(starts) - 1 > 0, refers)


MAX_HEADING = 300
"""A longer heading is a paragraph with a line of dashes below; each request of what it heads would repeat it."""


def _shortened(heading: str) -> str:
    return heading if len(heading) <= MAX_HEADING else f"{heading[: MAX_HEADING - 1].rstrip()}…"


def units(section: Section) -> tuple[Unit, ...]:
    """The units of a section in order; headings, code and HTML have none."""
    found = outline(section.header + section.text, section.first_line == 1).units
    if not section.header:
        return found
    skipped = len(section.header)
    return tuple(replace(unit, start=unit.start - skipped, end=unit.end - skipped) for unit in found)


def _row(text: str, starts: list[int], line: int, header: tuple[str, ...], row: tuple[str, ...]) -> Iterator[Unit]:
    raw = text[starts[line] : starts[line + 1]]
    if any(row):
        start = starts[line] + len(raw) - len(raw.lstrip())
        end = starts[line] + len(raw.rstrip())
        yield Unit("row", start, end, text[start:end], " ".join(row), header=header, cells=row)


def _paragraph(text: str, begin: int, end: int, *, item: bool) -> Iterator[Unit]:
    """The sentences of a paragraph; a list item of at most two sentences stays whole."""
    marker = _MARKER.match(text, begin, end) if item else None
    begin = marker.end() if marker else begin
    spans = [(begin + first, begin + last) for first, last in sentence_spans(text[begin:end])]
    if item and 0 < len(spans) <= 2:
        spans = [(spans[0][0], spans[-1][1])]
    lead = ""
    for number, (first, last) in enumerate(spans):
        words = raw = text[first:last]
        if number == 0 and (match := _LEAD.match(raw)):
            lead = (match.group(1) or match.group(2)).strip("：: ")
            words = raw[match.end() :]
        yield Unit("item" if item else "sentence", first, last, raw, unmarked(clean(words).text), lead)


def worth(section: Section) -> int:
    """How many pairs the section's content is worth asking for."""
    return sum(unit.facts for unit in units(section))


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
