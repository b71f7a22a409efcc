"""Does a wording ask what its base question asks? Each check gives the reason why not, or None."""

from __future__ import annotations

import re

from wukong_pipe import plain_words
from wukong_pipe.blocks import unmarked
from wukong_pipe.cleaning import clean
from wukong_pipe.grounding import strange_order, strange_words
from wukong_pipe.quantities import Quantity, amounts, in_figures, is_month, unknown_amount
from wukong_pipe.records import QAPair
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


def known_to_ask(pair: QAPair) -> Known:
    """What a wording may speak of: its base question, and what places it."""
    evidence = [unmarked(clean(text).text) for text in pair.evidence]
    heads = sorted({head for unit in units(pair.section) for head in unit.header})
    around = " ; ".join((*pair.section.heading_path, pair.answer, *evidence, *heads))
    return Known((pair.question,), around, clean(pair.section.text).text)


def same_amounts(question: str, pair: QAPair) -> str | None:
    """Numbers of the base question stay, in any spelling; others than its answer's source gives stay out."""
    asked, base, known = amounts(question), amounts(pair.question), known_to_ask(pair)
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
    known = known_to_ask(pair)
    section, asked = normalise(pair.section.text), normalise(in_figures(question))
    elsewhere = frozenset(words(pair.section.text))
    strange = strange_words(question, known)
    for word, is_name in strange:
        topical = len(re.findall(rf"\b{re.escape(word)}\b", known.section)) >= TOPIC
        if (
            not topical
            and not same_stems(word) - {stem(word.casefold())}
            and (is_name or len(strange) > 1 or word.casefold() in elsewhere)
        ):
            return f"“{word}” is new"
    for name in sorted(terms(pair.section) | quoted(question)):
        normal = normalise(in_figures(name))
        new = len(normal) >= 2 and normal in asked and normal not in known.normal
        if new and normal not in plain_words.CHINESE and section.count(normal) < TOPIC_TERM:
            return f"“{name}” is new"
    return None


def _gone(question: str, pair: QAPair) -> str | None:
    """A name of the base question of which the wording keeps no part, no other word for it, and no initials."""
    asked, held = normalise(question), content(question) | same_stems(question)
    initials = frozenset(re.findall(r"\b[A-Z]{2,}\b", question))
    latin = frozenset(name for name in latin_names(pair.question) if not is_month(name.split()[0]))
    marked = {term for term in terms(pair.section) if len(normalise(term)) >= 2 and term in pair.question}
    gone = [
        name
        for name in sorted(marked | quoted(pair.question) | latin)
        if normalise(name) not in asked
        and not held & (content(name) | same_stems(name))
        and "".join(word[0] for word in name.split()) not in initials
    ]
    # One of several Latin names may go: "on the Moon" says little beside "Apollo 11".
    kept = [name for name in latin if name not in gone]
    return next((name for name in gone if name not in latin or " " in name or not kept), None)


def same_sense(question: str, pair: QAPair) -> str | None:
    """Nothing is denied that was asked for, nor the other way round, and no word becomes its opposite."""
    known = known_to_ask(pair)
    if is_negative(question) and not is_negative(known.text) and not is_negative(pair.answer):
        return "negation added"
    if is_negative(pair.question) and not is_negative(question, or_exclusive=True):
        return "negation dropped"
    if reason := opposite_said(question, known):
        return reason.replace("of the evidence", "of the base question")
    return None


def same_conditions(question: str, pair: QAPair) -> str | None:
    """A condition of the base question stays; one about what it does not speak of stays out."""
    told = content(question)
    for match in _CONDITION.finditer(pair.question):
        if not content(match.group()) & told and not _CONDITION.search(question):
            return f"condition “{match.group()[:30].strip()}” is gone"
    known = content(pair.question) | content(pair.answer) | content(" ".join(pair.evidence))
    for match in _CONDITION.finditer(question):
        about = content(match.group())
        if about and not about & known and not _CONDITION.search(pair.question):
            return f"condition “{match.group()[:30].strip()}” is new"
    return None


def same_scope(question: str, pair: QAPair) -> str | None:
    """A wording asks for all, any or only where its base question or its source does."""
    base = _scopes(pair.question) | _scopes(pair.answer) | _scopes(" ".join(pair.evidence))
    if new := _scopes(question) - base:
        return f"scope “{min(new)}” is new"
    return None


def _scopes(text: str) -> frozenset[str]:
    return frozenset(match.casefold() for match in _SCOPE.findall(text))


def answer_hidden(question: str, pair: QAPair) -> str | None:
    """A wording does not tell the answer, nor most of what the answer adds to the question."""
    facts = key_facts(pair.answer)
    own = content(pair.answer) - content(pair.question) - content(" ".join(pair.section.heading_path))
    told = own & content(question)
    if (facts.found_in(question) and not facts.found_in(pair.question)) or 1 < len(told) > LEAK * len(own):
        return "the question states its answer"
    return None
