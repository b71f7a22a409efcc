"""Cohen's kappa: full agreement is 1, chance is 0, and where nothing can be said there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wukong_trainer.scoring.agreement import cohens_kappa, kappa_interval

RATINGS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1)


def test_the_textbook_value() -> None:
    # Yes and yes 20, yes and no 5, no and yes 10, no and no 15: agreement 0.7, by chance 0.5.
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    first, second = zip(*pairs, strict=True)
    assert cohens_kappa(first, second) == pytest.approx(0.4)


def test_a_rater_who_says_one_thing_of_all_agrees_by_chance_and_two_such_say_nothing() -> None:
    assert cohens_kappa([True] * 4, [True, True, True, False]) == 0
    assert cohens_kappa([True] * 4, [False] * 4) == 0
    assert cohens_kappa([True] * 4, [True] * 4) is None
    assert cohens_kappa([], []) is None


@given(RATINGS)
def test_it_is_the_same_from_both_sides_and_1_only_where_all_agree(pairs: list[tuple[bool, bool]]) -> None:
    first, second = zip(*pairs, strict=True)
    kappa = cohens_kappa(first, second)
    assert kappa == cohens_kappa(second, first)
    if kappa is None:
        assert len({*first, *second}) == 1
    else:
        assert -1 <= kappa <= 1
        assert (kappa == 1) == (first == second)


def test_an_interval_is_wide_where_few_agree_fully_and_narrow_where_many_do() -> None:
    few, many = [True, False] * 5, [True, False] * 100
    assert kappa_interval(few, few) == pytest.approx((0.55, 1.0), abs=0.03)
    assert kappa_interval(many, many) == pytest.approx((0.975, 1.0), abs=0.015)


@settings(max_examples=30)
@given(RATINGS)
def test_an_interval_holds_kappa_and_is_the_same_again(pairs: list[tuple[bool, bool]]) -> None:
    first, second = zip(*pairs, strict=True)
    kappa, interval = cohens_kappa(first, second), kappa_interval(first, second)
    assert (kappa is None) == (interval is None)
    if kappa is not None and interval is not None:
        assert -1 <= interval[0] <= kappa <= interval[1] <= 1
        assert interval[0] < interval[1]
        assert interval == kappa_interval(first, second)


def test_an_interval_covers_the_true_kappa_in_about_95_of_100() -> None:
    """Raters of whom one says yes to half, and the other agrees in 19 of 20: kappa 0.9."""
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        first = random.random(40) < 0.5
        second = first ^ (random.random(40) < 0.05)
        low, high = kappa_interval(first.tolist(), second.tolist()) or (0, 0)
        covered += low <= 0.9 <= high
    assert covered >= 180
