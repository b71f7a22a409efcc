"""The free checks of another spelling of a fact: it is one, it is new, and nothing else is spelt so.

“compression of HTTP headers” may be spelt “header compression”, which is nobody else's fact; “HTTP” is too little to be
told apart where another pair of the section has the fact “HTTP/2”.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wukong_pipe.checks.named_facts import offers_choices
from wukong_pipe.language.fact_matching import stands
from wukong_pipe.language.identifiers import identifiers, is_identifier, missing_identifiers
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import in_figures, numbers
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair


@dataclass(frozen=True, slots=True)
class NamedFact:
    """A fact of a pair, in its first spelling: NamedFact(QAPair("出云棍由谁掉落？", …), "石敢当")."""

    pair: QAPair
    words: str


def may_be_spelt_otherwise(fact: NamedFact) -> bool:
    """Whether an answer may put a fact in other words: an identifier has one spelling, and numbers are read as such."""
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
    if not normalise(spelling):
        return Reason.of("spelling-says-nothing")
    if not is_its_own_fact(spelling):
        return Reason.of("spelling-too-long", words=spelling)
    if there := next((one for one in known if stands(one, spelling)), None):
        return Reason.of("spelling-adds-nothing", words=there)
    if stands(spelling, fact.pair.question) and not offers_choices(fact.pair.question):
        return Reason.of("spelling-in-question")
    if other := next((one for one in others if stands(spelling, one) and not stands(fact.words, one)), None):
        return Reason.of("another-fact", words=other)
    if code := next(missing_identifiers(spelling, f"{fact.pair.question}\n{fact.pair.answer}", by_form=True), None):
        return Reason.of("words-new", words=code)
    return _other_numbers(spelling, fact.words)


def _other_numbers(spelling: str, fact: str) -> Reason | None:
    """What a spelling of a fact that holds numbers says of others."""
    wanted, there = numbers(in_figures(fact)), numbers(in_figures(spelling))
    if gone := wanted - there:
        return Reason.of("number-gone", number=min(gone))
    if wanted and (new := there - wanted):
        return Reason.of("number-new", number=min(new))
    return None
