"""Chinese characters and numerals: which text is Chinese, how many ideographs it has, what 一百零八 is worth."""

from __future__ import annotations

import re

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""The ranges of CJK ideographs, to stand inside the brackets of a regular expression."""
_IDEOGRAPHS = re.compile(f"[{CJK}]+")

NUMERAL = "[零〇一二两三四五六七八九十百千万亿]"
"""One character of a Chinese numeral, as a regular expression."""
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SCALES = {"十": 10, "百": 100, "千": 1000}
# These two multiply all that stands before them: 三千万 is 3000 times 10 000.
_BIG_SCALES = {"万": 10_000, "亿": 100_000_000}


def is_chinese(text: str) -> bool:
    """Whether at least a fifth of the letters are CJK ideographs (a Chinese text full of English names still is)."""
    letters = sum(map(str.isalpha, text))
    return letters > 0 and ideographs(text) * 5 >= letters


def ideographs(text: str) -> int:
    """How many CJK ideographs `text` has."""
    return sum(map(len, _IDEOGRAPHS.findall(text)))


def chinese_number(text: str) -> int | None:
    """Value of a Chinese numeral, None where the characters do not form one.

    >>> chinese_number("一百零八"), chinese_number("二〇二四"), chinese_number("三千万")
    (108, 2024, 30000000)
    """
    if all(char in _DIGITS for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _SCALES:
            # 十 alone is 10, not 0.
            section += (digit or 1) * _SCALES[char]
            digit = 0
        elif char in _BIG_SCALES:
            total = (total + section + digit or 1) * _BIG_SCALES[char]
            section = digit = 0
        else:
            return None
    return total + section + digit
