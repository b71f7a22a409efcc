"""What a question-answer pair is checked for before it is kept: the lists of checks, in the order of cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from wukong_pipe.checks.answer_in_evidence import answer_doubts
from wukong_pipe.checks.candidates import Candidate, not_there
from wukong_pipe.checks.comparing import Known
from wukong_pipe.checks.evidence import covered_units
from wukong_pipe.checks.findings import Finding, findings
from wukong_pipe.checks.question_form import empty, leans, may_lean, no_question, pair_too_long, unseen
from wukong_pipe.corpus.blocks import unmarked
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.units import Unit, terms, units
from wukong_pipe.language.identifiers import missing_identifiers
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures, with_asked_scale
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section


def check_pair(candidate: Candidate, section: Section) -> tuple[Finding, ...]:
    """Why a pair cannot be used: the first reject in the order of cost, or all doubts."""
    return findings((check(candidate, section) for check in PAIR_REJECTS), _doubts(candidate, section))


def _doubts(candidate: Candidate, section: Section) -> Iterator[Reason | None]:
    yield no_question(candidate.question)
    yield may_lean(candidate.question)
    yield _given_away(candidate)
    known = known_to(candidate, section)
    answer = with_asked_scale(candidate.answer, candidate.question, " ".join(known.evidence))
    yield from answer_doubts(answer, known)


def _seen(candidate: Candidate, _: Section) -> Reason | None:
    return unseen(f"{candidate.question}\n{candidate.answer}")


def _length(candidate: Candidate, _: Section) -> Reason | None:
    return pair_too_long(candidate.question, candidate.answer)


def _says_something(candidate: Candidate, _: Section) -> Reason | None:
    return empty(candidate.answer)


def _stands_alone(candidate: Candidate, _: Section) -> Reason | None:
    return leans(candidate.question)


def _evidence(candidate: Candidate, section: Section) -> Reason | None:
    """A heading or a caption may stand among the evidence, but not alone."""
    for span, text in zip(candidate.spans, candidate.evidence, strict=True):
        if span is None:
            return not_there(text)
    if not covered_units(candidate.spans, section):
        return Reason.of("evidence-says-nothing", words=candidate.evidence[0][:60])
    return None


def _identifiers(candidate: Candidate, section: Section) -> Reason | None:
    told = section.text, clean(section.text).text, section.header, *section.heading_path, candidate.question
    strange = next(missing_identifiers(candidate.answer, " ; ".join(told), by_form=True), None)
    return Reason.of("identifier-nowhere", words=strange) if strange else None


PAIR_REJECTS: tuple[Callable[[Candidate, Section], Reason | None], ...] = (
    _length,
    _seen,
    _says_something,
    _stands_alone,
    _evidence,
    _identifiers,
)


def _given_away(candidate: Candidate) -> Reason | None:
    """An answer that its question holds as a whole, unless the question offers it beside another."""
    question, answer = normalise(candidate.question), normalise(candidate.answer)
    told = stands_in(answer, question) and not _OFFERS.search(candidate.question)
    return Reason.of("given-away") if told else None


_OFFERS = re.compile(r"\bor\b|或|还是", re.IGNORECASE)


def known_to(candidate: Candidate, section: Section) -> Known:
    """What the answer may draw on: its evidence, and what places that evidence in the section."""
    touched = covered_units(candidate.spans, section)
    around = [candidate.question, *section.heading_path, *(_lead(unit, section) for unit in touched)]
    around += [head for unit in touched for head in unit.header]
    return Known(
        evidence=tuple(_MARKER.sub("", unmarked(clean(text).text)) for text in candidate.evidence),
        around=" ; ".join(filter(None, around)),
        section=clean(section.text).text,
        terms=section_terms(section),
        verbatim=" ; ".join(candidate.evidence),
    )


_MARKER = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s+")


def _lead(unit: Unit, section: Section) -> str:
    """The bold term that the unit's paragraph or item begins with: later sentences speak of it too."""
    line = section.text[section.text.rfind("\n", 0, unit.start) + 1 : unit.end]
    match = re.match(r"[\s>*+\d.)-]*(?:\*\*|__)(.+?)(?:\*\*|__)", line)
    return match.group(1) if match else ""


@lru_cache(maxsize=64)  # The pairs of a section, and the wordings of a pair, come together.
def section_terms(section: Section) -> tuple[tuple[str, str], ...]:
    """What a section marks as terms, and the cells of its tables, each with its normal form; no figures, no ticks."""
    found = terms(section) | {cell for unit in units(section) for cell in unit.cells}
    forms = ((term, normalise(in_figures(term))) for term in sorted(found))
    return tuple((term, form) for term, form in forms if len(form) > 1 and not form.isdigit() and form not in _TICKS)


_TICKS = frozenset(("yes", "no", "on", "off"))
