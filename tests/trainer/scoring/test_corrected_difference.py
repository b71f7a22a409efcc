"""Differences without the errors of the score: worked out by hand, and found again in simulated answers."""

from __future__ import annotations

import random

import pytest

from wukong_trainer.scoring.corrected_difference import GradedHits, corrected


def side(*counts: tuple[int, bool, str | None]) -> GradedHits:
    return GradedHits(
        [hit for n, hit, _ in counts for _ in range(n)], [grade for n, _, grade in counts for _ in range(n)]
    )


def test_a_score_that_misses_half_of_a_bases_right_answers_is_seen_through() -> None:
    base = side((20, True, "right"), (20, False, "right"), (50, False, "wrong"), (10, False, "partly"))
    tuned = side((40, True, "right"), (60, False, "wrong"))
    found = corrected(base, tuned, [f"s{i % 20}" for i in range(100)])
    assert found["base"]["sensitivity"][:2] == [20, 40]
    assert found["base"]["specificity"][:2] == [60, 60]
    assert (found["base"]["hits"], found["tuned"]["hits"]) == (0.2, 0.4)
    assert (found["base"]["corrected"], found["difference"]) == pytest.approx((0.4, 0.0))
    assert found["ci95"][0] <= 0 <= found["ci95"][1]
    assert not found["excludes_zero"]


def test_from_a_graded_part_follows_the_share_of_all() -> None:
    # Of 100 right ones 90 hit, of 100 wrong ones 10: 0.5 hits of the ungraded are 0.5 right.
    part = side(
        (9, True, "right"),
        (1, False, "right"),
        (1, True, "wrong"),
        (9, False, "wrong"),
        (50, True, None),
        (50, False, None),
    )
    none = side((20, False, "wrong"), (100, False, None))
    found = corrected(none, part, [str(i) for i in range(120)])
    assert found["tuned"]["corrected"] == pytest.approx(0.5)
    assert (found["tuned"]["graded"], found["base"]["sensitivity"]) == (20, None)
    assert found["base"]["corrected"] == 0.0, "with the sensitivity of both sides together"
    assert found["excludes_zero"]


@pytest.mark.parametrize("grades", [[None] * 10, ["right"] * 10])
def test_without_grades_of_both_kinds_nothing_is_claimed(grades: list[str | None]) -> None:
    hits = GradedHits([True, False] * 5, grades)
    found = corrected(hits, hits, [str(i) for i in range(10)])
    assert (found["difference"], found["ci95"], found["excludes_zero"]) == (None, None, False)


def test_a_score_no_better_than_chance_corrects_nothing() -> None:
    hits = side((5, True, "right"), (5, False, "right"), (5, True, "wrong"), (5, False, "wrong"))
    assert corrected(hits, hits, [str(i) for i in range(20)])["difference"] is None


def test_the_interval_covers_the_true_difference_of_simulated_models() -> None:
    chosen, covered = random.Random(3), 0
    for _ in range(40):
        sides = []
        for share, sensitivity in ((0.3, 0.7), (0.6, 0.95)):
            right = [chosen.random() < share for _ in range(200)]
            hits = [chosen.random() < (sensitivity if each else 0.05) for each in right]
            grades = [("right" if each else "wrong") if chosen.random() < 0.4 else None for each in right]
            sides.append(GradedHits(hits, grades))
        low, high = corrected(sides[0], sides[1], [str(i // 5) for i in range(200)])["ci95"]
        covered += low <= 0.3 <= high
    assert covered >= 35


def test_sequences_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same 2 questions"):
        corrected(side((1, True, None)), side((2, True, None)), ["a", "b"])
    with pytest.raises(ValueError, match="same 0 questions"):
        corrected(side(), side(), [])
