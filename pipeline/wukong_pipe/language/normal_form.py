"""The normal form in which texts are compared: width, case, punctuation and white space do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from wukong_pipe.language.chinese import CJK

_NOT_WORD = re.compile(r"[\W_]+")
_SPACE_AT_CJK = re.compile(rf"(?<=[{CJK}]) | (?=[{CJK}])")


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """NFKC, case folded, punctuation gone, single spaces between words and none beside Chinese.

    >>> normalise("《出云棍》 怎样　获得？")
    '出云棍怎样获得'
    >>> normalise("What is  the Saturn-V?")
    'what is the saturn v'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPACE_AT_CJK.sub("", _NOT_WORD.sub(" ", folded).strip())


def stands_in(term: str, normal: str) -> bool:
    """Whether a text holds a term, both in normal form; a Latin term only as whole words: "air" is not in "chair"."""
    if term not in normal or not term.isascii():
        return term in normal
    return re.search(rf"(?<![a-z0-9]){re.escape(term)}(?![a-z0-9])", normal) is not None
