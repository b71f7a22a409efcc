"""Does another wording of an answer say what the answer says, no less and no more? Each check gives the reason why not.

A wording is an answer, so its evidence must carry it as that of any answer does. Beside its base answer it must keep
every number, name and quoted term as it is spelt, for these are what `eval` looks for, and bring in no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from wukong_pipe.checks.answer_in_evidence import ANSWER_CHECKS, counts_and_differences, strange_words, unsupported
from wukong_pipe.checks.base_question import TOPIC_TERM
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.comparing import Known, content
from wukong_pipe.checks.contradictions import crossed, denied, is_negative, opposite_said
from wukong_pipe.checks.findings import Finding, findings
from wukong_pipe.checks.pairs import known_to
from wukong_pipe.checks.question_form import LEANS_ON_TEXT, too_long, unseen
from wukong_pipe.checks.question_scope import same_scope
from wukong_pipe.corpus.units import terms
from wukong_pipe.language import plain_words
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures, numbers
from wukong_pipe.language.quantities import amounts, unknown_amount
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair

KEPT = 0.4
"""Of what an answer says beyond its question, the share that its wording must say, too."""
SENSE = (opposite_said, denied, crossed, unsupported)
"""Checks of what an answer says as a whole, which the base answer has passed."""


_SENTENCE = re.compile(r"[。！；.!;]\W*$")
_POSSESSIVE = re.compile(r" s(?: |$)")
"""In normal form: NASA's is “nasa s”."""


def check_answer(wording: str, pair: QAPair) -> tuple[Finding, ...]:
    """Why a wording cannot stand for its pair's answer: the first reject, or all doubts."""
    return findings([_is_another_statement(wording, pair)], (check(wording, pair) for check in ANSWER_WORDING_DOUBTS))


def _is_another_statement(wording: str, pair: QAPair) -> Reason | None:
    if reason := too_long(wording) or unseen(wording):
        return reason
    if normalise(wording) == normalise(pair.answer):
        return Reason.of("repeats-answer")
    if wording.rstrip("”\"' 」』").endswith(("？", "?")):
        return Reason.of("question-for-answer")
    if (match := LEANS_ON_TEXT.search(wording)) and not LEANS_ON_TEXT.search(pair.answer):
        return Reason.of("names-its-source", words=match.group())
    return None


def _is_supported(wording: str, pair: QAPair) -> Reason | None:
    """The evidence carries a wording as it carries any answer; the sense of one that quotes the answer is the answer's
    own, and `same_sense` looks at what stands around it."""
    known, quotes = _of_evidence(pair), normalise(pair.answer) in normalise(wording)
    checks = [check for check in ANSWER_CHECKS if not quotes or check not in SENSE]
    return next(filter(None, (check(wording, known) for check in checks)), None)


def keeps_the_facts(wording: str, pair: QAPair) -> Reason | None:
    """Numbers, names and quoted terms of the answer stay, and all of it where it is but a name."""
    base, said = normalise(pair.answer), normalise(wording)
    if gone := numbers(pair.answer) - numbers(wording):
        return Reason.of("number-gone", number=min(gone))
    if lost := unknown_amount(amounts(pair.answer), amounts(wording)):
        return Reason.of("number-gone", number=str(lost))
    names = quoted(pair.answer) | latin_names(pair.answer)
    names |= {name for name in terms(pair.section) if len(normalise(name)) >= 2 and name in pair.answer}
    parts = {part for name in names for part in _POSSESSIVE.split(normalise(name))}
    if is_its_own_fact(pair.answer) and not _SENTENCE.search(pair.answer):
        parts |= key_facts(pair.answer).terms
    if missing := next((part for part in sorted(parts) if stands_in(part, base) and not stands_in(part, said)), None):
        return Reason.of("words-gone", words=missing)
    return None


def says_most_of_it(wording: str, pair: QAPair) -> Reason | None:
    """Much of what the answer says beyond its question stands in the wording, in the same words."""
    about = content(pair.answer) - content(pair.question)
    if len(about & content(wording)) < KEPT * len(about):
        return Reason.of("most-gone")
    return None


def adds_no_fact(wording: str, pair: QAPair) -> Reason | None:
    """No number or name comes in that neither the answer nor its question holds, though the source may."""
    known = _of_answer(pair)
    derived = counts_and_differences(wording, known)
    if new := unknown_amount(amounts(wording), known.amounts, derived):
        return Reason.of("number-new", number=str(new))
    if name := next((word for word, is_name in strange_words(wording, known) if is_name), None):
        return Reason.of("words-new", words=name)
    said = normalise(in_figures(wording))
    for name in sorted(terms(pair.section) | quoted(wording)):
        normal = normalise(in_figures(name))
        if len(normal) < 2 or not stands_in(normal, said) or stands_in(normal, known.normal):
            continue
        if normal not in plain_words.CHINESE and normalise(pair.section.text).count(normal) < TOPIC_TERM:
            return Reason.of("words-new", words=name)
    return None


def same_sense(wording: str, pair: QAPair) -> Reason | None:
    """Nothing is denied that the answer says, nor the other way round; no facts change places."""
    if is_negative(pair.answer) and not is_negative(wording, or_exclusive=True):
        return Reason.of("negation-dropped")
    if is_negative(wording) and not is_negative(f"{pair.question} {pair.answer}", or_exclusive=True):
        return Reason.of("negation-added")
    known = _of_answer(pair)
    # What the question denies, the wording may repeat.
    asked = Known((pair.answer, pair.question), known.around, known.section)
    reason = opposite_said(wording, known) or denied(wording, asked) or crossed(wording, known)
    return reason.with_value("source", Reason.of("base-answer")) if reason else None


@lru_cache(maxsize=64)  # The wordings of a pair come together.
def _of_evidence(pair: QAPair) -> Known:
    """What the answer of a pair may draw on."""
    item = {"question": pair.question, "answer": pair.answer, "evidence": list(pair.evidence)}
    candidate = read_pair(item, pair.section)
    assert isinstance(candidate, Candidate), candidate
    return known_to(candidate, pair.section)


@lru_cache(maxsize=64)
def _of_answer(pair: QAPair) -> Known:
    """What a wording may say: the answer, and what places it."""
    return Known((pair.answer,), _of_evidence(pair).around, "")


ANSWER_WORDING_DOUBTS: tuple[Callable[[str, QAPair], Reason | None], ...] = (
    keeps_the_facts,
    _is_supported,
    adds_no_fact,
    same_sense,
    same_scope,
    says_most_of_it,
)
