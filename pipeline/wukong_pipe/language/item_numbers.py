"""The numbers that a text gives its own list items, which tell nothing of its subject: "1." and "2." of two steps."""

from __future__ import annotations

import re
import unicodedata

_MARK = re.compile(
    r"(?:^|(?<=[.:;,!?。：；，！？])|(?<=[.:;,!?] ))[ \t]*"
    r"(?:[（(]?(?P<number>\d{1,2}|[一二三四五六七八九十])(?:[)）、]|[.．](?=[^\d]))|(?P<circled>[①-⑳]))",
    re.MULTILINE,
)
"""A number as an item begins with it: at the beginning of a line, or behind the item before it."""


def without_item_numbers(text: str) -> str:
    """The text without the numbers that only number its items: 1, 2 and so on, in their order.

    >>> without_item_numbers("1. Open it.\\n2. Save 3 files.")
    ' Open it.\\n Save 3 files.'
    >>> without_item_numbers("It was Apollo 1. It was not Apollo 2.")
    'It was Apollo 1. It was not Apollo 2.'
    """
    lists: list[list[re.Match[str]]] = []
    for mark in _MARK.finditer(text):
        number = _number(mark)
        if number == 1:
            lists.append([mark])
        elif lists and number == _number(lists[-1][-1]) + 1:
            lists[-1].append(mark)
    # One number alone is no list.
    for mark in reversed([mark for marks in lists if len(marks) > 1 for mark in marks]):
        text = text[: mark.start()] + text[mark.end() :]
    return text


def _number(mark: re.Match[str]) -> int:
    figure = mark["number"] or mark["circled"]
    return int(figure) if figure.isdecimal() else int(unicodedata.numeric(figure))
