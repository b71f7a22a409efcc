"""Checks on what a teacher wrote, free and deterministic: each gives the reason for a rejection, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from wukong_pipe.checks.answer_in_evidence import ANSWER_CHECKS, doubtful_word
from wukong_pipe.checks.comparing import Known, content
from wukong_pipe.checks.question_scope import same_conditions, same_scope, same_things, same_time
from wukong_pipe.checks.question_wordings import answer_hidden, same_amounts, same_names, same_sense
from wukong_pipe.corpus.blocks import unmarked
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.units import Unit, units
from wukong_pipe.language.key_facts import key_facts
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import ENDLESS, LONGEST, with_asked_scale
from wukong_pipe.printable import unseen_in
from wukong_pipe.records import QAPair, Section
from wukong_pipe.schema import check_item

PAIR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "minLength": 1},
        "answer": {"type": "string", "minLength": 1},
        "evidence": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
        "kind": {"enum": ["base", "reverse"]},
    },
    "required": ["question", "answer", "evidence", "kind"],
    "additionalProperties": False,
}
"""What a server is told. OpenAI's strict mode wants every property required and no other allowed."""
_ACCEPTED: dict[str, Any] = {
    "type": "object",
    "properties": {name: PAIR_SCHEMA["properties"][name] for name in ("question", "answer", "evidence")},
    "required": ["question", "answer", "evidence"],
}
"""What is demanded of a reply: a pair is not worth losing over its kind or a field too many."""
QUESTION_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1}

MAX_QUESTION = 300
MAX_ANSWER = 1500
MAX_PIECES = 100
MARKED_UP = 4
"""At most so many times as long as a source's own words may its quotation be, by markup and white space."""
MIN_EVIDENCE = 4
"""Fewer characters than this carry no fact."""
GIVEN_AWAY = 0.6
"""Share of an answer's content from which on a question that holds its key facts has told it."""

