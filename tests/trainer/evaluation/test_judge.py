from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest

from tests.support.answered import answered
from wukong_trainer.evaluation.judge import both_orders, judged, summary
from wukong_trainer.evaluation.records import AnsweredRow, Judgement
from wukong_trainer.evaluation.sources import JudgeReply, NoSources


def row(number: int, base: float = 0.0, tuned: float = 0.0) -> AnsweredRow:
    return answered(
        {
            "level": "wording" if number % 2 else "section",
            "heading_path": [f"section {number % 10}"],
            "base": {"answer": f"base {number}", "fact_hit": base},
            "tuned": {"answer": f"tuned {number}", "fact_hit": tuned},
        }
    )


Judge = Callable[[str, str], Literal["A", "B", "tie"] | None]
"""Says A, B, tie or None of (A's answer, B's answer)."""


def judgements(rows: Sequence[AnsweredRow], better: Judge) -> list[AnsweredRow]:
    words = [better(one.a, one.b) for one in both_orders(rows, NoSources())]
    return judged(rows, [JudgeReply(word, "because") if word else None for word in words])


def summary_by(rows: Sequence[AnsweredRow], better: Judge) -> dict[str, Any]:
    return summary(judgements(rows, better))


def test_a_judge_that_always_prefers_the_first_answer_finds_only_ties_and_is_not_consistent() -> None:
    found = summary_by([row(i) for i in range(20)], lambda a, b: "A")
    assert (found["wins"], found["ties"], found["losses"]) == (0, 20, 0)
    assert found["consistency"] == 0.0
    assert found["win_rate"] == 0.5
    assert found["p"] == 1.0


@pytest.mark.parametrize(("side", "rate"), [("tuned", 1.0), ("base", 0.0)])
def test_a_judge_with_an_opinion_is_heard_whatever_the_order(side: str, rate: float) -> None:
    rows = [row(i, tuned=1.0) for i in range(20)]

    def better(a: str, b: str) -> Literal["A", "B"]:  # noqa: ARG001
        return "A" if a.startswith(side) else "B"

    found = summary_by(rows, better)
    assert found["win_rate"] == rate
    assert found["ci95"][0] > 0.5 if side == "tuned" else found["ci95"][1] < 0.5
    assert found["consistency"] == 1.0
    assert found["agreement"] == {"n": 20, "share": rate}
    assert found["p"] < 0.001
    for level in ("wording", "section"):
        of_it = found["levels"][level]
        assert (of_it["n"], of_it["wins"], of_it["win_rate"]) == (10, 10 * rate, rate)
        assert (of_it["consistency"], of_it["agreement"]) == (1.0, {"n": 10, "share": rate})
    assert [one.judgement.better for one in judgements(rows, better) if one.judgement] == [side] * 20


def test_the_rate_of_a_level_has_an_interval_that_takes_a_section_s_questions_as_alike() -> None:
    def of_level(sections: int) -> list[float]:
        rows = [
            replace(one, test=replace(one.test, cluster=f"section {i % sections}"))
            for i, one in enumerate(row(2 * i + 1) for i in range(20))
        ]
        # All questions of a section go the same way.
        won = {f"tuned {2 * i + 1}" for i in range(20) if i % sections % 2}
        found = summary_by(rows, lambda a, b: "A" if a in won or (a[:4] == "base" and b not in won) else "B")
        assert found["levels"]["wording"]["win_rate"] == 0.5
        low, high = found["levels"]["wording"]["ci95"]
        return [low, high]

    few, many = of_level(4), of_level(20)
    assert few[1] - few[0] > 1.5 * (many[1] - many[0])
    assert few[0] >= 0
    assert few[1] <= 1


def test_a_tie_in_one_order_is_a_tie() -> None:
    found = summary_by([row(1)], lambda a, b: "tie" if a.startswith("base") else "A")
    assert (found["ties"], found["consistency"]) == (1, 0.0)


def test_a_row_with_one_failed_call_is_unjudged_and_in_no_rate() -> None:
    rows = judgements(
        [row(i) for i in range(4)],
        lambda a, b: None if a == "base 0" else "A" if a.startswith("tuned") else "B",
    )
    found = summary(rows)
    assert (found["n"], found["unjudged"], found["wins"], found["win_rate"]) == (3, 1, 3, 1.0)
    assert rows[0].judgement == Judgement("unjudged")


def test_without_a_single_judgement_nothing_is_claimed() -> None:
    found = summary_by([row(1)], lambda a, b: None)
    assert (found["n"], found["unjudged"], found["consistency"]) == (0, 1, None)
    assert found["ci95"] == [0.0, 1.0]


def test_the_judge_reads_what_was_said_and_not_what_was_thought() -> None:
    one = row(1)
    thought = replace(one, tuned=replace(one.tuned, text="<think>42?</think>\n\n42"))
    comparisons = both_orders([thought], NoSources())
    assert {text for one in comparisons for text in (one.a, one.b)} == {"base 1", "42"}
