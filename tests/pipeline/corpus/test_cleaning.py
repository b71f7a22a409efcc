"""What the teacher sees: debris is gone, words stay, and every character knows where it stood."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.support.markdown import markdown
from wukong_pipe.checks.evidence import find_evidence
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.records import Section


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("**游戏由游戏科学开发\\[36]**。", "**游戏由游戏科学开发**。"),
        ("由游戏科学开发\\[36]**。", "由游戏科学开发。"),
        ("见[1]、[2-3]和[4,5]。", "见、和。"),
        ("开发[12][13]者", "开发者"),
        ("发布<sup>[4]</sup>了", "发布了"),
        ("注释[^note]在此", "注释在此"),
        ("【12】引文", "引文"),
        ('[游戏科学](https://example.org/a_(b) "标题")制作', "游戏科学制作"),
        ("[游戏科学[3]](x)制作", "游戏科学制作"),
        ("看[图][ref]吧", "看图吧"),
        ("用[`Client`](../api.md)和[`a[0]` 的值](x)", "用`Client`和`a[0]` 的值"),
        ("见{meth}`Command.main`和 {ref}`x`", "见`Command.main`和 `x`"),
        ("按<kbd>Ctrl</kbd>键，<code>a</code>", "按Ctrl键，a"),
        ("![封面](cover.png)正文", "封面正文"),
        ("![](cover.png)正文", "正文"),
        ("网址<https://example.org>在此", "网址在此"),
        ("一<br/>二<br>三", "一 二 三"),
        ("H<sub>2</sub>O &amp; CO&nbsp;x", "H2O & CO\xa0x"),
        ("前<!-- 注\n释 -->后", "前后"),
        ("零\u200b宽", "零宽"),
    ],
)
def test_debris_is_gone(source: str, shown: str) -> None:
    assert clean(source).text == shown


@pytest.mark.parametrize(
    "source",
    [
        "数组 a[0](x) 与 [1]: http://x 定义",
        "`code [1] <b>` 不动",
        "```\n[1] <b>&amp;\n```\n",
        "1 < 2 且 3 > 2，2 ** 3",
        "**粗体**与 __粗体__ 和 *斜体*",
        "| 名 | 值 |\n|---|---|\n| a | [未知] |",
        "年份[2024年]和[注]保留",
        "`[a](b)` 与 `{ref}` 和 {name}`x`",
        "第[1234]页",
    ],
)
def test_what_only_looks_like_debris_stays(source: str) -> None:
    text = clean(source).text
    assert text.replace("**", "") == source.replace("**", "") or text == source.replace("[0](x)", "0")


@pytest.mark.parametrize("piece", ['[a](b "', "<!-- a ", "[a](b 'c\\n", "``a`", "![a](b ("])
def test_debris_that_never_ends_is_read_once(piece: str) -> None:
    text = piece * (300_000 // len(piece))  # To look for its end from each beginning would last for minutes.
    assert len(clean(text).text) > 30_000


def test_a_comment_ends_where_another_begins_that_is_closed() -> None:
    assert clean("a <!-- b <!-- c --> d").text == "a <!-- b  d"


@given(markdown)
@settings(max_examples=300, deadline=None)
def test_every_character_knows_where_it_stood(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned.text) == len(cleaned.offsets)
    assert list(cleaned.offsets) == sorted(cleaned.offsets)
    for char, at in zip(cleaned.text, cleaned.offsets, strict=True):
        assert text[at] in {char, "&", "<"}


def test_evidence_as_the_teacher_saw_it_is_written_back_as_the_source_has_it() -> None:
    text = "# 游戏\n\n《黑神话：悟空》由[游戏科学](https://example.org)开发\\[36]，于2024年8月20日发售[1]。另一句。\n"
    section = Section("a.md", ("游戏",), 1, text)
    shown = "《黑神话：悟空》由游戏科学开发，于2024年8月20日发售。"
    assert shown in clean(text).text
    span = find_evidence(shown, section)
    assert span
    assert text[slice(*span)] == "《黑神话：悟空》由[游戏科学](https://example.org)开发\\[36]，于2024年8月20日发售[1]。"
    assert section.lines_of(*span) == (3, 3)
