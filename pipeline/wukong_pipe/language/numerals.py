"""Numbers that a text holds, each in one spelling: １，０００ and 一千 are "1000"."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from wukong_pipe.language.chinese import NUMERAL, chinese_number

LONGEST = 30
"""Nobody means a numeral of more characters or words than this: it stays as it stands."""
# A lone 一 or 万 is mostly part of a word (一些, 万物); 第二 and 一百零八 are numbers.
NUMBER = re.compile(rf"\d+(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|第{NUMERAL}+|{NUMERAL}{{2,}}")
"""A number in digits, or in Chinese numerals that are no part of a word."""


@lru_cache(maxsize=4096)
def numbers(text: str) -> frozenset[str]:
    """Numbers in one spelling: １，０００ and 一千 are both "1000", 第二回 holds "2"."""
    found = set()
    # NFKC would turn the full-width comma, which separates, into the one that groups thousands.
    for match in NUMBER.finditer(unicodedata.normalize("NFKC", text.replace("，", "；"))):
        token = match.group().removeprefix("第")
        if len(token) > LONGEST:
            found.add(token)
        elif token[0].isdigit():
            plain = token.replace(",", "")
            found.add(plain.rstrip("0").rstrip(".") if "." in plain else str(int(plain)))
        elif (value := chinese_number(token)) is not None:
            found.add(str(value))
    return frozenset(found)
