"""Is an answer carried by its evidence? Each check gives what the evidence does not hold: a number, a name, a denial.

All of these are doubts: the same may be said in other words, and what is said wrongly in the evidence's own words may
pass. Each of them finds errors in replies of language models and costs few honest ones (`benchmarks/grounding.md`).
They and their word lists are frozen: what one of them misjudges a verifier reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from wukong_pipe.checks.comparing import CHINESE_RUN, Known, content
from wukong_pipe.checks.contradictions import crossed, denied
from wukong_pipe.checks.covering import uncovered
from wukong_pipe.language.dates import Date
from wukong_pipe.language.identifiers import key_values, missing_identifiers, without_identifiers
from wukong_pipe.language.item_numbers import without_item_numbers
from wukong_pipe.language.names import quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import Quantity, amounts, unknown_amounts
from wukong_pipe.reasons import Reason

TOPIC = 12
"""A term that a section names so often is what it is about, and may stand in any answer."""
STRANGE = 2.5
"""Characters in a row that the source does not use, from which on a Chinese answer brings in something new.
One that the source uses in another word counts a third: a synonym often keeps one character, another name seldom."""


def answer_doubts(answer: str, known: Known) -> Iterator[Reason]:
    """What an answer says and its evidence does not, in the order of how much that says."""
    yield from new_amounts(answer, known)
    for check in _DOUBTS:
        if reason := check(answer, known):
            yield reason


def new_amounts(answer: str, known: Known) -> Iterator[Reason]:
    """Each number, its unit or date that the evidence does not give."""
    said = amounts(without_item_numbers(answer))
    if not said.values:
        return  # Most answers hold none, and what is known is longer.
    for strange in unknown_amounts(said, known.amounts, counts_and_differences(answer, known)):
        yield Reason.of("amount-not-in-evidence", amount=strange)


def counts_and_differences(answer: str, known: Known) -> Iterator[Quantity]:
    """Amounts that follow from the evidence: how many things it or the answer lists, and differences."""
    if len(known.evidence) > 1:
        yield Quantity(str(len(known.evidence)), "each")
    counted = any(quantity.unit.startswith("each") for quantity in amounts(" ; ".join(known.evidence)).quantities)
    for text in known.evidence if counted else (answer, *known.evidence):
        for listing in _LISTINGS.split(text):
            count = len([item for item in _LIST_MARK.split(listing) if item.strip()])
            if count > 1:
                yield Quantity(str(count), "each")
    quantities, dates = set(known.amounts.quantities), set(known.amounts.dates)
    for a in quantities:
        for b in quantities:
            if a.unit == b.unit and not _NAMES.match(a.unit) and float(a.value) > float(b.value):
                yield Quantity(f"{round(float(a.value) - float(b.value), 3):g}", a.unit)
    for later in dates:
        for earlier in dates:
            yield from _apart(earlier, later)


_NAMES = re.compile("$|#|nth|each")
"""Units of numbers that tell things apart or count them: Apollo 17 is not six more than Apollo 11."""
_LISTINGS = re.compile(r"[。；;:：.]|，(?=[\u4e00-\u9fff])")
_LIST_MARK = re.compile(r"[、，]|, |\band\b|\bor\b|以及|和|与|或者|或|及")


def _apart(earlier: Date, later: Date) -> Iterator[Quantity]:
    """How far apart two dates are, in days and in whole years."""
    if later.year > earlier.year > 0:
        yield Quantity(str(later.year - earlier.year), "year")
    try:
        days = date(later.year, later.month, later.day) - date(earlier.year, earlier.month, earlier.day)
    except ValueError:
        return
    yield Quantity(str(days.days), "day")


def new_name(answer: str, known: Known) -> Reason | None:
    """A Latin name or a quoted term that the evidence does not hold, nor its section more than once."""
    for name in strange_names(answer, known):
        if len(re.findall(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", known.section, re.I)) < 2:
            return Reason.of("words-not-in-evidence", words=name)
    return None


def strange_names(text: str, known: Known) -> list[str]:
    """The Latin names and quoted terms of a text that what is known does not hold."""
    prose = without_identifiers(text)
    names = [name for name in _capitalised(prose) if not _is_known(name, known)]
    return names + sorted(term for term in quoted(prose) if normalise(in_figures(term)) not in known.normal)


_CAPITALISED = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Za-z0-9]+")
_SENTENCE_ENDS = ".!?:。！？：\n"


def _capitalised(text: str) -> Iterator[str]:
    """Words that capitals mark as names: not the first of a sentence, for every sentence begins with one."""
    for match in _CAPITALISED.finditer(text):
        # Amid Chinese a capital marks a name wherever it stands.
        plain = match.group()[1:].islower() and not CHINESE_RUN.match(text, match.end())
        if not (plain and _opens(text, match.start())):
            yield match.group()


def _opens(text: str, start: int) -> bool:
    """Whether a sentence begins at `start`: nothing but space and marks stands between it and the end of another."""
    for at in range(start - 1, -1, -1):
        if text[at] in _SENTENCE_ENDS:
            return True
        if text[at].isalnum() or text[at] == "_":
            return False
    return True


def _is_known(name: str, known: Known) -> bool:
    lower = name.casefold()
    said = {lower, lower.removesuffix("s"), f"{lower}s"} & known.words
    # A month's name and a spelt number are checked as amounts.
    return bool(said or amounts(name).values or amounts(name).dates)


def new_characters(answer: str, known: Known) -> Reason | None:
    """Chinese characters in a row that neither the source nor plain Chinese brings along: a name that bears no mark."""
    for clause in re.split(r"[，。；：！？,;「」《》“”（）()、]|以及|或者|和|与", without_identifiers(answer)):
        said = normalise(in_figures(clause))
        for start, end, weight in uncovered(said, known.normal):
            if weight >= STRANGE:
                return Reason.of("words-not-in-evidence", words=said[start:end])
    return None


def another_term(answer: str, known: Known) -> Reason | None:
    """A term or a cell of the section that the evidence does not hold: mostly that of another row or item."""
    said, told = normalise(in_figures(answer)), normalise(known.section)
    for term, form in known.terms:
        if stands_in(form, said) and form not in known.normal and told.count(form) < TOPIC:
            return Reason.of("another-fact", words=term)
    return None


def new_identifier(answer: str, known: Known) -> Reason | None:
    """An identifier that the section has, and the evidence has not; or another value for what the evidence sets."""
    source = f"{known.text} ; {known.verbatim}"
    strange = next(missing_identifiers(answer, source), None) or _set_otherwise(answer, source)
    return Reason.of("identifier-not-in-evidence", words=strange) if strange else None


def _set_otherwise(text: str, source: str) -> str | None:
    """A `key=value` of a text where the source has that key with other values alone."""
    if not (said := key_values(text)):
        return None
    given = key_values(source)
    keys = {key for key, _ in given}
    return next((f"{key}={value}" for key, value in sorted(said - given) if key in keys), None)


def unsupported(answer: str, known: Known) -> Reason | None:
    """An answer about nothing that the evidence is about."""
    about = content(answer)
    # The evidence comes first, and mostly decides.
    if not about or any(about & content(piece) for piece in known.pieces):
        return None
    return Reason.of("nothing-in-evidence")


_DOUBTS = (new_identifier, new_name, another_term, new_characters, denied, crossed, unsupported)
