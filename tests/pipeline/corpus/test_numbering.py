"""A section as a prompt shows it: every unit once, in order, under its number, in a mark that it does not hold."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.corpus.units import units
from wukong_pipe.records import Section


def of(text: str) -> Section:
    return Section("a.md", ("书", "武器"), 1, text)


def test_each_unit_has_a_number_and_a_table_row_its_heads() -> None:
    shown = numbered(of("出云棍很旧。它来自石敢当。\n\n| 武器   | 掉落者 |\n|:---|----|\n| 出云棍 |  石敢当   |\n"))
    assert shown.text.splitlines() == ["[1] 出云棍很旧。", "[2] 它来自石敢当。", "[3] 武器: 出云棍 | 掉落者: 石敢当"]
    assert [unit.kind for unit in shown.units] == ["sentence", "sentence", "row"]


def test_the_heading_above_the_section_has_no_number_for_a_prompt_shows_its_path() -> None:
    assert numbered(of("## 武器\n\n出云棍很旧。\n")).text == "[1] 出云棍很旧。"


def test_the_mark_is_one_that_the_section_does_not_hold() -> None:
    assert numbered(of("令 `a[0]` 为一。\n")).text == "[[1]] 令 `a[0]` 为一。"
    assert numbered(of("令 `a[[0]]` 为一。\n")).text == "[[[1]]] 令 `a[[0]]` 为一。"


@given(st.text(alphabet="甲乙[]12 .。\n|-#`*", max_size=200))
def test_every_unit_of_any_text_stands_once_under_a_number_that_nothing_else_has(text: str) -> None:
    section = of(text)
    shown = numbered(section)
    own = units(section)
    own = own[1:] if own and own[0].kind == "heading" else own
    assert shown.units == tuple(unit for unit in own if unit.shown)
    if shown.units:
        mark = re.match(r"\[+", shown.text)
        assert mark
        opening, closing = re.escape(mark.group()), "]" * len(mark.group())
        found = re.findall(rf"^{opening}(\d+){re.escape(closing)} ", shown.text, re.MULTILINE)
        assert [int(number) for number in found] == list(range(1, len(shown.units) + 1))
