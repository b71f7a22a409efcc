"""A pair as it stands after the decisions on it, and as the teacher gave it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from wukong_pipe.edits.mending import mended
from wukong_pipe.records import Facts
from wukong_pipe.review.decisions import Decisions
from wukong_pipe.review.pairs import ReviewPair, ReviewRow

State = Literal["unread", "accepted", "mended", "dropped"]
"""What a person decided about a pair."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A row as it stands after the decisions."""

    row: ReviewRow
    question: str
    answer: str
    dropped: bool
    """By a decision on this row or on its pair."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a pair asks and answers."""

    question: str
    answer: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair with the decisions laid over it."""

    now: Version
    before: Version
    """As the teacher gave it."""
    wordings: tuple[Wording, ...]
    """Of all its rows, the pair's own first."""


def state(decisions: Decisions, pair: ReviewPair) -> State:
    """What was decided about a pair; a decision about one of its wordings alone does not make it read."""
    edit = decisions.of(pair.id)
    if edit is None or not (edit.ok or edit.drop):
        return "accepted" if pair.rescued and decisions.of(pair.rescued) else "unread"
    if edit.drop:
        return "dropped"
    own = decisions.of(pair.rows[0].id)
    return "mended" if edit.mends or (own is not None and own.changes) else "accepted"


def shown(decisions: Decisions, pair: ReviewPair) -> Shown:
    """The pair with the decisions laid over it, and what it was before."""
    of_pair = decisions.of(pair.id)
    answer, facts = old_answer(decisions, pair) or pair.answer, decisions.old_facts(pair)
    own = replace(
        pair.own,
        instruction=old_question(decisions, pair, 0),
        output=answer,
        facts=pair.facts if facts is None else facts,
    )
    wordings = []
    for place, row in enumerate(pair.rows):
        of_row = decisions.of(row.id)
        laid = [edit for edit in (of_pair, of_row) if edit]
        # Other wordings of the answer are the rows' own, as long as no decision has changed the answer.
        answer = row.answer if row.answer != pair.answer else own.output
        before = replace(own, id=row.id, instruction=old_question(decisions, pair, place), output=answer)
        now = mended(before, of_row.instruction if of_row else None, laid)
        wordings.append(Wording(row, now.instruction, now.output, any(edit.drop for edit in laid)))
        if not place:
            version = Version(now.instruction, now.output, now.facts)
    return Shown(version, Version(own.instruction, own.output, own.facts), tuple(wordings))


def old_answer(decisions: Decisions, pair: ReviewPair) -> str:
    """What a pair answered before the first decision on it; "" where nobody knows: the dataset may have the text of a
    line that was written by hand and told no old one."""
    old = decisions.old(pair.id)
    return old.output if old else pair.answer


def old_question(decisions: Decisions, pair: ReviewPair, place: int) -> str:
    """What a row asked before the first decision on it: a dataset that was rebuilt has the mended text."""
    row = pair.rows[place]
    old = decisions.old(row.id)
    return old.instruction if old and old.instruction else row.question
