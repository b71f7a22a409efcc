"""Does another wording of an answer say what the answer says, no less and no more? Each check gives the reason why not.

A wording is an answer, so its evidence must carry it as that of any answer does. It must keep the numbers, names and
identifiers that its base answer adds to the question, for these are what `eval` looks for, and bring in no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from wukong_pipe.checks.answer_in_evidence import another_term, answer_doubts, new_amounts, new_identifier, new_name
from wukong_pipe.checks.candidates import stored_candidate
from wukong_pipe.checks.comparing import Known
from wukong_pipe.checks.contradictions import crossed, denied
from wukong_pipe.checks.findings import Finding, findings
from wukong_pipe.checks.pairs import known_to, section_terms
from wukong_pipe.checks.question_form import LEANS_ON_TEXT, MAY_LEAN, empty, too_long, unseen
from wukong_pipe.language.identifiers import missing_identifiers, without_identifiers
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.quantities import amounts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair


def check_answer(wording: str, pair: QAPair) -> tuple[Finding, ...]:
    """Why a wording cannot stand for its pair's answer: the first reject, or all doubts."""
    return findings((check(wording, pair) for check in _REJECTS), _doubts(wording, pair))


def _is_another_statement(wording: str, pair: QAPair) -> Reason | None:
    if reason := too_long(wording) or unseen(wording) or empty(wording):
        return reason
    if normalise(wording) == normalise(pair.answer):
        return Reason.of("repeats-answer")
    if wording.rstrip("”\"' 」』").endswith(("？", "?")):
        return Reason.of("question-for-answer")
    return _names_its_source(LEANS_ON_TEXT, wording, pair)


def _names_its_source(pattern: re.Pattern[str], wording: str, pair: QAPair) -> Reason | None:
    match = pattern.search(wording)
    return Reason.of("names-its-source", words=match.group()) if match and not pattern.search(pair.answer) else None


def _identifiers(wording: str, pair: QAPair) -> Reason | None:
    known = _of_evidence(pair)
    source = f"{known.text} ; {pair.section.text} ; {pair.answer}"
    strange = next(missing_identifiers(wording, source, by_form=True), None)
    return Reason.of("identifier-nowhere", words=strange) if strange else None


_REJECTS: tuple[Callable[[str, QAPair], Reason | None], ...] = (_is_another_statement, _identifiers)


def _doubts(wording: str, pair: QAPair) -> Iterator[Reason | None]:
    yield _names_its_source(MAY_LEAN, wording, pair)
    yield keeps_the_facts(wording, pair)
    yield from answer_doubts(wording, _of_evidence(pair))
    yield from new_amounts(wording, _of_answer(pair))
    for check in (new_identifier, new_name, another_term, denied, crossed):
        if reason := check(wording, _of_answer(pair)):
            yield reason.with_value("source", Reason.of("base-answer"))


def keeps_the_facts(wording: str, pair: QAPair) -> Reason | None:
    """What the answer adds to its question stays: numbers in any spelling, identifiers, quoted terms, terms of the
    section, Latin names of several words, and all of an answer that is but a name."""
    kept = f"{wording} ; {pair.question}"
    if gone := amounts(pair.answer).values - amounts(kept).values - numbers(kept):
        return Reason.of("number-gone", number=min(gone))
    prose = without_identifiers(pair.answer)
    names = {normalise(term) for term in (*quoted(prose), *(name for name in latin_names(prose) if " " in name))}
    names |= {form for _, form in section_terms(pair.section) if stands_in(form, normalise(pair.answer))}
    if is_its_own_fact(pair.answer) and not _SENTENCE.search(pair.answer):
        names |= key_facts(pair.answer).terms
    lost = next(missing_identifiers(pair.answer, kept), None)
    lost = lost or next((name for name in sorted(names) if not stands_in(name, normalise(kept))), None)
    return Reason.of("words-gone", words=lost) if lost else None


_SENTENCE = re.compile(r"[。！；.!;]\W*$")


@lru_cache(maxsize=64)  # The wordings of a pair come together.
def _of_evidence(pair: QAPair) -> Known:
    """What the answer of a pair may draw on."""
    return known_to(stored_candidate(pair.question, pair.answer, pair.evidence, pair.lines, pair.section), pair.section)


@lru_cache(maxsize=64)
def _of_answer(pair: QAPair) -> Known:
    """What a wording may say: the answer, and what places it."""
    known = _of_evidence(pair)
    return Known((pair.answer,), known.around, "", known.terms)
