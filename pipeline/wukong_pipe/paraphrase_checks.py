"""Does a wording ask what its base question asks? Each check gives the reason why not, or None."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from wukong_pipe import plain_words
from wukong_pipe.blocks import unmarked
from wukong_pipe.cleaning import clean
from wukong_pipe.grounding import strange_order, strange_words
from wukong_pipe.quantities import Quantity, amounts, in_figures, is_month, unknown_amount
from wukong_pipe.records import QAPair, Section
from wukong_pipe.sense import is_negative, opposite_said
from wukong_pipe.text import key_facts, latin_names, normalise, quoted
from wukong_pipe.units import terms, units
from wukong_pipe.wording import TOPIC, Known, content, same_stems, stem, words

TOPIC_TERM = 12
"""A term that a section names so often is what it is about."""
LEAK = 0.4
"""Share of what an answer says beyond its question above which a wording tells it."""

_CONDITION = re.compile(
    r"(?:如果|若是|假如|要是|除了)[^，。；？]*|[^，。；？]{0,16}(?:的话|情况下|状态下|期间|以外)"
    r"|\b(?:if(?! (?:some|any)one asks)|unless|except|besides|excluding|not counting"
    r"|leaving out|without|despite)\b[^,?]*",
    re.IGNORECASE,
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

    @cached_property
    def scopes(self) -> frozenset[str]:
        return _scopes(self.pair.question) | _scopes(self.pair.answer) | _scopes(" ".join(self.pair.evidence))

    @cached_property
    def about(self) -> frozenset[str]:
        """What the question, its answer and the evidence are about."""
        return content(self.pair.question) | content(self.pair.answer) | content(" ".join(self.pair.evidence))

    @cached_property
    def own(self) -> frozenset[str]:
        """What the answer says beyond its question and the headings."""
        return (
            content(self.pair.answer) - content(self.pair.question) - content(" ".join(self.pair.section.heading_path))
        )


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
    words: frozenset[str]
    """Its Latin words."""


@lru_cache(maxsize=64)
def _named(section: Section) -> _Named:
    told = normalise(section.text)
    forms = ((term, normalise(in_figures(term))) for term in sorted(terms(section)))
    return _Named(
        terms=tuple((term, form) for term, form in forms if _may_name(form, told)),
        heads=tuple(sorted({head for unit in units(section) for head in unit.header})),
        words=frozenset(words(section.text)),
    )


def _may_name(term: str, section: str) -> bool:
    """Whether a term is a name of one thing among others, all in normal form."""
    return len(term) >= 2 and term not in plain_words.CHINESE and section.count(term) < TOPIC_TERM


def same_amounts(question: str, pair: QAPair) -> str | None:
    """Numbers of the base question stay, in any spelling; others than its answer's source gives stay out."""
    asked, base, known = amounts(question), amounts(pair.question), asked_by(pair).known
    # A count that is only left out is told by what is counted; one that is changed is new.
    told = [quantity for quantity in base.quantities if not quantity.unit or quantity.unit.startswith("each")]
    if gone := unknown_amount(base, asked, [quantity for quantity in told if len(quantity.value) == 1]):
        return f"number {gone} is gone"
    if new := unknown_amount(asked, known.amounts, _listed(pair.question)):
        return f"number {new} is new"
    return strange_order(question, known)


def _listed(question: str) -> list[Quantity]:
    """How many things a question may list: "the Eagle and the Spider" are two."""
    count = len(re.findall(r"、|和|与|跟|同|及|\band\b|\bor\b", question))
    return [Quantity(str(n), "each") for n in range(2, count + 2)]


def same_names(question: str, pair: QAPair) -> str | None:
    """Names that the base question holds stay, be it in part; of those of its section, no other comes in."""
    if gone := _gone(question, pair):
        return f"“{gone}” is gone"
    base, section = asked_by(pair), _named(pair.section)
    known, asked = base.known, normalise(in_figures(question))
    strange = strange_words(question, known)
    for word, is_name in strange:
        topical = len(re.findall(rf"\b{re.escape(word)}\b", known.section)) >= TOPIC
        if (
            not topical
            and not same_stems(word) - {stem(word.casefold())}
            and (is_name or len(strange) > 1 or word.casefold() in section.words)
        ):
            return f"“{word}” is new"
    quotes = ((name, normalise(in_figures(name))) for name in quoted(question))
    quotes = (
        name
        for name, form in quotes
        if form in asked and form not in known.normal and _may_name(form, normalise(pair.section.text))
    )
    new = [*(name for name, form in base.strangers if form in asked), *quotes]
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
    gone = [name for name, _, about, first in missing if not held & about and first not in initials]
    # One of several Latin names may go: "on the Moon" says little beside "Apollo 11".
    kept = [name for name in latin if name not in gone]
    return next((name for name in gone if name not in latin or " " in name or not kept), None)


_INITIALS = re.compile(r"\b[A-Z]{2,}\b")


def same_sense(question: str, pair: QAPair) -> str | None:
    """Nothing is denied that was asked for, nor the other way round, and no word becomes its opposite."""
    known = asked_by(pair).known
    if is_negative(question) and not is_negative(known.text) and not is_negative(pair.answer):
        return "negation added"
    if is_negative(pair.question) and not is_negative(question, or_exclusive=True):
        return "negation dropped"
    if reason := opposite_said(question, known):
        return reason.replace("of the evidence", "of the base question")
    return None


def same_conditions(question: str, pair: QAPair) -> str | None:
    """A condition of the base question stays; one about what it does not speak of stays out."""
    for match in _CONDITION.finditer(pair.question):
        if not content(match.group()) & content(question) and not _CONDITION.search(question):
            return f"condition “{match.group()[:30].strip()}” is gone"
    for match in _CONDITION.finditer(question):
        about = content(match.group())
        if about and not about & asked_by(pair).about and not _CONDITION.search(pair.question):
            return f"condition “{match.group()[:30].strip()}” is new"
    return None


def same_scope(question: str, pair: QAPair) -> str | None:
    """A wording asks for all, any or only where its base question or its source does."""
    if new := _scopes(question) - asked_by(pair).scopes:
        return f"scope “{min(new)}” is new"
    return None


def _scopes(text: str) -> frozenset[str]:
    return frozenset(match.casefold() for match in _SCOPE.findall(text))


def answer_hidden(question: str, pair: QAPair) -> str | None:
    """A wording does not tell the answer, nor most of what the answer adds to the question."""
    facts = key_facts(pair.answer)
    own = asked_by(pair).own
    told = own & content(question)
    if (facts.found_in(question) and not facts.found_in(pair.question)) or 1 < len(told) > LEAK * len(own):
        return "the question states its answer"
    return None
