"""Whether a fact stands in an answer: a number in any spelling, a name or phrase word by word, an identifier exactly.

| fact | stands in | does not stand in | why |
|---|---|---|---|
| 12 km | twelve kilometres; 十二公里; 12 | 12 miles; 12 km/h; 112 km; 12 dogs | numbers and units have many spellings |
| 3.10 | Python 3.10+ | 3.1; 3.10.2 | a number without a unit may be a version |
| 3-5 | 3 to 5; 3到5 | 5-3 | a range is its ends in order |
| 2024年8月20日 | August 20, 2024 | 2024年8月 | and so have dates |
| tunnel | It tunnels. | tunnelvision | words stand whole; plural and tense do not count |
| hoped | She hopes. | hopped | nor do two words become one for their endings |
| Williams | Williams's | William | the words of a name are as they are |
| IT | the IT staff | I like it. | and IT, US and WHO are no plain words |
| header compression | the header-compression | compression | punctuation and articles do not count |
| returns the response | It returns the server's response. | the response | nor small words between the others |
| 支持 | 它支持代理。 | 它不支持代理。 | 不 before a word makes another word |
| trust_env | `trust_env=False` | trust env; TRUST_ENV | identifiers are whole and in one spelling |
| /etc/hosts | It is /etc/hosts. | /etc/hosts.bak; /usr/etc/hosts | and so are paths and addresses |
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.dates import DATE, Date, date_of, is_month
from wukong_pipe.language.identifiers import identifiers, is_identifier, plain_code, stands_whole
from wukong_pipe.language.measure_units import UNIT, unit_of
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import LONGEST, in_figures, without_zeros
from wukong_pipe.language.plain_words import CHINESE, DECISIVE, FILLERS, FUNCTION, NEGATIONS, OPENERS
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
    first = wanted[0].stem
    return any(
        _follow(wanted, said, start)
        for start, token in enumerate(said)
        # The cheap test first: it decides nearly all places.
        if token.stem == first and not token.is_negated
    )


def places(spelling: str, text: str, code: frozenset[str] = frozenset()) -> Iterator[tuple[int, int]]:
    """Where a spelling of a fact stands in a text letter by letter: "US" is in no "house", and "12 km" not in "112 km".

    >>> list(places("US", "Trust US."))
    [(6, 8)]
    >>> list(places('is not "done"', 'It is not "done".'))
    [(3, 16)]
    """
    bare = spelling.strip("`\"' \n")
    # A quotation mark at its edge is not needed to stand there, and belongs to the place where it does.
    opening, closing = (edge.strip() for edge in spelling.split(bare, 1)) if bare else ("", "")
    for match in re.finditer(re.escape(bare), text, re.IGNORECASE) if bare else ():
        start, end = match.span()
        before = _WORD_BEFORE.search(text[max(0, start - MOST_AROUND) : start])
        behind = _WORD_BEHIND.match(text[end : end + MOST_AROUND])
        around = (before.group() if before else "") + match.group() + (behind.group() if behind else "")
        if stands(bare, around, code):
            is_opened, is_closed = text.endswith(opening, 0, start), text.startswith(closing, end)
            yield start - len(opening) * is_opened, end + len(closing) * is_closed


def found(facts: Sequence[Collection[str]], answer: str, reference: str) -> list[bool]:
    """Of each fact whether one of its spellings stands in an answer."""
    code = identifiers(reference)
    return [any(stands(spelling, answer, code) for spelling in fact) for fact in facts]


# --- words, amounts and dates in their order ---------------------------------------------------------------

_ONE = re.compile(rf"\bone(?={UNIT})", re.IGNORECASE)
_ARTICLES = frozenset(("a", "an", "the"))
_MINUS = re.compile(r"(?:[−–]|\bminus\s+|零下\s*|负\s*)(?=\d)", re.IGNORECASE)
_RANGE = re.compile(r"(?<=\d)\s*(?:to\b|[到至~])\s*(?=\d)", re.IGNORECASE)
_NEXT_WORD = re.compile(rf"[ \t]*-?(?:(?P<word>[^\W\d_{CJK}]+)|(?P<ideograph>[{CJK}]))")
_NO_UNITS = FUNCTION | OPENERS | frozenset(DECISIVE)
MOST_FILLERS = 4
"""More of them in a row between two words of a fact stand in no right answer, and would take square time."""
MOST_AROUND = 80
"""Characters on either side of a place of a fact that may be of its word, path or address."""
_WORD_BEHIND = re.compile(rf"(?:[^\W{CJK}]|[.+/~-])+")
_WORD_BEFORE = re.compile(rf"(?:[{CJK}]|{_WORD_BEHIND.pattern})\Z")
_TOKEN = re.compile(
    rf"(?P<date>{DATE.pattern})"
    rf"|(?:(?P<nth>第)|(?P<money>[$€£¥]))?(?P<sign>(?<![A-Za-z0-9_)])-)?"
    rf"(?P<value>\d+(?:\.\d+)*)(?P<unit>{UNIT}(?:/{UNIT})?)?(?![A-Za-z0-9_])"
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
    may_have_unit: bool = False
    """Of a number without a known unit: the word behind it may be one, as in “16 cores”."""
    stem: str = ""
    """Of a word. Two tokens of different stems say different things, which is quickly seen."""

    def matches(self, other: _Token) -> bool:
        """Whether an answer's token says what this one, of a fact, says."""
        mine, theirs = self.said, other.said
        if isinstance(mine, str):
            return self.stem == other.stem and isinstance(theirs, str) and _same_word(mine, theirs)
        if isinstance(mine, Quantity):
            if isinstance(theirs, Date):
                # A month is told by its name: 1 does not stand in January.
                given = {"year": (theirs.year,), "day": (theirs.day,), "": (theirs.year, theirs.day)}
                return any(part and _plain(mine.value) == str(part) for part in given.get(mine.unit, ()))
            return isinstance(theirs, Quantity) and _same_amount(mine, theirs, other.may_have_unit)
        if isinstance(theirs, Quantity):
            return mine.parts == (_plain(theirs.value),)
        parts = (mine.year, mine.month, mine.day)
        return isinstance(theirs, Date) and all(
            not part or part == its for part, its in zip(parts, (theirs.year, theirs.month, theirs.day), strict=True)
        )


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[_Token, ...]:
    return tuple(_tokens_in(_RANGE.sub("-", _MINUS.sub("-", _ONE.sub("1", in_figures(text))))))


