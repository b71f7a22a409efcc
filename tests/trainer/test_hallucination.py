from __future__ import annotations

from typing import Any

import pytest

from wukong_trainer.hallucination import invented, mark_invented


@pytest.mark.parametrize(
    ("answer", "question", "source", "lang", "terms"),
    [
        ("它重13斤，见《西游记》。", "它有多重？", "如意金箍棒重一万三千五百斤。", "zh", ["13", "西游记"]),
        ("重13500斤。", "它有多重？", "如意金箍棒重一万三千五百斤。", "zh", []),
        ("In 1969 Neil Armstrong flew Apollo 12.", "Who landed in 1969?", "Neil Armstrong, Apollo 11.", "en", ["12"]),
        ("It was Armstrong.", "Who?", "Neil Armstrong landed.", "en", []),
        ("不知道。", "谁？", "甲。", "zh", []),
    ],
)  # fmt: skip
def test_what_neither_question_nor_source_holds_is_invented(
    answer: str, question: str, source: str, lang: str, terms: list[str]
) -> None:
    assert sorted(invented(answer, question, source, lang)) == terms


def row(base: str, tuned: str, section: str = "one") -> dict[str, Any]:
    sides = {"base": {"answer": base}, "tuned": {"answer": tuned}}
    return {"instruction": "When?", "lang": "en", "source": "a.md", "heading_path": [section], **sides}


def test_rates_are_over_what_was_stated_and_over_answers_whose_section_is_known() -> None:
    rows = [row("In 1970 or 1971.", "In 1969."), row("In 1968.", "In 1969.", "two"), row("1", "2", "gone")]
    found = mark_invented(rows, lambda row: None if row["heading_path"] == ["gone"] else "It was in 1968 or 1969.")
    assert (found["n"], found["missing"]) == (2, 1)
    assert found["base"] == {"stated": 3, "invented": 2, "share": 2 / 3, "answers": 0.5}
    assert found["tuned"] == {"stated": 2, "invented": 0, "share": 0.0, "answers": 0.0}
    assert found["difference"] == -0.5
    assert rows[0]["base"]["invented_terms"] == ["1970", "1971"]
    assert [one["base"].get("invented") for one in rows] == [1.0, 0.0, None]
