"""Lines that a page breaks, joined as they were written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.conversion.joining import UNKNOWN, joined, mended


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (["The kiln is forty", "metres long."], "The kiln is forty metres long."),
        (["窑体全长四十", "米，同时容纳十一辆窑车"], "窑体全长四十米，同时容纳十一辆窑车"),
        (["打开观察孔的人要记下时间", "，因为冷风"], "打开观察孔的人要记下时间，因为冷风"),
        (["用 Python", "编写"], "用 Python编写"),
        (["他说“停”", "然后走了"], "他说“停”然后走了"),
        (["He said “stop”", "and left."], "He said “stop” and left."),
        (["the inspec-", "tion of the roof"], "the inspection of the roof"),
        (["the inspec\u00ad", "tion of the roof"], "the inspection of the roof"),
        (["pages 10-", "12 of the book"], "pages 10-12 of the book"),
        (["The Anglo-", "Saxon kings"], "The Anglo-Saxon kings"),
        (["", "a", "", "b"], "a b"),
        ([], ""),
    ],
)
def test_lines_are_joined_as_their_script_wants(lines: list[str], whole: str) -> None:
    assert joined(lines) == whole


def test_a_hyphen_that_the_document_writes_elsewhere_stays() -> None:
    assert joined(["a well-", "known fault"], frozenset({"well-known"})) == "a well-known fault"
    assert joined(["a well-", "known fault"]) == "a wellknown fault"


@pytest.mark.parametrize(
    ("read", "meant"), [("⻘⽯窑操作⼿册", "青石窑操作手册"), ("⻓度 14 ⽶", "长度 14 米"), ("⻛", "风")]
)
def test_radicals_that_a_font_names_are_the_ideographs_that_they_look_like(read: str, meant: str) -> None:
    assert mended(read) == meant


def test_what_names_no_character_is_marked_and_what_shows_none_goes() -> None:
    assert mended("d(cid:0)impresa \uf0e0 7\x7f\x7f") == f"d{UNKNOWN}impresa {UNKNOWN} 7"


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="-\u00ad\u2010", exclude_categories=["Z", "C"])))
)
def test_no_character_but_blanks_comes_or_goes(lines: list[str]) -> None:
    assert joined(lines).replace(" ", "") == "".join(lines)
