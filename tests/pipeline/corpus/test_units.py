"""What a section says, piece by piece: each unit a verbatim slice, in order."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.support.markdown import markdown
from wukong_pipe.corpus.blocks import unmarked
from wukong_pipe.corpus.split import MAX_CHARS, split
from wukong_pipe.corpus.units import terms, units, why_not_asked, worth
from wukong_pipe.records import Section


def section(text: str) -> Section:
    return Section("a.md", ("游戏",), 1, text)


@given(markdown)
@settings(max_examples=300, deadline=None)
def test_the_units_of_any_text_are_its_own_slices_in_order(text: str) -> None:
    for part in split(text, "a.md"):
        found = units(part)
        assert all(unit.text == part.text[unit.start : unit.end] for unit in found)
        assert all(before.end <= after.start for before, after in pairwise(found))
        assert all(unit.start >= 0 and unit.text.strip() == unit.text != "" for unit in found)
        assert all(unit.shown for unit in found if unit.facts)
        assert (worth(part) == 0) == (why_not_asked(part) is not None)


def test_a_paragraph_says_its_sentences() -> None:
    _, *found = units(section("## 武器\n\n出云棍很长。它是**铁**做的！\n"))
    assert [(unit.kind, unit.text, unit.words) for unit in found] == [
        ("sentence", "出云棍很长。", "出云棍很长。"),
        ("sentence", "它是**铁**做的！", "它是铁做的！"),
    ]


def test_a_mark_in_code_ends_no_sentence() -> None:
    found = units(section("Replace the ``Aborted!`` message. Call `a. b` or `f(...)` again.\n"))
    assert [unit.words for unit in found] == ["Replace the Aborted! message.", "Call a. b or f(...) again."]


def test_a_list_item_of_two_sentences_stays_whole_and_gives_its_bold_name() -> None:
    short, plain, *long = units(section("- **土地庙**：可以休息。也可以传送。\n- 没有名字。\n- 一。二。三。\n"))
    assert (short.kind, short.lead, short.words) == ("item", "土地庙", "可以休息。也可以传送。")
    assert (plain.lead, plain.text) == ("", "没有名字。")
    assert [unit.text for unit in long] == ["一。", "二。", "三。"]


def test_a_bold_name_with_its_colon_inside_is_a_name_too() -> None:
    (unit,) = units(section("**Ranger 7:** a probe of 1964.\n"))
    assert (unit.lead, unit.words) == ("Ranger 7", "a probe of 1964.")


def test_a_heading_says_nothing_and_code_and_html_do() -> None:
    found = units(section("# 标题\n\n```\ncode。\n```\n\n<div>html。</div>\n\n    indented。\n\n---\n"))
    assert [(unit.kind, unit.words, unit.facts) for unit in found] == [
        ("heading", "标题", 0),
        ("code", "code。", 1),
        ("sentence", "html。", 1),
        ("code", "indented。", 1),
    ]


def test_a_sentence_that_only_announces_what_follows_is_worth_nothing() -> None:
    assert worth(section("下表列出武器。\n\n武器如下：\n\nThe following table lists them.\n")) == 0
    assert worth(section("出云棍很长。\n")) == 1


def test_a_rule_at_the_start_of_a_cut_section_hides_nothing() -> None:
    text = "# A\n\n" + "字" * (MAX_CHARS - 10) + "。\n\n---\n\n藏起来的句子。\n\n---\n\n最后一句。\n"
    said = [unit.text for part in split(text, "a.md") for unit in units(part) if unit.is_telling]
    assert said[1:] == ["藏起来的句子。", "最后一句。"]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [("**武器**\n", 0), ("**出云棍很长。**\n", 1), ("- **cURL**\n", 1), ("![图](a.png)\n*表 1：武器*\n", 0)],
)
def test_a_paragraph_that_only_names_what_follows_is_worth_nothing(text: str, pairs: int) -> None:
    assert worth(section(text)) == pairs


def test_the_terms_of_a_section_are_what_it_marks_as_names() -> None:
    text = "## 武器\n\n- **土地庙**：休息。\n\n| 武器 | 来源 |\n|---|---|\n| 出云棍 | 石敢当 |\n"
    assert terms(section(text)) == {"游戏", "土地庙", "出云棍"}


def test_unmarked_words_are_those_a_reader_sees() -> None:
    assert unmarked("a **b** `c` [d](e) ![f](g)") == "a b c d f"


def test_every_section_of_the_samples_that_holds_sentences_is_worth_asking(corpora: Path) -> None:
    for name in ("blackwukong.md", "apollo.md"):
        for part in split((corpora / name).read_text("utf-8"), name):
            body = "\n".join(line for line in part.text.split("\n") if not line.startswith("#"))
            assert (worth(part) > 0) == bool(body.strip()), part.title


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("## 标题\n", "only-heading"),
        ("标题\n===\n", "only-heading"),
        ("## 图\n\n![结构](a.png)\n", "only-image"),
        ("## API\n\n::: httpx.Client\n", "only-autodoc"),
        ("## 表\n\n下表列出武器。\n", "only-announcement"),
        ("---\ntitle: x\n---\n", "only-front-matter"),
        ("## 表\n\n<a name='x'></a>\n", "only-heading"),
        ("[a]: b\n\n---\n", "only-blank"),
    ],
)
def test_a_section_that_is_not_asked_says_why(text: str, code: str) -> None:
    reason = why_not_asked(section(text))
    assert reason is not None
    assert reason.code == code


def test_a_section_of_code_alone_is_asked() -> None:
    assert why_not_asked(section("## 安装\n\n```\npip install x\n```\n")) is None


def test_front_matter_is_no_unit() -> None:
    (unit,) = units(section("---\ntitle: 不问。\n---\n正文。\n"))
    assert unit.text == "正文。"
