"""Whether two answers to one question say the same, so plainly that nobody needs to judge.

“On Apollo 14.” and “apollo 14” agree, 由石敢当掉落。 and 石敢当掉落 too. What adds or lacks a word goes to the judge.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from importlib.resources import files

from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.numerals import in_figures

_TOKEN = re.compile(rf"-{{0,2}}[^\W{CJK}]+(?:[.:/=@+-][^\W{CJK}]+)*|[{CJK}]|[%$€£¥<>=*&|^~@#/\\+-]")
_PLAIN_WORD = re.compile("[A-Z]?[a-z]+")
_EMPTY = frozenset(
    word
    for words in tomllib.loads((files("wukong_pipe.verify") / "empty_words.toml").read_text("utf-8")).values()
    for word in words.split()
)


def agrees(one: str, other: str, question: str) -> bool:
    """Whether two answers hold the same words in the same order, but for empty ones and those of the question.

    So nothing agrees that adds, lacks, denies or swaps anything.

    >>> agrees("On Apollo 14.", "apollo 14", "On which mission was Kitty Hawk flown?")
    True
    >>> agrees("数字豪华版 268 元，标准版 328 元", "268 元和 328 元", "标准版和豪华版各多少元？")
    False
    """
    a, b, asked = _tokens(one), _tokens(other), _tokens(question)
    return bool(a and b) and _borne_out(a, b, asked) and _borne_out(b, a, asked)


def _borne_out(said: Sequence[str], other: Sequence[str], asked: Sequence[str]) -> bool:
    """Whether all that is said stands in the other answer in the same order, and the rest in the question likewise."""
    known = set(other)
    return _in_order((token for token in said if token in known), other) and _in_order(
        (token for token in said if token not in known), asked
    )


def _in_order(tokens: Iterable[str], of: Sequence[str]) -> bool:
    rest = iter(of)
    return all(token in rest for token in tokens)


def _tokens(text: str) -> list[str]:
    """Words, figures, Chinese characters and signs; identifiers as they are spelt, plain words in lower case."""
    tokens = (match.group() for match in _TOKEN.finditer(in_figures(text)))
    lower = (token.casefold() if _PLAIN_WORD.fullmatch(token) else token for token in tokens)
    return [token for token in lower if token not in _EMPTY]
