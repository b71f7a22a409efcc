"""Facts that templates can ask for, read in a section's tables, bold lead-ins, lists and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from wukong_pipe.corpus.units import Unit, units
from wukong_pipe.embedded.code_facts import code_facts
from wukong_pipe.embedded.questions import Fact
from wukong_pipe.embedded.sentence_facts import further_facts, sentence_fact
from wukong_pipe.embedded.table_facts import cell_facts, comparison_facts, list_facts, reverse_facts
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import Section

_NO_SENTENCE = re.compile(r"^\[[ xX]\]\s|!\[|\$\$|\$[^$\d\s][^$]*\$|\\[(\[]")
"""A task box, an image or maths: no template makes a question of such words."""


@lru_cache(maxsize=1024)
def facts(section: Section) -> tuple[Fact, ...]:
    """What the templates can ask of a section, in its order; each base question once."""
    of_section = tuple(unit for unit in units(section) if unit.is_telling)
    of_rows = [*reverse_facts(of_section), *comparison_facts(of_section, section.lang)]
    by_question: dict[str, Fact] = {}
    for i, unit in enumerate(of_section):
        of_unit = [*_unit_facts(unit, section), *list_facts(of_section, i, section)]
        for fact in (*of_unit, *(fact for fact in of_rows if fact.units[0] is unit)):
            if fact.answer:
                by_question.setdefault(normalise(fact.question(section.lang, 0)), fact)
    return tuple(by_question.values())


def _unit_facts(unit: Unit, section: Section) -> Iterator[Fact]:
    if unit.kind == "row":
        yield from cell_facts(unit)
        return
    if unit.kind == "code":
        yield from code_facts(unit)
        return
    words = unit.words.strip().rstrip("。.！!；;")
    if not unit.facts or _NO_SENTENCE.search(unit.text):
        return
    if unit.lead and words:
        fact: Fact | None = Fact("define", (("thing", unit.lead),), words, (unit,))
    else:
        fact = sentence_fact(words, unit, section)
    if fact:
        yield fact
        yield from further_facts(words, unit, section, fact)
