"""Names and quoted terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.language.names import latin_names, names_in, quoted


def test_quoted_terms_are_found_in_every_kind_of_quotes() -> None:
    text = '《西游记》「甲」『乙』“丙”【丁】 and "Eagle"'
    assert quoted(text) == {"西游记", "甲", "乙", "丙", "丁", "Eagle"}
    assert quoted("《》“”") == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The crew of Apollo 11 met John Houbolt.", {"Apollo 11", "John Houbolt"}),
        ("Under President Kennedy it began.", {"President Kennedy"}),
        ("Robots landed first.", set()),
        ("游戏使用Unreal Engine 5制作，登陆PS5。", {"Unreal Engine 5", "PS5"}),
        ("When did I go?", set()),
    ],
)
def test_names_are_what_is_written_in_capitals_but_not_the_first_word_alone(text: str, expected: set[str]) -> None:
    assert latin_names(text) == expected


@given(st.lists(st.text("ab出云 ", min_size=1, max_size=7)), st.text("ab出云 ", max_size=30))
def test_the_names_that_stand_in_a_text_are_found(names: list[str], text: str) -> None:
    assert names_in(text, frozenset(names)) == {name for name in names if name in text}
