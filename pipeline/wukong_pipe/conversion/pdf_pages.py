"""A PDF's pages as pdfplumber reads them: segments of text with their size and weight, and tables between lines.

Segment(page=1, x0=66.0, x1=221.0, top=80.1, bottom=102.1, text="Kiln Handbook", size=22.0, is_bold=True, …)
Grid(page=1, …, rows=(("Zone", "Temperature"), ("Firing", "1,060 °C")))
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from wukong_pipe.conversion.joining import is_wide_between, joined, mended
from wukong_pipe.conversion.pdf_glyphs import upright
from wukong_pipe.conversion.pdf_raised import with_raised
from wukong_pipe.conversion.pdf_rules import Box, Word, tables_between_rules

if TYPE_CHECKING:
    from pdfplumber.page import Page as PlumbedPage

_BOLD = re.compile(r"bold|black|heavy|[-,]b\b|demi|medi(?!um)|cmbx", re.IGNORECASE)
_MONOSPACED = re.compile(r"mono|courier|consol|menlo|typewriter|cmtt", re.IGNORECASE)
# Many fonts of dots and arrows name no characters.
_BULLET = re.compile(r"(?:[•·●▪◦‣–■□○➢✓\x7f\ue000-\uf8ff]|\(cid:\d+\))")
_DOTS = re.compile(r"[.·…]+")
_LED = re.compile(r"[.·…]+|\d+|[ivxlc]+")
"""What dots of a table of contents lead to."""
_LEADER = re.compile(r"(?:[.·…] ?){4,}\s*(\d+|[ivxlc]+)$", re.IGNORECASE)
_CONTENTS = 3
"""Lines of a page that make a table of contents."""
_LONGEST_LABEL = 10
"""Characters of the number that may stand before a line of a table of contents."""
_BLANK = 0.15
"""Characters further apart than so many times their size stand in different words."""
_FAR = 100_000.0
"""Points, more than any page is high."""
_BLANKS = 0.1
"""Share of a text's characters that are blanks, where it has any: letters set apart in it are one word."""
_WIDE_BLANK = 0.2
_NEAR = 3.0
"""Points by which lines that meet may miss each other."""
_OPEN = 10.0
"""Points by which a table's lines go on beyond its last upright one where a column is open."""
_WHOLE = 0.95
"""Share of a table's characters that must stand in its cells."""
_APART = 1.0
"""Words further apart than so many times their size stand in different columns."""

_Table = tuple[Box, list[list[str | None]]]
"""Where it is, and its cells by row."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Words on one line of one column."""

    page: int
    x0: float
    x1: float
    top: float
    bottom: float
    text: str
    size: float
    is_bold: bool
    is_code: bool
    """Whether its font is one of code."""
    is_item: bool = False
    """Whether a list's bullet stands before it."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    page: int
    x0: float
    x1: float
    top: float
    bottom: float
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    height: float
    segments: tuple[Segment, ...]
    grids: tuple[Grid, ...]
    is_picture: bool = False
    """Whether it holds a picture and no text: scanned, perhaps."""


def read_pages(path: Path) -> Iterator[Page]:
    """The pages of a PDF, one at a time; what the library keeps of each is let go."""
    import pdfplumber

    from wukong_pipe.conversion.pdf_fonts import Fonts

    with pdfplumber.open(path) as pdf:
        pdf.rsrcmgr = Fonts()
        for page in pdf.pages:
            yield _page(page)
            page.close()


def _page(page: PlumbedPage) -> Page:
    first, *others = map(_read, upright(page))
    # What is set in another direction, in the margin or beside a figure, is read after the rest of the page.
    segments, grids = [*first.segments], [*first.grids]
    for at, other in enumerate(others, 1):
        segments += [replace(each, top=each.top + at * _FAR, bottom=each.bottom + at * _FAR) for each in other.segments]
        grids += [replace(each, top=each.top + at * _FAR, bottom=each.bottom + at * _FAR) for each in other.grids]
    return replace(first, segments=tuple(segments), grids=tuple(grids))


def _read(page: PlumbedPage) -> Page:
    grids, inside = [], []
    words = _words(page)
    for box, cells in _tables(page, words):
        rows = _filled([[mended(joined((cell or "").splitlines())) for cell in row] for row in cells])
        if len(rows) > 1 and len(rows[0]) > 1:
            grids.append(Grid(page.page_number, *_sides(box), rows))
            inside.append(box)
    outside = [word for word in words if not any(_holds(box, word) for box in inside)]
    outside = [*chain(*_told([*_parts(outside)], len(page.pdf.pages)))]
    rules = [line for line in page.horizontal_edges if not any(_holds(box, line) for box in inside)]
    for box, found in tables_between_rules(rules, outside):
        shown = tuple(tuple(joined(map(_text, _lines(cell))) for cell in row) for row in found)
        grids.append(Grid(page.page_number, *_sides(box), shown))
        outside = [word for word in outside if not _holds(box, word)]
    dots = [shape for shape in (*page.curves, *page.rects) if shape["width"] < 8 and shape["height"] < 8]
    segments = tuple(_segment(part, dots, page.page_number) for part in _parts(outside))
    return Page(page.page_number, float(page.height), segments, tuple(grids), bool(page.images) and not words)


def _tables(page: PlumbedPage, words: Sequence[Word]) -> list[_Table]:
    """The tables between lines; where these go on beyond the last upright one, a column is open at its side."""
    tables = [(table.bbox, table.extract()) for table in page.find_tables()]
    sides = set[float]()
    for (left, top, right, bottom), _ in tables:
        beside = [line for line in page.horizontal_edges if top - _NEAR < line["top"] < bottom + _NEAR]
        sides.update(line["x0"] for line in beside if line["x0"] < left - _OPEN and line["x1"] > left - _NEAR)
        sides.update(line["x1"] for line in beside if line["x1"] > right + _OPEN and line["x0"] < right + _NEAR)
    if sides:
        found = page.find_tables({"explicit_vertical_lines": sorted(sides)})
        wider = [(table.bbox, table.extract()) for table in found]
        tables = wider if all(_is_whole(table, words) for table in wider) else tables
    return [table for table in tables if _is_whole(table, words)]


def _is_whole(table: _Table, words: Sequence[Word]) -> bool:
    """Whether what stands within a table's sides stands in its cells: lines that part no cells lose text."""
    box, rows = table
    shown = sum(len("".join((cell or "").split())) for row in rows for cell in row)
    return shown >= _WHOLE * sum(len(word["text"]) for word in words if _holds(box, word))


