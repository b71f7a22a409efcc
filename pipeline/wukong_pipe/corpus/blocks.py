"""Markdown → blocks, as every part of the build agrees on them: each with its lines in the source.

CommonMark with tables, and what extensions.py brings to it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore, block, inline, normalize, text_join
from markdown_it.token import Token

from wukong_pipe.corpus.extensions import as_commonmark

# A rule at the top of a file looks the same but for the key on its second line.
FRONT_MATTER = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(?=[^\s#][^\r\n]*:).*?^(?:---|\.\.\.)[ \t]*\r?(?:\n|\Z)", re.MULTILINE | re.DOTALL
)
_MARKUP = re.compile(r"[*_`\[\]<>&!\\|~]")
_NEWLINE = re.compile(r"\r\n?|\n")


@cache
def parser() -> MarkdownIt:
    """CommonMark with tables."""
    return MarkdownIt("commonmark").enable("table")


def parse(text: str, first_line: int = 1) -> list[Token]:
    """Block tokens with line maps; of the inline tokens only those of headings and cells that have markup are parsed.

    At the start of a file front matter is blanked out, so that its `---` makes no heading, and so is a byte
    order mark, which would hide one.
    """
    front = FRONT_MATTER.match(text) if first_line == 1 else None
    if front:
        text = re.sub(r"[^\r\n]", " ", front.group()) + text[front.end() :]
    elif text.startswith("\ufeff"):
        text = " " + text[1:]
    state = StateCore(as_commonmark(text), parser(), {})
    normalize(state)
    block(state)
    tokens = state.tokens
    state.tokens = [
        token
        for before, token in pairwise(tokens)
        if token.type == "inline" and before.type != "paragraph_open" and _has_markup(token.content)
    ]
    inline(state)
    text_join(state)
    return tokens


def _has_markup(markdown: str) -> bool:
    """Whether inline Markdown may hold anything but plain words; most has none, and parsing takes the time."""
    return _MARKUP.search(markdown) is not None


def plain(token: Token) -> str:
    """The words of an inline token of a heading or cell, without its markup, white space folded."""
    if not token.children:
        return " ".join(token.content.split())
    parts = []
    for child in token.children:
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif child.type == "image":
            parts.append(plain(child))
    return " ".join("".join(parts).split())


@lru_cache(maxsize=1024)  # The checks ask for the same evidence again and again.
def unmarked(markdown: str) -> str:
    """Inline Markdown without its markup."""
    if not _has_markup(markdown):
        return " ".join(markdown.split())
    return " ".join(plain(token) for token in parser().parseInline(markdown.lstrip()) if token.type == "inline")


def line_starts(text: str) -> list[int]:
    """Offset of each line, and the text's length at the end: line i is text[starts[i]:starts[i + 1]]."""
    starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
    return [*starts, len(text)] if starts[-1] != len(text) else starts
