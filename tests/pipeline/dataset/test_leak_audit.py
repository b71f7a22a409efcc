"""The audit drops training rows that are too close to a held-out question; `test_holdout.py` has it on any corpus."""

from __future__ import annotations

from dataclasses import replace

from tests.support.rows import row
from wukong_pipe.dataset.leak_audit import audit
from wukong_pipe.records import Row


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