def _tokens_in(figures: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(figures):
        if match["date"] and (date := DATE.match(figures, match.start())):
            yield _Token(date_of(date))
        elif match["value"]:
            value, unit = (match["sign"] or "") + match["value"], _unit(match["money"] or match["unit"] or "")
            behind = None if unit else _NEXT_WORD.match(figures, match.end())
            counted = unit.replace("each", "nth") if match["nth"] else unit
            yield _Token(Quantity(value, counted), may_have_unit=_may_be_unit(behind))
        elif match["ideograph"]:
            before = figures[match.start() - 1 : match.start()]
            char = match.group()
            yield _Token(char, is_negated=before in NEGATIONS, is_filler=char in FILLERS, stem=char)
        elif (word := match["word"]) not in _ARTICLES:
            is_filler = word in FILLERS or match["genitive"] is not None
            yield _Token(word, is_filler=is_filler, stem=stem(word.casefold()))


def _unit(spelling: str) -> str:
    """The unit that a text spells, "MB/s" where it is one of two; "" where none is known."""
    spelling = re.sub(r"\s+", " ", spelling.casefold().strip(" \t-"))
    return unit_of(spelling) or "/".join(filter(None, map(unit_of, spelling.split("/"))))


def _may_be_unit(following: re.Match[str] | None) -> bool:
    """Whether what follows a number may be a unit that no list holds: a word that has a meaning of its own."""
    if following is None:
        return False
    if following["ideograph"]:
        return following["ideograph"] not in CHINESE
    return following["word"].casefold() not in _NO_UNITS


def _same_amount(mine: Quantity, theirs: Quantity, may_have_unit: bool) -> bool:
    """Whether an amount is the one of a fact; without units both may be versions, of which 3.1 is not 3.10."""
    if not mine.unit and not theirs.unit:
        return _plain(mine.value, whole=True) == _plain(theirs.value, whole=True)
    # A measure word counts anything: 3个 is 3 stones.
    if not theirs.unit and may_have_unit and not mine.unit.startswith(("each", "nth")):
        return False
    return replace(mine, value=_plain(mine.value)).agrees_with(replace(theirs, value=_plain(theirs.value)))


def _plain(value: str, whole: bool = False) -> str:
    """A number without the zeros that say nothing; those behind a point count where only whole numbers lose theirs."""
    if len(value) > LONGEST or value.count(".") > (0 if whole else 1):
        return value
    return without_zeros(value)


def _follow(wanted: Sequence[_Token], said: Sequence[_Token], at: int) -> bool:
    """Whether the wanted tokens begin at a place of what is said, a few fillers between them apart."""
    for i, one in enumerate(wanted):
        last = at + MOST_FILLERS if i else at
        while at < min(last, len(said)) and said[at].is_filler and not one.matches(said[at]):
            at += 1
        if at == len(said) or not one.matches(said[at]):
            return False
        at += 1
    return True


def _same_word(mine: str, theirs: str) -> bool:
    """Whether two words of one stem are one word."""
    if (len(mine) > 1 and mine.isupper() and mine.casefold() in FUNCTION) or (mine.istitle() and is_month(mine)):
        return mine == theirs
    if mine.casefold() == theirs.casefold():
        # `max_size` is code, and code has one spelling.
        return "_" not in mine or mine == theirs
    # Two words in capitals are names: Williams is no William.
    return mine.islower() or theirs.islower()


_VOWEL = re.compile("[aeiouy]")
_DOUBLE = re.compile(r"([^aeiou])\1\Z")
_SHORT = re.compile("[^aeiouy]*[aeiouy][^aeiouwxy]")
"""What is left of “hoped”, “used” and “closing”: so short a word had an e."""


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """An English word without the ending of plural, third person or tense: tunnel of tunnelling, close of closed.

    As in Porter's first step, hoping is of hope and hopping of hop.
    """
    if not (word.isascii() and word.isalpha()):
        return word
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s"):
        bare = word.removesuffix(ending)
        # Neither bed nor https has one; agreed has another.
        if bare != word and len(word) > 3 and _VOWEL.search(bare) and not word.endswith(("eed", "ss")):
            break
    else:
        ending, bare = "", word
    if ending in ("s", "") and not bare.endswith("e"):
        return _DOUBLE.sub(r"\1", bare)
    bare = bare.removesuffix("e")
    return bare + "e" if _SHORT.fullmatch(bare) else _DOUBLE.sub(r"\1", bare)
