"""What a question-answer pair is checked for before it is kept: the lists of checks, in the order of cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps

from wukong_pipe.checks.answer_in_evidence import ANSWER_CHECKS, doubtful_word
from wukong_pipe.checks.candidates import Candidate, not_there
from wukong_pipe.checks.comparing import Known, content
from wukong_pipe.checks.evidence import covered_units
from wukong_pipe.checks.findings import Finding, findings
from wukong_pipe.checks.question_form import check_question, pair_too_long, unseen
from wukong_pipe.corpus.blocks import unmarked
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.units import Unit
from wukong_pipe.language.key_facts import key_facts
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import with_asked_scale
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section

MIN_EVIDENCE = 4
"""Fewer characters than this carry no fact."""
GIVEN_AWAY = 0.6
"""Share of an answer's content from which on a question that holds its key facts has told it."""


def check_pair(candidate: Candidate, section: Section) -> tuple[Finding, ...]:
    """Why a pair cannot be used: the first reject in the order of cost, or all doubts."""
    return findings(
        (check(candidate, section) for check in PAIR_REJECTS), (check(candidate, section) for check in PAIR_DOUBTS)
    )


def doubtful(candidate: Candidate, section: Section) -> Reason | None:
    """Why a pair that passed is worth a second look; what an optional judge would look at."""
    return doubtful_word(candidate.answer, known_to(candidate, section))


def _seen(candidate: Candidate, _: Section) -> Reason | None:
    return unseen(f"{candidate.question}\n{candidate.answer}")


def _length(candidate: Candidate, _: Section) -> Reason | None:
    return pair_too_long(candidate.question, candidate.answer)


def _asks(candidate: Candidate, _: Section) -> Reason | None:
    return check_question(candidate.question)


def _not_given_away(candidate: Candidate, _: Section) -> Reason | None:
    return Reason.of("given-away") if states(candidate.question, candidate.answer) else None


def states(question: str, answer: str) -> bool:
    """Whether a question holds an answer's key facts and most of what else the answer is about."""
    about = content(answer)
    told = len(about & content(question)) / len(about) if about else 1.0
    return told >= GIVEN_AWAY and key_facts(answer).found_in(question)


def _evidence(candidate: Candidate, section: Section) -> Reason | None:
    for span, text in zip(candidate.spans, candidate.evidence, strict=True):
        if span is None:
            return not_there(text)
        touched = covered_units([span], section)
        if not touched or len(normalise(text)) < MIN_EVIDENCE:
            return Reason.of("evidence-says-nothing", words=text[:60])
        if len(touched) > (2 if all(unit.kind == "sentence" for unit in touched) else 1):
            return Reason.of("evidence-too-long", words=text[:60])
    return None


@lru_cache(maxsize=64)  # The checks of a pair come together.
def known_to(candidate: Candidate, section: Section) -> Known:
    """What the answer may draw on: its evidence, and what places that evidence in the section."""
    touched = covered_units(candidate.spans, section)
    around = [candidate.question, *section.heading_path, *(_lead(unit, section) for unit in touched)]
    around += [head for unit in touched for head in unit.header]
    row = touched[0] if len(touched) == 1 else None
    return Known(
        evidence=tuple(_MARKER.sub("", unmarked(clean(text).text)) for text in candidate.evidence),
        around=" ; ".join(filter(None, around)),
        section=clean(section.text).text,
        columns=tuple(zip(row.header[1:], row.cells[1:], strict=False)) if row else (),
        question=candidate.question,
    )


_MARKER = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s+")


def _lead(unit: Unit, section: Section) -> str:
    """The bold term that the unit's paragraph or item begins with: later sentences speak of it too."""
    line = section.text[section.text.rfind("\n", 0, unit.start) + 1 : unit.end]
    match = re.match(r"[\s>*+\d.)-]*(?:\*\*|__)(.+?)(?:\*\*|__)", line)
    return match.group(1) if match else ""


def _of_answer(check: Callable[[str, Known], Reason | None]) -> Callable[[Candidate, Section], Reason | None]:
    """A check of an answer, as one of a pair."""

    @wraps(check)
    def of_pair(candidate: Candidate, section: Section) -> Reason | None:
        known = known_to(candidate, section)
        return check(with_asked_scale(candidate.answer, candidate.question, " ".join(known.evidence)), known)

    return of_pair


PAIR_REJECTS: tuple[Callable[[Candidate, Section], Reason | None], ...] = (_length, _seen, _asks, _evidence)
PAIR_DOUBTS = (_not_given_away, *map(_of_answer, ANSWER_CHECKS))
