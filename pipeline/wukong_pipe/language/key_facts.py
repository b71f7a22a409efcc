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
    """What an answer must contain to be right: {"numbers": ["2020", "8"], "terms": ["黑神话悟空"]}."""

    numbers: frozenset[str]
    """In digits; an answer may spell them otherwise."""
    terms: frozenset[str]
    """In normal form."""

    def found_in(self, answer: str) -> bool:
        """Whether `answer` states every one of them."""
        normal = normalise(answer)
        return self.numbers <= numbers(answer) and all(stands_in(term, normal) for term in self.terms)


SHORT_ANSWER = 16
"""Of a text up to this many characters (a Latin word counts as two) every item is a fact."""


@lru_cache(maxsize=4096)
def key_facts(text: str) -> KeyFacts:
    """What can be checked of an answer or question.

    A short text is its own fact; where it is a list, each item is one. Of a longer text the numbers, the quoted terms
    and the Latin names count. A longer text without any of these is one fact as a whole.

    >>> key_facts("白衣秀士、金池长老").terms == {"白衣秀士", "金池长老"}
    True
    >>> sorted(key_facts("After two months in orbit it was NASA's Skylab that they left behind for good.").terms)
    ['nasa', 'skylab']
    """
    items = items_of(text)
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
    """Whether a text is so short that all of it counts, item by item."""
    return _is_short(text, items_of(text))


def items_of(text: str) -> list[str]:
    """The items of a text that may be a list; of one that is none, the text itself."""
    return [item for item in _SEPARATORS.split(text) if normalise(item)]


def _is_short(text: str, items: list[str]) -> bool:
    width = ideographs(text) + 2 * len(_LATIN_WORD.findall(text))
    return width <= SHORT_ANSWER or all(len(normalise(item)) <= SHORT_ANSWER // 2 for item in items)
