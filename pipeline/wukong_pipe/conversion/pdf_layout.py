"""What stands where on a PDF's pages: what each page repeats is left out, tables without lines are found, columns are
read one after the other."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from statistics import median, quantiles

from wukong_pipe.conversion.pdf_grids import ROWS, tables_without_lines
from wukong_pipe.conversion.pdf_pages import Grid, Page, Segment

Piece = Segment | Grid
_MARGIN = 0.12
"""Share of a page's height, above and below, in which headers and footers stand."""
_HEADED = 0.3
"""Share of the pages that have a header or footer where any has; left and right pages may have their own."""
_NUMBER = re.compile(r"[\d一二三四五六七八九十百]+|\b[ivxlc]+\b")
_AT_END = re.compile(r"^ *\d{1,4}\b|\b\d{1,4}$")
_ACROSS = 0.2
"""Share of the pieces of a page in columns that may stand across them."""
_GUTTER = 8.0
"""Points between two columns."""


def in_order(pages: Sequence[Page]) -> list[Piece]:
    """The segments and tables of all pages, in the order in which they are read."""
    # Pages that hold headers alone hold what they are about.
    return _pieces(pages, _furniture(pages)) or _pieces(pages, frozenset())


def _pieces(pages: Sequence[Page], furniture: frozenset[tuple[int, int | None]]) -> list[Piece]:
    pieces: list[Piece] = []
    for page in pages:
        segments = [segment for segment in page.segments if (page.number, _height(segment, page)) not in furniture]
        grids, others = tables_without_lines(segments)
        pieces += _columns([*others, *grids, *page.grids])
    return pieces


def _furniture(pages: Sequence[Page]) -> frozenset[tuple[int, int | None]]:
    """(page, height) of the headers and footers: what stands, numbers apart, at one height of several pages; where
    chapters have headers of their own, of half of them; and lines with the page's number."""
    at_height: dict[int, dict[int, str]] = defaultdict(lambda: defaultdict(str))
    for page in pages:
        for segment in page.segments:
            if (height := _height(segment, page)) is not None:
                at_height[height][page.number] += f" {segment.text.lower()}"
    found = {(page.number, height) for page in pages for height in _page_numbers(page)}
    for height, by_page in at_height.items():
        if len(by_page) < max(2, _HEADED * len(pages)):
            continue
        is_one = len({_NUMBER.sub("#", text) for text in by_page.values()}) <= len(by_page) / 2
        found |= {(number, height) for number in (by_page if is_one else _counted(by_page, _HEADED * len(pages)))}
    return frozenset(found)


def _page_numbers(page: Page) -> Iterator[int]:
    """The heights of a page's first and last line where they are a number alone."""
    lines: dict[int, str] = defaultdict(str)
    for segment in page.segments:
        if segment.bottom <= page.height:
            lines[round(segment.bottom / 4)] += segment.text.lower()
    ends = {min(lines, default=0), max(lines, default=0)}
    for segment in page.segments:
        height = _height(segment, page)
        if height in ends and not _NUMBER.sub("", lines[height]).strip(" -–—·"):
            yield height


def _counted(by_page: dict[int, str], least: float) -> Iterator[int]:
    """The pages on which a line begins or ends with a number that grows with theirs."""
    steps = {page: {int(found[0]) - page for found in _AT_END.finditer(text)} for page, text in by_page.items()}
    step, times = max(Counter(chain(*steps.values())).items(), key=itemgetter(1), default=(0, 0))
    if times >= max(ROWS, least):
        yield from (page for page, found in steps.items() if step in found)


def _height(segment: Segment, page: Page) -> int | None:
    """Where in the margins of a page a segment stands; None of what stands in none."""
    if _MARGIN * page.height < segment.bottom and segment.top < (1 - _MARGIN) * page.height:
        return None
    return round(segment.bottom / 4)


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
        if across < best and min(len(left), len(right)) >= ROWS and max(quantiles(right)) > median(left) / 2:
            best, place = across, at
    return place
