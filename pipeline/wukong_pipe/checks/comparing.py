"""What a text says, in pieces that can be compared: words and their stems, clauses, what they are about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from wukong_pipe.language import plain_words
from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import Amounts, amounts

CHINESE_RUN = re.compile(f"[{CJK}]+")
_FIGURE = re.compile(r"\d+(?:\.\d+)?")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:['’][A-Za-z]+)*")
_POSSESSIVE = ("'s", "’s")
_NAME = re.compile(r"(?:[A-Z][\w'’-]*\s+)+[A-Z][\w'’-]*")


@dataclass(frozen=True)
class Known:
    """What an answer or a question may draw on."""

    evidence: tuple[str, ...]
    """The pair's evidence without markup; for a wording the text that it words."""
    around: str
    """What places it: the question, the headings, a table's head, the bold term of the paragraph."""
    section: str
    """The whole section, which is no source of a fact, but says what it is about."""
    terms: tuple[tuple[str, str], ...] = ()
    """What the section marks as terms or has in cells of its tables, each with its normal form."""
    verbatim: str = ""
    """The evidence as its source writes it, with code and addresses of links."""

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
    def words(self) -> frozenset[str]:
        """The Latin words, and the initials of names."""
        initials = ("".join(word[0] for word in name.split()).casefold() for name in _NAME.findall(self.text))
        return frozenset(word for piece in self.pieces for word in words(piece)).union(initials)


@lru_cache(maxsize=1024)
def words(text: str) -> tuple[str, ...]:
    """The Latin words of a text in lower case, without the possessive's s.

    >>> words("NASA's two-man 登月舱LM")
    ('nasa', 'two', 'man', 'lm')
    """
    found = _WORD.findall(text)
    return tuple((word[:-2] if word.endswith(_POSSESSIVE) else word).casefold() for word in found)


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """An English word without its endings; crude, but the same for both sides of a comparison."""
    for ending in _ENDINGS.split():
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


_ENDINGS = "ations ation ments ings ions ment ing ies ied ion ers ors ive er or ed es ly al s e y"

COARSE = re.compile(r"[，。；！？：]|[,;:.!?](?:\s|$)|(?=但|却|而(?!且))|\b(?:but|while|whereas|although|though)\b")
STATEMENT = re.compile(r"[；。！？]|;\s|[.!?](?:\s|$)")
FINE = re.compile(COARSE.pattern + r"|[、]|和|与|以及|\band\b|\bagainst\b|\bto a\b")


@lru_cache(maxsize=4096)
def clauses(text: str, split_at: re.Pattern[str] = COARSE) -> tuple[str, ...]:
    """The parts of a text between the marks and words that `split_at` finds."""
    return tuple(part.strip() for part in split_at.split(text) if part and part.strip())


@lru_cache(maxsize=4096)
def content(text: str) -> frozenset[str]:
    """What a text is about: stems of its Latin words but function words, its figures, pairs of Chinese characters."""
    figures = in_figures(text)
    found = {stem(word) for word in words(figures) if word not in plain_words.FUNCTION}
    found |= set(_FIGURE.findall(figures))
    for run in CHINESE_RUN.findall(figures):
        found |= {run[i : i + 2] for i in range(len(run) - 1)}
    return frozenset(found)
