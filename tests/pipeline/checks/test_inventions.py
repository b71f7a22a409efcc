"""An answer's numbers and names that its source does not hold are found; what source or question says is not."""

from __future__ import annotations

import pytest

from wukong_pipe.checks.inventions import invented
from wukong_pipe.records import Lang

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
        ("Set HTTPX_NO_ENV, or `trust_env`.", "How?", "Set `trust_env` to `False`.", "en", ["HTTPX_NO_ENV"]),
        ("It rose on July 20, 1969.", "When?", SOURCE_EN, "en", ["1969-7-20"]),
    ],
)
def test_only_what_neither_source_nor_question_says_is_invented(
    answer: str, question: str, source: str, lang: Lang, expected: list[str]
) -> None:
    assert invented(answer, question, source, lang) == expected
