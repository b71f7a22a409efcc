from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wukong_trainer.data.examples import Example, TrainingData, default_system, digest_of, plain_prompt, to_trl

TURNS = Example("它怕什么？", "火。", system="你是土地。", history=(("你是谁？", "土地。"), ("妖怪呢？", "在洞里。")))


def test_rows_become_conversations_with_the_answer_as_completion() -> None:
    row = to_trl([Example("问？", "答")], "系统", style="chat", thinking=False)[0]
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    assert row["completion"] == [{"role": "assistant", "content": "答"}]


def test_an_input_stands_below_the_instruction() -> None:
    assert Example("翻译", "monkey", "猴子").prompt("") == [{"role": "user", "content": "翻译\n猴子"}]


def test_earlier_turns_stand_in_the_prompt_and_a_rows_own_system_prompt_before_them() -> None:
    prompt = TURNS.prompt("系统")
    assert [turn["role"] for turn in prompt] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [turn["content"] for turn in prompt] == [
        "你是土地。",
        "你是谁？",
        "土地。",
        "妖怪呢？",
        "在洞里。",
        "它怕什么？",
    ]


def test_reasoning_is_trained_in_its_tags_only_where_it_is_asked_for() -> None:
    row = Example("问？", "答", think="想一想")
    assert row.completion("chat", True) == "<think>\n想一想\n</think>\n\n答"
    assert row.completion("chat", False) == "答"
    assert Example("问？", "答").completion("chat", True) == "答"


def test_plain_text_reads_as_the_tutorial_writes_it() -> None:
    row = to_trl([Example("翻译", "monkey", "猴子")], "", style="instruction", thinking=False)[0]
    assert row["prompt"] + row["completion"] == "Instruction: 翻译\nInput: 猴子\nOutput: monkey"
    bare = to_trl([Example("讲个笑话", "好")], "", style="instruction", thinking=False)[0]
    assert bare["prompt"] + bare["completion"] == "Instruction: 讲个笑话\nOutput: 好"


def test_a_conversation_as_plain_text_repeats_the_form_turn_by_turn() -> None:
    assert plain_prompt(TURNS.prompt("")) == (
        "你是土地。\n\nInstruction: 你是谁？\nOutput: 土地。\n\nInstruction: 妖怪呢？\nOutput: 在洞里。\n\n"
        "Instruction: 它怕什么？\nOutput:"
    )


def test_the_leak_record_holds_input_and_earlier_turns_too() -> None:
    data = TrainingData(
        [Example("翻译", "monkey", "猴子"), Example("继续", "好", history=(("讲。", "从前"),))], [], "h"
    )
    assert data.questions() == ["翻译猴子", "讲从前继续"]


@pytest.mark.parametrize(
    "change",
    [
        {"output": "水。"},
        {"instruction": "它爱什么？"},
        {"think": "想"},
        {"system": ""},
        {"history": ()},
        {"input": "？"},
    ],
)
def test_the_hash_changes_with_all_that_is_trained_and_not_with_the_rows_place(change: dict[str, Any]) -> None:
    assert digest_of([replace(TURNS, **change)]) != digest_of([TURNS])
    assert digest_of([replace(TURNS, where="elsewhere")]) == digest_of([TURNS])


def test_the_default_system_prompt_speaks_the_language_of_most_rows() -> None:
    assert default_system(["出云棍是什么？", "What is it?", "谁？"]).startswith("回答")
    assert default_system(["What?", "Who?", "谁？"]).startswith("Answer")


def test_plain_text_has_no_system_prompt_by_default() -> None:
    assert default_system(["谁？"], "instruction") == ""
