"""What a person's grades say of judge and score, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from wukong_trainer.evaluation.answers_to_read import answers_of
from wukong_trainer.evaluation.person_agreement import PersonGrades, Share, person_grades
from wukong_trainer.evaluation.person_grades import PersonGrade, answer_hash

R, P, W = "right", "partly", "wrong"
Given = tuple[str, str, float, str]
"""Of an answer: its side, the person's grade, the score, and the judge's grade or ""."""


def answers(number: int, base: str, tuned: str, level: str = "wording", **fields: Any) -> dict[str, Any]:
    """A row with two answers that are called so."""
    row = {"id": f"{level}{number}", "level": level, "instruction": f"Who is {number}?", "reference": "He."}
    sides = {side: {"answer": text, "fact_hit": 0.0} for side, text in (("base", base), ("tuned", tuned))}
    return row | {"pair_id": f"p{number}", "cluster": f"section {number % 10}"} | sides | fields


def graded(given: Sequence[Given]) -> PersonGrades:
    """What is said of a question for each of these answers."""
    rows, grades = [], dict[str, PersonGrade]()
    for number, (side, by_person, hit, judged) in enumerate(given):
        row = answers(number, f"base {number}", f"tuned {number}")
        row[side]["fact_hit"] = hit
        row[side] |= {"grade": {"value": judged, "reason": ""}} if judged else {}
        rows.append(row)
        grades |= of(row, **{side: by_person})
    found = person_grades(answers_of(rows), grades)
    assert found
    return found


def of(row: Mapping[str, Any], **by_side: Any) -> dict[str, PersonGrade]:
    """A person's grades of the answers in a row."""
    return {
        answer_hash(row["instruction"], row["reference"], row[side]["answer"]): grade for side, grade in by_side.items()
    }


def test_the_errors_of_the_score_are_counted_on_each_side() -> None:
    tuned = (
        [("tuned", R, 1.0, "")] * 8 + [("tuned", R, 0.0, "")] * 2 + [("tuned", P, 1.0, "")] + [("tuned", W, 0.0, "")]
    )
    found = graded([*tuned, *[("base", W, 0.0, "")] * 3])
    rates = found.levels["wording"]["tuned"]
    assert (rates.right, rates.partly, rates.wrong) == (10, 1, 1)
    assert (rates.sensitivity.found, rates.sensitivity.of) == (8, 10)
    assert (rates.specificity.found, rates.specificity.of) == (1, 2)
    # Agreement 9 of 12; by chance (10·9 + 2·3) / 144.
    assert rates.score.value == pytest.approx((9 / 12 - 96 / 144) / (1 - 96 / 144))
    base = found.levels["wording"]["base"]
    assert base.score.value is None, "person and score both say no of all"
    assert base.sensitivity == Share(0, 0, 0.0, 1.0)
    assert found.all.specificity.of == 5


def test_kappa_of_the_judge_is_of_the_answers_that_the_judge_graded() -> None:
    found = graded(
        [("tuned", R, 1.0, R), ("tuned", W, 1.0, P), ("tuned", P, 1.0, W), ("tuned", R, 1.0, ""), ("base", R, 1.0, W)]
    )
    assert found.levels["wording"]["tuned"].judge.n == 3
    assert found.levels["wording"]["tuned"].judge.value == 1.0, "partly right is not right, for either"
    assert found.all.judge.n == 4
    assert found.all.judge.value == pytest.approx(0.5)


def test_few_grades_are_said_with_a_wide_interval() -> None:
    few = graded([("tuned", R, 1.0, R), ("base", W, 0.0, W)] * 3)
    many = graded([("tuned", R, 1.0, R), ("base", W, 0.0, W)] * 60)
    assert few.all.score.value == many.all.score.value == 1.0
    assert few.all.score.low < 0.5 < 0.9 < many.all.score.low
    assert few.all.score.high == 1.0


def test_an_answer_of_both_models_is_graded_once_and_counts_on_both_sides() -> None:
    row = answers(1, "He.", "He.")
    found = person_grades(answers_of([row]), of(row, base="right"))
    assert found
    assert (found.graded, found.answers) == (1, 1)
    assert {side: rates.right for side, rates in found.levels["wording"].items()} == {"base": 1, "tuned": 1}
    assert found.right_more
    assert (found.right_more.n, found.right_more.difference) == (1, 0.0)


def test_the_difference_is_of_the_questions_with_both_answers_graded() -> None:
    rows = [answers(number, f"base {number}", f"tuned {number}") for number in range(30)]
    grades: dict[str, PersonGrade] = {}
    for row in rows[:20]:
        grades |= of(row, base="wrong", tuned="right")
    for row in rows[20:]:
        grades |= of(row, tuned="wrong")
    found = person_grades(answers_of(rows), grades)
    assert found
    assert found.right_more
    assert (found.right_more.n, found.right_more.sections, found.right_more.difference) == (20, 10, 1.0)
    assert found.right_more.verdict == "better"


def test_grades_of_other_answers_say_nothing() -> None:
    row = answers(1, "No.", "Yes.")
    before = of(row, tuned="right")
    again = answers(1, "No.", "Yes, he.")
    assert person_grades(answers_of([again]), before) is None
    swapped = answers(1, "Yes.", "No.")
    found = person_grades(answers_of([swapped]), before)
    assert found
    assert found.levels["wording"]["base"].right == 1, "the same answer keeps its grade, whoever gives it"


def test_the_control_is_kept_apart() -> None:
    control = answers(1, "No.", "Yes.", level="section")
    found = person_grades(answers_of([control]), of(control, base="wrong", tuned="right"))
    assert found
    assert [*found.levels] == ["section"]
    assert found.right_more is None