LEANS_ON_TEXT = re.compile(
    r"上文|下文|文中|本文|本节|本段|原文|上述|前述|如上|材料中|该段|这段文字"
    r"|\b(?:the|this|that) (?:above |following |given )?(?:text|passage|section|paragraph|document|excerpt|source)\b"
    r"|\b(?:the (?:above|below|following)|as (?:above|below)|(?:mentioned|listed|shown|given) (?:above|below))\b",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"(?:请|麻烦|烦请)?(?:你|您)?(?:帮我|简要|简单|试着|分别|逐一|依次)?"
    r"(?:列出|列举|说出|说明(?!书)|说说|说一说|讲讲|讲述|谈谈|介绍(?!信)|描述|解释(?!权)"
    r"|概括(?!来说)|概述|简述|写出|指出|举出|比较(?!难|多|少)|总结|告诉我)"
    r"|(?:please |kindly |(?:can|could|would|will) you (?:please )?)?"
    r"(?:(?:name|list|state|mention|outline)(?= (?:(?:the|an?|all|any|both|each|every|some|several|at least|one|two"
    r"|three|four|five|six|seven|eight|nine|ten|what|which|who|whom|whose|how|where|when|why|whether|its|his|her|their"
    r")\b|(?-i:[A-Z])|[\d“\"《]))"
    r"|(?:give|describe|explain|identify|specify|summari[sz]e|define|compare|enumerate"
    r"|tell (?:me|us)|say (?:what|which|who|whom|whose|how|where|when|why|whether))\b)",
    re.IGNORECASE,
)
"""How an order that asks as a question does begins: "Name the …", 请列出……; "List price" and 说明书 are things."""
_PRONOUN_FIRST = re.compile(r"^(?:它|他|她|它们|他们|该|此)|^(?:it|he|she|they|its|his|her|their)\b", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\s*_`|\\]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question-answer pair as a teacher gave it, its evidence found in the section where it is there."""

    question: str
    answer: str
    evidence: tuple[str, ...]
    spans: tuple[tuple[int, int] | None, ...]
    """Where each piece of evidence stands in section.text; None where it does not."""
    kind: Literal["base", "reverse"] = "base"


def read_pair(item: Any, section: Section) -> Candidate | str:
    """The candidate in one item of a reply, or why it is none."""
    if problem := check_item(item, _ACCEPTED):
        return f"schema: {problem}"
    if problem := _oversized(item, section):
        return problem
    spans = tuple(find_evidence(text, section) for text in item["evidence"])
    return Candidate(
        question=item["question"].strip(),
        answer=item["answer"].strip(),
        evidence=tuple(
            section.text[span[0] : span[1]] if span else text
            for span, text in zip(spans, item["evidence"], strict=True)
        ),
        spans=spans,
        kind="reverse" if item.get("kind") == "reverse" else "base",
    )


def _oversized(item: dict[str, Any], section: Section) -> str | None:
    """Why an item is too long to be looked at: the length of texts is no part of the schema, which the server gets."""
    if problem := _too_long(item["question"].strip(), item["answer"].strip()):
        return problem
    if len(item["evidence"]) > MAX_PIECES:
        return f"more than {MAX_PIECES} pieces of evidence"
    # White space and markup need not agree, but what is much longer than the section stands in no place of it.
    room = 2 * len(section.text) + 100
    return next((_not_there(text) for text in item["evidence"] if len(text) > room), None)


def _not_there(evidence: str) -> str:
    return f"evidence is not in the section: “{evidence[:60]}”"


def check_pair(candidate: Candidate, section: Section) -> str | None:
    """The first reason why a pair cannot be used, in the order of cost."""
    return next(filter(None, (check(candidate, section) for check in PAIR_CHECKS)), None)


def doubtful(candidate: Candidate, section: Section) -> str | None:
    """Why a pair that passed is worth a second look; what an optional judge would look at."""
    return doubtful_word(candidate.answer, known_to(candidate, section))


def check_paraphrase(question: str, pair: QAPair) -> str | None:
    """The first reason why a wording does not ask what its base question asks."""
    return next(filter(None, (check(question, pair) for check in PARAPHRASE_CHECKS)), None)


# --- evidence --------------------------------------------------------------------------------------------------


def find_evidence(text: str, section: Section) -> tuple[int, int] | None:
    """Where a piece of evidence stands in the section; white space, markup and debris need not agree."""
    if len(text) > MARKED_UP * len(section.text):
        return None  # However it is marked up, it is longer than what it is said to be a part of.
    at = section.text.find(text)
    if at >= 0 and text.strip():
        return at + len(text) - len(text.lstrip()), at + len(text.rstrip())
    bare, offsets = _bare(section.text)
    wanted, _ = _bare(text)
    at = bare.find(wanted) if wanted else -1
    return (offsets[at], offsets[at + len(wanted) - 1] + 1) if at >= 0 else None


@lru_cache(maxsize=64)
def _bare(text: str) -> tuple[str, tuple[int, ...]]:
    """The text without white space, markup and debris, and where each character left stood."""
    cleaned = clean(text)
    kept = [(char, i) for char, i in zip(cleaned.text, cleaned.offsets, strict=True) if not _INVISIBLE.match(char)]
    return "".join(char for char, _ in kept), tuple(i for _, i in kept)


def covered_units(spans: Iterable[tuple[int, int] | None], section: Section) -> list[Unit]:
    """The units that share at least one character with a span."""
    places = [span for span in spans if span]
    return [unit for unit in units(section) if any(unit.start < end and start < unit.end for start, end in places)]


# --- pairs -----------------------------------------------------------------------------------------------------


def _seen(candidate: Candidate, _: Section) -> str | None:
    return unseen(f"{candidate.question}\n{candidate.answer}")


def unseen(text: str) -> str | None:
    """Why a question or answer that nobody sees all of is not trained on. Evidence is the source's own, and may."""
    char = unseen_in(text)
    return f"holds an invisible character: {char}" if char else None


def _length(candidate: Candidate, _: Section) -> str | None:
    return _too_long(candidate.question, candidate.answer)


def _too_long(question: str, answer: str) -> str | None:
    if len(question) > MAX_QUESTION:
        return f"question longer than {MAX_QUESTION} characters"
    return too_long(answer)


def too_long(answer: str) -> str | None:
    """Why an answer, or a numeral in it, is longer than any that is meant, None where it is not."""
    if len(answer) > MAX_ANSWER:
        return f"answer longer than {MAX_ANSWER} characters"
    return f"answer holds a numeral of more than {LONGEST} characters" if ENDLESS.search(answer) else None


def _asks(candidate: Candidate, _: Section) -> str | None:
    return check_question(candidate.question)


def check_question(question: str) -> str | None:
    """Whether a text is a question that can be understood alone."""
    if not question.rstrip("”\"' 」』").endswith(("？", "?")) and not _ORDER.match(question):
        return "not a question: it does not end in a question mark"
    if match := LEANS_ON_TEXT.search(question) or _PRONOUN_FIRST.search(question):
        return f"does not stand alone: “{match.group()}”"
    return None if len(normalise(question)) >= 3 else "no question in it"


def _not_given_away(candidate: Candidate, _: Section) -> str | None:
    return "the question states its answer" if states(candidate.question, candidate.answer) else None


def states(question: str, answer: str) -> bool:
    """Whether a question holds an answer's key facts and most of what else the answer is about."""
    about = content(answer)
    told = len(about & content(question)) / len(about) if about else 1.0
    return told >= GIVEN_AWAY and key_facts(answer).found_in(question)


def _evidence(candidate: Candidate, section: Section) -> str | None:
    for span, text in zip(candidate.spans, candidate.evidence, strict=True):
        if span is None:
            return _not_there(text)
        touched = covered_units([span], section)
        if not touched or len(normalise(text)) < MIN_EVIDENCE:
            return f"evidence says nothing: “{text[:60]}”"
        if len(touched) > (2 if all(unit.kind == "sentence" for unit in touched) else 1):
            return f"evidence is longer than two sentences, one row or one item: “{text[:60]}”"
    return None


def known_to(candidate: Candidate, section: Section) -> Known:
    """What the answer may draw on: its evidence, and what places that evidence in the section."""
    touched = covered_units(candidate.spans, section)
    around = [candidate.question, *section.heading_path, *(_lead(unit, section) for unit in touched)]
    around += [head for unit in touched for head in unit.header]
    row = touched[0] if len(touched) == 1 else None
    return Known(
        evidence=tuple(_MARKER.sub("", unmarked(clean(text).text)) for text in candidate.evidence),
        around=" ; ".join(filter(None, around)),
        section=clean(section.text).text,
        columns=tuple(zip(row.header[1:], row.cells[1:], strict=False)) if row else (),
        question=candidate.question,
    )


_MARKER = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s+")


def _lead(unit: Unit, section: Section) -> str:
    """The bold term that the unit's paragraph or item begins with: later sentences speak of it too."""
    line = section.text[section.text.rfind("\n", 0, unit.start) + 1 : unit.end]
    match = re.match(r"[\s>*+\d.)-]*(?:\*\*|__)(.+?)(?:\*\*|__)", line)
    return match.group(1) if match else ""


def _grounded(candidate: Candidate, section: Section) -> str | None:
    known = known_to(candidate, section)
    answer = with_asked_scale(candidate.answer, candidate.question, " ".join(known.evidence))
    return next(filter(None, (check(answer, known) for check in ANSWER_CHECKS)), None)


PAIR_CHECKS: tuple[Callable[[Candidate, Section], str | None], ...] = (
    _length,
    _seen,
    _asks,
    _not_given_away,
    _evidence,
    _grounded,
)


# --- paraphrases -----------------------------------------------------------------------------------------------


def _wording_asks(question: str, _: QAPair) -> str | None:
    if len(question) > MAX_QUESTION:
        return f"question longer than {MAX_QUESTION} characters"
    return unseen(question) or check_question(question)


def _another_wording(question: str, pair: QAPair) -> str | None:
    return "repeats the base question" if normalise(question) == normalise(pair.question) else None


PARAPHRASE_CHECKS: tuple[Callable[[str, QAPair], str | None], ...] = (
    _wording_asks,
    _another_wording,
    same_amounts,
    same_names,
    same_sense,
    same_conditions,
    same_scope,
    same_time,
    same_things,
    answer_hidden,
)
