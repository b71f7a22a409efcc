"""Which numbers and names of a student's answer stand neither in the source nor in the question."""

from __future__ import annotations

import re

from wukong_pipe.checks.answer_in_evidence import strange_names
from wukong_pipe.checks.comparing import Known
from wukong_pipe.checks.covering import uncovered
from wukong_pipe.language.identifiers import missing_identifiers
from wukong_pipe.language.item_numbers import without_item_numbers
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import Amounts, amounts, unknown_amounts
from wukong_pipe.records import Lang

STRANGE = 1.9
"""Characters in a row that the source does not use, from which on they are taken for a name."""


def invented(answer: str, question: str, source_text: str, lang: Lang) -> list[str]:
    """The numbers, names, quoted terms and identifiers of an answer that neither the source nor the question holds.

    A Chinese name bears no mark: there it is any stretch of characters that pieces of the source and plain words
    cannot cover, so that a rare paraphrase may be taken for a name. What is made up of the source's own words is not
    seen, and a sum or count that the source leaves to the reader is taken for invented.

    >>> invented("The Saturn V weighed 9000 kg.", "What did it weigh?", "The Saturn V weighed 2900 t.", "en")
    ['9000 kg']
    """
    known = Known((source_text,), question, source_text)
    said = amounts(without_item_numbers(answer))
    each = Amounts(said.quantities, ()), Amounts((), said.dates)
    found = [strange for some in each for strange in unknown_amounts(some, known.amounts)]
    found += strange_names(answer, known)
    found += missing_identifiers(answer, known.text)
    if lang == "zh":
        for clause in re.split(r"[，。；：！？、,;「」《》“”（）()]", answer):
            told = normalise(in_figures(clause))
            found += [told[start:end] for start, end, weight in uncovered(told, known.normal) if weight >= STRANGE]
    # A quoted name that is also a stretch of its own is told once.
    return [term for i, term in enumerate(found) if not any(term in other for other in found[:i])]
