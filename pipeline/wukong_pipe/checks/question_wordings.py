"""Does a wording ask what its base question asks? Each check gives the reason why not, or None."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from wukong_pipe.checks.answer_in_evidence import strange_order, strange_words
from wukong_pipe.checks.comparing import (
    POSSESSIVE,
    TOPIC,
    Known,
    character_pairs,
    content,
    latin,
    same_stems,
    stem,
    words,
)
from wukong_pipe.checks.contradictions import is_negative, opposite_said
from wukong_pipe.corpus.blocks import unmarked
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.units import terms, units
from wukong_pipe.language import plain_words
from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.dates import is_month
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures, with_asked_scale
from wukong_pipe.language.quantities import Amounts, Quantity, amounts, unknown_amount
from wukong_pipe.records import QAPair, Section

TOPIC_TERM = 12
"""A term that a section names so often is what it is about."""
LEAK = 0.4
"""Share of what an answer says beyond its question above which a wording tells it."""
LEAK_OF_TWO = 0.5
"""The same where it tells only two words or pairs of characters."""
LEAK_OF_YES = 0.8
"""The same where the question asks for a yes or no, and so names what the answer is about."""
_YES_OR_NO = re.compile(
    r"吗|是否|(.)[不没]\1|有没有|^(?:did|do|does|was|were|is|are|has|have|had|can|could|will|would)\b", re.IGNORECASE
)

_SCOPE = re.compile(
    r"(?<!在)所有|全部(?![写列说报])|任何|一切|各种|各大|各类|仅|只(?=有|能|在|用)|唯一"
    r"|(?<!among )(?<!of )\ball\b|\b(?:every|any|only(?! (?:remember|know|recall|have))|none|ever)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Asked:
    """What a pair asks for and may draw on, worked out once for all its wordings."""

    pair: QAPair

    @cached_property
    def known(self) -> Known:
        """What a wording may speak of: its base question, and what places it."""
        evidence = [unmarked(clean(text).text) for text in self.pair.evidence]
        around = " ; ".join(
            (*self.pair.section.heading_path, self.pair.answer, *evidence, *_named(self.pair.section).heads)
        )
        return Known((self.pair.question,), around, clean(self.pair.section.text).text)

    @cached_property
    def latin(self) -> frozenset[str]:
        """The Latin names of the base question, months left out."""
        return frozenset(name for name in latin_names(self.pair.question) if not is_month(name.split()[0]))

    @cached_property
    def names(self) -> tuple[tuple[str, str, frozenset[str], str], ...]:
        """The names of the base question: each with its normal form, what it is about, and its initials."""
        marked = {name for name in terms(self.pair.section) if len(normalise(name)) >= 2 and name in self.pair.question}
        return tuple(
            (name, normalise(name), content(name) | same_stems(name), "".join(word[0] for word in name.split()))
            for name in sorted(marked | quoted(self.pair.question) | self.latin)
        )

    @cached_property
    def strangers(self) -> tuple[tuple[str, str], ...]:
        """Terms of the section, with their normal forms, that neither the base question nor what places it holds."""
        return tuple(term for term in _named(self.pair.section).terms if term[1] not in self.known.normal)

    def is_placed_by_a_name(self, question: str) -> bool:
        """Whether a question holds a Latin name of the source that neither the base question nor the headings hold."""
        held = normalise(" ; ".join((self.pair.question, *self.pair.section.heading_path)))
        names = {normalise(part) for name in latin_names(question) for part in name.split() if not part.isdigit()}
        return any(len(name) > 1 and name not in held and stands_in(name, self.known.normal) for name in names)

    @cached_property
    def scopes(self) -> frozenset[str]:
        return scopes(self.pair.question) | scopes(self.pair.answer) | scopes(" ".join(self.pair.evidence))

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems and figures of the base question, and of words for the same."""
        return same_stems(self.pair.question) | content(self.pair.question)

    @cached_property
    def placed(self) -> frozenset[str]:
        """Stems, figures and pairs of characters of the headings, of the tables' heads, and of what the base question's
        Latin words are in Chinese."""
        loans = [plain_words.LOANS.get(word, "") for word in words(self.pair.question)]
        places = " ; ".join((*self.pair.section.heading_path, *_named(self.pair.section).heads, *loans))
        return same_stems(places) | content(places) | character_pairs(places)

    @cached_property
    def told(self) -> frozenset[str]:
        """The same of the answer, the evidence and what places them."""
        return same_stems(self.known.text) | content(self.known.text)

    @cached_property
    def characters(self) -> frozenset[str]:
        """Pairs of Chinese characters of the base question."""
        return character_pairs(self.pair.question)

    @cached_property
    def cells(self) -> tuple[tuple[str, str], ...]:
        """Cells of the section's tables, with their normal forms, that the base question holds."""
        return tuple(cell for cell in _named(self.pair.section).cells if cell[0] in self.pair.question)

    @cached_property
    def other_cells(self) -> tuple[tuple[str, str], ...]:
        """Cells of the section's tables, with their normal forms, that neither the question nor its source holds."""
        held = self.known.normal
        return tuple(cell for cell in _named(self.pair.section).cells if cell[1].rstrip("内中上里下") not in held)

    @cached_property
    def denies(self) -> bool:
        """Whether the base question or its source denies something, or the question leaves something out."""
        return is_negative(self.pair.question, or_exclusive=True) or is_negative(self.known.text)

    @cached_property
    def about(self) -> frozenset[str]:
        """What the question, its answer and the evidence are about."""
        return content(self.pair.question) | content(self.pair.answer) | content(" ".join(self.pair.evidence))

    @cached_property
    def own(self) -> frozenset[str]:
        """What the answer says beyond its question and the headings, of Chinese only what the evidence says, too."""
        asked = " ; ".join((self.pair.question, *self.pair.section.heading_path))
        counts = {quantity.value for quantity in _listed(self.pair.question)}
        return _said(self.pair.answer, " ".join(self.pair.evidence)) - content(asked) - counts

    @cached_property
    def is_one_fact(self) -> bool:
        """Whether the answer has key facts beyond a lone name or small number, or is nothing but its fact."""
        facts = key_facts(self.pair.answer)
        lone = len(facts.terms) + len(facts.numbers) == 1 and not any(len(number) > 1 for number in facts.numbers)
        return not lone or is_its_own_fact(self.pair.answer)

    @cached_property
    def has_own_facts(self) -> bool:
        """Whether neither the question nor the headings state the answer's key facts."""
        known = " ; ".join((self.pair.question, *self.pair.section.heading_path))
        return not key_facts(self.pair.answer).found_in(known)

    @cached_property
    def wants_yes(self) -> bool:
        """Whether the question asks for a yes or no."""
        return _YES_OR_NO.search(self.pair.question) is not None

    @cached_property
    def own_amounts(self) -> frozenset[str]:
        """The figures of the answer that its question lacks; no ordinals, and none of a single digit."""
        told = amounts(self.pair.question).values
        found = (quantity for quantity in amounts(self.pair.answer).quantities if not quantity.unit.startswith("nth"))
        return frozenset(quantity.value for quantity in found if len(quantity.value) > 1) - told


