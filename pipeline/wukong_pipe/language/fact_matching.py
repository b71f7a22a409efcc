"""Whether a fact stands in an answer: a number in any spelling, a name or phrase word by word, an identifier exactly.

| fact | stands in | does not stand in | why |
|---|---|---|---|
| 12 km | twelve kilometres; 十二公里 | 12 miles; 112 km | numbers and units have many spellings |
| 2024年8月20日 | August 20, 2024 | 2024年8月 | and so have dates |
| tunnel | It tunnels. | tunnelvision | words stand whole; plural and tense do not count |
| Williams | Williams's | William | the words of a name are as they are |
| header compression | the header-compression | compression | punctuation and articles do not count |
| returns the response | It returns the server's response. | the response | nor small words between the others |
| 支持 | 它支持代理。 | 它不支持代理。 | 不 before a word makes another word |
| trust_env | `trust_env=False` | trust env; TRUST_ENV | identifiers are whole and in one spelling |
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.dates import DATE, Date, date_of
from wukong_pipe.language.identifiers import identifiers, is_identifier, plain_code, stands_whole
from wukong_pipe.language.measure_units import UNIT, unit_of
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import LONGEST, in_figures, without_zeros
from wukong_pipe.language.plain_words import FILLERS, NEGATIONS
from wukong_pipe.language.quantities import Quantity

Facts = tuple[tuple[str, ...], ...]
"""The parts of an answer without which it would be wrong, each in the spellings of which one must stand in it."""


def stands(spelling: str, answer: str, code: frozenset[str] = frozenset()) -> bool:
    """Whether a spelling of a fact stands in an answer; the table above has the rules.

    Args:
        code: the identifiers of the reference: what it writes in backticks is one, however it looks.
    """
    bare = spelling.strip("`\"' \n")
    normal = normalise(bare)
    same = [plain_code(term) for term in code if normal and normalise(term) == normal]
    if same or is_identifier(bare):
        exact = plain_code(bare)
        return stands_whole(exact, plain_code(answer)) and (not same or any(stands_whole(exact, it) for it in same))
    wanted, said = _tokens(bare), _tokens(answer)
    if not wanted:
        return bool(bare) and bare in answer
    return any(_follow(wanted, said, start) for start in range(len(said)) if not said[start].is_negated)


def found(facts: Sequence[Collection[str]], answer: str, reference: str) -> list[bool]:
    """Of each fact whether one of its spellings stands in an answer."""
    code = identifiers(reference)
    return [any(stands(spelling, answer, code) for spelling in fact) for fact in facts]


# --- words, amounts and dates in their order ---------------------------------------------------------------

_ONE = re.compile(rf"\bone(?={UNIT})", re.IGNORECASE)
_ARTICLES = frozenset(("a", "an", "the"))
_MINUS = re.compile("[−–](?=\\d)")
_TOKEN = re.compile(
    rf"(?P<date>{DATE.pattern})"
    rf"|(?:(?P<nth>第)|(?P<money>[$€£¥]))?(?P<sign>(?<![A-Za-z0-9_)])-)?"
    rf"(?P<value>\d+(?:\.\d+)*)(?P<unit>{UNIT})?(?![A-Za-z0-9_])"
    rf"|(?P<word>[^\W{CJK}]+(?:\+\+|\#)?)(?P<genitive>['’]s\b)?|(?P<ideograph>[{CJK}])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, an ideograph, an amount or a date of a text."""

    said: str | Quantity | Date
    is_negated: bool = False
    """A 不 stands before it and makes another word of it."""
    is_filler: bool = False
    """A right answer may put it between the words of a fact: “returns the server's response” returns the response."""

    def matches(self, other: _Token) -> bool:
        """Whether an answer's token says what this one, of a fact, says."""
        mine, theirs = self.said, other.said
        if isinstance(mine, str):
            return isinstance(theirs, str) and _same_word(mine, theirs)
        if isinstance(mine, Quantity):
            if isinstance(theirs, Date):
                # A month is told by its name: 1 does not stand in January.
                given = {"year": (theirs.year,), "day": (theirs.day,), "": (theirs.year, theirs.day)}
                return any(part and mine.value == str(part) for part in given.get(mine.unit, ()))
            return isinstance(theirs, Quantity) and mine.agrees_with(theirs)
        if isinstance(theirs, Quantity):
            return mine.parts == (theirs.value,)
        parts = (mine.year, mine.month, mine.day)
        return isinstance(theirs, Date) and all(
            not part or part == its for part, its in zip(parts, (theirs.year, theirs.month, theirs.day), strict=True)
        )


@lru_cache(maxsize=65536)
def _tokens(text: str) -> tuple[_Token, ...]:
    return tuple(_tokens_in(_ONE.sub("1", in_figures(_MINUS.sub("-", text)))))


def _tokens_in(figures: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(figures):
        if match["date"] and (date := DATE.match(figures, match.start())):
            yield _Token(date_of(date))
        elif match["value"]:
            value = match["value"]
            if len(value) <= LONGEST and value.count(".") < 2:
                value = without_zeros(value)
            unit = unit_of(re.sub(r"\s+", " ", (match["money"] or match["unit"] or "").casefold().strip(" \t-")))
            yield _Token(Quantity((match["sign"] or "") + value, unit.replace("each", "nth") if match["nth"] else unit))
        elif match["ideograph"]:
            before = figures[match.start() - 1 : match.start()]
            yield _Token(match.group(), is_negated=before in NEGATIONS, is_filler=match.group() in FILLERS)
        elif (word := match["word"]) not in _ARTICLES:
            yield _Token(word, is_filler=word in FILLERS or match["genitive"] is not None)


def _follow(wanted: Sequence[_Token], said: Sequence[_Token], at: int) -> bool:
    """Whether the wanted tokens begin at a place of what is said, fillers between them apart."""
    for i, one in enumerate(wanted):
        while i and at < len(said) and said[at].is_filler and not one.matches(said[at]):
            at += 1
        if at == len(said) or not one.matches(said[at]):
            return False
        at += 1
    return True


def _same_word(mine: str, theirs: str) -> bool:
    if mine.casefold() == theirs.casefold():
        # `max_size` is code, and code has one spelling.
        return "_" not in mine or mine == theirs
    # Two words in capitals are names: Williams is no William.
    return (mine.islower() or theirs.islower()) and stem(mine.casefold()) == stem(theirs.casefold())


_VOWEL = re.compile("[aeiouy]")
_DOUBLE = re.compile(r"([^aeiou])\1\Z")
_ENDINGS = ("ing", "ed", "es", "s")


def stem(word: str) -> str:
    """An English word without the ending of plural, third person or tense: tunnel of tunnelling, clos of closed."""
    if word.isascii() and word.isalpha() and not word.endswith(("ss", "eed")):
        if word.endswith(("ies", "ied")) and len(word) > 4:
            return word[:-3] + "y"
        for ending in _ENDINGS:
            if word.endswith(ending) and _VOWEL.search(word[: -len(ending)]):
                word = word.removesuffix(ending)
                break
    return _DOUBLE.sub(r"\1", word.removesuffix("e"))
