"""Is an answer carried by its evidence? Free and deterministic checks that look for what the evidence does not hold.

Each takes the answer and what it may draw on and gives the reason against it, or None. They look for an amount, a name
or another word that the source does not use, for a word's opposite, for a negation more or less, and for facts of two
things that changed places. What is said wrongly in the evidence's own words, in its order, passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from wukong_pipe.checks.comparing import (
    CHINESE_RUN,
    FINE,
    POSSESSIVE,
    SAME_STEMS,
    TOPIC,
    Known,
    clauses,
    content,
    latin,
    stem,
    words,
)
from wukong_pipe.checks.contradictions import crossed, denied, opposite_said
from wukong_pipe.checks.covering import uncovered
from wukong_pipe.language import plain_words
from wukong_pipe.language.dates import Date
from wukong_pipe.language.measure_units import unit_of
from wukong_pipe.language.names import quoted
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import Quantity, amounts, unknown_amount
from wukong_pipe.reasons import Reason

STRANGE = 1.9
"""Characters in a row that the source does not use, from which on a Chinese answer brings in something new.
One that the source uses in another word counts a third: a synonym often keeps one character, another name seldom."""
_PLAIN_STEMS = frozenset(map(stem, plain_words.ENGLISH | plain_words.VERBS))


def strange_amount(answer: str, known: Known) -> Reason | None:
    """A number, its unit or a date that the evidence does not give."""
    if strange := unknown_amount(amounts(answer), known.amounts, counts_and_differences(answer, known)):
        return Reason.of("amount-not-in-evidence", amount=str(strange))
    return None


def counts_and_differences(answer: str, known: Known) -> Iterator[Quantity]:
    """Amounts that follow from the evidence: how many things it or the answer lists, and differences."""
    if len(known.evidence) > 1:
        yield Quantity(str(len(known.evidence)), "each")
    counted = any(quantity.unit.startswith("each") for quantity in amounts(" ; ".join(known.evidence)).quantities)
    for text in known.evidence if counted else (answer, *known.evidence):
        for listing in _LISTINGS.split(text):
            count = len([item for item in _LIST_MARK.split(listing) if item.strip()])
            if count > 2 or count == len(known.evidence) == 2:
                yield Quantity(str(count), "each")
    given = known.amounts
    quantities, dates = set(given.quantities), set(given.dates)
    for a in quantities:
        for b in quantities:
            if a.unit == b.unit and not _NAMES.match(a.unit) and float(a.value) > float(b.value):
                yield Quantity(f"{round(float(a.value) - float(b.value), 3):g}", a.unit)
    for later in dates:
        for earlier in dates:
            yield from _apart(earlier, later)


_NAMES = re.compile("$|#|nth|each")
"""Units of numbers that tell things apart or count them: Apollo 17 is not six more than Apollo 11."""
_LISTINGS = re.compile(r"[。；;:：.]|，(?=[\u4e00-\u9fff])")
_LIST_MARK = re.compile(r"[、，]|, |\band\b|\bor\b|以及|和|与|或者|或|及")


def _apart(earlier: Date, later: Date) -> Iterator[Quantity]:
    """How far apart two dates are, in days and in whole years."""
    if later.year > earlier.year > 0:
        yield Quantity(str(later.year - earlier.year), "year")
    try:
        days = date(later.year, later.month, later.day) - date(earlier.year, earlier.month, earlier.day)
    except ValueError:
        return
    yield Quantity(str(days.days), "day")


def strange_word(answer: str, known: Known) -> Reason | None:
    """A Latin name or noun, or two other words, that neither the source nor plain English brings along."""
    strange = strange_words(answer, known)
    for word, is_name in strange:
        if is_name or len(strange) > 1 or _stands_as_noun(word, answer):
            return Reason.of("words-not-in-evidence", words=word)
    return None


def strange_words(text: str, known: Known) -> list[tuple[str, bool]]:
    """The Latin words that neither the source nor plain English brings along, and whether each is a name."""
    return [(word, is_name) for word, is_name in _latin_words(text) if not _is_known(word, is_name, known)]


DOUBTFUL = 1.0
"""Characters in a row that the source does not use, from which on a Chinese answer that passes is doubtful: one."""


def doubtful_word(answer: str, known: Known) -> Reason | None:
    """A lone word or Chinese character of which the same may be said: mostly a free wording, sometimes a changed
    fact."""
    if strange := strange_words(answer, known):
        return Reason.of("words-not-in-evidence", words=strange[0][0])
    for clause in clauses(answer, FINE):
        said = normalise(in_figures(clause))
        for start, end, weight in uncovered(said, known.normal):
            if weight >= DOUBTFUL:
                return Reason.of("words-not-in-evidence", words=said[start:end])
    return None


def _stands_as_noun(word: str, text: str) -> bool:
    """Whether a word stands behind an article, preposition or "and", at most one word between: a fact, not a manner."""
    before = r"a|an|the|of|by|with|in|on|at|and|or|from|for|its|his|their|no|to"
    return re.search(rf"\b(?:{before})\s+(?:\w+\s+)?{re.escape(word)}\b", text) is not None


def _latin_words(text: str) -> Iterator[tuple[str, bool]]:
    """Each Latin word as written, and whether capitals amid a sentence mark it as a name."""
    for match in latin(text):
        # Amid Chinese a capital marks a name wherever it stands.
        opens = _opens(text, match.start()) and not CHINESE_RUN.match(text, match.end())
        for part in match.group().split("-"):
            if _WORDLIKE.search(part):
                yield POSSESSIVE.sub("", part), part[0].isupper() and not opens


def _opens(text: str, start: int) -> bool:
    """Whether a sentence begins at `start`: nothing but space and marks stands between it and the end of another."""
    for at in range(start - 1, -1, -1):
        if text[at] in _SENTENCE_ENDS:
            return True
        if text[at].isalnum() or text[at] == "_":
            return False
    return not text[:start].strip()


_SENTENCE_ENDS = ".!?:。！？："
_WORDLIKE = re.compile("[A-Za-z]{2}|[A-Z]")


def _is_known(word: str, is_name: bool, known: Known) -> bool:
    lower = word.casefold()
    root = stem(lower)
    if (
        lower.split("'")[0].split("’")[0] in ("i", "you", "we")
        or lower in known.words
        or root in known.stems
        or word in known.initials
    ):
        return True
    if SAME_STEMS.get(root, frozenset()) & known.stems:
        return True
    if lower in plain_words.LOANS and plain_words.LOANS[lower] in known.text:
        return True
    if any(char.isdigit() for char in word) or lower in _AMOUNT_WORDS:
        return True  # checked as an amount
    if unit := unit_of(lower):
        return any(unit in (whole, *whole.split("/")) for whole in known.units) or lower in plain_words.ENGLISH
    return not is_name and (
        word.endswith(_VERBAL)
        or lower in plain_words.ENGLISH
        or lower in plain_words.VERBS
        or root in _PLAIN_STEMS
        or lower in _POLAR_WORDS
    )


_VERBAL = ("ed", "ing", "ly")
_AMOUNTS = (
    "hundred thousand million billion trillion p.m. a.m. p.m a.m pm am utc universal time gmt january february march"
    " april may june july august september october november december two three four five six seven eight nine ten"
    " eleven twelve second seconds half twice"
)
_AMOUNT_WORDS = frozenset(_AMOUNTS.split())
_POLAR_WORDS = frozenset(word for pair in plain_words.OPPOSITES for side in pair for word in side)


def strange_characters(answer: str, known: Known) -> Reason | None:
    """Chinese characters in a row that neither the source nor plain Chinese brings along."""
    elsewhere = normalise(in_figures(known.section))
    for term in sorted(quoted(answer)):
        if normalise(in_figures(term)) not in known.normal:
            return Reason.of("words-not-in-evidence", words=term)
    for clause in re.split(r"[，。；：！？,;「」《》“”（）()]", answer):
        items = re.split("、|以及|或者|和|与", clause)
        for item in items:
            said = normalise(in_figures(item))
            limit = 1 if len(normalise(answer) if len(items) < 3 else said) <= SHORT else STRANGE
            for start, end, weight in uncovered(said, known.normal):
                if weight >= limit:
                    return Reason.of("words-not-in-evidence", words=said[start:end])
                if other := _term_at(said, start, end, elsewhere, known.normal):
                    return Reason.of("another-fact", words=other)
    return None


SHORT = 6
"""An answer of up to so many characters is nothing but its fact, and must stand in the evidence."""


def _term_at(said: str, start: int, end: int, section: str, known: str) -> str | None:
    """What stands around an uncovered stretch and is a word of the section, but not of the evidence."""
    for i in range(max(0, start - 2), end):
        for j in range(min(len(said), end + 2), max(start, i + 1), -1):
            term = said[i:j]
            told = len(term) >= 2 and CHINESE_RUN.fullmatch(term) and term not in known
            if told and term not in plain_words.CHINESE and 0 < section.count(term) < TOPIC:
                return term
    return None


def strange_order(answer: str, known: Known) -> Reason | None:
    """An English ordinal where the evidence has another."""
    said = ordinals(answer)
    if not said:
        return None
    source = ordinals(known.text)
    strange = said - source
    if strange and source and not source <= said:
        return Reason.of("words-not-in-evidence", words=min(strange))
    return None


def ordinals(text: str) -> frozenset[str]:
    """The English ordinals of a text up to the tenth, no seconds of time.

    >>> ordinals("The second stage flew 7 km per second.")
    frozenset({'second'})
    """
    return frozenset(words(_NO_ORDINAL.sub("", text))) & _ORDINALS if _NTH.search(text) else frozenset()


_NO_ORDINAL = re.compile(r"\bper second\b|\bseconds?\b(?= (?:before|after|later))")
_NTH = re.compile("first|second|third|th", re.I)
_ORDINALS = frozenset(("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"))


def unsupported(answer: str, known: Known) -> Reason | None:
    """An answer about nothing that the evidence is about."""
    about = content(answer)
    return Reason.of("nothing-in-evidence") if about and not about & content(known.text) else None


ANSWER_CHECKS = (
    strange_amount,
    strange_order,
    strange_word,
    strange_characters,
    opposite_said,
    denied,
    crossed,
    unsupported,
)
"""In the order of how much they say."""
