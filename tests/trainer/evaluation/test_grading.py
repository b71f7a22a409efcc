"""Grades of single answers: the judge cannot see which model answered, and no row with a failed call is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.support.answered import answered
from wukong_trainer.evaluation.grading import grade_rates, graded, graded_metrics, known_grades, submissions
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.records import AnsweredRow, Grade
from wukong_trainer.evaluation.sources import NoSources, Submission
from wukong_trainer.scoring.score_names import PRIMARY


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


def proven(verdict: str) -> dict[str, Any]:
    """Metrics in which the score alone finds a verdict at every level."""
    return {"primary": {"verdict": verdict, "n": 40}, "levels": {name: {"verdict": verdict} for name in LEVELS}}


def every_level(base: float, tuned: float) -> list[AnsweredRow]:
    return [row(number, base, tuned, level) for level in LEVELS for number in range(40)]


def test_a_verdict_of_the_score_that_the_grades_do_not_bear_out_is_no_evidence() -> None:
    """The tuned model's answers hit because of their form: judged by their content both are right as often."""
    alike = by_rule(every_level(0.0, 1.0), lambda answer: "right" if int(answer.split()[1]) % 2 else "wrong")
    found = graded_metrics(alike, proven("better"), "m")
    fallen = {"verdict": "no evidence", "by_score": "better"}
    assert found["primary"] == {"n": 40} | fallen
    assert found["levels"] == {"wording": fallen, "question": fallen, "section": {"verdict": "better"}}, (
        "a rise of the control is a warning, and stays one"
    )


@pytest.mark.parametrize(("by_score", "right"), [("better", "base"), ("worse", "tuned")])
def test_grades_that_prove_the_opposite_are_no_evidence_either(by_score: str, right: str) -> None:
    rows = every_level(*((0.0, 1.0) if by_score == "better" else (1.0, 0.0)))
    found = graded_metrics(by_rule(rows, lambda answer: "right" if right in answer else "wrong"), proven(by_score), "m")
    assert found["grades"]["levels"]["wording"]["of_score"]["verdict"] == ("worse" if right == "base" else "better")
    assert found["primary"]["verdict"] == "no evidence"


@pytest.mark.parametrize("verdict", ["better", "worse"])
def test_a_difference_that_the_judge_sees_too_keeps_its_verdict(verdict: str) -> None:
    winner = "tuned" if verdict == "better" else "base"
    rows = every_level(*((0.0, 1.0) if verdict == "better" else (1.0, 0.0)))
    found = graded_metrics(by_rule(rows, lambda answer: "right" if winner in answer else "wrong"), proven(verdict), "m")
    assert found.keys() == {"grades"}
    assert abs(found["grades"]["levels"]["wording"]["of_score"]["difference"]) == 1.0


def test_three_right_answers_more_in_eight_sections_prove_nothing() -> None:
    rows = [row(number, 0.0, 1.0) for number in range(8)]
    graded_rows = by_rule(rows, lambda answer: "right" if answer in ("tuned 0", "tuned 1", "tuned 2") else "wrong")
    assert graded_metrics(graded_rows, proven("better"), "m")["primary"]["verdict"] == "no evidence"


def test_one_right_answer_that_the_score_missed_does_not_hide_a_gain() -> None:
    rows = [row(number, 0.0, 1.0) for number in range(40)]
    graded_rows = by_rule(rows, lambda answer: "right" if "tuned" in answer or answer == "base 3" else "wrong")
    found = graded_metrics(graded_rows, proven("better"), "m")
    assert found.keys() == {"grades"}
    assert found["grades"]["levels"]["wording"]["of_score"]["base"]["sensitivity"][:2] == [0, 1]


def test_without_grades_of_primary_questions_no_verdict_falls() -> None:
    rows = [row(number, level="section") for number in range(9)]
    assert graded_metrics(by_rule(rows, lambda _: "right"), proven("better"), "m").keys() == {"grades"}


def test_grades_of_the_very_same_answers_are_known_again_and_a_part_of_them_does_not_do() -> None:
    rows = by_rule([row(i) for i in range(3)], lambda answer: "right" if "tuned" in answer else "wrong")
    written = [one.to_json() for one in rows]
    fresh = [row(i) for i in range(3)]
    grades = known_grades(fresh, written)
    assert grades is not None
    assert graded(fresh, grades) == rows
    changed = replace(fresh[0], tuned=replace(fresh[0].tuned, text="another answer"))
    assert known_grades([changed, *fresh[1:]], written) is None
    assert known_grades(fresh, [row(i).to_json() for i in range(3)]) is None
    corrected = replace(fresh[0].test, example=replace(fresh[0].test.example, output="She."))
    assert known_grades([replace(fresh[0], test=corrected), *fresh[1:]], written) is None, "against another reference"
    failed = [one.to_json() for one in by_rule(fresh, lambda _: "ungraded")]
    assert known_grades(fresh, failed) is None


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
    of_score = found["levels"]["wording"]["of_score"]
    assert (of_score["base"]["kappa"], of_score["tuned"]["kappa"]) == (0.0, 1.0)
    assert [of_score["base"][rate][:2] for rate in ("sensitivity", "specificity")] == [[0, 5], [5, 5]]
    assert [of_score["tuned"][rate][:2] for rate in ("sensitivity", "specificity")] == [[5, 5], [5, 5]]
    assert found["disagreements"] == 5


def test_a_hit_that_is_only_partly_right_is_a_disagreement() -> None:
    found = rates([row(1, tuned=1.0)], lambda answer: "partly")
    assert found["levels"]["wording"]["of_score"]["tuned"]["specificity"][:2] == [0, 1]
    assert found["disagreements"] == 1


def test_an_explanation_is_scored_by_its_mean_and_disagrees_with_no_grade() -> None:
    many = tuple((f"fact {i}",) for i in range(5))
    explained = replace(row(1), test=replace(row(1).test, facts=many))
    found = rates([explained], lambda _: "right")
    assert (found["disagreements"], found["levels"]["wording"]["of_score"]) == (0, None)


def test_a_row_with_one_failed_call_is_counted_and_stands_in_no_share() -> None:
    rows = [row(i, tuned=1.0) for i in range(4)]
    found = rates(rows, lambda answer: "ungraded" if answer == "base 0" else "wrong")
    assert (found["n"], found["ungraded"]) == (3, 1)
    assert found["disagreements"] == 4, "its other answer is graded, and the report shows it among the first"
    assert found["levels"]["wording"]["n"] == 3


def test_without_a_single_grade_nothing_is_claimed() -> None:
    assert rates([row(1)], lambda answer: "ungraded") == {"n": 0, "ungraded": 1, "disagreements": 0, "levels": {}}
