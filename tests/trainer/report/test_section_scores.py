"""The sections that a model answers worst stand first, and rows that name no section are left out."""

from __future__ import annotations

from typing import Any

from wukong_trainer.report.section_scores import WORST, section_scores
from wukong_trainer.report.words import WORDS


def row(section: str, tuned: float | None, level: str = "wording") -> dict[str, Any]:
    place = {"source": "a.md", "heading_path": [section] if section else []}
    return {"level": level, **place, "base": {"fact_hit": tuned and 0.0}, "tuned": {"fact_hit": tuned}}


def test_the_worst_section_stands_first_and_of_equals_the_one_with_more_questions() -> None:
    rows = [row("half", 1.0), row("half", 0.0), row("all", 1.0), row("none", 0.0)]
    rows += [row("more", 0.0), row("more", 0.0), row("other", 1.0, "question"), row("no facts", None), row("", 0.0)]
    found = section_scores(rows, "wording", WORDS["en"])
    assert found is not None
    assert found.table.lines == [
        ("a.md › more", ["2", "0\u00a0%", "0\u00a0%"]),
        ("a.md › none", ["1", "0\u00a0%", "0\u00a0%"]),
        ("a.md › half", ["2", "0\u00a0%", "50\u00a0%"]),
        ("a.md › all", ["1", "0\u00a0%", "100\u00a0%"]),
    ]
    assert found.sentences == ["Right answers of the level “new wording”: the worst 4 of 4 sections, the worst first."]


def test_of_many_sections_the_worst_are_shown_and_of_one_none() -> None:
    found = section_scores([row(str(i), 0.0) for i in range(20)], "wording", WORDS["zh"])
    assert found is not None
    assert len(found.table.lines) == WORST
    assert "20 个章节中最差的 12 个" in found.sentences[0]
    assert section_scores([row("one", 0.0)], "wording", WORDS["en"]) is None
