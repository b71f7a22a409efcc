"""Mending of citations: a weak teacher cites a table's caption for its rows, and means one of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wukong_pipe.checks.evidence import covered_units
from wukong_pipe.corpus.units import Unit, terms, units
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.records import Facts, Section

Span = tuple[int, int]


def mended(cited: Sequence[Span], question: str, facts: Facts, section: Section) -> list[Span] | None:
    """The one unit that a citation means, where it cites others; None where it stays as it is.

    It is mended only where the cited units neither hold all facts of the answer nor tell of what the question asks
    about, and exactly one unit does both. Anything else would launder a wrong answer into evidence of the thing it was
    taken from: that is for the checks and the verifier.
    """
    touched = covered_units(cited, section)
    # What the cited units hold is the cheap test, and decides most candidates.
    if not facts or _hold(touched, facts) or not (subject := _subject(question, section)):
        return None
    # A caption or an announcement is worth no facts.
    if any(unit.facts and any(_names_in(unit, subject)) for unit in touched):
        return None
    holding = [unit for unit in units(section) if unit.facts and _hold([unit], facts) and _tells_of(unit, subject)]
    return [(holding[0].start, holding[0].end)] if len(holding) == 1 else None


def _subject(question: str, section: Section) -> frozenset[str]:
    """The names, in normal form, that tell what a question asks about within its section: none of the headings'."""
    headings = normalise(" ; ".join(section.heading_path))
    asked = normalise(question)
    marked = {form for form in map(normalise, terms(section)) if form in asked}
    names = marked | set(map(normalise, quoted(question) | latin_names(question)))
    return frozenset(name for name in names - {""} if not stands_in(name, headings) and stands_in(name, asked))


def _hold(pieces: Sequence[Unit], facts: Facts) -> bool:
    """Whether units together hold every fact in one of its spellings."""
    said = _normal(" ; ".join(f"{unit.lead} {unit.text}" for unit in pieces))
    return all(any(stands_in(_normal(spelling), said) for spelling in fact) for fact in facts)


def _tells_of(unit: Unit, names: frozenset[str]) -> bool:
    """Whether a unit holds all of these names; a row tells of what its first cell names."""
    is_own = not unit.cells or normalise(unit.cells[0]) in names
    return is_own and all(_names_in(unit, names))


def _names_in(unit: Unit, names: frozenset[str]) -> Iterator[bool]:
    """Whether each name stands in a unit."""
    said = normalise(f"{unit.lead} {unit.text}")
    return (stands_in(name, said) for name in names)


def _normal(text: str) -> str:
    return normalise(in_figures(text))
