"""What a person reads: each answer once, without its side, in an order of which any beginning is a sample."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.answered import answer_row
from wukong_pipe.errors import DataError
from wukong_pipe.files import jsonl, write_text
from wukong_trainer.evaluation.answers_to_read import AnswerToRead, answers_of, answers_to_read, reading_order
from wukong_trainer.evaluation.metrics import LEVELS


def rows(counts: dict[str, int], same: frozenset[int] = frozenset(), wordings: int = 1) -> list[dict[str, Any]]:
    """So many questions of each level; to the questions of some numbers both models answer alike."""
    return [
        {
            "id": f"{level} {number}",
            "pair_id": f"{level}{number // wordings}",
            "level": level,
            "instruction": f"How many has {level} {number}?",
            "reference": "Seven.",
            "base": {"answer": "None.", "fact_hit": 0.0},
            "tuned": {"answer": "None." if number in same else "Seven.", "fact_hit": 1.0},
        }
        for level, count in counts.items()
        for number in range(count)
    ]


def test_an_answer_of_both_models_is_read_once_and_knows_both() -> None:
    (answer,) = answers_of(rows({"wording": 1}, same=frozenset({0})))
    assert answer.sides == ("base", "tuned")
    base, tuned = answers_of(rows({"wording": 1}))
    assert (base.sides, tuned.sides, tuned.text) == (("base",), ("tuned",), "Seven.")
    assert base.hash != tuned.hash


def test_a_thought_is_no_part_of_what_is_read() -> None:
    row = answer_row("wording", 1, "en", "<think>Seven?</think>Eight.", "Eight.")
    (answer,) = answers_of([row])
    assert (answer.text, answer.sides) == ("Eight.", ("base", "tuned"))


def test_score_and_judge_come_along_where_they_are_about_the_answer() -> None:
    row = answer_row("wording", 1, "en", "No.", "REFERENCE")
    row["tuned"]["grade"] = {"value": "partly", "reason": ""}
    row["base"]["grade"] = {"value": "ungraded", "reason": ""}
    assert [(answer.hit, answer.judged) for answer in answers_of([row])] == [(False, ""), (True, "partly")]
    explained = answers_of([row | {"scored_as": "explained"}])
    assert [answer.hit for answer in explained] == [None, None], "an explanation is not scored by hits"


@given(
    counts=st.fixed_dictionaries({level: st.integers(0, 30) for level in LEVELS}),
    same=st.frozensets(st.integers(0, 30)),
    wordings=st.integers(1, 5),
)
def test_every_answer_is_read_once_and_the_two_of_a_question_never_one_after_the_other(
    counts: dict[str, int], same: frozenset[int], wordings: int
) -> None:
    answers = answers_of(rows(counts, same, wordings))
    ordered = reading_order(answers)
    assert sorted(answer.hash for answer in ordered) == sorted(answer.hash for answer in answers)
    if sum(counts.values()) > 1:
        assert all(one.question_id != other.question_id for one, other in pairwise(ordered))


def test_any_beginning_holds_each_level_alike_until_one_is_used_up() -> None:
    ordered = reading_order(answers_of(rows({"wording": 200, "question": 10, "section": 60})))
    for read in (12, 24, 48):
        counts = Counter(answer.level for answer in ordered[:read])
        assert max(counts.values()) - min(counts.values()) <= 2
    late = Counter(answer.level for answer in ordered[100:180])
    assert "question" not in late
    assert abs(late["wording"] - late["section"]) <= 2


def test_one_wording_of_each_pair_is_read_before_a_second_one_of_any() -> None:
    ordered = reading_order(answers_of(rows({"wording": 200}, wordings=10)))
    first = {answer.question_id: answer.pair_id for answer in ordered[:40]}
    assert sorted(first.values()) == sorted(f"wording{number}" for number in range(20))


def test_both_sides_come_alike_and_the_first_answer_of_a_question_is_of_either() -> None:
    ordered = reading_order(answers_of(rows({"wording": 300})))
    seen: dict[str, AnswerToRead] = {}
    for answer in ordered:
        seen.setdefault(answer.question_id, answer)
    first = Counter(answer.sides[0] for answer in seen.values())
    assert 120 <= first["base"] <= 180
    assert all(abs(Counter(a.sides[0] for a in ordered[:n])["base"] - n / 2) < n / 5 for n in (40, 80, 120))


def test_the_order_follows_from_the_answers_alone(tmp_path: Path) -> None:
    given_rows = rows({"wording": 40, "section": 9})
    write_text(tmp_path / "a.jsonl", jsonl(given_rows))
    write_text(tmp_path / "b.jsonl", jsonl(given_rows[::-1]))
    one, other = (reading_order(answers_to_read(tmp_path / name)) for name in ("a.jsonl", "b.jsonl"))
    assert [answer.hash for answer in one if answer.level == "section"] == [
        answer.hash for answer in other if answer.level == "section"
    ]


@pytest.mark.parametrize("key", ["id", "level", "instruction", "reference", "base"])
def test_a_row_that_is_no_answered_question_is_named(tmp_path: Path, key: str) -> None:
    good, bad = rows({"wording": 2})
    del bad[key]
    write_text(tmp_path / "answers.jsonl", json.dumps(good) + "\n" + json.dumps(bad) + "\n")
    with pytest.raises(DataError, match=r"answers\.jsonl, line 2 is no answered question.*eval` again"):
        answers_to_read(tmp_path / "answers.jsonl")