_PARTICLES = "的了是在和与及之于被把有也都就而或并其为以会能可着过得从向对"


def _said(text: str, source: str) -> frozenset[str]:
    """What a text is about, each word once: stems of whole Latin words, figures, pairs of Chinese characters of the
    source."""
    figures = in_figures(text)
    found = {POSSESSIVE.sub("", match.group().casefold()) for match in latin(figures)}
    pairs = {pair for pair in content(text) & content(source) if _NAMING.fullmatch(pair)}
    return frozenset(
        {stem(word) for word in found if word not in plain_words.ENGLISH} | set(_FIGURES.findall(figures)) | pairs
    )


_NAMING = re.compile(f"(?![{_PARTICLES}])[{CJK}](?![{_PARTICLES}])[{CJK}]")
_FIGURES = re.compile(r"(?<![A-Za-z\d.-])\d+(?:\.\d+)?(?![A-Za-z])")


@lru_cache(maxsize=64)  # The wordings of a pair come together.
def asked_by(pair: QAPair) -> Asked:
    """What a pair asks for."""
    return Asked(pair)


@dataclass(frozen=True)
class _Named:
    """What a section calls things."""

    terms: tuple[tuple[str, str], ...]
    """The terms it marks as such, with their normal forms; not those that it is about, and no plain words."""
    heads: tuple[str, ...]
    """The heads of its tables."""
    cells: tuple[tuple[str, str], ...]
    """The cells of its tables but for the first column's, which are terms; those that may be names."""
    term_words: frozenset[str]
    """The Latin words of its terms."""


@lru_cache(maxsize=64)
def _named(section: Section) -> _Named:
    told = normalise(section.text)
    cells = {cell for unit in units(section) for cell in unit.cells[1:]}
    named, other = (
        tuple((name, form) for name in sorted(names) if _may_name(form := normalise(in_figures(name)), told))
        for names in (terms(section), cells)
    )
    return _Named(
        terms=named,
        cells=tuple((cell, form) for cell, form in other if not form.isdigit() and form not in _MARKS),
        heads=tuple(sorted({head for unit in units(section) for head in unit.header})),
        term_words=frozenset(words(" ; ".join(terms(section)))),
    )


