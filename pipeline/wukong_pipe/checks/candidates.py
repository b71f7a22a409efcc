"""A question-answer pair as a teacher gave it: its schema, and how an item of a reply becomes a candidate.

The item {"question": "出云棍怎样获得？", "answer": "由石敢当掉落。", "facts": ["石敢当"], "evidence": [2], …}
cites the second unit of its section: the evidence is the verbatim slice of that unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast, get_args

from wukong_pipe.checks.citations import mended
from wukong_pipe.checks.evidence import find_evidence
from wukong_pipe.checks.named_facts import facts_of
from wukong_pipe.checks.question_form import pair_too_long
from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, Kind, Section
from wukong_pipe.schema import check_item

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
PAIR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "question": _TEXT,
        "answer": _TEXT,
        "facts": {"type": "array", "items": _TEXT},
        "evidence": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
        "kind": {"enum": list(get_args(Kind))},
    },
    "required": ["question", "answer", "facts", "evidence", "kind"],
    "additionalProperties": False,
}
"""What a server is told. OpenAI's strict mode wants every property required and no other allowed."""
_ACCEPTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "question": _TEXT,
        "answer": _TEXT,
        "evidence": {"type": ["array", "integer", "string"], "items": {"type": ["integer", "string"]}},
    },
    "required": ["question", "answer", "evidence"],
}
"""What is demanded of a reply: a pair is not worth losing over its kind, its facts or a field too many."""
QUESTION_SCHEMA: dict[str, Any] = _TEXT
MAX_PIECES = 100
_NUMBER = re.compile(r"\W*(\d{1,6})\W*")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question-answer pair as a teacher gave it, its evidence found in the section where it is there."""

    question: str
    answer: str
    evidence: tuple[str, ...]
    spans: tuple[tuple[int, int] | None, ...]
    """Where each piece of evidence stands in section.text; None where it does not."""
    kind: Kind = "base"
    facts: Facts = ()
    is_mended: bool = False
    """Whether another unit than the cited ones is its evidence."""


def read_pair(item: Any, section: Section) -> Candidate | Reason:
    """The candidate in one item of a reply, or why it is none.

    Evidence is a list of unit numbers; words of the section are taken, too, for an edit and for a teacher that quotes.
    """
    if problem := check_item(item, _ACCEPTED):
        return Reason.of("schema", reason=problem)
    question, answer = item["question"].strip(), item["answer"].strip()
    if problem := pair_too_long(question, answer):
        return problem
    cited = item["evidence"] if isinstance(item["evidence"], list) else [item["evidence"]]
    if len(cited) > MAX_PIECES:
        return Reason.of("too-much-evidence", most=MAX_PIECES)
    named = named if isinstance(named := item.get("facts"), list) else []
    facts = facts_of((text for text in named if isinstance(text, str)), question, answer)
    places = [_place(piece, section) for piece in cited]
    if problem := next((place for place in places if isinstance(place, Reason)), None):
        return problem
    spans = sorted({place for place in places if isinstance(place, tuple)})
    better = mended(spans, question, facts, section) if any(isinstance(piece, int) for piece in cited) else None
    spans = better or spans
    if not spans:
        return Reason.of("no-unit-cited", numbers=", ".join(map(str, cited))[:60], most=len(numbered(section).units))
    kind = item.get("kind")
    return Candidate(
        question=question,
        answer=answer,
        evidence=tuple(section.text[begin:end] for begin, end in spans),
        spans=tuple(spans),
        kind=cast(Kind, kind) if kind in get_args(Kind) else "base",
        facts=facts,
        is_mended=better is not None,
    )


def stored_candidate(
    question: str, answer: str, evidence: tuple[str, ...], lines: tuple[int, int], section: Section
) -> Candidate:
    """A pair of the dataset as a candidate, to be checked anew: its evidence are slices, and “1969” is no number of a
    unit."""
    return Candidate(question, answer, evidence, tuple(section.place_of(words, lines) for words in evidence))


def _place(piece: int | str, section: Section) -> tuple[int, int] | Reason | None:
    """Where a cited unit or quoted words stand; None for a number of no unit, a reason for words that are not there."""
    if isinstance(piece, str) and (match := _NUMBER.fullmatch(piece)):
        piece = int(match[1])
    if isinstance(piece, int):
        pieces = numbered(section).units
        return (pieces[piece - 1].start, pieces[piece - 1].end) if 0 < piece <= len(pieces) else None
    # White space and markup need not agree, but what is much longer than the section stands in no place of it.
    span = find_evidence(piece, section) if len(piece) <= 2 * len(section.text) + 100 else None
    return span or not_there(piece)


def not_there(evidence: str) -> Reason:
    return Reason.of("evidence-not-in-section", words=evidence[:60])
