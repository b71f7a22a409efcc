"""A test question leaks in the trained words, or in nearly those with the same numbers and names."""

from __future__ import annotations

import time

import pytest

from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.similarity import similarity
from wukong_trainer.evaluation.leaks import copies, leaks

TRAINED = ["出云棍怎样获得？", "第一回的妖王是谁？", "How tall was the Saturn V on its launch pad?"]
RECORD = {"questions": [normalise(question) for question in TRAINED]}


@pytest.mark.parametrize(
    ("question", "leaked"),
    [
        ("《出云棍》怎样 获得", True),
        ("请问出云棍怎样获得？", True),
        ("从哪里能拿到出云棍？", False),
        ("第二回的妖王是谁？", False),
        ("how tall was the Saturn V on the launch pad?", True),
        ("How tall was the Skylab on its launch pad?", False),
        ("What is asked here has nothing in common.", False),
    ],
)
def test_a_copy_or_a_light_rewording_leaks_and_a_twin_about_something_else_does_not(
    question: str, leaked: bool
) -> None:
    found = leaks(RECORD, [question])
    assert found.unseen == ([] if leaked else [0])
    assert found.closest is not None
    assert found.closest < 0.7


def test_the_rewording_is_named_with_its_trained_question_and_how_alike_they_are() -> None:
    found = leaks(RECORD, ["请问出云棍怎样获得？", "完全无关的问题"])
    assert found.reworded == [
        ("请问出云棍怎样获得？", "出云棍怎样获得", similarity("请问出云棍怎样获得？", TRAINED[0]))
    ]
    assert found.unseen == [1]
    assert copies(RECORD, ["请问出云棍怎样获得？"]).unseen == [0], "the same words only"


def test_names_of_the_corpus_tell_twins_apart() -> None:
    record = {"questions": ["在花果山的猴王后来怎样了"]}
    twin = "在花果山的猴子后来怎样了？"
    assert leaks(record, [twin]).closest == pytest.approx(similarity(twin, "在花果山的猴王后来怎样了"))
    assert leaks(record, [twin], frozenset({"猴王", "猴子"})).closest == 0.0


def test_what_the_build_has_compared_is_not_compared_again() -> None:
    assert leaks(RECORD, ["请问出云棍怎样获得？"], audited=["出云棍怎样获得"]).unseen == [0]


def test_without_a_record_or_trained_questions_nothing_is_found() -> None:
    assert leaks({}, ["a?"]).closest is None
    assert leaks({"questions": []}, ["a?", ""]).unseen == [0, 1]


def test_a_test_of_a_hundred_against_ten_thousand_trained_takes_a_second() -> None:
    record = {"questions": [f"请问{chr(0x4E00 + i)}{chr(0x5E00 + i)}山的棍子是从哪里得来的" for i in range(10_000)]}
    started = time.process_time()
    leaks(record, [f"想问一下{chr(0x4E00 + i)}洞的棍子是从哪里得来的？" for i in range(100)])
    assert time.process_time() - started < 5, "parsing the trained questions included"
