"""The normal form in which texts are compared: width, case, punctuation and white space do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from wukong_pipe.language.chinese import CJK

_NOT_WORD = re.compile(r"[\W_]+")
_LATIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_SPACE_AT_CJK = re.compile(rf"(?<=[{CJK}]) | (?=[{CJK}])")


@lru_cache(maxsize=4096)
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
    at = normal.find(term)
    if not term.isascii():
        return at >= 0
    # A pattern would have to be compiled for each term, which takes longer than all searches.
    while at >= 0:
        end = at + len(term)
        if not (at and normal[at - 1] in _LATIN) and normal[end : end + 1] not in _LATIN:
            return True
        at = normal.find(term, at + 1)
    return False