def _filled(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """The rows and columns that have a word: lines that are double, or drawn piece by piece, part others."""
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    return tuple(row for row in zip(*columns, strict=True) if any(row))


def _words(page: PlumbedPage) -> list[Word]:
    """The words of a page; `is_apart` is one that stands after a blank that the page has."""
    after_blank = {id(char) for blank, char in pairwise(page.chars) if blank["text"].isspace()}
    blanks = sum(char["text"].isspace() for char in page.chars)
    ratio = _WIDE_BLANK if blanks > _BLANKS * len(page.chars) else _BLANK
    words = page.extract_words(extra_attrs=["fontname", "size"], x_tolerance_ratio=ratio, return_chars=True)
    return with_raised([word | {"is_apart": id(word.pop("chars")[0]) in after_blank} for word in words])


def _sides(box: Box) -> tuple[float, float, float, float]:
    """x0, x1, top, bottom."""
    return box[0], box[2], box[1], box[3]


def _holds(box: Box, word: Word) -> bool:
    x0, top, x1, bottom = box
    return bool(x0 <= (word["x0"] + word["x1"]) / 2 <= x1 and top <= (word["top"] + word["bottom"]) / 2 <= bottom)


def _told(parts: Sequence[list[Word]], last: int) -> Iterator[list[Word]]:
    """The parts of lines without those of a table of contents, which says nothing, and the numbers before them.

    Args:
        last: the number of pages; where dots lead to other numbers, as in an account, these say something.
    """
    leaders = [_LEADER.search(_text(part)) for part in parts]
    numbers = [int(found[1]) for found in leaders if found and found[1].isdecimal()]
    if len(numbers) < _CONTENTS or numbers != sorted(numbers) or numbers[-1] > last:
        yield from parts
        return
    for part, is_leader, following, is_led in zip(parts, leaders, [*parts[1:], []], [*leaders[1:], None], strict=True):
        is_label = is_led and sum(len(word["text"]) for word in part) <= _LONGEST_LABEL
        is_beside = is_label and abs(part[0]["bottom"] - following[0]["bottom"]) < part[0]["size"] / 2
        if not is_leader and not is_beside:
            yield part


def _parts(words: Sequence[Word]) -> Iterator[list[Word]]:
    """The words of each line, a new part where they stand far apart."""
    for line in _lines(words):
        parts: list[list[Word]] = [[line[0]]]
        for before, word in pairwise(line):
            is_near = word["x0"] - before["x1"] < _APART * max(word["size"], before["size"])
            is_led = _DOTS.fullmatch(before["text"]) and _LED.fullmatch(word["text"])
            if is_near or is_led or (len(parts[-1]) == 1 and _BULLET.fullmatch(before["text"])):
                parts[-1].append(word)
            else:
                parts.append([word])
        yield from parts


def _lines(words: Sequence[Word]) -> Iterator[list[Word]]:
    """The words whose feet are at about one height, from left to right."""
    line: list[Word] = []
    for word in sorted(words, key=lambda word: (word["bottom"], word["x0"])):
        if line and word["bottom"] - line[-1]["bottom"] > 0.4 * min(word["size"], line[-1]["size"]):
            yield sorted(line, key=lambda word: float(word["x0"]))
            line = []
        line.append(word)
    if line:
        yield sorted(line, key=lambda word: float(word["x0"]))


def _text(words: Sequence[Word]) -> str:
    """The words of a line, a blank between those that stand apart."""
    text = words[0]["text"]
    for before, word in pairwise(words):
        is_wide = is_wide_between(before["text"], word["text"])
        is_apart = word["x0"] - before["x1"] > (0.4 if is_wide else _BLANK) * word["size"]
        text += f" {word['text']}" if is_apart or (word["is_apart"] and not is_wide) else word["text"]
    return mended(text)


def _segment(words: list[Word], dots: Sequence[Word], page: int) -> Segment:
    is_item = len(words) > 1 and bool(_BULLET.fullmatch(words[0]["text"]))
    words = words[1:] if is_item else words
    first = words[0]
    # Browsers draw the dot of a list.
    is_item = is_item or any(
        0 < first["x0"] - dot["x1"] < 1.5 * first["size"]
        and first["top"] < dot["top"] < dot["bottom"] < first["bottom"]
        for dot in dots
    )
    fonts = [word["fontname"] for word in words]
    sizes = [word["size"] for word in words for _ in word["text"]]
    return Segment(
        page=page,
        x0=first["x0"],
        x1=words[-1]["x1"],
        top=min(word["top"] for word in words),
        bottom=max(word["bottom"] for word in words),
        text=_text(words),
        size=round(2 * statistics.median(sizes)) / 2,
        is_bold=all(_BOLD.search(font) for font in fonts),
        is_code=all(_MONOSPACED.search(font) for font in fonts),
        is_item=is_item,
    )
