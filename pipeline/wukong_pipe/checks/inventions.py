"""Which numbers and names of a student's answer stand neither in the source nor in the question."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from wukong_pipe.checks.answer_in_evidence import STRANGE, strange_words, uncovered
from wukong_pipe.checks.comparing import Known
from wukong_pipe.corpus.of_run import source_texts
from wukong_pipe.language.names import quoted
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import Amounts, amounts, unknown_amount
from wukong_pipe.records import Lang
from wukong_pipe.workspace import Run

Strange = tuple[list[str], list[str] | None, int]
"""Terms that neither source nor question holds; those that the row's section, headings and question do not hold, None
where the section is gone; and how many numbers and names the answer states."""


def invented(answer: str, question: str, source_text: str, lang: Lang) -> list[str]:
    """The numbers, dates, names and quoted terms of an answer that neither the source nor the question holds.

    A Chinese name bears no mark: there it is any stretch of characters that pieces of the source and plain words
    cannot cover, so that a rare paraphrase may be taken for a name. What is made up of the source's own words is not
    seen, and a sum or count that the source leaves to the reader is taken for invented.

    >>> invented("The Saturn V weighed 9000 kg.", "What did it weigh?", "The Saturn V weighed 2900 t.", "en")
    ['9000 kg']
    """
    known = Known((source_text,), question, source_text)
    said = amounts(answer)
    each = [Amounts((quantity,), ()) for quantity in said.quantities] + [Amounts((), (date,)) for date in said.dates]
    found = [strange for amount in each if (strange := unknown_amount(amount, known.amounts))]
    found += sorted(term for term in quoted(answer) if normalise(in_figures(term)) not in known.normal)
    found += [word for word, is_name in strange_words(answer, known) if is_name]
    if lang == "zh":
        for clause in re.split(r"[，。；：！？、,;「」《》“”（）()]", answer):
            told = normalise(in_figures(clause))
            found += [told[start:end] for start, end, weight in uncovered(told, known.normal) if weight >= STRANGE]
    # A quoted name that is also a stretch of its own is told once.
    return [term for i, term in enumerate(found) if not any(term in other for other in found[:i])]


def invented_in(
    run: Run, section_of: Callable[[dict[str, Any]], str | None] | None, encoding: str = "utf-8"
) -> Callable[[str, dict[str, Any]], Strange | None]:
    """A function from an answer and the row it answers to what the answer states that its source does not hold.

    It gives None where the row's source is gone or unreadable.

    Args:
        section_of: the headings and the text of a row's section, None where it is gone; see `section_texts.source_of`.

    Raises:
        DataError: the run's notes are no JSON.
    """
    texts = dict(source_texts(run, encoding))

    def terms_of(answer: str, row: dict[str, Any]) -> Strange | None:
        text = texts.get(row["source"])
        if text is None:
            return None
        question, lang = row["instruction"], row["lang"]
        section = section_of(row) if section_of else None
        around = " ; ".join([question, *row["heading_path"]])
        outside = None if section is None else invented(answer, around, section, lang)
        # What the section holds, the source does: only an answer with something strange needs the whole of it.
        nowhere = invented(answer, question, text, lang) if outside or outside is None else []
        # Before a source that says nothing all that is stated is invented.
        stated = {*nowhere, *(outside or ()), *invented(answer, "", "", lang)}
        return nowhere, outside, len(stated)

    return terms_of
