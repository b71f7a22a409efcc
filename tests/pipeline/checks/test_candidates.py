"""An item of a reply becomes a candidate, or has the reason why not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.checking import ZH
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.question_form import MAX_ANSWER, MAX_QUESTION


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"question": "谁？", "answer": "谁"}, "“evidence” is missing"),
        ({"question": "谁？", "answer": "", "evidence": ["x"]}, "“answer” breaks minLength 1"),
        ({"question": 3, "answer": "x", "evidence": ["x"]}, "“question” is not of type string"),
        ({"question": "谁？", "answer": "x", "evidence": [2.5]}, "“evidence[0]” is not of type ['integer', 'string']"),
        ("谁？", "the item is not of type object"),
    ],
)
def test_an_item_of_another_form_is_told_in_a_few_words(item: Any, problem: str) -> None:
    assert str(read_pair(item, ZH)) == f"schema: {problem}"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (
            {"question": "谁" * 10**6, "answer": "x", "evidence": ["y"]},
            f"question longer than {MAX_QUESTION} characters",
        ),
        ({"question": "谁？", "answer": "x" * 10**6, "evidence": ["y"]}, f"answer longer than {MAX_ANSWER} characters"),
        ({"question": "谁？", "answer": "x", "evidence": ["石敢当"] * 101}, "more than 100 pieces of evidence"),
        (
            {"question": "谁？", "answer": "x", "evidence": ['[a](b "' * 10**5]},
            "evidence is not in the section: “" + ('[a](b "' * 10)[:60] + "”",
        ),
    ],
)
def test_an_item_of_any_size_is_rejected_before_it_is_looked_at(item: Any, reason: str) -> None:
    assert str(read_pair(item, ZH)) == reason


def test_a_pair_is_not_lost_over_its_kind_or_a_field_too_many() -> None:
    item = {"question": " 谁？ ", "answer": " 石敢当\n", "evidence": ["可以传送。"], "level": 3}
    candidate = read_pair(item, ZH)
    assert isinstance(candidate, Candidate)
    assert (candidate.question, candidate.answer, candidate.kind) == ("谁？", "石敢当", "base")
