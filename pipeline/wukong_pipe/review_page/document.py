"""A section as the page sets it: headings, paragraphs, lists, tables and code, with line numbers and marks.

The line “| 出云棍 | 石敢当 |” of a table becomes a row of two cells; where it is evidence, both are marked, and where
"石敢当" is a fact, it is marked as one, too. All text is the source's own: only Markdown's signs are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from markdown_it.token import Token

from wukong_pipe.corpus.blocks import line_starts, parse
from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.fact_matching import Facts, places
from wukong_pipe.printable import printable
from wukong_pipe.records import Section

Span = tuple[int, int]
BlockKind = Literal["heading", "paragraph", "table", "code", "rule"]
Setting = Literal["", "code", "strong"]

_INLINE = re.compile(
    r"(?P<ticks>`{1,3})(?P<code>[^`\n]{1,500})(?P=ticks)"
    r"|\*\*(?P<strong>[^*\n]{1,500})\*\*"
    r"|!?\[(?P<words>[^\[\]\n]{0,300})\]\([^()\n]{0,500}\)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
)
"""Signs of Markdown within a line; what they stand around is shown, they are not."""
_CELL_END = re.compile(r"(?<!\\)\|")
_WIDE = re.compile(rf"[{CJK}\u3000-\u303f\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters that look alike."""

    text: str
    setting: Setting = ""
    is_evidence: bool = False
    is_fact: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the source; of a table's row each cell, else one."""

    number: int | None
    """None for a line that the section continues: the head of a table that was cut, the opening of a fence."""
    cells: tuple[tuple[Piece, ...], ...]
    joint: str = ""
    """What stands between it and the line before in a paragraph: nothing between two Chinese characters."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a document."""

    kind: BlockKind
    lines: tuple[Line, ...]
    level: int = 0
    """Of a heading, 1 to 6."""
    depth: int = 0
    """In how many lists and quotations it stands."""
    marker: str = ""
    """What a list item begins with."""
    is_quote: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked in a text, by place."""

    evidence: tuple[Span, ...] = ()
    facts: tuple[Span, ...] = ()

    @staticmethod
    def of(text: str, evidence: Iterable[Span], facts: Facts) -> Marks:
        """The places of evidence, and of the facts in it."""
        spans = tuple(sorted(set(evidence)))
        found = {
            (begin + first, begin + last) for begin, end in spans for first, last in fact_places(facts, text[begin:end])
        }
        return Marks(spans, tuple(sorted(found)))

    def moved(self, by: int) -> Marks:
        """The same marks in a text that begins `by` characters earlier."""
        evidence, facts = (
            tuple((begin + by, end + by) for begin, end in spans) for spans in (self.evidence, self.facts)
        )
        return Marks(evidence, facts)


def document(section: Section, marks: Marks) -> list[Block]:
    """The blocks of a section in order; each line of it that is not blank stands in one of them."""
    return _Reader(section, marks).blocks()


def marked_text(text: str, facts: Facts = ()) -> tuple[Piece, ...]:
    """A question or answer with its facts marked and its code as code."""
    return tuple(_pieces(text, (0, len(text)), Marks((), fact_places(facts, text))))


def fact_places(facts: Facts, text: str) -> tuple[Span, ...]:
    """Where facts stand in a text, in any spelling."""
    return tuple(sorted({span for fact in facts for spelling in fact for span in places(spelling, text)}))


class _Reader:
    def __init__(self, section: Section, marks: Marks) -> None:
        self._text = section.header + section.text
        self._marks = marks.moved(len(section.header))
        self._starts = line_starts(self._text)
        self._first = section.first_line - (len(line_starts(section.header)) - 1 if section.header else 0)
        self._section_first = section.first_line
        self._shown: set[int] = set()
        """Lines that stand in a block."""

    def blocks(self) -> list[Block]:
        tokens = parse(self._text, self._first if self._first > 1 else 1)
        found = list(self._of_tokens(tokens))
        for index in range(len(self._starts) - 1):
            # What CommonMark shows nowhere, as the target of a link, is still a line of the source.
            if index not in self._shown and self._raw(index).strip():
                found.append((index, Block("paragraph", (self._line(index, self._raw(index).strip()),))))
        return [block for _, block in sorted(found, key=lambda entry: entry[0])]

    def _of_tokens(self, tokens: Sequence[Token]) -> Iterator[tuple[int, Block]]:
        depth, quotes, marker = 0, 0, ""
        for index, token in enumerate(tokens):
            step = {1: 1, -1: -1}.get(token.nesting, 0)
            if token.type.startswith(("bullet_list", "ordered_list")):
                depth += step
            elif token.type.startswith("blockquote"):
                quotes += step
            elif token.type == "list_item_open":
                marker = f"{token.info}{token.markup}" if token.info else "•"
            elif token.map and (block := self._block(tokens, index, depth + quotes, marker, quotes > 0)):
                marker = ""
                yield token.map[0], block

    def _block(self, tokens: Sequence[Token], index: int, depth: int, marker: str, is_quote: bool) -> Block | None:
        """The block that a token opens; None where it opens none."""
        token = tokens[index]
        first, last = token.map or (0, 0)
        if token.type in {"heading_open", "paragraph_open"}:
            lines = self._prose(tokens[index + 1].content.split("\n"), first)
            kind: BlockKind = "heading" if token.type == "heading_open" else "paragraph"
            level = int(token.tag[1]) if kind == "heading" else 0
            block = Block(kind, lines, level, depth, marker, is_quote)
        elif token.type == "table_open":
            block = Block("table", self._rows(tokens, index), 0, depth, marker, is_quote)
        elif token.type in {"fence", "code_block", "html_block"}:
            content = token.content.removesuffix("\n").split("\n")
            begin = first + 1 if token.type == "fence" else first
            lines = tuple(self._line(begin + at, line, as_code=True) for at, line in enumerate(content))
            block = Block("code", lines, 0, depth, marker, is_quote)
        elif token.type == "hr":
            block = Block("rule", ())
        else:
            return None
        self._shown.update(range(first, last))
        return block

    def _prose(self, content: Sequence[str], first: int) -> tuple[Line, ...]:
        lines = []
        for at, words in enumerate(content):
            before = content[at - 1][-1:] if at else ""
            joint = " " if before and not (_WIDE.match(before) and _WIDE.match(words)) else ""
            lines.append(self._line(first + at, words, joint))
        return tuple(lines)

    def _rows(self, tokens: Sequence[Token], index: int) -> tuple[Line, ...]:
        """The rows of a table, its head first."""
        rows = []
        while tokens[index].type != "table_close":
            token = tokens[index]
            if token.type == "tr_open" and token.map:
                rows.append(self._row(token.map[0]))
            index += 1
        return tuple(rows)

    def _row(self, index: int) -> Line:
        begin, raw = self._starts[index], self._raw(index)
        ends = [match.start() for match in _CELL_END.finditer(raw)]
        edges = [-1, *ends, len(raw)]
        spans = [(left + 1, right) for left, right in pairwise(edges)]
        # What stands before the first sign and behind the last is no cell where it is blank.
        spans = [span for at, span in enumerate(spans) if raw[slice(*span)].strip(" >\t") or 0 < at < len(spans) - 1]
        cells = (_trimmed(raw, span) for span in spans)
        pieces = (tuple(_pieces(self._text, (begin + left, begin + right), self._marks)) for left, right in cells)
        return Line(self._number(index), tuple(pieces))

    def _line(self, index: int, words: str, joint: str = "", as_code: bool = False) -> Line:
        """A line of the source that shows these words of it; all of it, where it is not known where they stand."""
        raw = self._raw(index)
        at = raw.find(words)
        left, right = (at, at + len(words)) if at >= 0 else (0, len(raw))
        begin = self._starts[index] if index < len(self._starts) else len(self._text)
        span = (begin + left, begin + right)
        return Line(self._number(index), (tuple(_pieces(self._text, span, self._marks, as_code)),), joint)

    def _raw(self, index: int) -> str:
        return self._text[self._starts[index] : self._starts[index + 1]].rstrip("\r\n") if self._has(index) else ""

    def _has(self, index: int) -> bool:
        return index + 1 < len(self._starts)

    def _number(self, index: int) -> int | None:
        number = self._first + index
        return number if number >= self._section_first else None


def _trimmed(raw: str, span: Span) -> Span:
    words = raw[slice(*span)]
    left = span[0] + len(words) - len(words.lstrip())
    return left, max(left, span[0] + len(words.rstrip()))


def _pieces(text: str, span: Span, marks: Marks, as_code: bool = False) -> Iterator[Piece]:
    """A slice of the text, cut where marks or settings change; signs of Markdown are left out."""
    begin, end = span
    settings, hidden = ([], []) if as_code else _settings(text, begin, end)
    spans = [*marks.evidence, *marks.facts, *hidden, *(place for place, _ in settings)]
    cuts = {begin, end, *(edge for each in spans for edge in each if begin < edge < end)}
    edges = sorted(cuts)
    for left, right in pairwise(edges):
        if not _inside(left, hidden):
            setting: Setting = next((name for place, name in settings if place[0] <= left < place[1]), "")
            yield Piece(
                printable(text[left:right].replace("\r\n", "\n").replace("\r", "\n")),
                setting,
                _inside(left, marks.evidence),
                _inside(left, marks.facts),
            )


def _settings(text: str, begin: int, end: int) -> tuple[list[tuple[Span, Setting]], list[Span]]:
    """What is set as code or strong in a slice, and the signs that say so."""
    settings: list[tuple[Span, Setting]] = []
    hidden: list[Span] = []
    for match in _INLINE.finditer(text, begin, end):
        name = match.lastgroup or ""
        inside = match.span(name)
        hidden += [(match.start(), inside[0]), (inside[1], match.end())]
        if name == "code":
            settings.append((inside, "code"))
        elif name == "strong":
            settings.append((inside, "strong"))
    return settings, [place for place in hidden if place[0] < place[1]]


def _inside(at: int, spans: Iterable[Span]) -> bool:
    return any(begin <= at < end for begin, end in spans)
