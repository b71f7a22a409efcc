"""What a base question asks for and may draw on, worked out once for all its wordings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from wukong_pipe.checks.comparing import POSSESSIVE, Known, character_pairs, content, latin, same_stems, stem, words
from wukong_pipe.checks.contradictions import is_negative
from wukong_pipe.corpus.blocks import unmarked
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.units import terms, units
from wukong_pipe.language import plain_words
from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.dates import is_month
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import Quantity, amounts
from wukong_pipe.records import QAPair, Section

TOPIC_TERM = 12
"""A term that a section names so often is what it is about."""
_YES_OR_NO = re.compile(
    r"吗|是否|(.)[不没]\1|有没有|^(?:did|do|does|was|were|is|are|has|have|had|can|could|will|would)\b", re.IGNORECASE
)
_SCOPE = re.compile(
    r"(?<!在)所有|全部(?![写列说报])|任何|一切|各种|各大|各类|仅|只(?=有|能|在|用)|唯一"
    r"|(?<!among )(?<!of )\ball\b|\b(?:every|any|only(?! (?:remember|know|recall|have))|none|ever)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class BaseQuestion:
    """What a pair asks for and may draw on, worked out once for all its wordings."""

    pair: QAPair

    @cached_property
    def known(self) -> Known:
        """What a wording may speak of: its base question, and what places it."""
        evidence = [unmarked(clean(text).text) for text in self.pair.evidence]
        around = " ; ".join(
            (*self.pair.section.heading_path, self.pair.answer, *evidence, *section_names(self.pair.section).heads)
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
        return tuple(term for term in section_names(self.pair.section).terms if term[1] not in self.known.normal)

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
        places = " ; ".join((*self.pair.section.heading_path, *section_names(self.pair.section).heads, *loans))
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
        return tuple(cell for cell in section_names(self.pair.section).cells if cell[0] in self.pair.question)

    @cached_property
    def other_cells(self) -> tuple[tuple[str, str], ...]:
        """Cells of the section's tables, with their normal forms, that neither the question nor its source holds."""
        held = self.known.normal
        return tuple(
            cell for cell in section_names(self.pair.section).cells if cell[1].rstrip("内中上里下") not in held
        )

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
        counts = {quantity.value for quantity in listed_things(self.pair.question)}
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
def base_question(pair: QAPair) -> BaseQuestion:
    """What a pair asks for."""
    return BaseQuestion(pair)


@dataclass(frozen=True)
class SectionNames:
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
def section_names(section: Section) -> SectionNames:
    told = normalise(section.text)
    cells = {cell for unit in units(section) for cell in unit.cells[1:]}
    named, other = (
        tuple((name, form) for name in sorted(names) if may_name(form := normalise(in_figures(name)), told))
        for names in (terms(section), cells)
    )
    return SectionNames(
        terms=named,
        cells=tuple((cell, form) for cell, form in other if not form.isdigit() and form not in _MARKS),
        heads=tuple(sorted({head for unit in units(section) for head in unit.header})),
        term_words=frozenset(words(" ; ".join(terms(section)))),
    )


_MARKS = frozenset(("yes", "no", "on", "off"))
"""Cells that say whether, and name nothing."""


def may_name(term: str, section: str) -> bool:
    """Whether a term is a name of one thing among others, all in normal form."""
    return len(term) >= 2 and term not in plain_words.CHINESE and section.count(term) < TOPIC_TERM


def scopes(text: str) -> frozenset[str]:
    """The words of a text that say how much of something is meant: all, any, only."""
    return frozenset(match.casefold() for match in _SCOPE.findall(text))


def listed_things(question: str) -> list[Quantity]:
    """How many things a question may list: "the Eagle and the Spider" are two, and so is a pair."""
    if _PAIR.search(question):
        return [Quantity("2", "each")]
    count = len(re.findall(r"、|和|与|跟|同|及|\band\b|\bor\b", question))
    return [Quantity(str(n), "each") for n in range(2, count + 2)]


_PAIR = re.compile(r"\b(?:double|twin|both|pair|couple)\b|双|俩|两者|二者", re.I)
