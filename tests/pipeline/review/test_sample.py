"""The sample: every beginning of it has of each section about its share, and nothing but ids decides it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.review.sample import sample_order


@dataclass(frozen=True)
class Made:
    id: str
    section_id: str


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=12)


def pairs_of(sizes: list[int]) -> list[Made]:
    return [Made(f"{section}-{number}", str(section)) for section, size in enumerate(sizes) for number in range(size)]


@given(SIZES, st.randoms())
def test_the_order_of_the_pairs_does_not_matter(sizes: list[int], chance: Random) -> None:
    pairs = pairs_of(sizes)
    mixed = [*pairs]
    chance.shuffle(mixed)
    assert sample_order(mixed) == sample_order(pairs)


@given(SIZES, st.floats(0, 1))
def test_every_beginning_has_of_each_section_its_share(sizes: list[int], share: float) -> None:
    ordered = sample_order(pairs_of(sizes))
    begun = ordered[: round(share * len(ordered))]
    shares = [Counter(pair.section_id for pair in begun)[str(place)] / size for place, size in enumerate(sizes)]
    # Two sections differ by a part of one pair of each at most.
    for a, size_a in zip(shares, sizes, strict=True):
        for b, size_b in zip(shares, sizes, strict=True):
            assert a - b <= 1 / size_a + 1 / size_b + 1e-9


@given(SIZES)
def test_a_section_keeps_its_order_whatever_other_sections_there_are(sizes: list[int]) -> None:
    pairs = pairs_of(sizes)
    first = [pair for pair in pairs if pair.section_id == "0"]
    assert [pair for pair in sample_order(pairs) if pair.section_id == "0"] == sample_order(first)
