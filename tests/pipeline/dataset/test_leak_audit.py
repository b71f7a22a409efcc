"""The audit drops training rows that are too close to a held-out question; `test_holdout.py` has it on any corpus."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rows import row
from wukong_pipe.dataset.leak_audit import Audit, audit
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.similarity import TAU, same_key_facts, similarity
from wukong_pipe.records import Row

P = TypeVar("P")
R = TypeVar("R")
NAMES = frozenset({"出云棍", "石敢当"})

questions = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "请问第一回里", "第二回里"]),
    st.sampled_from(["出云棍", "《出云棍》", "石敢当", "头目", ""]),
    st.sampled_from(["是什么？", "究竟是什么？", "从哪里来的？", "是从哪里来的呢？"]),
)
some_rows = st.lists(
    st.builds(
        lambda question, where, split: replace(
            row(question, where=where), split=split, level="question" if split == "test" else ""
        ),
        questions,
        st.sampled_from("子丑寅卯"),
        st.sampled_from(["train", "train", "test", "validation"]),
    ),
    max_size=16,
)


def told(found: Audit) -> tuple[list[int], list[tuple[Row, str, float]], float]:
    return [*found.places], [(gone.row, gone.held, gone.similarity) for gone in found.dropped], found.highest_similarity


@given(some_rows, st.integers(1, 20))
@settings(deadline=None)
def test_parts_find_what_comparing_all_training_rows_with_all_held_out_ones_finds(rows: list[Row], size: int) -> None:
    tested = [one for one in rows if one.split != "train"]
    places, dropped, highest = list[int](), list[tuple[Row, str, float]](), 0.0
    for place, train in enumerate(rows):
        near = [one for one in tested if train.split == "train" and _is_one_question(train, one)]
        leak = next((one for one in near if similarity(train.instruction, one.instruction) >= TAU), None)
        if leak is not None:
            dropped.append((train, leak.id, similarity(train.instruction, leak.instruction)))
        else:
            places.append(place)
            highest = max([highest, *(similarity(train.instruction, one.instruction) for one in near)])
    assert told(audit(rows, NAMES, part_size=size)) == (places, dropped, highest)


def _is_one_question(train: Row, tested: Row) -> bool:
    return (
        train.pair_id == tested.pair_id
        or normalise(train.instruction) == normalise(tested.instruction)
        or same_key_facts(train.instruction, tested.instruction, NAMES)
    )


@given(some_rows)
@settings(deadline=None)
def test_parts_can_be_sent_elsewhere(rows: list[Row]) -> None:
    def elsewhere(function: Callable[[P], R], parts: Sequence[P]) -> list[R]:
        return [pickle.loads(pickle.dumps(function))(pickle.loads(pickle.dumps(part))) for part in parts]

    assert told(audit(rows, NAMES, elsewhere, 3)) == told(audit(rows, NAMES))


def held(question: str) -> Row:
    return replace(row(question, where="甲"), split="test", level="section")


def test_the_same_question_in_other_marks_leaks_whatever_it_quotes() -> None:
    """Quotes are key facts and no part of the normal form: the normal form decides."""
    tested, train = held("《出云棍》是什么？"), row("出云棍是什么？", where="乙")
    found = audit([tested, train], frozenset({"出云棍"}))
    assert found.rows == [tested]
    (drop,) = found.dropped
    assert (drop.row, drop.held, drop.similarity) == (train, tested.id, 1.0)
    assert str(drop.reason) == "1.00 alike to a held-out question (section): “《出云棍》是什么？”"


def test_a_question_about_something_else_is_left_however_alike_it_is() -> None:
    tested, train = held("第一回的妖王是谁？"), row("第二回的妖王是谁？", where="乙")
    found = audit([tested, train], frozenset())
    assert (found.rows, found.dropped, found.highest_similarity) == ([tested, train], [], 0.0)
