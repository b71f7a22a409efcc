"""Names and quoted terms of a text, and which of some known names it holds."""

from __future__ import annotations

import re
from functools import lru_cache

from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.plain_words import OPENERS
from wukong_pipe.language.sentences import sentence_spans

_QUOTED = re.compile(r"《([^《》]+)》|「([^「」]+)」|『([^『』]+)』|“([^“”]+)”|【([^【】]+)】|\"([^\"\n]+)\"")
_LATIN_NAME = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z][A-Za-z0-9'’-]*(?: (?:[A-Z][A-Za-z0-9'’-]*|\d+[A-Za-z]?(?![A-Za-z0-9.])))*"
    r"|[a-z]+\d[A-Za-z0-9-]*)"
)


def quoted(text: str) -> frozenset[str]:
    """Terms inside 《》「」『』“”【】 or straight double quotes."""
    return frozenset(next(filter(None, groups)).strip() for groups in _QUOTED.findall(text) if any(groups))


def latin_names(text: str) -> frozenset[str]:
    """Capitalised names and codes: Unreal Engine 5, PS5.

    The first word of a sentence is no name on its own. It is no part of a name where it is one of `OPENERS`, such as
    The or Under.

    >>> sorted(latin_names("The crew of Apollo 11 met John Houbolt."))
    ['Apollo 11', 'John Houbolt']
    """
    starts = {start for start, _ in sentence_spans(text)}
    names = set()
    for match in _LATIN_NAME.finditer(text):
        words = match.group().split(" ")
        if match.start() in starts or match.start() - 1 in starts:
            if words[0].casefold() in OPENERS:
                words = words[1:]
            # Every sentence begins with a capital, so a single plain word there may be any word.
            elif len(words) == 1 and words[0][1:].islower():
                words = []
        if words and words != ["I"]:
            names.add(" ".join(words))
    return frozenset(names)


@lru_cache(maxsize=4096)
def marked_names(question: str, names: frozenset[str]) -> frozenset[str]:
    """The names in a question, in normal form: what it writes in quotes or capitals, and those of `names` it holds."""
    spellings = quoted(question) | latin_names(question) | names_in(question, names)
    return frozenset(map(normalise, spellings)) - {""}


_BEGINNINGS = (4, 2, 1)
"""Characters of a name under which it is looked up: as many of these as it has."""


def names_in(text: str, names: frozenset[str]) -> set[str]:
    """The names, none of them empty, that stand in a text.

    A corpus has thousands of names. They are looked up by how they begin, so the time hardly grows with their number.
    """
    beginnings = _by_beginning(names)
    pieces = {text[i : i + length] for length in _BEGINNINGS for i in range(len(text))}
    return {name for piece in pieces & beginnings.keys() for name in beginnings[piece] if name in text}


@lru_cache(maxsize=4)
def first_of_equal(names: frozenset[str]) -> frozenset[str]:
    """The first set of these names that this process met. One that came from another process is equal to it and not the
    same object: every look-up in what is kept by such a set would compare all of its names."""
    return names


@lru_cache(maxsize=4)
def _by_beginning(names: frozenset[str]) -> dict[str, list[str]]:
    beginnings: dict[str, list[str]] = {}
    for name in names:
        length = next(length for length in _BEGINNINGS if length <= len(name))
        beginnings.setdefault(name[:length], []).append(name)
    return beginnings
