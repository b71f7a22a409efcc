"""The pieces of a PDF → Markdown: headings by size and weight, paragraphs, lists, code, tables, marks of pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from wukong_pipe.conversion.joining import with_line
from wukong_pipe.conversion.pages import page_mark
from wukong_pipe.conversion.pdf_layout import Piece, in_order
from wukong_pipe.conversion.pdf_pages import Grid, Page, Segment

_LARGER = 1.15
"""Text so much larger than the others is a heading."""
_LONGEST_HEADING = 150
_ENDS = re.compile(r"[.。!！?？:：;；…”\"」』)）]$")
_NO_HEADING = re.compile(r"[.。,，;；:：、]$")
_NUMBERED = re.compile(
    r"\d{1,3}[.)、．] ?(?=\D)|[(（][\d一二三四五六七八九十]{1,3}[)）]|第[\d一二三四五六七八九十百]+[章条节]"
    # The mark of a note.
    r"|\[\^[^\]]+\]:"
)
_MARKUP = re.compile(r"#{1,6}(?=\s|$)|[-+*](?=\s)|>|\||~~~|```|[-=_*]{3,}\s*$")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


@dataclass(slots=True)
class _Block:
    kind: Literal["text", "item", "code", "heading", "table"]
    page: int
    segments: list[Segment] = field(default_factory=list)
    rows: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    """(page, cells) of each row."""
    level: int = 0


@dataclass(frozen=True, slots=True)
class _Type:
    """How a document is set."""

    size: float
    """Of most of its text."""
    leading: float
    """From one line of a paragraph to the next."""
    levels: dict[float, int]
    """Of headings by their size."""
    words: frozenset[str]

    @staticmethod
    def of(pieces: Sequence[Piece]) -> _Type:
        segments = [piece for piece in pieces if isinstance(piece, Segment)]
        text = [segment for segment in segments if not segment.is_code]
        sizes = Counter[float]()
        for segment in text:
            sizes[segment.size] += len(segment.text)
        size = sizes.most_common(1)[0][0] if sizes else 10.0
        steps = Counter(
            round(2 * (below.top - above.top)) / 2
            for above, below in pairwise(text)
            if above.size == below.size == size and 0.5 * size < below.top - above.top < 2.5 * size
        )
        larger = sorted((each for each in sizes if each >= _LARGER * size), reverse=True)
        words = frozenset(word for each in text for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)+", each.text.lower()))
        leading = min((step for step, times in steps.items() if times >= max(steps.values()) / 3), default=1.5 * size)
        return _Type(size, leading, {each: min(level, 5) for level, each in enumerate(larger, 1)}, words)


def markdown(pages: Sequence[Page]) -> str:
    """The text of a PDF's pages; a comment stands where a page begins."""
    pieces = _as_text(in_order(pages))
    how = _Type.of(pieces)
    text, page, before = "", 1, ""
    for block in _headed(_blocks(pieces, how), how):
        if block.page != page:
            text += f"\n{page_mark(block.page)}\n"
            before = ""
        text += ("" if before == block.kind == "item" else "\n") + _shown(block, how) + "\n"
        page, before = block.rows[-1][0] if block.rows else block.segments[-1].page, block.kind
    return text.lstrip("\n")


def _as_text(pieces: list[Piece]) -> list[Piece]:
    """The pieces; where most of a document is set in a font of code, as what is typed, it is text."""
    segments = [piece for piece in pieces if isinstance(piece, Segment)]
    code = sum(len(segment.text) for segment in segments if segment.is_code)
    if code <= sum(len(segment.text) for segment in segments) / 2:
        return pieces
    return [replace(piece, is_code=False) if isinstance(piece, Segment) else piece for piece in pieces]


def _blocks(pieces: Sequence[Piece], how: _Type) -> Iterator[_Block]:
    block: _Block | None = None
    for piece in pieces:
        if isinstance(piece, Grid):
            rows = [(piece.page, row) for row in piece.rows]
            if block and block.kind == "table" and block.rows[-1][0] < piece.page and _is_same_table(block, piece):
                block.rows += rows[1:] if rows[0][1] == block.rows[0][1] else rows
                continue
            if block:
                yield block
            block = _Block("table", piece.page, rows=rows)
        elif block and block.segments and _goes_on(block, piece, how):
            block.segments.append(piece)
        else:
            if block:
                yield block
            block = _Block(_kind(piece, how), piece.page, [piece], level=how.levels.get(piece.size, 0))
    if block:
        yield block


