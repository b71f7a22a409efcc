"""What a text says, in pieces that can be compared: words and their stems, clauses, what they are about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from wukong_pipe.language import plain_words
from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import Amounts, amounts

_WORD = re.compile(
    r"[A-Za-z]+\.(?:[A-Za-z]\.)+|[A-Za-z][A-Za-z0-9]*(?:['’-][A-Za-z0-9]+)*|\d[\d.,]*+(?P<letters>-?[A-Za-z]\w*)?"
)
POSSESSIVE = re.compile(r"(?:'s|’s|s'|s’)$")
CHINESE_RUN = re.compile(f"[{CJK}]+")
FIGURE = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Known:
    """What an answer may draw on."""

    evidence: tuple[str, ...]
    """The pair's evidence, without markup."""
    around: str
    """What places it: the question, the headings, a table's head, the bold term of the paragraph."""
    section: str
    """The whole section, which an answer must not draw on for a fact, but may for what the section is about."""
    columns: tuple[tuple[str, str], ...] = ()
    """Where the evidence is a single table row: head and cell of each column."""
    question: str = ""
    """What the answer answers; a part of `around`."""

    @property
    def pieces(self) -> tuple[str, ...]:
        # Worked out one by one: a whole source, which all questions about it share, is then worked out once.
        return *self.evidence, self.around

    @cached_property
    def text(self) -> str:
        return " ; ".join(self.pieces)

    @cached_property
    def normal(self) -> str:
        return " ".join(normalise(in_figures(piece)) for piece in self.pieces)

    @cached_property
    def amounts(self) -> Amounts:
        found = [amounts(piece) for piece in self.pieces]
        return Amounts(
            tuple(quantity for each in found for quantity in each.quantities),
            tuple(date for each in found for date in each.dates),
        )

    @cached_property
    def told(self) -> frozenset[str]:
        """Latin words of the evidence and what places it."""
        return frozenset(word for piece in self.pieces for word in words(piece))

    @cached_property
    def units(self) -> frozenset[str]:
        return frozenset(quantity.unit for quantity in self.amounts.quantities)

    @cached_property
    def words(self) -> frozenset[str]:
        """Latin words of the evidence and what places it, and what the section is about."""
        return self.told | _topic(self.section)

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(map(stem, self.words))

    @cached_property
    def initials(self) -> frozenset[str]:
        names = re.findall(r"(?:[A-Z][\w'’-]*\s+)+[A-Z][\w'’-]*", self.text)
        return frozenset("".join(word[0] for word in name.split()) for name in names)


TOPIC = 3
"""A word in this many sentences of a section is what the section is about, and may stand in any answer."""


@lru_cache(maxsize=64)
def _topic(section: str) -> frozenset[str]:
    """The English words that a section is about."""
    sentences = [set(re.findall(r"\b[a-z][a-z-]+\b", part)) for part in re.split(r"[.;\n]", section)]
    count = Counter(word for sentence in sentences for word in sentence)
    return frozenset(word for word in count if count[word] >= TOPIC)


def latin(text: str) -> Iterator[re.Match[str]]:
    """The Latin words of a text, those of figures and letters too: 5th, U.S., P.D. 64."""
    for match in _WORD.finditer(text):
        # Plain figures are matched so that they are read once, not again from each of their digits.
        if match["letters"] or not match.group()[0].isdigit():
            yield match


@lru_cache(maxsize=1024)
def words(text: str) -> tuple[str, ...]:
    """The Latin words of a text in lower case, hyphenated ones also in parts."""
    found: list[str] = []
    for match in latin(text):
        word = POSSESSIVE.sub("", match.group().casefold())
        found += [word, *word.split("-")] if "-" in word else [word]
    return tuple(found)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """An English word without its endings; crude, but the same for both sides of a comparison."""
    for ending in _ENDINGS.split():
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


_ENDINGS = "ations ation ments ings ions ment ing ies ied ion ers ors ive er or ed es ly al s e y"
SAME_STEMS: dict[str, frozenset[str]] = {}
for _group in plain_words.SAME:
    for _member in map(stem, _group):
        SAME_STEMS[_member] = SAME_STEMS.get(_member, frozenset()) | frozenset(map(stem, _group))


def same_stems(text: str) -> frozenset[str]:
    """The stems of a text's Latin words and of all words for the same."""
    roots = frozenset(map(stem, words(text)))
    return roots.union(*(SAME_STEMS.get(root, frozenset()) for root in roots))


# --- clauses ---------------------------------------------------------------------------------------------------

COARSE = re.compile(r"[，。；！？：]|[,;:.!?](?:\s|$)|(?=但|却|而(?!且))|\b(?:but|while|whereas|although|though)\b")
STATEMENT = re.compile(r"[；。！？]|;\s|[.!?](?:\s|$)")
FINE = re.compile(COARSE.pattern + r"|[、]|和|与|以及|\band\b|\bagainst\b|\bto a\b")


@lru_cache(maxsize=4096)
def clauses(text: str, split_at: re.Pattern[str] = COARSE) -> tuple[str, ...]:
    """The parts of a text between the marks and words that `split_at` finds."""
    return tuple(part.strip() for part in split_at.split(text) if part and part.strip())


@lru_cache(maxsize=4096)
def content(text: str) -> frozenset[str]:
    """What a text is about: stems of its Latin words, its figures, and pairs of Chinese characters; no plain words."""
    figures = in_figures(text)
    found = {stem(word) for word in words(figures) if word not in plain_words.ENGLISH}
    found |= set(FIGURE.findall(figures))
    for run in CHINESE_RUN.findall(figures):
        found |= {run[i : i + 2] for i in range(len(run) - 1)} - plain_words.CHINESE
    return frozenset(found)


def character_pairs(text: str) -> frozenset[str]:
    """All pairs of Chinese characters that stand side by side, in plain words too."""
    return frozenset(run[i : i + 2] for run in CHINESE_RUN.findall(text) for i in range(len(run) - 1))