_MARKS = frozenset(("yes", "no", "on", "off"))
"""Cells that say whether, and name nothing."""


def _may_name(term: str, section: str) -> bool:
    """Whether a term is a name of one thing among others, all in normal form."""
    return len(term) >= 2 and term not in plain_words.CHINESE and section.count(term) < TOPIC_TERM


def same_amounts(question: str, pair: QAPair) -> str | None:
    """Numbers of the base question stay, in any spelling; others than its answer's source gives stay out."""
    asked, base, known = amounts(question), amounts(pair.question), asked_by(pair).known
    if unknown_amount(base, asked) and (
        gone := unknown_amount(_needed(base, question, pair), asked, _untold(base, question))
    ):
        return f"number {gone} is gone"
    if unknown_amount(asked, known.amounts):
        derived = [*_listed(pair.question), *_like(known.amounts), *_time_after_time(known.text)]
        if new := unknown_amount(asked, known.amounts, derived):
            return f"number {new} is new"
    source = " ".join(pair.evidence)
    answer = with_asked_scale(pair.answer, pair.question, source)
    if answer != with_asked_scale(pair.answer, question, source):
        return f"the scale of “{answer}” is gone"
    return strange_order(question, known)


def _needed(base: Amounts, question: str, pair: QAPair) -> Amounts:
    """The numbers that a wording must keep: not a year that is the only one of its section, nor, where the wording has
    no number instead, the number in a name, in 第三回 in the headings, or in a name of the headings beside which the
    wording holds another of the source."""
    asked = asked_by(pair)
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


def _listed(question: str) -> list[Quantity]:
    """How many things a question may list: "the Eagle and the Spider" are two, and so is a pair."""
    if _PAIR.search(question):
        return [Quantity("2", "each")]
    count = len(re.findall(r"、|和|与|跟|同|及|\band\b|\bor\b", question))
    return [Quantity(str(n), "each") for n in range(2, count + 2)]


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


_PAIR = re.compile(r"\b(?:double|twin|both|pair|couple)\b|双|俩|两者|二者", re.I)


def same_names(question: str, pair: QAPair) -> str | None:
    """Names that the base question holds stay, be it in part; of those of its section, no other comes in."""
    if gone := _gone(question, pair):
        return f"“{gone}” is gone"
    base, section = asked_by(pair), _named(pair.section)
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
            return f"“{word}” is new"
    new = [name for name, form in base.strangers if stands_in(form, asked)]
    for name in quoted(question):
        form = normalise(in_figures(name))
        if stands_in(form, asked) and form not in known.normal and _may_name(form, normalise(pair.section.text)):
            new.append(name)
    return f"“{min(new)}” is new" if new else None


def _gone(question: str, pair: QAPair) -> str | None:
    """A name of the base question of which the wording keeps no part, no other word for it, and no initials."""
    base, asked = asked_by(pair), normalise(question)
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


def _other_words(question: str, base: Asked) -> bool:
    """Whether a wording holds common words of the evidence or a table's head that neither question nor answer use: they
    may describe what the base question names."""
    source = (*base.pair.evidence, *_named(base.pair.section).heads)
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


def same_sense(question: str, pair: QAPair) -> str | None:
    """Nothing is denied that was asked for, nor the other way round, and no word becomes its opposite."""
    base = asked_by(pair)
    if is_negative(question):
        if not base.denies:
            return "negation added"
    elif is_negative(pair.question) and not is_negative(question, or_exclusive=True):
        return "negation dropped"
    if reason := opposite_said(question, base.known):
        return reason.replace("of the evidence", "of the base question")
    return None


def scopes(text: str) -> frozenset[str]:
    """The words of a text that say how much of something is meant: all, any, only."""
    return frozenset(match.casefold() for match in _SCOPE.findall(text))


def answer_hidden(question: str, pair: QAPair) -> str | None:
    """A wording does not tell the answer, nor most of what the answer adds to the question."""
    base = asked_by(pair)
    told, facts = base.own & content(question), key_facts(pair.answer)
    figures = base.own_amounts and base.own_amounts <= amounts(question).values
    limit = LEAK_OF_YES if base.wants_yes else LEAK if len(told) > 2 else LEAK_OF_TWO
    stated = (base.is_one_fact or 3 * len(told) > len(base.own)) and base.has_own_facts and facts.found_in(question)
    if stated or figures or len(told) > max(1, limit * len(base.own)):
        return "the question states its answer"
    return None
