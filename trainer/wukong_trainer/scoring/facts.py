"""The primary score, fact_hit: every fact of a question stands in the answer. And fact_recall, the share that does.

“Which option turns it off?” with the fact `verify` is answered by “Set `verify` to `False`.” Three guards void a hit:

- an identifier that nobody told, in code marks or not: “Set `verify` or check_all.”
- an answer that only repeats its question, or recites, which may hold any fact: over 400 characters and over five times
  its reference; its fact_recall is 0, too;
- a spelling that is also of another fact of the section: it is none of this one (`without_siblings`).

A yes or no is what the answer decides first. What an answer says beyond the facts is not read, so who denies or guesses
passes: `benchmarks/answer_scores.py` counts how often the score is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from wukong_pipe.language.derived_facts import derived_facts
from wukong_pipe.language.fact_matching import Facts, found
from wukong_pipe.language.identifiers import inline_code, missing_identifiers, without_fences, without_inline_code
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.polarity import polarity_of, says_yes

Group = Literal["facts", "polar", "explained", "none"]
MOST_FACTS = 3
"""Of an answer with more facts the share counts, as of an explanation."""
EXPLAINED = frozenset({"explain", "summary"})
"""Kinds of questions whose answers are scored by the share of facts."""
RECITING = 400, 5
"""An answer of more characters, and of so many times its reference's, may hold any fact."""
_ASSIGNED = re.compile(r"\A\s*[A-Za-z_]\w*\s?=\s?(?=[\w.]+\()", re.ASCII)
"""What an example calls its own: `client = httpx.Client()`."""
_CALLED_OR_SET = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*(?=\(|\s?=)", re.ASCII)
_FORM = re.compile(r"[_./-]|\d|[a-z][A-Z]", re.ASCII)
"""What tells an identifier from a word in a command, such as “pip” and “install”. A word alone in code marks is one."""
_OF_TERM = "[^\\s，。；（）]"
_GIVEN = re.compile(rf"(?<=\()[^()\n]*(?=\))|(?<=\w=)[^\s,;，；]+|(?<!{_OF_TERM}){_OF_TERM}*/{_OF_TERM}*")
"""What prose gives to a call or a setting, and paths and addresses: they are an example's own."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a right answer to a question holds, and what it is read against.

    Wanted("出云棍由谁掉落？", "由石敢当掉落。", (("石敢当",),))
    """

    question: str
    reference: str
    facts: Facts
    kind: str = "base"
    section: str = ""
    """The text that the question is about; "" where nobody has it: then no identifier passes for invented."""

    @classmethod
    def of(cls, question: str, reference: str, named: Facts = ()) -> Wanted:
        """With the facts that were named, or else those that follow from the reference."""
        return cls(question, reference, facts_of_row(named, question, reference)[0])

    @property
    def is_polar(self) -> bool:
        """Whether the first fact is the yes or no that the question asks for."""
        return bool(self.facts) and polarity_of(self.facts[0][0], self.question) is not None

    @property
    def group(self) -> Group:
        """The group of questions with which it is scored."""
        if not self.facts:
            return "none"
        if self.kind in EXPLAINED or len(self.facts) > MOST_FACTS:
            return "explained"
        return "polar" if self.is_polar else "facts"


def facts_found(answer: str, wanted: Wanted) -> list[bool]:
    """Of each fact whether it stands in an answer; of a yes or no whether the answer says the same."""
    there = found(wanted.facts, answer, wanted.reference)
    if wanted.is_polar:
        there[0] = says_yes(answer, wanted.question) is polarity_of(wanted.facts[0][0], wanted.question)
    return there


def fact_scores(answer: str, wanted: Wanted) -> dict[str, float | None]:
    """fact_hit (0 or 1) and fact_recall (0..1) of an answer; None where the question has no facts."""
    if not wanted.facts:
        return {"fact_hit": None, "fact_recall": None}
    if _recites(answer, wanted) or _only_asks(answer, wanted):
        return {"fact_hit": 0.0, "fact_recall": 0.0}
    there = facts_found(answer, wanted)
    is_hit = all(there) and not invented_identifiers(answer, wanted)
    return {"fact_hit": float(is_hit), "fact_recall": sum(there) / len(there)}


def is_hit(answer: str, wanted: Wanted) -> bool:
    """Whether an answer is right by the primary score."""
    return fact_scores(answer, wanted)["fact_hit"] == 1


def invented_identifiers(answer: str, wanted: Wanted) -> list[str]:
    """What an answer names that has the form of an identifier, and neither section nor question nor reference holds.

    Fenced blocks are not read, nor what is given to a call, nor addresses in prose: an example has its own.
    """
    if not wanted.section:
        return []
    told = "\n".join((wanted.section, wanted.question, wanted.reference))
    prose = without_fences(answer)
    named = (name for code in inline_code(prose) for name in _named(_ASSIGNED.sub("", code)))
    marked = " ".join(f"`{name}`" for name in named)
    return list(missing_identifiers(f"{marked} {_GIVEN.sub('', without_inline_code(prose))}", told))


def _named(code: str) -> list[str]:
    """The identifiers of a piece of code, what is given to a call apart."""
    words = code.split()
    return _CALLED_OR_SET.findall(code) or [word for word in words if len(words) == 1 or _FORM.search(word)]


def _only_asks(answer: str, wanted: Wanted) -> bool:
    """Whether an answer says nothing but its question, which may hold the facts: “Is it red or blue?”"""
    question = normalise(wanted.question)
    if not question:
        return False
    answer_adds, reference_adds = (
        normalise(text).replace(question, "").strip() != "" for text in (answer, wanted.reference)
    )
    return reference_adds and not answer_adds


def _recites(answer: str, wanted: Wanted) -> bool:
    most, times = RECITING
    return len(answer) > most and len(answer) > times * len(wanted.reference)


def facts_of_row(named: Facts, question: str, reference: str) -> tuple[Facts, Literal["named", "derived", "none"]]:
    """The facts of a row and where they come from: named with it, or what its reference adds to its question."""
    if named:
        return named, "named"
    derived = tuple((fact,) for fact in derived_facts(question, reference))
    return derived, "derived" if derived else "none"


def spellings(facts: Facts) -> frozenset[str]:
    """All spellings of some facts, in normal form."""
    return frozenset(spelling for fact in facts for spelling in _normal(fact))


def without_siblings(facts: Facts, siblings: Iterable[Facts]) -> Facts:
    """Facts without the spellings that are also a sibling's, of another fact of the section; the first spelling stays.

    Where each of two facts lists the first spelling of the other, they are one fact in other words.

    >>> without_siblings((("read timeout", "the timeout"),), [(("write timeout", "the timeout"),)])
    (('read timeout',),)
    """
    others = [_normal(fact) for each in siblings for fact in each]
    return tuple(_own(fact, others) for fact in facts)


def _own(fact: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    normal = _normal(fact)
    taken = {spelling for other in others if not _is_same(normal, other) for spelling in other}
    return tuple(spelling for i, spelling in enumerate(fact) if i == 0 or normal[i] not in taken)


def _is_same(fact: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return fact[0] in other and other[0] in fact


def _normal(fact: tuple[str, ...]) -> tuple[str, ...]:
    # A spelling of marks alone has no normal form, and is itself.
    return tuple(normalise(spelling) or spelling for spelling in fact)


def states_same(a: Wanted, b: Wanted) -> bool:
    """Whether two questions ask for one fact at least: then the reference of one may well answer the other."""
    return any(_is_same(_normal(one), _normal(other)) for one in a.facts for other in b.facts)
