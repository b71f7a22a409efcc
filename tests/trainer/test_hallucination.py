from __future__ import annotations

from typing import Any

from wukong_trainer.hallucination import mark_invented


def row(base: str, tuned: str, section: str = "one") -> dict[str, Any]:
    sides = {"base": {"answer": base}, "tuned": {"answer": tuned}}
    return {"instruction": "When?", "lang": "en", "source": "a.md", "heading_path": [section], **sides}


def years(answer: str, row: dict[str, Any]) -> tuple[list[str], int] | None:
    """Knows of the years 1968 and 1969, and of nothing where the source is gone."""
    if row["heading_path"] == ["gone"]:
        return None
    stated = [word.strip(".") for word in answer.split() if word[0].isdigit()]
    return [word for word in stated if word not in {"1968", "1969"}], len(stated)


def test_rates_are_over_what_was_stated_and_over_answers_whose_source_is_known() -> None:
    rows = [row("In 1970 or 1971.", "In 1969."), row("In 1968.", "In 1969.", "two"), row("1", "2", "gone")]
    found = mark_invented(rows, years)
    assert found is not None
    assert (found["n"], found["missing"]) == (2, 1)
    assert found["base"] == {"stated": 3, "invented": 2, "share": 2 / 3, "answers": 0.5}
    assert found["tuned"] == {"stated": 2, "invented": 0, "share": 0.0, "answers": 0.0}
    assert found["difference"] == -0.5
    assert rows[0]["base"]["invented_terms"] == ["1970", "1971"]
    assert [one["base"].get("invented") for one in rows] == [1.0, 0.0, None]


def test_what_was_thought_before_the_answer_is_not_stated() -> None:
    (asked,) = rows = [row("<think>1970?</think>In 1969.", "In 1969.")]
    assert mark_invented(rows, years)
    assert asked["base"]["invented_terms"] == []


def test_without_sources_nothing_is_said() -> None:
    assert mark_invented([row("In 1970.", "In 1969.", "gone")], years) is None
