"""Cohen's kappa: full agreement is 1, chance is 0, and where nothing can be said there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_trainer.scoring.agreement import cohens_kappa

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
