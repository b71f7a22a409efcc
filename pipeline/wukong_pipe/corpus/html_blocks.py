"""What a block of HTML says: its text as sentences and list items, its tables as rows, its <pre> as code.

<table><tr><th>Option</th><th>Default</th></tr>
<tr><td>verify</td><td>True</td></tr></table>       → row: Option: verify | Default: True
"""

from __future__ import annotations

import html
import re

from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.unit import Kind, Unit
from wukong_pipe.language.sentences import sentence_spans

_TAG = re.compile(
    # No pattern may look for an end again and again that is not there.
    r"<!--(?:(?!<!--|-->).)*+(?:-->)?"
    r"|<(?P<unseen>script|style|svg|template)\b(?:(?!<(?P=unseen)\b|</(?P=unseen)).)*+(?:</(?P=unseen)[^<>]*>)?"
    r"|<(?P<close>/?)(?P<name>[a-z][a-z0-9-]*)\b[^<>]*>|<[!?][^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_INLINE = re.compile(
    r"a|abbr|b|bdi|big|br|cite|code|data|del|em|font|i|img|ins|kbd|mark|picture|q|s|samp|small|source|span|strike|strong"
    r"|sub|sup|time|tt|u|var|wbr"
)
"""Tags that end no sentence."""
_HEADINGS = re.compile(r"caption|dt|figcaption|h[1-6]|legend|summary|title")
_ITEMS = frozenset({"li", "dd"})
_CELLS = frozenset({"td", "th"})
_OF_A_TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr"})


def html_units(text: str, begin: int, end: int) -> list[Unit]:
    """The units of the HTML at `text[begin:end]`, in order."""
    reader = _Texts(text, begin)
    for tag in _TAG.finditer(text, begin, end):
        name = (tag["name"] or "").lower()
        if _INLINE.fullmatch(name):
            reader.has_image |= name == "img"
        else:
            reader.boundary(tag.start(), tag.end(), name, closes=bool(tag["close"]))
    reader.boundary(end, end, "table", closes=True)
    if not reader.units and reader.has_image and (raw := text[begin:end].strip()):
        at = text.index(raw, begin)
        return [Unit("image", at, at + len(raw), raw, "")]
    return reader.units


class _Texts:
    """Gathers text between the tags that divide it."""

    def __init__(self, text: str, begin: int) -> None:
        self.units: list[Unit] = []
        self.has_image = False
        self._text, self._begin = text, begin
        self._inside = ""
        """The tag around the text: a heading, an item, a cell or <pre>."""
        self._header: tuple[str, ...] = ()
        self._row: int | None = None
        """Where the table row begins that is open."""
        self._cells: list[str] = []
        self._is_head = True
        """Whether the row so far has heads alone."""

    def boundary(self, start: int, end: int, name: str, *, closes: bool) -> None:
        """A tag at `start` ends a stretch of text; what follows it begins at `end`."""
        if self._inside in _CELLS:
            if name not in _CELLS | _OF_A_TABLE:
                return  # What divides the text of a cell divides no row.
            self._cells.append(_words(self._text[self._begin : start]))
        elif self._row is None:
            self._say(start)
        if name in _OF_A_TABLE:
            self._end_row(end if closes and name == "tr" else start)
            self._begin_row(start, name, closes=closes)
        self._is_head = self._is_head and name != "td"
        self._inside, self._begin = ("" if closes else name), end

    def _begin_row(self, start: int, name: str, *, closes: bool) -> None:
        if name == "table":
            self._header = ()
        if name == "tr" and not closes:
            self._row, self._cells, self._is_head = start, [], True

    def _end_row(self, end: int) -> None:
        if self._row is None:
            return
        cells, row = tuple(self._cells), self._text[self._row : end].rstrip()
        if self._is_head and not self._header:
            self._header = cells
        elif any(cells):
            unit = Unit("row", self._row, self._row + len(row), row, " ".join(cells), header=self._header, cells=cells)
            self.units.append(unit)
        self._row = None

    def _say(self, end: int) -> None:
        """Make units of the text since the last boundary."""
        text, begin = self._text, self._begin
        masked = _TAG.sub(lambda tag: " " * len(tag.group()), text[begin:end])
        spans = [(begin + first, begin + last) for first, last in sentence_spans(masked)]
        kind: Kind = (
            "item" if self._inside in _ITEMS else "heading" if _HEADINGS.fullmatch(self._inside) else "sentence"
        )
        if spans and self._inside == "pre":
            raw = text[spans[0][0] : spans[-1][1]]
            code = html.unescape(_TAG.sub("", raw))
            self.units.append(Unit("code", spans[0][0], spans[-1][1], raw, code))
            return
        if kind == "heading" and spans:
            spans = [(spans[0][0], spans[-1][1])]
        for first, last in spans:
            raw = text[first:last]
            if re.search(r"\w", words := _words(raw)):
                self.units.append(Unit(kind, first, last, raw, words))


def _words(markup: str) -> str:
    return " ".join(clean(_TAG.sub(_left_of, markup)).text.split())


def _left_of(tag: re.Match[str]) -> str:
    name = (tag["name"] or "").lower()
    return "" if _INLINE.fullmatch(name) and name != "br" else " "
