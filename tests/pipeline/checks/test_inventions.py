"""An answer's numbers and names that its source does not hold are found; what source or question says is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from wukong_pipe.checks.inventions import invented, invented_in
from wukong_pipe.records import Lang
from wukong_pipe.workspace import Run, write_json

SOURCE_ZH = "# 黑神话：悟空\n\n第一回的妖王是**白衣秀士**，击败他需要三段棍势，可得 108 灵蕴。游戏于2024年8月20日发售。"
SOURCE_EN = "# Apollo\n\nThe Saturn V lifted off on July 16, 1969 with Neil Armstrong. It stood 110.6 m tall."


@pytest.mark.parametrize(
    ("answer", "question", "source", "lang", "expected"),
    [
        ("第一回的妖王是白衣秀士。", "第一回的妖王是谁？", SOURCE_ZH, "zh", []),
        ("可以得到一百零八灵蕴。", "能得多少？", SOURCE_ZH, "zh", []),
        ("可得 500 灵蕴。", "能得多少？", SOURCE_ZH, "zh", ["500"]),
        ("妖王是「黑熊精」。", "妖王是谁？", SOURCE_ZH, "zh", ["黑熊精"]),
        ("第一回的妖王是金池长老。", "第一回的妖王是谁？", SOURCE_ZH, "zh", ["金池"]),
        ("第一回的妖王是金池长老。", "金池长老是第一回的妖王吗？", SOURCE_ZH, "zh", []),
        ("2025年8月20日发售。", "何时发售？", SOURCE_ZH, "zh", ["2025-8-20"]),
        ("It was flown by Neil Armstrong.", "Who flew it?", SOURCE_EN, "en", []),
        ("It was flown by Yuri Gagarin.", "Who flew it?", SOURCE_EN, "en", ["Yuri", "Gagarin"]),
        ("It was 110.6 metres tall.", "How tall was it?", SOURCE_EN, "en", []),
        ("It was 110.6 miles tall.", "How tall was it?", SOURCE_EN, "en", ["110.6 mi"]),
        ("It rose on July 20, 1969.", "When?", SOURCE_EN, "en", ["1969-7-20"]),
    ],
)
def test_only_what_neither_source_nor_question_says_is_invented(
    answer: str, question: str, source: str, lang: Lang, expected: list[str]
) -> None:
    assert invented(answer, question, source, lang) == expected


def test_a_run_knows_where_its_sources_stand_and_says_nothing_of_those_that_are_gone(tmp_path: Path) -> None:
    run = Run(tmp_path / "apollo")
    row = {"source": "apollo.md", "heading_path": ["Apollo"], "instruction": "How tall was it?", "lang": "en"}
    assert invented_in(run, None)("It stood 110.6 m tall.", row) is None
    (tmp_path / "apollo.md").write_text(SOURCE_EN, encoding="utf-8")
    names = {"apollo.md": str(tmp_path / "apollo.md"), "gone.md": str(tmp_path / "gone.md")}
    write_json(run.folder / "build.json", {"sources": names})
    terms_of = invented_in(run, None)
    assert terms_of("It stood 110.6 m tall.", row) == ([], None, 1)
    assert terms_of("It stood 99 m tall.", row) == (["99 m"], None, 1)
    assert terms_of("It stood 99 m tall.", row | {"source": "gone.md"}) is None


def test_what_stands_in_the_source_and_not_in_the_section_is_told_apart(tmp_path: Path) -> None:
    run = Run(tmp_path / "apollo")
    (tmp_path / "apollo.md").write_text(f"{SOURCE_EN}\n\n## Mercury\n\nIt stood 29 m tall.", encoding="utf-8")
    write_json(run.folder / "build.json", {"sources": {"apollo.md": str(tmp_path / "apollo.md")}})
    row = {"source": "apollo.md", "heading_path": ["Apollo 11"], "instruction": "How tall was it?", "lang": "en"}
    terms_of = invented_in(run, lambda row: SOURCE_EN)
    assert terms_of("It stood 110.6 m tall.", row) == ([], [], 1)
    assert terms_of("It stood 29 m tall.", row) == ([], ["29 m"], 1)
    assert terms_of("It stood 30 m tall.", row) == (["30 m"], ["30 m"], 1)
    assert terms_of("Apollo 11 stood there.", row) == ([], [], 1), "the heading says so"
