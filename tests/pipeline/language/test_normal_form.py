"""The normal form: what does not count when two texts are compared."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.language.normal_form import normalise, stands_in


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("《出云棍》 怎样　获得？", "出云棍怎样获得?"),
        ("ＰＳ５ 版", "ps5版"),
        ("What is the Saturn-V?", "what is  the saturn v"),
        ("Who？", "who!"),
    ],
)
def test_width_case_punctuation_and_space_beside_chinese_do_not_count(a: str, b: str) -> None:
    assert normalise(a) == normalise(b)


def test_words_are_not_run_together() -> None:
    assert normalise("Saturn V") != normalise("SaturnV")


@given(st.text(max_size=40))
def test_a_normal_form_is_its_own_normal_form_but_for_what_folds_twice(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == normalise(normalise(once))
    assert "  " not in once
    assert once == once.strip()


@given(st.text("ab1_ 出é", max_size=3), st.text("ab1_ 出é", max_size=12))
def test_a_latin_term_stands_only_as_whole_words(term: str, text: str) -> None:
    whole = re.compile(rf"(?<![a-z0-9]){re.escape(term)}(?![a-z0-9])")
    assert stands_in(term, text) == (whole.search(text) is not None if term.isascii() else term in text)