def _is_same_table(block: _Block, grid: Grid) -> bool:
    """Whether a table goes on overleaf."""
    return len(block.rows[0][1]) == len(grid.rows[0])


def _kind(segment: Segment, how: _Type) -> Literal["text", "item", "code", "heading"]:
    if segment.is_code:
        return "code"
    if segment.is_item:
        return "item"
    return "heading" if segment.size in how.levels else "text"


def _goes_on(block: _Block, segment: Segment, how: _Type) -> bool:
    """Whether a line belongs to the block of those before it."""
    before = block.segments[-1]
    if block.kind == "code":
        return segment.is_code and segment.page == before.page and segment.top > before.top
    alike = abs(segment.size - before.size) < 0.6 and segment.is_bold == before.is_bold and not segment.is_code
    if not alike or segment.is_item or _NUMBERED.match(segment.text):
        return False
    step = segment.top - before.top
    if segment.page != before.page or step < -segment.size:
        # The next column or page: a sentence that has not ended goes on there.
        return block.kind != "heading" and len(before.text) > 15 and not _ENDS.search(before.text)
    if abs(step) < 1 and segment.x0 - before.x1 < 2.5 * segment.size:
        return True  # A line that is stretched to its column.
    limit = 1.6 * segment.size if block.kind == "heading" else 1.25 * how.leading
    if not -1 < step <= limit or (segment.x0 > before.x0 + 1.5 * segment.size and len(block.segments) > 1):
        return False
    is_short = before.x1 < max(segment.x1, *(each.x1 for each in block.segments)) - 5 * segment.size
    return not (is_short and _ENDS.search(before.text)) or block.kind == "heading"


def _headed(blocks: Iterator[_Block], how: _Type) -> Iterator[_Block]:
    """The blocks, with what only looks like a heading, or like text, as what it is."""
    deepest = max(how.levels.values(), default=0)
    for block in blocks:
        words = " ".join(segment.text for segment in block.segments)
        if block.kind == "heading" and (len(words) > _LONGEST_HEADING or not re.search(r"[^\W\d_]", words)):
            block.kind = "text"
        is_bold = block.kind == "text" and all(segment.is_bold for segment in block.segments)
        is_short = is_bold and len(block.segments) == 1 and len(words) < 80 and re.search(r"[^\W\d_]", words)
        if is_short and not _NO_HEADING.search(words):
            block.kind, block.level = "heading", deepest + 1
        yield block


def _shown(block: _Block, how: _Type) -> str:
    if block.kind == "code":
        return _code(block.segments)
    if block.kind == "table":
        return _table(block.rows)
    text = _text(block.segments, how)
    if block.kind == "heading":
        return f"{'#' * block.level} {text}"
    return f"- {text}" if block.kind == "item" else f"\\{text}" if _MARKUP.match(text) else text


def _text(segments: Sequence[Segment], how: _Type) -> str:
    text, page = "", segments[0].page
    for segment in segments:
        line = _TAG.sub("&lt;", segment.text.strip())
        text = with_line(text, line, how.words) if text else line
        if segment.page != page:
            at = len(text) - len(line)
            text = f"{text[:at]}{page_mark(segment.page)}{text[at:]}"
        page = segment.page
    return text


def _code(segments: Sequence[Segment]) -> str:
    """Lines of code, indented as they stand."""
    left = min(segment.x0 for segment in segments)
    widths = [(segment.x1 - segment.x0) / len(segment.text) for segment in segments if segment.text]
    width = min(widths, default=1.0) or 1.0
    lines = [" " * round((segment.x0 - left) / width) + segment.text for segment in segments]
    return "\n".join(["```", *lines, "```"])


def _table(rows: Sequence[tuple[int, tuple[str, ...]]]) -> str:
    lines, page = [], rows[0][0]
    for at, cells in rows:
        shown = [_TAG.sub("&lt;", cell).replace("|", "\\|") for cell in cells]
        if at != page:
            shown[0] = page_mark(at) + shown[0]
        page = at
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0][1]), *lines[1:]])
