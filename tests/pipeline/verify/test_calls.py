"""Asking about numbered items: what a reply leaves out is asked again, three times at most, and never in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.support.verifier import UNREADABLE, ToldVerifier, answer
from wukong_pipe.reasons import Reason
from wukong_pipe.teacher.requests import Reply, Request
from wukong_pipe.verify.calls import ask_of_each, in_batches, listed, reply_schema

SCHEMA = reply_schema("answers", "question", evidence={"type": "array"}, answer={"type": "string"})
CUT = Reply("call", None, Reason.of("cut"), "{", is_cut=True)


def request(texts: Sequence[str]) -> Request:
    message = {"role": "user", "content": f"Questions:\n{listed(texts)}"}
    return Request("verify", "verify_answers.en@1", (message,), SCHEMA, None)


def said_of(texts: Sequence[str], reader: ToldVerifier) -> dict[int, str]:
    heard = asyncio.run(ask_of_each(range(len(texts)), reader.ask, lambda part: request([texts[i] for i in part])))
    return {index: one.item["answer"] for index, one in heard.said.items()}


def told(*texts: str) -> dict[str, dict[str, dict[str, object]]]:
    return {"verify_answers": {text: answer(text.upper()) for text in texts}}


def test_each_item_gets_what_was_said_under_its_number() -> None:
    reader = ToldVerifier(told("a", "b", "c"))
    assert said_of(["a", "b", "c"], reader) == {0: "A", 1: "B", 2: "C"}
    assert [attempt for _, attempt in reader.asked] == [0]


def test_what_a_reply_leaves_out_is_asked_again_without_the_rest() -> None:
    reader = ToldVerifier(told("a", "c"))
    assert said_of(["a", "b", "c"], reader) == {0: "A", 2: "C"}
    assert [(request.messages[0]["content"], attempt) for request, attempt in reader.asked] == [
        ("Questions:\n1. a\n2. b\n3. c", 0),
        ("Questions:\n1. b", 1),
        ("Questions:\n1. b", 2),
    ]


def test_a_reply_must_speak_of_as_many_items_as_were_asked_about() -> None:
    reader = ToldVerifier(told("a", "c"))
    said_of(["a", "b", "c"], reader)
    arrays = [request.schema["properties"]["answers"] for request, _ in reader.asked]
    assert [(array["minItems"], array["maxItems"]) for array in arrays] == [(3, 3), (1, 1), (1, 1)]


def test_after_a_reply_that_was_cut_the_rest_is_asked_in_halves() -> None:
    reader = ToldVerifier(told("a", "b", "c"), before=[CUT])
    assert said_of(["a", "b", "c"], reader) == {0: "A", 1: "B", 2: "C"}
    assert [len(request.messages[0]["content"].splitlines()) - 1 for request, _ in reader.asked] == [3, 2, 1]


def test_an_unreadable_reply_is_asked_for_again_as_it_was() -> None:
    reader = ToldVerifier(told("a"), before=[UNREADABLE, UNREADABLE])
    assert said_of(["a"], reader) == {0: "A"}
    assert said_of(["a"], ToldVerifier(told("a"), before=[UNREADABLE] * 3)) == {}


def test_nothing_follows_a_call_that_was_not_answered_or_is_refused_for_good() -> None:
    for reply in (
        Reply("", None, None, ""),
        Reply("call", None, Reason.of("refused", words="no"), "no", is_final=True),
    ):
        reader = ToldVerifier(told("a"), before=[reply])
        assert said_of(["a"], reader) == {}
        assert len(reader.asked) == 1


def test_items_of_another_shape_or_number_are_as_if_not_said() -> None:
    items = [{"question": 9, **answer("x")}, {"question": 1, "answer": "x"}, "x", {"question": 2, **answer("B")}]
    reader = ToldVerifier(told("a"), before=[Reply("call", {"answers": items}, None, "raw")])
    assert said_of(["a", "b"], reader) == {0: "A", 1: "B"}


@given(st.lists(st.integers(), unique=True, max_size=20), st.integers(1, 9))
def test_batches_hold_each_index_once_and_in_order(order: list[int], size: int) -> None:
    batches = in_batches(order, size)
    assert [index for batch in batches for index in batch] == order
    assert all(0 < len(batch) <= size for batch in batches)
