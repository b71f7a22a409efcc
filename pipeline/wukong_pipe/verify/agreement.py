"""Whether two answers to one question say the same, so plainly that nobody needs to judge.

“On Apollo 14.” and “apollo 14” agree, 由石敢当掉落。 and 石敢当掉落 too. What adds or lacks a word goes to the judge.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files

from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.numerals import in_figures

_TOKEN = re.compile(rf"-{{0,2}}[^\W{CJK}]+(?:[.:/=@+-][^\W{CJK}]+)*|[{CJK}]|[%$€£¥<>=*&|^~@#/\\+-]")
_PLAIN_WORD = re.compile("[A-Z]?[a-z]+")
_CODE = re.compile("(`+[^`]*`+)")
_WORDS = {
    name: frozenset(f"{words['en']} {words['zh']}".split())
    for name, words in tomllib.loads((files("wukong_pipe.verify") / "agreement.toml").read_text("utf-8")).items()
}
_CHOICE = re.compile(rf"\b(?:or|either|neither|whether|between)\b|还是|或|([{CJK}]{{1,4}})[不没]\1", re.IGNORECASE)


def agrees(one: str, other: str, question: str) -> bool:
    """Whether two answers hold the same words in the same order, but for empty ones; one may also repeat the question.

    What one repeats is no negation, and the words that both share say something that the question does not. Where the
    question offers a choice, each word counts: each of them may be the answer.

    >>> agrees("On Apollo 14.", "apollo 14", "On which mission was Kitty Hawk flown?")
    True
    >>> agrees("On disk.", "In memory.", "Is the cache kept on disk or in memory?")
    False
    """
    if _CHOICE.search(question):
        a, b = list(_tokens(one)), list(_tokens(other))
        return bool(a) and a == b
    a, b, asked = (_telling(_tokens(text)) for text in (one, other, question))
    if a == b:
        return bool(a)
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    repeated = [token for token in longer if token not in shorter]
    return (
        [token for token in longer if token in shorter] == shorter
        and not set(shorter) <= set(asked)
        and not _WORDS["negations"].intersection(repeated)
        and _in_order(repeated, asked)
    )


def _in_order(tokens: Iterable[str], of: Sequence[str]) -> bool:
    rest = iter(of)
    return all(token in rest for token in tokens)


def _telling(tokens: Iterable[str]) -> list[str]:
    return [token for token in tokens if token not in _WORDS["empty"]]


def _tokens(text: str) -> Iterator[str]:
    """Words, figures, Chinese characters and signs; plain words in lower case, what stands in code marks as it is."""
    for place, part in enumerate(_CODE.split(text)):
        if place % 2:
            # In code marks no word is empty: `is` may be an operator.
            yield from (f"`{token}" if token in _WORDS["empty"] else token for token in _TOKEN.findall(part))
        else:
            tokens = _TOKEN.findall(in_figures(part))
            yield from (token.casefold() if _PLAIN_WORD.fullmatch(token) else token for token in tokens)
