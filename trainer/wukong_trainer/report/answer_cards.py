"""The held-out questions on the page: a card each, with the reference and both answers, marked where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.person_grades import PersonGrade, answer_hash
from wukong_trainer.evaluation.records import SIDES, Side
from wukong_trainer.report.comparisons import OUTCOMES, outcome, place_of
from wukong_trainer.report.first_shown import first_shown
from wukong_trainer.report.grades import differs, disagrees
from wukong_trainer.report.marks import Marked, Segment, mark, mark_reference, unmarked
from wukong_trainer.scoring.facts import Wanted

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
    question: list[Segment]
    reference: list[Segment]
    answers: dict[Side, Marked]
    """By side."""
    doubts: list[str]
    """ "judge" or "person", or both: the score sees an answer unlike their grade."""
    by_person: dict[Side, PersonGrade | None]
    """A person's grades by side."""
    why_first: str
    """Why it is among the first ones: see `first_shown`; "" where it is not."""


@dataclass(frozen=True, slots=True)
class CardGroup:
    """The questions of a level."""

    level: str
    cards: list[Card]
    counts: Counter[str]
    """By outcome."""


def groups_of(answers: Sequence[Row], grades: Mapping[str, PersonGrade]) -> list[CardGroup]:
    """The cards by level. A few to learn from come first, then doubtful ones, then the others by outcome.

    Args:
        grades: a person's, by the hash of the answer.
    """
    numbers = {place: number for number, (place, _) in enumerate(places_of(answers))}
    groups = []
    for level in LEVELS:
        rows = [row for row in answers if row.get("level") == level]
        first = first_shown(rows)
        cards = [_card(row, numbers, grades, first.get(i, "")) for i, row in enumerate(rows)]
        cards.sort(key=lambda card: (not card.doubts, OUTCOMES.index(card.outcome)))
        order = list(first.values())
        cards.sort(key=lambda card: order.index(card.why_first) if card.why_first else len(order))
        if cards:
            groups.append(CardGroup(level, cards, Counter(card.outcome for card in cards)))
    return groups


def places_of(answers: Sequence[Row]) -> list[tuple[str, int]]:
    """(section of the source, questions about it), in the order of the answers."""
    return list(Counter(place_of(row) for row in answers).items())


def _card(row: Row, numbers: Mapping[str, int], grades: Mapping[str, PersonGrade], why_first: str) -> Card:
    place = place_of(row)
    # What the question and its headings say, an answer has not made up.
    context = f"{row['instruction']}\n{place}"
    wanted = _wanted(row)
    answers = {
        side: mark(row[side]["answer"], wanted, context, row[side].get("invented_terms") or ()) for side in SIDES
    }
    by_person = {
        side: grades.get(answer_hash(row["instruction"], row["reference"], row[side]["answer"])) for side in SIDES
    }
    doubts = {"judge": disagrees(row), "person": differs(row, by_person)}
    return Card(
        row,
        outcome(row),
        place,
        numbers[place],
        unmarked(row["instruction"]),
        mark_reference(row["reference"], wanted.facts),
        answers,
        [who for who, doubts_it in doubts.items() if doubts_it],
        by_person,
        why_first,
    )


def _wanted(row: Row) -> Wanted:
    """What a right answer holds; rows of earlier versions name no facts, and these follow from the reference."""
    named = tuple(tuple(fact) for fact in row.get("facts") or () if fact)
    return Wanted.of(row["instruction"], row["reference"], named)
