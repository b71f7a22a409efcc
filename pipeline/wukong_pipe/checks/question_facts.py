"""Does a wording of a question keep the numbers and names of its base question, and bring in no other?"""

from __future__ import annotations

import re

from wukong_pipe.checks.answer_in_evidence import strange_order, strange_words
from wukong_pipe.checks.base_question import BaseQuestion, base_question, listed_things, may_name, section_names
from wukong_pipe.checks.comparing import TOPIC, content, same_stems, stem
from wukong_pipe.language import plain_words
from wukong_pipe.language.names import quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures, with_asked_scale
from wukong_pipe.language.quantities import Amounts, Quantity, amounts, unknown_amount
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair


def same_amounts(question: str, pair: QAPair) -> Reason | None:
    """Numbers of the base question stay, in any spelling; others than its answer's source gives stay out."""
    asked, base, known = amounts(question), amounts(pair.question), base_question(pair).known
    if unknown_amount(base, asked) and (
        gone := unknown_amount(_needed(base, question, pair), asked, _untold(base, question))
    ):
        return Reason.of("number-gone", number=str(gone))
    if unknown_amount(asked, known.amounts):
        derived = [*listed_things(pair.question), *_like(known.amounts), *_time_after_time(known.text)]
        if new := unknown_amount(asked, known.amounts, derived):
            return Reason.of("number-new", number=str(new))
    source = " ".join(pair.evidence)
    answer = with_asked_scale(pair.answer, pair.question, source)
    if answer != with_asked_scale(pair.answer, question, source):
        return Reason.of("scale-gone", words=answer)
    return strange_order(question, known)


def _needed(base: Amounts, question: str, pair: QAPair) -> Amounts:
    """The numbers that a wording must keep: not a year that is the only one of its section, nor, where the wording has
    no number instead, the number in a name, in 第三回 in the headings, or in a name of the headings beside which the
    wording holds another of the source."""
    asked = base_question(pair)
    years = {date.year for date in amounts(pair.section.text).dates} - {0}
    dates = tuple(date for date in base.dates if date.month or date.day or len(years) > 1)
    if amounts(question).values - base.values:
        return Amounts(base.quantities, dates)
    names = [name for name, *_ in asked.names] + [cell for cell, _ in asked.cells]
    spared = amounts(" ; ".join(name for name in names if not name.isascii())).quantities
    spared += tuple(
        quantity
        for quantity in amounts(" ; ".join(pair.section.heading_path)).quantities
        if quantity.unit.startswith("nth") or asked.is_placed_by_a_name(question)
    )
    return Amounts(tuple(quantity for quantity in base.quantities if quantity not in spared), dates)


def _untold(base: Amounts, question: str) -> list[Quantity]:
    """Numbers that a wording may leave out or say in other words: a count is told by what is counted."""
    counts = [quantity for quantity in base.quantities if not quantity.unit or quantity.unit.startswith("each")]
    counts = [quantity for quantity in counts if len(quantity.value) == 1]
    one = [Quantity("1", "set"), Quantity("1", "pair")]
    return [*counts, *one, *_like(amounts(question)), *_time_after_time(question)]


def _like(known: Amounts) -> list[Quantity]:
    """The same numbers of steps in other words for such a step: 第三章 for 第三回."""
    return [
        Quantity(quantity.value, quantity.unit[:-1] + word)
        for quantity in known.quantities
        for group in ("章回", "次回遍")
        for word in group
        if quantity.unit[-2:] in {f" {other}" for other in group}
    ]


def _time_after_time(text: str) -> list[Quantity]:
    """First and second times that a text names without a number: 首次, 再次."""
    words_for = {"1": "首次|初次|头一次|头一回|最早|最初", "2": "再次|再度|又一次|二度|again"}
    return [
        Quantity(value, f"nth {unit}") for value, form in words_for.items() if re.search(form, text) for unit in "次回"
    ]


def same_names(question: str, pair: QAPair) -> Reason | None:
    """Names that the base question holds stay, be it in part; of those of its section, no other comes in."""
    if gone := _gone(question, pair):
        return Reason.of("words-gone", words=gone)
    base, section = base_question(pair), section_names(pair.section)
    known, asked = base.known, normalise(in_figures(question))
    strange = strange_words(question, known)
    any_name = any(is_name for _, is_name in strange)
    for word, is_name in strange:
        topical = len(re.findall(rf"\b{re.escape(word)}\b", known.section)) >= TOPIC
        if (
            not topical
            and not same_stems(word) - {stem(word.casefold())}
            and (is_name or any_name or word.casefold() in section.term_words)
        ):
            return Reason.of("words-new", words=word)
    new = [name for name, form in base.strangers if stands_in(form, asked)]
    for name in quoted(question):
        form = normalise(in_figures(name))
        if stands_in(form, asked) and form not in known.normal and may_name(form, normalise(pair.section.text)):
            new.append(name)
    return Reason.of("words-new", words=min(new)) if new else None


def _gone(question: str, pair: QAPair) -> str | None:
    """A name of the base question of which the wording keeps no part, no other word for it, and no initials."""
    base, asked = base_question(pair), normalise(question)
    latin = base.latin
    missing = [name for name in base.names if name[1] not in asked]
    if not missing:
        return None
    held = content(question) | same_stems(question)
    initials = frozenset(_INITIALS.findall(question))
    gone = [name for name, form, about, first in missing if not held & about and first not in initials]
    gone = [name for name in gone if plain_words.LOANS.get(name.casefold(), name) not in question]
    if base.is_placed_by_a_name(question):
        headings = normalise(" ; ".join(pair.section.heading_path))
        gone = [name for name in gone if not stands_in(normalise(name), headings)]
    if _other_words(question, base):
        gone = [name for name in gone if name not in latin or _is_listed(name, pair.question)]
    # One of several Latin names may go: "on the Moon" says little beside "Apollo 11"; not one of those in a list.
    kept = [name for name in latin if name not in gone]
    return next((name for name in gone if name not in latin or not kept or _is_listed(name, pair.question)), None)


def _other_words(question: str, base: BaseQuestion) -> bool:
    """Whether a wording holds common words of the evidence or a table's head that neither question nor answer use: they
    may describe what the base question names."""
    source = (*base.pair.evidence, *section_names(base.pair.section).heads)
    common = {word for word in _COMMON.findall(" ; ".join(source)) if word not in plain_words.ENGLISH}
    return bool({stem(word) for word in common} & content(question) - base.stems - content(base.pair.answer))


_COMMON = re.compile(r"\b[a-z]{3,}\b")


def _is_listed(name: str, text: str) -> bool:
    """Whether a Latin name stands beside "and", "or" or a comma before another name."""
    name = re.escape(name)
    before, after = (
        r"(?:[A-Z]\w*,? (?:and|or) (?:the )?|[和与及跟、])",
        r"(?:\b,? (?:and|or) (?:the )?[A-Z]|版?[和与及跟、])",
    )
    return re.search(f"{before}{name}|{name}{after}", text) is not None


_INITIALS = re.compile(r"\b[A-Z]{2,}\b")
