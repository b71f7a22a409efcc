"""Markdown → sections, without losing a character: the sections' texts re-join to the source exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.token import Token

from wukong_pipe.errors import CorpusError
from wukong_pipe.records import Lang, Section
from wukong_pipe.text import is_chinese

MAX_CHARS = 3000
"""A section longer than this is cut between blocks, so that one request never holds more than it can answer."""

# A rule at the top of a file looks the same but for the key on its second line.
_FRONT_MATTER = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(?=[^\s#][^\r\n]*:).*?^(?:---|\.\.\.)[ \t]*\r?(?:\n|\Z)", re.MULTILINE | re.DOTALL
)
_NEWLINE = re.compile(r"\r\n?|\n")


def parser() -> MarkdownIt:
    """CommonMark with tables: the Markdown that every part of the build agrees on."""
    return MarkdownIt("commonmark").enable("table")


def plain(inline: Token) -> str:
    """The words of an inline token, without its markup, white space folded."""
    parts = []
    for child in inline.children or []:
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif child.type == "image":
            parts.append(plain(child))
    return re.sub(r"\s+", " ", "".join(parts)).strip()


def line_starts(text: str) -> list[int]:
    """Offset of each line, and the text's length at the end: line i is text[starts[i]:starts[i + 1]]."""
    starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
    return [*starts, len(text)] if starts[-1] != len(text) else starts


def parse(text: str, first_line: int = 1) -> list[Token]:
    """Block tokens with line maps.

    At the start of a file front matter is blanked out, so that its `---` makes no heading, and so is a byte
    order mark, which would hide one.
    """
    front = _FRONT_MATTER.match(text) if first_line == 1 else None
    if front:
        text = re.sub(r"[^\r\n]", " ", front.group()) + text[front.end() :]
    elif text.startswith("\ufeff"):
        text = " " + text[1:]
    return parser().parse(text)


def split(text: str, source: str, lang: Lang | None = None) -> list[Section]:
    """Sections of a Markdown text, in order, one for each heading of any level, and one for text before the first.

    Args:
        text: the decoded source.
        source: its path relative to the PATH given, with forward slashes.
        lang: the language to ask in; by default each section's own.

    Returns:
        Sections with `"".join(section.text for section in sections) == text`. The first entry of every
        `heading_path` is the document's title: its first h1, or the file's stem.

    Raises:
        CorpusError: the sections do not re-join; a bug, reported rather than losing text.
    """
    tokens = parse(text)
    headings = [
        (token.map[0], int(token.tag[1:]), plain(tokens[i + 1]))
        for i, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
    title = next((words for _, level, words in headings if level == 1 and words), PurePosixPath(source).stem)
    starts = line_starts(text)
    blocks = sorted({token.map[0] for token in tokens if token.level == 0 and token.map})
    sections = []
    for first, last, path in _spans(headings, title, len(starts) - 1):
        for begin, end in _pieces(first, last, blocks, starts):
            body = text[starts[begin] : starts[end]]
            language: Lang = lang or ("zh" if is_chinese(body + "".join(path)) else "en")
            sections.append(Section(source, path, begin + 1, body, language))
    if "".join(section.text for section in sections) != text:
        raise CorpusError(f"{source}: the sections do not re-join to the source; please report this file.")
    return sections


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


def _pieces(first: int, last: int, blocks: list[int], starts: list[int]) -> Iterator[tuple[int, int]]:
    """Cut lines [first, last) before a block wherever the piece so far would outgrow MAX_CHARS."""
    begin = first
    cuts = [line for line in blocks if first < line < last]
    for line, following in zip(cuts, [*cuts, last][1:], strict=True):
        if starts[following] - starts[begin] > MAX_CHARS and line > begin:
            yield begin, line
            begin = line
    if begin < last:
        yield begin, last
