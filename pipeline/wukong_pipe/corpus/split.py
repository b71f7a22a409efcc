"""Markdown → sections, without losing a character: the sections' texts re-join to the source exactly.

What a section then says, unit by unit, is in units.py; where a long table is cut, and what its rows are, in tables.py.

    Section("blackwukong.md", ("黑神话：悟空", "武器"), first_line=120, text="## 武器\\n\\n| 武器 | 来源 |…", header="")
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from operator import itemgetter
from pathlib import PurePosixPath

from markdown_it.token import Token

from wukong_pipe.corpus.blocks import FRONT_MATTER, line_starts, parse
from wukong_pipe.corpus.outline import outline
from wukong_pipe.corpus.tables import HEAD_LINES, is_cut_before
from wukong_pipe.corpus.worth import announces_code
from wukong_pipe.errors import CorpusError
from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.sentences import sentence_spans
from wukong_pipe.records import Lang, Section

MAX_CHARS = 3000
"""A section longer than this is cut, so that one request never holds more than it can answer."""

_NEWLINE = re.compile(r"\r\n?|\n")
_HEADING = re.compile(r"(?<![^\r\n])#{1,6}(?=[ \t\r\n]|\Z)")
"""A line that begins so is a heading, and ends what stands above, but inside a fence or HTML."""
_BETWEEN_WORDS = re.compile(r"[ \t，、：；]+")


def split(
    text: str, source: str, lang: Lang | None = None, warn: Callable[[str], None] = lambda line: None
) -> list[Section]:
    """Sections of a Markdown text, in order, one for each heading of any level, and one for text before the first.

    A section above `MAX_CHARS` is cut: between blocks, else between list items and table rows, else between sentences,
    else at blank lines of code, and only where none of them helps, between lines, words, or anywhere: no section is
    longer. A sentence that announces a block stays with it. Time is linear in the length of `text`.

    Args:
        text: the decoded source.
        source: its path relative to the PATH given, with forward slashes.
        lang: the language to ask in; by default each section's own.
        warn: told of each block that had to be torn between lines or words.

    Returns:
        Sections with `"".join(section.text for section in sections) == text`. The first entry of every
        `heading_path` is the document's title: its first h1, or the file's stem.

    Raises:
        CorpusError: the sections do not re-join; a bug, reported rather than losing text.
    """
    headings = _headings(text)
    title = next((words for _, level, words in headings if level == 1 and words), PurePosixPath(source).stem)
    starts = line_starts(text)
    sections = []
    torn: list[tuple[int, int]] = []
    for first, last, path in _spans(headings, title, len(starts) - 1):
        begin, end = starts[first], starts[last]
        for piece, header in _pieces(text[begin:end], begin, torn):
            language: Lang = lang or ("zh" if is_chinese(piece + "".join(path)) else "en")
            sections.append(Section(source, path, bisect_right(starts, begin), piece, language, header))
            begin += len(piece)
    for begin, end in torn:
        lines = f"{bisect_right(starts, begin)}-{bisect_right(starts, end - 1)}"
        warn(
            f"{source}, lines {lines}: more than {MAX_CHARS} characters without a good place to cut; cut between lines"
            " or words."
        )
    if "".join(section.text for section in sections) != text:
        raise CorpusError(f"{source}: the sections do not re-join to the source; please report this file.")
    return sections


def _headings(text: str) -> list[tuple[int, int, str]]:
    """(0-based line, level, words) of each heading that stands in no list or quotation.

    The text is read in parts that mostly are its sections, so that these need not be parsed once more.
    """
    front = FRONT_MATTER.match(text)
    ends = [match.start() for match in _HEADING.finditer(text, max(1, front.end() if front else 0))]
    ends.append(len(text))
    found: list[tuple[int, int, str]] = []
    refers = False
    begin = line = i = 0
    while i < len(ends):
        part, more = outline(text[begin : ends[i]], begin == 0), 1
        while part.is_open and i < len(ends) - 1:
            # Ever more at once: code may hold thousands of lines that look like headings.
            i, more = min(i + more, len(ends) - 1), 2 * more
            part = outline(text[begin : ends[i]], begin == 0)
        found += [(line + at, level, words) for at, level, words in part.headings]
        refers = refers or part.refers
        line += len(_NEWLINE.findall(text, begin, ends[i]))
        begin, i = ends[i], i + 1
    return list(outline(text, True).headings) if refers and "]:" in text else found


def _pieces(body: str, offset: int, torn: list[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """A section's text in pieces of at most `MAX_CHARS`, each with what it cannot be read without.

    Args:
        offset: where `body` begins in its source.
        torn: takes the spans of the source that no better place than a line's end could cut.
    """
    if len(body) <= MAX_CHARS:
        if body:
            yield body, ""
        return
    cuts = _Cuts(body, parse(body, 1 if not offset else 2), line_starts(body))
    for begin, end in cuts.pieces(0, len(body)):
        yield body[begin:end], cuts.header(begin)
    torn += [(offset + begin, offset + end) for begin, end in cuts.torn]


def _spans(
    headings: list[tuple[int, int, str]], title: str, line_count: int
) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """(first line, line after the last, heading path) of each section, 0-based."""
    if not headings or headings[0][0] > 0:
        yield 0, headings[0][0] if headings else line_count, (title,)
    stack: list[tuple[int, str]] = []
    for i, (line, level, words) in enumerate(headings):
        stack = [entry for entry in stack if entry[0] < level]
        stack.append((level, words))
        names = [name for _, name in stack if name]
        end = headings[i + 1][0] if i + 1 < len(headings) else line_count
        yield line, end, tuple(names if names[:1] == [title] else [title, *names])


class _Cuts:
    """Where a text may be cut, best places first, as offsets."""

    def __init__(self, text: str, tokens: Sequence[Token], starts: Sequence[int]) -> None:
        self._text, self._starts = text, starts
        self._headers: list[tuple[int, int, str]] = []
        """(begin, end, header): what must be read before a piece that begins in this span."""
        self._openings: list[tuple[int, int, str]] = []
        """The same, of admonitions; a table or fence may stand in one."""
        self.torn: list[tuple[int, int]] = []
        """Spans that no better place than a line's end could cut."""
        by_depth: dict[int, set[int]] = {}
        sentences: set[int] = set()
        for i, token in enumerate(tokens):
            if not token.map or token.type == "inline":
                continue
            begin, end = (starts[line] for line in token.map)
            if token.type in {"thead_open", "tbody_open"}:
                continue
            if token.type == "tr_open":
                if is_cut_before(tokens, i):
                    by_depth.setdefault(token.level, set()).add(begin)
                continue
            if not _belongs_to_what_stands_before(tokens, i):
                by_depth.setdefault(token.level, set()).add(begin)
            first_line = starts[token.map[0] + 1]
            if token.type == "table_open":
                head = starts[min(token.map[0] + HEAD_LINES, token.map[1])]
                self._add_header(self._headers, begin, head, head, end)
            elif token.type == "fence":
                self._add_header(self._headers, begin, first_line, begin + 1, end)
            elif (
                token.type == "blockquote_open"
                and token.level == 0
                and not text[begin:first_line].lstrip().startswith(">")
            ):
                self._add_header(self._openings, begin, first_line, begin + 1, end)
            elif token.type == "paragraph_open":
                sentences |= {begin + last for _, last in [*sentence_spans(text[begin:end])][:-1]}
        self._levels = [sorted(by_depth[depth]) for depth in sorted(by_depth)]
        blank_lines = [following for start, following in pairwise(starts) if text[start:following].isspace()]
        self._levels += [sorted(self._behind_blanks(at) for at in sentences), blank_lines, list(starts)]
        self._lines = len(self._levels) - 1
        if any(following - start > MAX_CHARS for start, following in pairwise(starts)):
            self._levels.append([match.end() for match in _BETWEEN_WORDS.finditer(text)])

    def _add_header(self, headers: list[tuple[int, int, str]], begin: int, end: int, first: int, last: int) -> None:
        """Pieces that begin from `first` to `last` repeat `begin` to `end`, unless it is as long as a piece itself."""
        if end - begin <= MAX_CHARS // 2:
            headers.append((first, last, self._text[begin:end]))

    def _behind_blanks(self, at: int) -> int:
        """White space between two sentences belongs to the first."""
        while at < len(self._text) and self._text[at] in " \t":
            at += 1
        return at

    def pieces(self, begin: int, end: int, level: int = 0) -> Iterator[tuple[int, int]]:
        """Cut a span into as few pieces of at most MAX_CHARS as the places of a level allow; what is still too long,
        at the next level's, and at last anywhere."""
        if end - begin <= MAX_CHARS or level == len(self._levels):
            yield from ((at, min(at + MAX_CHARS, end)) for at in range(begin, end, MAX_CHARS))
            return
        if level == self._lines:
            self.torn.append((begin, end))
        places = self._levels[level]
        inside = places[bisect_right(places, begin) : bisect_right(places, end - 1)]
        start = begin
        for place, following in pairwise([begin, *inside, end]):
            if following - start <= MAX_CHARS:
                continue
            yield from self.pieces(start, place, level + 1)
            start = place
            if following - place > MAX_CHARS:
                yield from self.pieces(place, following, level + 1)
                start = following
        yield from self.pieces(start, end, level + 1)

    def header(self, begin: int) -> str:
        """The head of the table, or the opening line of the fence or admonition, that a piece continues."""
        found = ""
        for headers in (self._openings, self._headers):
            at = bisect_right(headers, begin, key=itemgetter(0)) - 1
            found += headers[at][2] if at >= 0 and begin < headers[at][1] else ""
        return found


def _belongs_to_what_stands_before(tokens: Sequence[Token], at: int) -> bool:
    """Whether the block at place `at` is headed by the heading, or announced by the sentence, right before it."""
    before = tokens[at - 1] if at else None
    if before is None or before.level != tokens[at].level:
        return False
    if before.type == "paragraph_close":
        words = tokens[at - 2].content
        return any(announces_code(words[first:last]) for first, last in [*sentence_spans(words)][-1:])
    return before.type == "heading_close" and before.level == 0
