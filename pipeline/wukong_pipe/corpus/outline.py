"""What one pass over the blocks of a Markdown text finds: its headings, and its units in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from markdown_it.token import Token

from wukong_pipe.corpus import code
from wukong_pipe.corpus.blocks import line_starts, parse, plain, unmarked
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.html_blocks import html_units
from wukong_pipe.corpus.tables import cells, is_head
from wukong_pipe.corpus.unit import Kind, Unit, moved, shown
from wukong_pipe.corpus.worth import announces_code
from wukong_pipe.language.sentences import sentence_spans

MAX_HEADING = 300
"""A longer heading is a paragraph with a line of dashes below; each request of what it heads would repeat it."""
MAX_DEPTH = 4
"""Admonitions in fences inside one another, at most: each is parsed once more."""
MAX_TERM = 80
"""Characters of a term that is defined, at most."""
_QUOTE = re.compile(r"(?<![^\r\n])[ \t]*(?:>[ \t]?)+")
_MARKER = re.compile(r"\s*(?:(?:[-*+]|\d{1,9}[.)]|:)\s+)+(?:>[ \t]?)*")
_LEAD = re.compile(r"(?:\*\*|__)(.+?)(?:\*\*|__)\s*[：:]?\s*|(?:\*\*|__)(.+?)[：:](?:\*\*|__)\s*")
_IMAGE = re.compile(
    r"\[?!\[[^\[\]\n]*\](?:\([^()\s]*(?:\s+[^()\n]{0,300})?\)|\[[^\[\]\n]*\])(?:\](?:\([^()\s]*\)|\[[^\[\]\n]*\]))?(?:\{[^{}\n]*\})?"
)
_CODE_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)[^`\n]{1,200}\1(?!`)")
_AUTODOC = re.compile(r"\s*:::")


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
    reader = _Blocks(text, tokens)
    last = tokens[-1] if tokens else None
    ends = last.map[1] if last and last.map and last.type in {"fence", "html_block"} else 0
    is_open = ends >= len(reader.starts) - 1 > 0
    return Outline(tuple(reader.headings), tuple(reader.units), is_open, reader.refers)


class _Blocks:
    """Reads the blocks of a text one after the other."""

    def __init__(self, text: str, tokens: Sequence[Token], depth: int = 0) -> None:
        self.starts = line_starts(text)
        self.headings: list[tuple[int, int, str]] = []
        self.units: list[Unit] = []
        self.refers = False
        self._text, self._tokens = text, tokens
        self._items = self._quotes = 0
        """How many list items and quotations the block stands in."""
        self._header: tuple[str, ...] = ()
        self._depth = depth
        """How many admonitions that are written as fences the text stands in."""
        for at in range(len(tokens)):
            self._read(at)

    def _read(self, at: int) -> None:
        """Read the token at place `at`."""
        token = self._tokens[at]
        self._items += (token.type == "list_item_open") - (token.type == "list_item_close")
        self._quotes += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        if not token.map:
            return
        begin, end = self.starts[token.map[0]], self.starts[token.map[1]]
        if token.type == "heading_open":
            self._heading(at, begin, end)
        elif token.type == "tr_open":
            self._row(at, begin, self.starts[token.map[0] + 1])
        elif token.type == "inline" and self._tokens[at - 1].type == "paragraph_open":
            self._paragraph(begin, end)
        elif token.type == "html_block":
            self.units += html_units(self._text, begin, end)
        elif token.type in {"fence", "code_block"}:
            self._code(token, begin, end)

    def _unquoted(self, begin: int, end: int) -> str:
        """`text[begin:end]` with spaces for the marks of quotations at its lines' beginnings."""
        raw = self._text[begin:end]
        return _QUOTE.sub(lambda marks: " " * len(marks.group()), raw) if self._quotes and ">" in raw else raw

    def _trimmed(self, begin: int, end: int) -> tuple[int, int]:
        """The span without white space and marks of quotations at its ends."""
        raw = self._unquoted(begin, end)
        return begin + len(raw) - len(raw.lstrip()), begin + len(raw.rstrip())

    def _add(self, kind: Kind, begin: int, end: int, words: str, lead: str = "") -> None:
        if begin < end:
            self.units.append(Unit(kind, begin, end, self._text[begin:end], words, lead))

    def _heading(self, at: int, begin: int, end: int) -> None:
        token = self._tokens[at]
        words = clean(plain(self._tokens[at + 1])).text.strip()
        if token.level == 0 and token.map:
            self.headings.append((token.map[0], int(token.tag[1:]), _shortened(words)))
            self.refers = self.refers or "[" in self._tokens[at + 1].content
        self._add("heading", *self._trimmed(begin, end), words)

    def _row(self, at: int, begin: int, end: int) -> None:
        row = cells(self._tokens, at)
        if is_head(self._tokens, at):
            self._header = row
        elif any(row):
            start, end = self._trimmed(begin, end)
            raw = self._text[start:end]
            self.units.append(Unit("row", start, end, raw, " ".join(row), header=self._header, cells=row))

    def _paragraph(self, begin: int, end: int) -> None:
        """The sentences of a paragraph; a list item of at most two sentences stays whole."""
        running = self._unquoted(begin, end)
        if _AUTODOC.match(running):
            self._add("autodoc", *self._trimmed(begin, end), " ".join(running.split()))
            return
        running = _CODE_SPAN.sub(_without_stops, running)
        marker = _MARKER.match(running) if self._items else None
        skipped = marker.end() if marker else 0
        spans = [(begin + skipped + first, begin + skipped + last) for first, last in sentence_spans(running[skipped:])]
        if self._items and 0 < len(spans) <= 2:
            spans = [(spans[0][0], spans[-1][1])]
        term = self._term(begin + skipped) if spans and marker and ":" in marker.group() else None
        for number, (first, last) in enumerate(spans):
            self._sentence(term.start if term and number == 0 else first, first, last, term)
            term = None

    def _term(self, before: int) -> Unit | None:
        """The term that the definition at a place defines, which is no unit of its own."""
        term = self.units[-1] if self.units else None
        if term is None or term.kind != "sentence" or len(term.words) > MAX_TERM:
            return None
        return None if self._text[term.end : before].strip(": \t\r\n>") else self.units.pop()

    def _sentence(self, begin: int, first: int, last: int, term: Unit | None) -> None:
        """Add the sentence or item that says `text[first:last]` and begins, with the term it defines, at `begin`."""
        raw = self._text[first:last]
        markdown = shown(_IMAGE.sub("", raw))
        if not markdown and not term:
            if _IMAGE.search(raw) or "<img" in raw:
                self._add("image", begin, last, shown(raw))
            return
        lead = term.words if term else ""
        if not term and (match := _LEAD.match(markdown)):
            lead = (match.group(1) or match.group(2)).strip("：: ")
            markdown = markdown[match.end() :]
        self._add("item" if self._items else "sentence", begin, last, unmarked(markdown), lead)

    def _code(self, block: Token, begin: int, end: int) -> None:
        """A code block, one or several units; the sentence that announces it is a part of the first."""
        before = self.units[-1] if self.units else None
        if block.type == "fence":
            begin = self._text.index(block.markup, begin)
            if code.ADMONITION.match(block.info) and not self._quotes and self._depth < MAX_DEPTH:
                self._directive_body(block)
                return
        close = before is not None and not self._text[before.end : begin].strip(" \t\r\n>")
        if code.is_directive(block):
            self._add("autodoc", *self._trimmed(begin, end), " ".join(block.content.split()))
        elif not (close and before and before.kind == "autodoc" and block.type == "code_block"):
            announcing = before if close and before and _announces(before) else None
            for piece in code.pieces(block):
                self._piece(piece, begin, announcing)
                announcing = None

    def _piece(self, piece: code.CodePiece, begin: int, announcing: Unit | None) -> None:
        start, end = self._trimmed(max(begin, self.starts[piece.first]), self.starts[piece.last])
        lead = announced = ""
        if announcing:
            self.units.pop()
            start, lead, announced = announcing.start, announcing.lead, shown(announcing.text)
        self.units.append(Unit("code", start, end, self._text[start:end], piece.code, lead, announced=announced))

    def _directive_body(self, block: Token) -> None:
        """The units of an admonition that is written as a fence: its content is Markdown."""
        assert block.map
        begin, end = self.starts[block.map[0] + 1], self.starts[block.map[1]]
        body = code.without_options(self._text[begin:end], block.markup)
        inside = _Blocks(body, parse(body, 2), self._depth + 1)
        self.units += (moved(unit, begin) for unit in inside.units)


def _without_stops(code: re.Match[str]) -> str:
    """Code in a sentence, as long as it is, without marks that would end the sentence."""
    return re.sub(r"[.!?。！？；…]", "x", code.group())


def _announces(unit: Unit) -> bool:
    """Whether a unit announces the code below it."""
    return unit.kind in {"sentence", "item"} and announces_code(unit.words)


def _shortened(heading: str) -> str:
    return heading if len(heading) <= MAX_HEADING else f"{heading[: MAX_HEADING - 1].rstrip()}…"
