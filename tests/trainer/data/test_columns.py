from __future__ import annotations

from typing import Any

import pytest

from wukong_pipe.errors import DataError
from wukong_trainer.data.columns import BadRow, described, examples_of, find_columns, parse_columns
from wukong_trainer.data.examples import Example


def read(row: dict[str, Any]) -> list[Example]:
    return examples_of(row, find_columns(row.keys(), "rows.jsonl"), "rows.jsonl, line 1")


@pytest.mark.parametrize(
    ("row", "example"),
    [
        ({"instruction": "问？", "output": "答"}, Example("问？", "答")),
        ({"instruction": "翻译", "input": " 猴子", "output": "\n monkey "}, Example("翻译", "monkey", "猴子")),
        ({"instruction": "翻译", "input": None, "output": "x"}, Example("翻译", "x")),
        ({"instruction": "总结", "context": "文章", "response": "短"}, Example("总结", "短", "文章")),
        ({"Instruction": "…", "question": "问？", "think": "想", "answer": "答"}, Example("问？", "答", think="想")),
        ({"question": "问？", "answer": "<think>\n想\n</think>\n\n答"}, Example("问？", "答", think="想")),
        ({"query": "问？", "response": "<think></think> 答"}, Example("问？", "答")),
        ({"prompt": "问？", "completion": "答", "system": "简"}, Example("问？", "答", system="简")),
        (
            {"instruction": "继续", "output": "答", "history": [["一？", "二"]]},
            Example("继续", "答", history=(("一？", "二"),)),
        ),
    ],
)
def test_rows_of_question_and_answer_are_read_under_the_names_the_tutorials_use(
    row: dict[str, Any], example: Example
) -> None:
    assert read(row) == [example]


MESSAGES = {
    "messages": [
        {"role": "system", "content": "简要。"},
        {"role": "user", "content": "你是谁？"},
        {"role": "assistant", "content": "土地。", "reasoning_content": "他问我"},
        {"role": "user", "content": "妖怪呢？"},
        {"role": "assistant", "content": "<think>想</think>在洞里。"},
    ]
}
SHAREGPT = {
    "conversations": [
        {"from": "human", "value": "你是谁？"},
        {"from": "gpt", "value": "<think>他问我</think>土地。"},
        {"from": "human", "value": "妖怪呢？"},
        {"from": "gpt", "value": "<think>想</think>在洞里。"},
    ],
    "system": "简要。",
}


@pytest.mark.parametrize("row", [MESSAGES, SHAREGPT])
def test_each_answer_of_a_conversation_is_trained_with_the_turns_before_it(row: dict[str, Any]) -> None:
    first, second = read(row)
    assert first == Example("你是谁？", "土地。", think="他问我", system="简要。")
    assert second == Example("妖怪呢？", "在洞里。", think="想", system="简要。", history=(("你是谁？", "土地。"),))
    assert [example.where for example in (first, second)] == [f"rows.jsonl, line 1, answer {n}" for n in (1, 2)]


@pytest.mark.parametrize("row", [{"a": "问？", "b": "答"}, {"instruction": "问？"}, {"output": "答"}])
def test_columns_that_look_like_nothing_known_are_listed_with_the_way_to_name_them(row: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=rf"rows.jsonl has no columns.*{', '.join(sorted(row))}.*--columns"):
        read(row)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"instruction": "", "output": "答"}, "no “instruction” text"),
        ({"instruction": 3, "output": "a"}, "no “instruction” text"),
        ({"instruction": "a", "output": None}, "no “output” text"),
        ({"instruction": "a", "input": ["x"], "output": "b"}, "“input” that is no text"),
        ({"instruction": "a", "output": "\ud800"}, "surrogate"),
        ({"question": "a", "answer": "<think>想"}, "never closed"),
        ({"question": "a", "answer": "<think>想</think> "}, "nothing but its reasoning"),
        ({"question": "a", "think": "想", "answer": "<think>又</think>答"}, "twice"),
        ({"instruction": "a", "output": "b", "history": ["a"]}, "no list of"),
        ({"messages": []}, "no list of turns"),
        ({"messages": ["a"]}, "no object"),
        ({"messages": [{"role": "user", "content": "a"}]}, "ending with an answer"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "they are: assistant"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "'tool'"),
        ({"messages": [{"role": "user", "content": " "}]}, "without text"),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "human", "value": "b"}]}, "user, user"),
    ],
)
def test_a_row_that_cannot_be_trained_on_says_why(row: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRow, match=told):
        read(row)


def test_columns_are_named_back_with_what_is_not_used() -> None:
    names = ["Instruction", "question", "think", "answer", "metrics"]
    assert described(find_columns(names, "f"), names) == (
        "instruction ← question, output ← answer, think; not used: Instruction, metrics"
    )


def test_our_own_rows_are_named_back_without_their_provenance() -> None:
    names = ["instruction", "input", "output", "id", "pair_id", "lines"]
    assert described(find_columns(names, "f"), names) == "instruction, input, output"


def test_columns_of_other_names_are_mapped() -> None:
    columns = parse_columns("instruction=q, output=a,think=why")
    assert examples_of({"q": "问？", "a": "答", "why": "想"}, columns, "") == [Example("问？", "答", think="想")]


@pytest.mark.parametrize("text", ["q", "instruction=", "instruktion=q,output=a", "instruction=q", "think=t"])
def test_a_mapping_that_is_not_written_so_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="--columns"):
        parse_columns(text)
