"""The held-out questions on the page: a card each, with the reference and both answers, marked where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.records import SIDES, Side
from wukong_trainer.report.comparisons import OUTCOMES, outcome
from wukong_trainer.report.grades import disagrees
from wukong_trainer.report.marks import Marked, Piece, mark, mark_reference

Row = Mapping[str, Any]
"""A row of answers.jsonl."""


@dataclass(frozen=True, slots=True)
class Card:
    """A question."""

    row: Row
    outcome: str
    place: str
    """Its section, as "guide.md › Guide › Chapter 1"."""
    section: int
    """The number of that section among those of all questions."""
    reference: list[Piece]
    answers: dict[Side, Marked]
    """By side."""
    is_doubtful: bool
    """Whether judge and score see an answer differently."""


@dataclass(frozen=True, slots=True)
class CardGroup:
    """The questions of a level."""

    level: str
    cards: list[Card]
    counts: Counter[str]
    """By outcome."""


def groups_of(answers: Sequence[Row]) -> list[CardGroup]:
    """The cards by level. Where judge and score disagree comes first, then where tuning changed something."""
    numbers = {place: number for number, (place, _) in enumerate(places_of(answers))}
    groups = []
    for level in LEVELS:
        cards = [_card(row, numbers) for row in answers if row.get("level") == level]
        cards.sort(key=lambda card: (not card.is_doubtful, OUTCOMES.index(card.outcome)))
        if cards:
            groups.append(CardGroup(level, cards, Counter(card.outcome for card in cards)))
    return groups


def places_of(answers: Sequence[Row]) -> list[tuple[str, int]]:
    """(section of the source, questions about it), in the order of the answers."""
    return list(Counter(_place(row) for row in answers).items())


def _place(row: Row) -> str:
    return " › ".join([str(row.get("source", "")), *map(str, row.get("heading_path") or [])])


def _card(row: Row, numbers: Mapping[str, int]) -> Card:
    place = _place(row)
    # What the question and its headings say, an answer has not made up.
    context = f"{row['instruction']}\n{place}"
    answers = {
        side: mark(row[side]["answer"], row["reference"], context, row[side].get("invented_terms") or ())
        for side in SIDES
    }
    return Card(row, outcome(row), place, numbers[place], mark_reference(row["reference"]), answers, disagrees(row))
