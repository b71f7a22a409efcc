"""Looking ids up in sorted arrays finds what a dictionary finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe import ids
from wukong_pipe.ids import IdIndex, IdSet

numbers = st.integers(0, 2**64 - 1) | st.integers(0, 3)


@given(st.lists(numbers), st.lists(numbers))
def test_an_index_tells_the_places_of_each_id_in_order(listed: list[int], others: list[int]) -> None:
    index = IdIndex(listed)
    expected: dict[int, list[int]] = {}
    for place, one in enumerate(listed):
        expected.setdefault(one, []).append(place)
    for one in [*listed, *others]:
        assert index.places(one) == expected.get(one, [])
        assert (one in index) == (one in expected)
    assert index.places(*expected) == [place for places in expected.values() for place in places]
    assert [*index.firsts()] == [expected[one][0] for one in listed]
    assert [*index.groups()] == [*expected.values()]
    assert [*index] == sorted(listed)


@given(st.lists(st.integers(0, 40)))
def test_a_set_that_grows_tells_what_is_new(added: list[int]) -> None:
    kept, ids._HELD = ids._HELD, 3
    try:
        growing, seen = IdSet(), set[int]()
        for one in added:
            assert growing.add(one) == (one not in seen)
            seen.add(one)
    finally:
        ids._HELD = kept
