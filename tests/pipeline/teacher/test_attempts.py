"""How often the same thing is asked: as often as it must be, and further only where that was granted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from wukong_pipe.reasons import Reason
from wukong_pipe.records import Reject, Section
from wukong_pipe.teacher.attempts import USUAL, Attempts, Reask
from wukong_pipe.teacher.harvest import Harvest

SECTION = Section("a.md", ("A",), 1, "text")
REJECT = Reject("base_qa", Reason.of("no-question"), SECTION)


STEPS = 20
"""Items that are wanted; a share of 0.95 is one less."""


def harvest(share: float = 0.0, rejects: Sequence[Reject] = (), is_refused: bool = False) -> Harvest[Section, int]:
    """A harvest of which so much is there."""
    kept = list(range(round(share * STEPS)))
    return Harvest(SECTION, "section", STEPS, kept, [*rejects], is_refused=is_refused, names=["section", "row"])


def asked(wanted: Harvest[Section, int], steps: Iterable[float] = (), attempts: Attempts = USUAL) -> list[int]:
    """The numbers of the attempts that were made, where each brings the harvest to the next of these shares."""
    made, shares = [], iter(steps)
    for number in replace(attempts, min_fill=0.8).of(wanted):
        made.append(number)
        wanted.kept[:] = range(round(next(shares, wanted.share) * STEPS))
    return made


class Book:
    """Allowances as the journal keeps them."""

    def __init__(self) -> None:
        self.more: dict[str, int] = {}

    def attempts(self, *reask: str) -> Attempts:
        return Attempts(lambda subject: self.more.get(subject, 0), self.grant, Reask(*reask))

    def grant(self, subject: str) -> None:
        self.more[subject] = self.more.get(subject, 0) + 3


@pytest.mark.parametrize(
    ("steps", "made"),
    [
        ([1.0], [0]),
        ([0.8], [0]),
        ([0.5, 0.7, 0.75], [0, 1, 2]),
        ([0.5, 0.9], [0, 1]),
        ([], [0, 1, 2]),
    ],
)
def test_three_attempts_and_no_more_once_enough_is_there(steps: list[float], made: list[int]) -> None:
    assert asked(harvest(), steps) == made


def test_what_is_full_is_not_asked() -> None:
    assert asked(harvest(1.0), (), Book().attempts("section")) == []


@pytest.mark.parametrize(
    ("reask", "steps", "made"),
    [
        ("short", [0, 0, 0, 0, 1.0], [0, 1, 2, 3, 4]),
        ("short", [0.9], [0]),
        ("section", [0.9, 0.9, 1.0], [0, 3, 4]),
        ("row", [0, 0, 0], [0, 1, 2, 3, 4, 5]),
        ("other", [0, 0, 0], [0, 1, 2]),
    ],
)
def test_what_is_named_is_asked_three_times_more_until_it_is_full(
    reask: str, steps: list[float], made: list[int]
) -> None:
    assert asked(harvest(), steps, Book().attempts(reask)) == made


def test_what_was_refused_for_good_is_asked_again_only_where_the_user_wants_it() -> None:
    assert asked(harvest(is_refused=True)) == []
    assert asked(harvest(is_refused=True), (), Book().attempts("short")) == [3, 4, 5]


def test_what_has_rejects_is_asked_again_though_it_has_enough() -> None:
    assert asked(harvest(rejects=[REJECT]), [0.9], Book().attempts("rejected")) == [0, 3, 4, 5]
    assert asked(harvest(), [0.9], Book().attempts("rejected")) == [0]


def test_a_later_build_asks_exactly_as_far_as_the_one_that_was_granted_more() -> None:
    book = Book()
    steps = [0, 0, 0, 0.5, 0.9, 0.95]
    made = asked(harvest(), steps, book.attempts("short"))
    assert made == [0, 1, 2, 3, 4, 5]
    assert asked(harvest(), steps, book.attempts()) == made
    assert asked(harvest(), steps, book.attempts("short")) == made
    assert asked(harvest(), [*steps, 1.0], book.attempts("section")) == [*made, 6]


def test_ids_that_named_nothing_are_told() -> None:
    reask = Reask("short", "row", "nothing")
    asked(harvest(), (), Attempts(reask=reask))
    assert reask.unmet == ["nothing"]


def test_a_build_that_goes_on_with_what_an_interrupted_one_was_granted_grants_no_more() -> None:
    book = Book()
    book.grant("section")
    wanted = harvest()
    made = []
    for number in book.attempts("short").of(wanted):
        made.append(number)
        # The interrupted build had bought all up to the fourth.
        wanted.is_bought = number >= 4
    assert made == [0, 1, 2, 3, 4, 5]
    assert book.more == {"section": 3}
