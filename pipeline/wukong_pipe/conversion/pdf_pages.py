"""A PDF's pages as pdfplumber reads them: segments of text with their size and weight, and tables between lines.

Segment(page=1, x0=66.0, x1=221.0, top=80.1, bottom=102.1, text="Kiln Handbook", size=22.0, is_bold=True, …)
Grid(page=1, …, rows=(("Zone", "Temperature"), ("Firing", "1,060 °C")))
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wukong_pipe.conversion.joining import is_wide_between, joined, mended
from wukong_pipe.conversion.pdf_rules import Box, tables_between_rules

if TYPE_CHECKING:
    from pdfplumber.page import Page as PlumbedPage

_BOLD = re.compile(r"bold|black|heavy|semibold|[-,]b\b|demi", re.IGNORECASE)
_MONOSPACED = re.compile(r"mono|courier|consol|menlo|typewriter|cmtt", re.IGNORECASE)
_BULLET = re.compile(r"(?:[•·●▪◦‣–■□○➢✓\x7f\uf0b7\uf0a7\uf0d8]|\(cid:127\))")
_BLANK = 0.15
"""Characters further apart than so many times their size stand in different words."""
_APART = 1.0
"""Words further apart than so many times their size stand in different columns."""


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

    with pdfplumber.open(path) as pdf:
        for page in pdf.pages:
            yield _page(page)
            page.close()


def _page(page: PlumbedPage) -> Page:
    grids, inside = [], []
    for table in page.find_tables():
        rows = tuple(tuple(mended(joined((cell or "").splitlines())) for cell in row) for row in table.extract())
        if len(rows) > 1 and len(rows[0]) > 1:
            grids.append(Grid(page.page_number, *_sides(table.bbox), rows))
            inside.append(table.bbox)
    words = page.extract_words(extra_attrs=["fontname", "size"], x_tolerance_ratio=_BLANK)
    outside = [word for word in words if not any(_holds(box, word) for box in inside)]
    rules = [line for line in page.horizontal_edges if not any(_holds(box, line) for box in inside)]
    for box, found in tables_between_rules(rules, outside):
        shown = tuple(tuple(joined(map(_text, _lines(cell))) for cell in row) for row in found)
        grids.append(Grid(page.page_number, *_sides(box), shown))
        outside = [word for word in outside if not _holds(box, word)]
    dots = [shape for shape in (*page.curves, *page.rects) if shape["width"] < 8 and shape["height"] < 8]
    segments = tuple(_segments(outside, dots, page.page_number))
    return Page(page.page_number, float(page.height), segments, tuple(grids), bool(page.images) and not words)


def _sides(box: Box) -> tuple[float, float, float, float]:
    """x0, x1, top, bottom."""
    return box[0], box[2], box[1], box[3]


def _holds(box: Box, word: dict[str, Any]) -> bool:
    x0, top, x1, bottom = box
    return bool(x0 <= (word["x0"] + word["x1"]) / 2 <= x1 and top <= (word["top"] + word["bottom"]) / 2 <= bottom)


def _segments(words: Sequence[dict[str, Any]], dots: Sequence[dict[str, Any]], page: int) -> Iterator[Segment]:
    """The words of each line, a new segment where they stand far apart."""
    for line in _lines(words):
        parts: list[list[dict[str, Any]]] = [[line[0]]]
        for before, word in pairwise(line):
            is_near = word["x0"] - before["x1"] < _APART * max(word["size"], before["size"])
            if is_near or (len(parts[-1]) == 1 and _BULLET.fullmatch(before["text"])):
                parts[-1].append(word)
            else:
                parts.append([word])
        yield from (_segment(part, dots, page) for part in parts)


def _lines(words: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The words whose feet are at about one height, from left to right."""
    line: list[dict[str, Any]] = []
    for word in sorted(words, key=lambda word: (word["bottom"], word["x0"])):
        if line and word["bottom"] - line[-1]["bottom"] > 0.4 * min(word["size"], line[-1]["size"]):
            yield sorted(line, key=lambda word: float(word["x0"]))
            line = []
        line.append(word)
    if line:
        yield sorted(line, key=lambda word: float(word["x0"]))


def _text(words: Sequence[dict[str, Any]]) -> str:
    """The words of a line, a blank between those that stand apart."""
    text = words[0]["text"]
    for before, word in pairwise(words):
        blank = 0.4 if is_wide_between(before["text"], word["text"]) else _BLANK
        text += f" {word['text']}" if word["x0"] - before["x1"] > blank * word["size"] else word["text"]
    return mended(text)


def _segment(words: list[dict[str, Any]], dots: Sequence[dict[str, Any]], page: int) -> Segment:
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
