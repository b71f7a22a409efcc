"""A question-answer pair as a teacher gave it: its schema, and how an item of a reply becomes a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wukong_pipe.checks.evidence import find_evidence
from wukong_pipe.checks.question_form import pair_too_long
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section
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
MAX_PIECES = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question-answer pair as a teacher gave it, its evidence found in the section where it is there."""

    question: str
    answer: str
    evidence: tuple[str, ...]
    spans: tuple[tuple[int, int] | None, ...]
    """Where each piece of evidence stands in section.text; None where it does not."""
    kind: Literal["base", "reverse"] = "base"


def read_pair(item: Any, section: Section) -> Candidate | Reason:
    """The candidate in one item of a reply, or why it is none."""
    if problem := check_item(item, _ACCEPTED):
        return Reason.of("schema", reason=problem)
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


def _oversized(item: dict[str, Any], section: Section) -> Reason | None:
    """Why an item is too long to be looked at: the length of texts is no part of the schema, which the server gets."""
    if problem := pair_too_long(item["question"].strip(), item["answer"].strip()):
        return problem
    if len(item["evidence"]) > MAX_PIECES:
        return Reason.of("too-much-evidence", most=MAX_PIECES)
    # White space and markup need not agree, but what is much longer than the section stands in no place of it.
    room = 2 * len(section.text) + 100
    return next((not_there(text) for text in item["evidence"] if len(text) > room), None)


def not_there(evidence: str) -> Reason:
    return Reason.of("evidence-not-in-section", words=evidence[:60])
