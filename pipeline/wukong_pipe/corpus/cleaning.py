"""What a teacher is shown of a source: its words without the debris of web pages, each with its place in the source."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without debris: character i stood at `offsets[i]` of the source."""

    text: str
    offsets: Sequence[int]


_WORDS = r"(?:[^\[\]`\n]|`[^`\n]{1,200}`|\[[^\[\]\n]*\])"
"""What stands between the brackets of a link, code included."""
_TARGET = r"(?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+[\"'(][^\n]{0,300}?[\"')])?\)|\[[^\[\]\n]*\])"
_CODE = re.compile(
    r"(?m)^ {0,3}(?P<fence>`{3,}+|~{3,}+)[^\n]*\n(?:.*\n)*?(?: {0,3}(?P=fence).*$|\Z)|(?<!`)(?P<tick>`++).+?(?P=tick)"
    # What is code in a link's words does not hide the link.
    rf"|(?P<linked>\[{_WORDS}{{1,1000}}+\]{_TARGET})"
)
_DEBRIS = re.compile(
    # Nothing here may look ahead over a text again and again for an end that is not there: a comment holds no other's
    # beginning, and a link's words and title are bounded.
    r"(?P<comment><!--(?:(?!<!--|-->).)*+-->)"
    # Encyclopedias' citation marks: [36], \[36], [1-3], 【12】, <sup>[4]</sup>, and Markdown's footnotes.
    r"|(?P<cite><sup>\s*(?:\\?\[[^\[\]\n]{1,12}\]\s*)+</sup>|\\?\[(?:\d{1,3}(?:[-–,，、]\s*\d{1,3})*)\\?\](?![(:]|\[(?!\d))"
    r"|【\d{1,3}】|\[\^[^\]\s]{1,40}\](?!:))"
    rf"|(?P<image>!\[(?P<alt>[^\[\]\n]*)\]{_TARGET})"
    rf"|(?P<link>\[(?P<words>{_WORDS}{{1,1000}}+)\]{_TARGET})"
    r"|(?P<auto><(?:https?|mailto|ftp):[^<>\s]*>)"
    r"|(?P<tag></?(?:a|abbr|b|big|br|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|figure|font|h[1-6]|i|img|ins"
    r"|kbd|li|mark|ol|p|picture|pre|q|ref|s|samp|small|source|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|u|ul"
    r"|var)\b[^<>\n]*>)"
    # A role of MyST, before code: {meth}`Command.main`.
    r"|(?P<role>\{(?:[a-z]+:)?(?:abbr|attr|class|const|data|doc|envvar|exc|func|kbd|meth|mod|numref|obj|option|ref|term)\}"
    r"(?=`|\Z))"
    r"|(?P<entity>&(?:\w{2,31}|#\d{1,7}|#x[\da-fA-F]{1,6});)"
    r"|(?P<unseen>[\u200b-\u200f\u2060\ufeff\u00ad])",
    re.DOTALL,
)
_DEBRIS_BEGINS = re.compile(r"[<\\\[【!&{\u200b-\u200f\u2060\ufeff\u00ad]")
"""Looked for first: far quicker, and most texts have none."""
_BOLD = re.compile(r"\*\*|__")


@lru_cache(maxsize=128)  # A section is cleaned for its prompt and for each check of its pairs; offsets take much room.
def clean(text: str) -> Cleaned:
    """`text` without citation marks, link targets, HTML tags and comments, and without bold marks that close nothing.

    Code is left as it is. Never adds a character that was not there, but for what an HTML entity stands for and a
    space for a line break tag.
    """
    if not _DEBRIS_BEGINS.search(text) or not _DEBRIS.search(text):
        return Cleaned(text, range(len(text)))
    kept = [(char, at) for begin, end, is_code in _stretches(text) for char, at in _kept(text, begin, end, is_code)]
    kept = _without_lone_bold(kept)
    return Cleaned("".join(char for char, _ in kept), tuple(at for _, at in kept))


def _stretches(text: str) -> list[tuple[int, int, bool]]:
    """(begin, end, whether it is code) of the parts of a text."""
    parts, at = [], 0
    for code in _CODE.finditer(text):
        if code["linked"]:
            continue
        parts += [(at, code.start(), False), (code.start(), code.end(), True)]
        at = code.end()
    return [*parts, (at, len(text), False)]


def _kept(text: str, begin: int, end: int, is_code: bool) -> list[tuple[str, int]]:
    if is_code:
        return [(text[at], at) for at in range(begin, end)]
    kept, at = [], begin
    for match in _DEBRIS.finditer(text, begin, end):
        kept += [(text[i], i) for i in range(at, match.start())]
        kept += _left_of(match)
        at = match.end()
    return kept + [(text[i], i) for i in range(at, end)]


def _left_of(match: re.Match[str]) -> list[tuple[str, int]]:
    """What a piece of debris leaves behind."""
    for name, words in (("image", "alt"), ("link", "words")):
        if match[name]:
            # A link's words may themselves hold a citation mark or a tag.
            begin = match.start(words)
            inner = clean(match[words])
            return [(char, begin + at) for char, at in zip(inner.text, inner.offsets, strict=True)]
    if match["entity"]:
        return [(char, match.start()) for char in html.unescape(match["entity"])]
    if match["tag"] and match["tag"].lower().startswith("<br"):
        return [(" ", match.start())]
    return []


def _without_lone_bold(kept: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Drop the last ** of a line that has an odd number of them: its partner was lost with the debris."""
    text = "".join(char for char, _ in kept)
    gone: set[int] = set()
    for line in re.finditer(r"[^\n]+", text):
        for mark in ("**", "__"):
            at = [match.start() for match in _BOLD.finditer(text, *line.span()) if match.group() == mark]
            if len(at) % 2:
                gone |= {at[-1], at[-1] + 1}
    return [pair for i, pair in enumerate(kept) if i not in gone]
