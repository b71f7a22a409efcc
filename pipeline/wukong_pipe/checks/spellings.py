"""The free checks of another spelling of a fact: it is one, it is new, and nothing else is spelt so.

“compression of HTTP headers” may be spelt “header compression”, which is nobody else's fact; “HTTP” is too little to be
told apart where another pair of the section has the fact “HTTP/2”.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wukong_pipe.checks.named_facts import offers_choices
from wukong_pipe.checks.question_form import unseen
from wukong_pipe.language.fact_matching import stands
from wukong_pipe.language.identifiers import identifiers, is_identifier, missing_identifiers
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import in_figures, numbers
from wukong_pipe.language.plain_words import CHINESE, CHINESE_YES, FILLERS, FUNCTION, NEGATIONS, NO, YES
from wukong_pipe.language.polarity import polarity_of
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair

MOST_CHARACTERS = 60
"""Of a spelling; nobody writes a longer one, whatever it lists."""
_SMALL = FUNCTION | FILLERS | CHINESE_YES | NEGATIONS | {word for word in CHINESE if len(word) == 1}
"""Words and single characters that stand in right and wrong answers alike."""
_NEGATION = re.compile(rf"[{''.join(sorted(NEGATIONS))}]|n['’]t\b|\b(?:{'|'.join(sorted(NO))})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedFact:
    """A fact of a pair, in its first spelling: NamedFact(QAPair("出云棍由谁掉落？", …), "石敢当")."""

    pair: QAPair
    words: str


def may_be_spelt_otherwise(fact: NamedFact) -> bool:
    """Whether an answer may put a fact in other words: an identifier has one spelling, and numbers are read as such.
    So is a yes or no."""
    if polarity_of(fact.words, fact.pair.question) is not None:
        return False
    code = {normalise(term) for term in identifiers(fact.pair.answer)}
    if is_identifier(fact.words.strip("`")) or normalise(fact.words) in code:
        return False
    return bool(key_facts(in_figures(fact.words)).terms)


def check_spelling(spelling: str, fact: NamedFact, known: Iterable[str], others: Iterable[str]) -> Reason | None:
    """Why a text cannot be looked for as another spelling of a fact; None where it can.

    Args:
        known: the spellings that the fact has.
        others: all facts of the section: a spelling of one of them would let the answer to another question pass.
    """
    if len(spelling) > MOST_CHARACTERS or not is_its_own_fact(spelling):
        return Reason.of("spelling-too-long", words=spelling)
    if reason := unseen(spelling):
        return reason
    if not normalise(spelling):
        return Reason.of("spelling-says-nothing")
    if _is_small(spelling):
        return Reason.of("spelling-too-common", words=spelling)
    if _denies(spelling, fact.words):
        return Reason.of("spelling-denies", words=fact.words)
    if there := next((one for one in known if stands(one, spelling)), None):
        return Reason.of("spelling-adds-nothing", words=there)
    if stands(spelling, fact.pair.question) and not offers_choices(fact.pair.question):
        return Reason.of("spelling-in-question")
    if other := next((one for one in others if stands(spelling, one) and not stands(fact.words, one)), None):
        return Reason.of("another-fact", words=other)
    if code := next(missing_identifiers(spelling, f"{fact.pair.question}\n{fact.pair.answer}", by_form=True), None):
        return Reason.of("words-new", words=code)
    return _other_numbers(spelling, fact.words)


def _is_small(spelling: str) -> bool:
    """Whether a spelling is but small words, or one Chinese character that is a word of any sentence."""
    words = normalise(spelling).split()
    return all(word in _SMALL or word in YES | NO or not set(word) - FILLERS for word in words)


def _denies(spelling: str, fact: str) -> bool:
    """Whether one of the two negates what the other says; “not required” may stand for “optional”."""
    if bool(_NEGATION.search(spelling)) == bool(_NEGATION.search(fact)):
        return False
    mine, its = (
        " ".join(word for word in normalise(_NEGATION.sub(" ", text)).split() if word not in FUNCTION)
        for text in (spelling, fact)
    )
    return stands(mine, its) or stands(its, mine)


def _other_numbers(spelling: str, fact: str) -> Reason | None:
    """What a spelling of a fact that holds numbers says of others."""
    wanted, there = numbers(in_figures(fact)), numbers(in_figures(spelling))
    if gone := wanted - there:
        return Reason.of("number-gone", number=min(gone))
    if wanted and (new := there - wanted):
        return Reason.of("number-new", number=min(new))
    return None
