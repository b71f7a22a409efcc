"""How much may be wrong: the bound holds whenever its reader looks, and is exact where all is read."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.reviewed import build, library_of
from wukong_pipe.review.bound import bound, bounds, is_ruled_out, most_wrong
from wukong_pipe.review.decision_lines import accept, drop, mend
from wukong_pipe.review.sample import sample_order


@dataclass(frozen=True)
class Made:
    id: str
    section_id: str
    wrong: bool


def drawn(wrong_of: Sequence[tuple[int, int]], chance: random.Random) -> list[Made]:
    """Pairs of sections, (pairs, wrong ones) each, under ids of their own, in the order of the sample."""
    pairs = [
        Made(str(chance.random()), str(place), number < wrong)
        for place, (size, wrong) in enumerate(wrong_of)
        for number in range(size)
    ]
    return sample_order(pairs)


def sums(pairs: Sequence[Made]) -> Iterator[int]:
    """How many of the first pairs are wrong, after each."""
    wrong = 0
    for pair in pairs:
        wrong += pair.wrong
        yield wrong


@pytest.mark.parametrize(
    "wrong_of",
    [
        [(200, 12)],
        [(10, 1)] * 20,
        [(10, 10), *[(10, 0)] * 19],
        [(100, 0), *[(1, 1)] * 12, *[(1, 0)] * 88],
        [(100, 12), *[(1, 0)] * 100],
        [(4, 1)] * 40 + [(4, 0)] * 10,
    ],
    ids=["one section", "one in each", "all in one", "in the smallest", "in the largest", "a fifth"],
)
def test_in_95_of_100_reviews_no_look_at_the_bound_shows_one_below_the_truth(wrong_of: list[tuple[int, int]]) -> None:
    chance, reviews = random.Random(17), 600
    pairs, truth = (sum(column) for column in zip(*wrong_of, strict=True))
    # Of each number of read pairs, so few wrong ones that the truth is ruled out.
    few = [
        max((k for k in range(n * truth // pairs + 1) if is_ruled_out(truth, n, k, pairs)), default=-1)
        for n in range(1, pairs + 1)
    ]
    misled = sum(
        any(wrong <= too_few for wrong, too_few in zip(sums(drawn(wrong_of, chance)), few, strict=True))
        for _ in range(reviews)
    )
    assert misled / reviews <= 0.05 + 2.5 * sqrt(0.05 * 0.95 / reviews)


@given(st.integers(1, 400), st.data())
def test_the_bound_is_the_largest_number_that_is_not_ruled_out(pairs: int, data: st.DataObject) -> None:
    read = data.draw(st.integers(0, pairs))
    wrong = data.draw(st.integers(0, read))
    most = most_wrong(read, wrong, pairs)
    assert wrong <= most <= pairs - read + wrong
    assert not is_ruled_out(most, read, wrong, pairs)
    assert all(is_ruled_out(more, read, wrong, pairs) for more in range(most + 1, pairs + 1))


@given(st.integers(1, 300), st.data())
def test_as_many_more_without_a_fault_are_enough_and_one_less_is_not(pairs: int, data: st.DataObject) -> None:
    read = data.draw(st.integers(0, pairs))
    wrong = data.draw(st.integers(0, min(read, 20)))
    more = bound(read, wrong, pairs).more_needed
    if more is None:
        assert wrong > 0.05 * pairs
        return
    assert most_wrong(read + more, wrong, pairs) <= 0.05 * pairs
    assert not more or most_wrong(read + more - 1, wrong, pairs) > 0.05 * pairs


def test_what_a_reader_of_4000_pairs_is_told() -> None:
    assert bound(0, 0, 4000).at_most == 100
    assert (bound(70, 0, 4000).at_most, bound(70, 0, 4000).more_needed) == (5, 0)
    assert (bound(64, 2, 4000).at_most, bound(64, 2, 4000).more_needed) == (14, 108)


def test_where_all_is_read_the_bound_is_what_was_found() -> None:
    assert (bound(9, 0, 9).at_most, bound(9, 0, 9).more_needed) == (0, 0)
    assert (bound(9, 2, 9).at_most, bound(9, 2, 9).more_needed) == (23, None)


def test_wrong_pairs_that_were_found_outside_the_sample_are_not_denied() -> None:
    assert bound(200, 0, 1000, known=80).at_most == 8
    # 8 % are wrong: however many of the others are right, it never is enough.
    assert bound(200, 0, 1000, known=80).more_needed is None
    assert bound(0, 0, 0).at_most == 0


def test_what_was_read_of_the_sample_counts_up_to_the_first_gap_and_a_section_goes_by_its_own_order(
    tmp_path: Path,
) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    first, second, third, *rest = library.sample
    library.decisions.record(accept(library.decisions, first))
    library.decisions.record(drop(library.decisions, third))
    assert (bounds(library).overall.read, bounds(library).overall.wrong) == (1, 0)
    library.decisions.record(mend(library.decisions, second, {}, f"{second.answer}!", None))
    found = bounds(library)
    assert (found.overall.read, found.overall.wrong, found.overall.pairs) == (3, 2, len(library.pairs))
    assert sum(one.pairs for one in found.by_section.values()) == len(library.pairs)
    assert found.by_section[third.section_id].wrong == 1
    # All of one section, which is far from all there is.
    for pair in rest:
        if pair.section_id == third.section_id:
            library.decisions.record(accept(library.decisions, pair))
    assert bounds(library).by_section[third.section_id].more_needed is None
    assert bounds(library).overall.read == 3 or bounds(library).overall.more_needed != 0
