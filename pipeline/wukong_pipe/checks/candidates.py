"""A question-answer pair as a teacher gave it: its schema, and how an item of a reply becomes a candidate.

The item {"question": "出云棍怎样获得？", "answer": "由石敢当掉落。", "facts": ["石敢当"], "evidence": [2], …}
cites the second unit of its section: the evidence is the verbatim slice of that unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
_CITATION = re.compile(
    r"(?=\D*\d)(?:[\W\d]|units?|lines?|sentences?|rows?|items?|and|to|第|单元|行|句|条|项|和|至|到)*", re.IGNORECASE
)
"""A string that holds numbers of units and little else: “[1][2]”, “unit 3”, “第3句”."""
_RANGE = re.compile(r"(?<!\d)(\d{1,6})(?:\s*(?:[-–—~至到]|to)\s*(\d{1,6}))?(?!\d)")


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

    Evidence is a list of unit numbers; words of the section are taken, too, for a teacher that quotes. A piece that
    cites nothing loses only itself.
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
    spans = sorted({place for piece in cited for place in _places(piece, section)})
    better = mended(spans, question, facts, section) if any(map(_is_citation, cited)) else None
    spans = better or spans
    if not spans:
        if quoted := next((piece for piece in cited if not _is_citation(piece)), None):
            return not_there(quoted)
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


def _places(piece: int | str, section: Section) -> Iterator[tuple[int, int]]:
    """Where the units that a piece of evidence cites stand, or the words that it quotes; none for what is not there."""
    if isinstance(piece, str) and not _is_citation(piece):
        # White space and markup need not agree, but what is much longer than the section stands in no place of it.
        span = find_evidence(piece, section) if len(piece) <= 2 * len(section.text) + 100 else None
        yield from filter(None, [span])
        return
    pieces = numbered(section).units
    # In JSON 2.0 is an integer, too.
    for number in _numbers(piece) if isinstance(piece, str) else [int(piece)]:
        if 0 < number <= len(pieces):
            yield pieces[number - 1].start, pieces[number - 1].end


def _is_citation(piece: int | str) -> bool:
    return not isinstance(piece, str) or _CITATION.fullmatch(piece) is not None


def _numbers(cited: str) -> Iterator[int]:
    """The numbers in a citation, “1-3” with those between.

    >>> list(_numbers("units 1-3, [5][6]"))
    [1, 2, 3, 5, 6]
    """
    for match in _RANGE.finditer(cited):
        first, last = int(match[1]), int(match[2] or match[1])
        yield from range(first, min(last, first + MAX_PIECES) + 1)


def not_there(evidence: str) -> Reason:
    return Reason.of("evidence-not-in-section", words=evidence[:60])
