from __future__ import annotations

from typing import Any

from wukong_trainer.report.first_shown import first_shown


def row(base: float, tuned: float, form: str = "seen", **of_tuned: Any) -> dict[str, Any]:
    return {"form": form, "base": {"fact_hit": base}, "tuned": {"fact_hit": tuned, **of_tuned}}


def test_one_of_each_kind_is_shown_first_in_that_order() -> None:
    wrong = {"value": "wrong", "reason": "x"}
    rows = [
        row(0, 0, invented_terms=["Luna 9"]),
        row(1, 0),
        row(0, 1),
        row(1, 1, grade=wrong),
        row(0, 1, "unseen"),
        row(0, 1, "unseen"),
    ]
    assert first_shown(rows) == {3: "disagreement", 4: "gain", 1: "loss", 0: "invention"}
    assert list(first_shown(rows).values()) == ["disagreement", "gain", "loss", "invention"]


def test_a_kind_that_nothing_shows_is_left_out_and_no_question_stands_twice() -> None:
    assert first_shown([row(1, 1), row(0, 0)]) == {}
    assert first_shown([]) == {}
    without_facts: dict[str, Any] = {"form": "", "base": {"fact_hit": None}, "tuned": {"fact_hit": None}}
    without_facts["tuned"]["invented_terms"] = ["Luna 9"]
    assert first_shown([without_facts]) == {}
    assert first_shown([row(0, 1, invented_terms=["Luna 9"])]) == {0: "gain"}
