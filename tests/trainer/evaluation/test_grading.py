"""Grades of single answers: the judge cannot see which model answered, and no row with a failed call is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.support.answered import answered
from wukong_trainer.evaluation.grading import grade_rates, graded, graded_metrics, submissions
from wukong_trainer.evaluation.records import AnsweredRow, Grade
from wukong_trainer.evaluation.sources import NoSources, Submission
from wukong_trainer.scoring.scores import PRIMARY


def row(number: int, base: float = 0.0, tuned: float = 0.0, level: str = "wording") -> AnsweredRow:
    return answered(
        {
            "level": level,
            "heading_path": [f"section {number % 10}"],
            "base": {"answer": f"base {number}", PRIMARY: base},
            "tuned": {"answer": f"tuned {number}", PRIMARY: tuned},
        }
    )


def by_rule(rows: Sequence[AnsweredRow], rule: Callable[[str], Any]) -> list[AnsweredRow]:
    """The rows graded by a rule from an answer to "right", "partly", "wrong" or "ungraded"."""
    return graded(rows, [Grade(rule(one.answer), "because") for one in submissions(rows, NoSources())])


def rates(rows: Sequence[AnsweredRow], rule: Callable[[str], Any]) -> dict[str, Any]:
    return grade_rates(by_rule(rows, rule))


def test_the_judge_reads_one_answer_with_question_reference_and_source_and_nothing_of_the_model() -> None:
    class Book(NoSources):
        def section(self, row: object) -> str:  # noqa: ARG002
            return "He was a smith."

    one = row(1)
    thinking = replace(one, tuned=replace(one.tuned, text="<think>A smith?</think>\n\nThe smith."))
    about = ("en", "Who?", "He.", "He was a smith.")
    assert submissions([thinking], Book()) == [Submission(*about, "base 1"), Submission(*about, "The smith.")]


def test_equal_answers_of_both_models_are_one_submission() -> None:
    one = row(1)
    base, tuned = submissions([replace(one, tuned=one.base)], NoSources())
    assert base == tuned


def test_a_difference_that_the_errors_of_the_score_may_explain_is_no_evidence() -> None:
    """The tuned model's answers hit because of their form: judged by their content both are right as often."""
    rows = [row(number, base=0.0, tuned=1.0) for number in range(40)]
    metrics = {"primary": {"verdict": "better", "n": 40}, "levels": {"wording": {"verdict": "better"}, "section": {}}}
    alike = by_rule(rows, lambda answer: "right" if int(answer.split()[1]) % 2 else "wrong")
    found = graded_metrics(alike, metrics, "m")
    assert found["corrected"]["excludes_zero"] is False
    assert found["primary"] == {"verdict": "no evidence", "n": 40}
    assert found["levels"] == {"wording": {"verdict": "no evidence"}, "section": {}}


def test_a_difference_that_the_judge_sees_too_keeps_its_verdict() -> None:
    rows = [row(number, base=0.0, tuned=1.0) for number in range(40)]
    metrics = {"primary": {"verdict": "better"}, "levels": {"wording": {"verdict": "better"}}}
    found = graded_metrics(by_rule(rows, lambda answer: "right" if "tuned" in answer else "wrong"), metrics, "m")
    assert found.keys() == {"grades", "corrected"}
    assert (found["grades"]["judge"], found["corrected"]["difference"]) == ("m", 1.0)


def test_without_grades_of_primary_questions_nothing_is_corrected() -> None:
    rows = [row(number, level="section") for number in range(9)]
    graded_rows = by_rule(rows, lambda _: "right")
    assert graded_metrics(graded_rows, {"primary": {"verdict": "better"}}, "m").keys() == {"grades"}


def test_each_side_gets_its_grade_and_answers_jsonl_shows_it() -> None:
    (one,) = by_rule([row(3)], lambda answer: "right" if "tuned" in answer else "partly")
    assert (one.base.grade, one.tuned.grade) == (Grade("partly", "because"), Grade("right", "because"))
    assert one.to_json()["tuned"]["grade"] == {"value": "right", "reason": "because"}
    assert "grade" not in row(3).to_json()["tuned"]


def test_shares_difference_and_verdict_are_those_of_right_answers() -> None:
    found = rates([row(i) for i in range(20)], lambda answer: "right" if "tuned" in answer else "partly")
    wording = found["levels"]["wording"]
    assert wording["base"] == {"right": 0.0, "partly": 1.0, "wrong": 0.0}
    assert wording["tuned"] == {"right": 1.0, "partly": 0.0, "wrong": 0.0}
    assert (wording["n"], wording["sections"], wording["difference"], wording["verdict"]) == (20, 10, 1.0, "better")
    assert 0 < wording["ci95"][0] < wording["ci95"][1] <= 1


@pytest.mark.parametrize(("sections", "verdict"), [(4, "too few sections"), (20, "better")])
def test_the_questions_of_a_section_are_taken_as_alike(sections: int, verdict: str) -> None:
    rows = [row(i) for i in range(20)]
    rows = [replace(one, test=replace(one.test, cluster=f"section {i % sections}")) for i, one in enumerate(rows)]
    found = rates(rows, lambda answer: "right" if "tuned" in answer else "wrong")
    assert found["levels"]["wording"]["verdict"] == verdict


def test_levels_stand_apart_and_are_not_summed_up() -> None:
    rows = [row(i, level="section" if i % 2 else "wording") for i in range(20)]
    found = rates(rows, lambda answer: "right" if "tuned" in answer and int(answer.split()[1]) % 2 == 0 else "wrong")
    assert [found["levels"][level]["tuned"]["right"] for level in ("wording", "section")] == [1.0, 0.0]
    assert found["n"] == 20
    assert "difference" not in found


def test_agreement_with_the_score_is_of_each_side_alone() -> None:
    # The score misses every right answer of the base, and agrees with the judge on the tuned answers.
    rows = [row(i, base=0.0, tuned=float(i % 2)) for i in range(10)]
    found = rates(rows, lambda answer: "right" if int(answer.split()[1]) % 2 else "wrong")
    agreement = found["levels"]["wording"]["agreement"]
    assert agreement["base"] == {"kappa": 0.0, "right_missed": 5, "others_hit": 0}
    assert agreement["tuned"] == {"kappa": 1.0, "right_missed": 0, "others_hit": 0}
    assert found["disagreements"] == 5


def test_a_hit_that_is_only_partly_right_is_a_disagreement() -> None:
    found = rates([row(1, tuned=1.0)], lambda answer: "partly")
    assert found["levels"]["wording"]["agreement"]["tuned"]["others_hit"] == 1
    assert found["disagreements"] == 1


def test_a_row_with_one_failed_call_is_counted_and_stands_in_no_share() -> None:
    rows = [row(i, tuned=1.0) for i in range(4)]
    found = rates(rows, lambda answer: "ungraded" if answer == "base 0" else "wrong")
    assert (found["n"], found["ungraded"]) == (3, 1)
    assert found["disagreements"] == 4, "its other answer is graded, and the report shows it among the first"
    assert found["levels"]["wording"]["n"] == 3


def test_without_a_single_grade_nothing_is_claimed() -> None:
    assert rates([row(1)], lambda answer: "ungraded") == {"n": 0, "ungraded": 1, "disagreements": 0, "levels": {}}
