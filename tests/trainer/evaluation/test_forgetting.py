from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.answered import scored
from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.normal_form import normalise
from wukong_trainer.evaluation.forgetting import GeneralQuestion, forgetting, general_questions
from wukong_trainer.evaluation.records import ScoredAnswer
from wukong_trainer.scoring.facts import is_hit

ALL = general_questions()
BY_TEXT = {"zh": "答案是{}。", "en": "The answer is {}."}
SUMS: dict[str, Callable[[int, int], float]] = {
    r"(\d+)加(\d+)等于": lambda a, b: a + b,
    r"(\d+)减(\d+)等于": lambda a, b: a - b,
    r"(\d+)乘以(\d+)等于": lambda a, b: a * b,
    r"(\d+)除以(\d+)等于": lambda a, b: a / b,
    r"What is (\d+) plus (\d+)": lambda a, b: a + b,
    r"What is (\d+) minus (\d+)": lambda a, b: a - b,
    r"What is (\d+) times (\d+)": lambda a, b: a * b,
    r"What is (\d+) divided by (\d+)": lambda a, b: a / b,
}


def test_there_are_a_hundred_questions_in_each_language_over_six_topics_none_twice() -> None:
    assert all(count >= 100 for count in Counter(row.lang for row in ALL).values())
    for lang in ("zh", "en"):
        assert len({row.topic for row in ALL if row.lang == lang}) == 6
    assert len({normalise(row.example.question) for row in ALL}) == len(ALL)
    assert all(is_chinese(row.example.question) == (row.lang == "zh") for row in ALL)


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.example.question)
def test_every_accepted_answer_is_a_hit_and_repeating_the_question_is_none(row: GeneralQuestion) -> None:
    for answer in row.accepted:
        for said in (answer, BY_TEXT[row.lang].format(answer)):
            assert is_hit(said, row.wanted)
    assert not is_hit(row.example.question, row.wanted)


def test_the_sums_are_right() -> None:
    checked = 0
    for row in ALL:
        for pattern, result in SUMS.items():
            if (match := re.match(pattern, row.example.question)) and "再" not in row.example.question:
                assert result(*map(int, match.groups())) == int(row.example.output), row
                checked += 1
    assert checked >= 9


@pytest.mark.parametrize("most", [0, 1, 40, 10**6])
def test_a_part_of_them_is_spread_over_languages_and_topics(most: int) -> None:
    part = general_questions(most)
    assert len(part) == min(most, len(ALL))
    if most == 40:
        assert Counter(row.lang for row in part) == {"zh": 20, "en": 20}
        assert len({row.topic for row in part}) == 12


def answers(hits: list[int], loglik: float | None) -> list[ScoredAnswer]:
    return [scored({"fact_hit": float(hit), "loglik": loglik}) for hit in hits]


@pytest.mark.parametrize(
    ("base", "tuned", "says"),
    [
        ([1] * 80 + [0] * 20, [1] * 50 + [0] * 50, "Tuning cost general knowledge: right answers fell"),
        ([1] * 80 + [0] * 20, [1] * 79 + [0] * 21, "No loss of general knowledge is shown"),
        ([1] * 50 + [0] * 50, [1] * 80 + [0] * 20, "Right answers to general questions rose"),
        ([0] * 100, [0] * 99 + [1], "The base knows almost none"),
    ],
)
def test_the_explanation_follows_the_interval(base: list[int], tuned: list[int], says: str) -> None:
    found = forgetting(ALL[:100], answers(base, -1.5), answers(tuned, -1.0))
    assert found["explanation"].startswith(says)
    assert found["n"] == 100
    assert found["difference"] == pytest.approx((sum(tuned) - sum(base)) / 100)
    assert found["ci95"][0] <= found["difference"] <= found["ci95"][1]
    assert found["loglik"]["difference"] == pytest.approx(0.5)
    assert "not asked" not in found["explanation"]


def test_where_right_answers_rose_a_fall_of_the_likelihood_is_a_matter_of_form() -> None:
    found = forgetting(ALL[:100], answers([1] * 50 + [0] * 50, -1.0), answers([1] * 80 + [0] * 20, -1.5))
    assert found["explanation"].startswith("Right answers to general questions rose")


@pytest.mark.parametrize("hits", [[1] * 80 + [0] * 20, [0] * 100])
def test_a_clear_fall_of_the_likelihood_is_a_loss_whatever_the_right_answers_show(hits: list[int]) -> None:
    found = forgetting(ALL[:100], answers(hits, -1.0), answers(hits, -1.5))
    assert found["explanation"].startswith("Tuning cost general knowledge: the answers became clearly less likely")


def test_a_likelihood_that_is_no_number_is_left_out_and_a_handful_of_questions_gets_no_verdict() -> None:
    base, tuned = answers([1] * 7, -1.0), answers([0] * 7, -2.0)
    found = forgetting(ALL[:7], base, [*answers([0], None), *tuned[1:]])
    assert found["explanation"].startswith("Too few general questions")
    assert (found["loglik"]["n"], found["loglik"]["difference"]) == (6, -1.0)
    nothing = answers([0] * 7, None)
    assert "log-likelihood is no number" in forgetting(ALL[:7], base, nothing)["explanation"]
    one = forgetting(ALL[:1], base[:1], answers([0], -2.0))
    assert one["loglik"]["ci95"] is None, "JSON has no infinity"
