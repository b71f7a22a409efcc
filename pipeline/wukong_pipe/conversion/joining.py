"""Lines of a page joined to one: Chinese without blanks, hyphens of typesetting gone, radicals as ideographs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
"""Ideographs, kana and the punctuation between them."""
# Both scripts quote with “ and ”.
_WIDE_ENDS = re.compile(rf"[{_WIDE}][“”‘’]*$")
_WIDE_BEGINS = re.compile(rf"^[“”‘’]*[{_WIDE}]")
_HYPHENATED = re.compile(r"(?<=\w)[-\u00ad\u2010]$")
_UNMAPPED = re.compile(r"\(cid:\d+\)|[\ue000-\uf8ff]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
UNKNOWN = "\ufffd"
"""Stands for a character that a font does not name."""
_RADICALS = re.compile("[\u2e80-\u2fdf]")


def joined(lines: Iterable[str], known: frozenset[str] = frozenset()) -> str:
    """The lines in one.

    Args:
        known: words of the document, lower case: a hyphen at a line's end stays where both of its sides with it are
            one of them.
    """
    whole = ""
    for line in map(str.strip, lines):
        whole = with_line(whole, line, known) if whole and line else whole or line
    return whole


def with_line(text: str, line: str, known: frozenset[str] = frozenset()) -> str:
    """A text and the line below it."""
    if _HYPHENATED.search(text) and line[:1].isalnum():
        first, rest = text.split()[-1].lstrip("([{\"'“‘"), re.split(r"[^\w-]", line, maxsplit=1)[0]
        is_broken = text[-2].isalpha() and line[0].islower() and f"{first}{rest}".lower() not in known
        return text[:-1] + line if is_broken else text + line
    if _WIDE_ENDS.search(text) or _WIDE_BEGINS.search(line):
        return text + line
    return f"{text} {line}"


def mended(text: str) -> str:
    """A text with ideographs in the place of the radicals that look like them, which many PDF files name, and with
    UNKNOWN in the place of what names no character."""
    text = _UNMAPPED.sub(UNKNOWN, _CONTROLS.sub("", text))
    return _RADICALS.sub(lambda found: _ideograph(found[0]), text)


def is_wide_between(before: str, after: str) -> bool:
    """Whether two words that follow each other both stand in Chinese, where characters may be set apart."""
    return bool(_WIDE_ENDS.search(before) and _WIDE_BEGINS.search(after))


def _ideograph(radical: str) -> str:
    return _radicals().get(radical) or unicodedata.normalize("NFKC", radical)


@cache
def _radicals() -> dict[str, str]:
    lines = (files("wukong_pipe.conversion") / "radicals.txt").read_text("utf-8").splitlines()
    return dict(line.split() for line in lines if not line.startswith("#"))
