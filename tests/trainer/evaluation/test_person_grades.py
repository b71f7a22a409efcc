"""A person's grades: the last that was not taken back counts, of the same answer alone, whoever gave it and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wukong_pipe.errors import DataError
from wukong_trainer.evaluation.person_grades import PERSON_GRADES, answer_hash, grade, read_grades, take_back


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eval" / "grades.jsonl"


def test_without_a_file_there_are_no_grades(path: Path) -> None:
    assert read_grades(path) == {}


def test_the_last_grade_counts_and_taking_it_back_lets_the_one_before_count(path: Path) -> None:
    grade(path, "q1", "a", "right")
    grade(path, "q2", "b", "wrong")
    grade(path, "q1", "a", "partly")
    assert read_grades(path) == {"b": "wrong", "a": "partly"}
    take_back(path, "q1", "a")
    assert read_grades(path) == {"a": "right", "b": "wrong"}
    take_back(path, "q1", "a")
    take_back(path, "q1", "a")
    assert read_grades(path) == {"b": "wrong"}
    assert len(path.read_text("utf-8").splitlines()) == 6, "nothing is ever removed"


ACTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([*PERSON_GRADES, None])), max_size=30)


@settings(max_examples=30)
@given(acts=ACTS)
def test_what_counts_is_what_a_stack_for_each_answer_holds_on_top(
    acts: list[tuple[str, str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("grades") / "grades.jsonl"
    stacks: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    for answer, value in acts:
        if value is None:
            take_back(path, "q", answer)
            stacks[answer] = stacks[answer][:-1]
        else:
            grade(path, "q", answer, next(name for name in PERSON_GRADES if name == value))
            stacks[answer].append(value)
    assert read_grades(path) == {answer: stack[-1] for answer, stack in stacks.items() if stack}


def test_a_grade_is_of_the_answer_that_was_said_to_that_question_with_that_reference() -> None:
    same = answer_hash("Who?", "He.", "The smith.")
    assert answer_hash("Who?", "He.", "<think>A smith?</think>\n\nThe smith. ") == same
    others = [("Who?", "He.", "The smiths."), ("Who?", "She.", "The smith."), ("What?", "He.", "The smith.")]
    assert same not in {answer_hash(*other) for other in others}


def test_the_half_line_of_a_killed_writer_is_no_grade_and_spoils_none(path: Path) -> None:
    grade(path, "q1", "a", "right")
    with path.open("ab") as file:
        file.write(b'{"id": "q2", "answer": "b", "gra')
    assert read_grades(path) == {"a": "right"}
    grade(path, "q2", "b", "wrong")
    assert read_grades(path) == {"a": "right", "b": "wrong"}


@pytest.mark.parametrize(
    "line",
    [
        '{"answer": "a", "grade": "good"}',
        '{"answer": "a"}',
        '{"grade": "right"}',
        '{"answer": 7, "grade": "right"}',
        '{"answer": "a", "grade": "right", "undo": true}',
        '{"answer": "a", "undo": false}',
        '{"answer": "a", "grade": ["right"]}',
        '["a", "right"]',
        "right",
        "\xff",
    ],
)
def test_a_line_that_is_no_grade_is_named_with_a_cure(path: Path, line: str) -> None:
    grade(path, "q1", "a", "right")
    with path.open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    with pytest.raises(DataError, match=r"grades\.jsonl, line 2 .*epair or remove the line"):
        read_grades(path)
