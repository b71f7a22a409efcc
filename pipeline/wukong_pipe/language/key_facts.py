"""Key facts of an answer or question: the numbers, quoted terms and names that make it right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.language.chinese import ideographs
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import NUMBER, numbers

_POSSESSIVE = re.compile(r"['’]s(?: |$)")
_SEPARATORS = re.compile(r"[、；;\n]|(?<!\d),(?!\d)|，|(?:\band\b)")
_ONLY_NUMBER = re.compile(rf"\s*(?:{NUMBER.pattern})\s*[。.]?")
_LATIN_WORD = re.compile("[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What an answer must contain to be right: numbers in any spelling and terms, the latter normalised."""

    numbers: frozenset[str]
    terms: frozenset[str]

    def found_in(self, answer: str) -> bool:
        """Whether `answer` states every one of them."""
        normal = normalise(answer)
        return self.numbers <= numbers(answer) and all(stands_in(term, normal) for term in self.terms)


SHORT_ANSWER = 16
"""Up to this many characters (a Latin word counts as two) the whole answer is the fact, item by item."""


@lru_cache(maxsize=65536)
def key_facts(text: str) -> KeyFacts:
    """The checkable content of an answer or question.

    A short text is its own fact, item by item where it is a list. Of a longer one the numbers, the quoted terms
    and the Latin names count; where it has none of these, the whole text does.

    >>> key_facts("白衣秀士、金池长老").terms == {"白衣秀士", "金池长老"}
    True
    >>> sorted(key_facts("After two months in orbit it was NASA's Skylab that they left behind for good.").terms)
    ['nasa', 'skylab']
    """
    items = _items(text)
    if not _is_short(text, items):
        figures = numbers(text)
        latin = (part for name in latin_names(text) for part in _POSSESSIVE.split(name))
        terms = frozenset(map(normalise, (*quoted(text), *latin))) - {""}
        if figures or terms:
            return KeyFacts(figures, terms)
        return KeyFacts(frozenset(), frozenset({normalise(text)} - {""}))
    only_numbers = [item for item in items if _ONLY_NUMBER.fullmatch(item)]
    return KeyFacts(
        frozenset().union(*(numbers(item) for item in only_numbers)),
        frozenset(normalise(item) for item in items if item not in only_numbers),
    )


def is_its_own_fact(text: str) -> bool:
    """Whether all of a text counts as a fact, item by item, because it is so short."""
    return _is_short(text, _items(text))


def _items(text: str) -> list[str]:
    return [item for item in _SEPARATORS.split(text) if normalise(item)]


def _is_short(text: str, items: list[str]) -> bool:
    width = ideographs(text) + 2 * len(_LATIN_WORD.findall(text))
    return width <= SHORT_ANSWER or all(len(normalise(item)) <= SHORT_ANSWER // 2 for item in items)
