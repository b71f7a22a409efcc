"""Mending of citations: a weak teacher cites a table's caption for its rows, and means one of the rows."""

from __future__ import annotations

from collections.abc import Sequence

from wukong_pipe.checks.evidence import covered_units
from wukong_pipe.corpus.units import Unit, terms, units
from wukong_pipe.language.names import latin_names, names_in, quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.records import Facts, Section

Span = tuple[int, int]


def mended(cited: Sequence[Span], question: str, facts: Facts, section: Section) -> list[Span] | None:
    """The one unit that a citation means, where it cites others; None where it stays as it is.

    It is mended only where the cited units do not hold all facts of the answer, and exactly one unit holds them all
    together with the names that the question asks about. Anything else would launder a wrong answer into evidence of
    the thing it was taken from: that is for the checks and the verifier.
    """
    if not facts or _hold(covered_units(cited, section), facts):
        return None
    subject = _subject(question, section)
    holding = [unit for unit in units(section) if unit.facts and _hold([unit], facts) and _holds_all(unit, subject)]
    if not subject or len(holding) != 1:
        return None
    return [(holding[0].start, holding[0].end)]


def _subject(question: str, section: Section) -> frozenset[str]:
    """The names, in normal form, that tell what a question asks about within its section: none of the headings'."""
    headings = normalise(" ; ".join(section.heading_path))
    asked = normalise(question)
    marked = names_in(asked, frozenset(map(normalise, terms(section))) - {""})
    names = marked | set(map(normalise, quoted(question) | latin_names(question)))
    return frozenset(name for name in names - {""} if not stands_in(name, headings) and stands_in(name, asked))


def _hold(pieces: Sequence[Unit], facts: Facts) -> bool:
    """Whether units together hold every fact in one of its spellings."""
    said = _normal(" ; ".join(f"{unit.lead} {unit.text}" for unit in pieces))
    return all(any(stands_in(_normal(spelling), said) for spelling in fact) for fact in facts)


def _holds_all(unit: Unit, names: frozenset[str]) -> bool:
    said = normalise(f"{unit.lead} {unit.text}")
    return all(stands_in(name, said) for name in names)


def _normal(text: str) -> str:
    return normalise(in_figures(text))
