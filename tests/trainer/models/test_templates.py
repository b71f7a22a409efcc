from __future__ import annotations

from typing import Any

import pytest
from jinja2 import Environment

from wukong_trainer.data.examples import Message, plain_prompt
from wukong_trainer.models.templates import INSTRUCTION, trained_template, with_system

ASKED: list[Message] = [{"role": "user", "content": "翻译\nInput: 猴子"}]
TALK: list[Message] = [
    {"role": "system", "content": "简要。"},
    {"role": "user", "content": " 一 "},
    {"role": "assistant", "content": "二\n"},
    *ASKED,
]
THINKS = "{{ 'thinks' if enable_thinking else 'answers' }}"


def rendered(template: str, **values: Any) -> str:
    # As transformers does.
    return Environment(trim_blocks=True, lstrip_blocks=True).from_string(template).render(**values)


@pytest.mark.parametrize("messages", [ASKED, TALK])
def test_the_template_of_plain_text_renders_what_is_trained(messages: list[Message]) -> None:
    template = trained_template("of the model", "instruction", False)
    assert template == INSTRUCTION
    assert rendered(template, messages=messages, add_generation_prompt=True) == plain_prompt(messages)


@pytest.mark.parametrize(("thinking", "said"), [(True, "thinks"), (False, "answers")])
def test_a_template_thinks_as_it_was_trained_unless_told_otherwise(thinking: bool, said: str) -> None:
    template = trained_template(THINKS, "chat", thinking)
    assert rendered(template) == said
    assert rendered(template, enable_thinking=not thinking) != said
    assert trained_template("without", "chat", True) == "without"


def test_the_trained_system_prompt_stands_where_a_conversation_has_none() -> None:
    template = with_system(INSTRUCTION, "简“要”。\n")
    assert rendered(template, messages=ASKED) == rendered(
        INSTRUCTION, messages=[{"role": "system", "content": "简“要”。\n"}, *ASKED]
    )
    assert rendered(template, messages=TALK) == rendered(INSTRUCTION, messages=TALK)
    assert with_system(INSTRUCTION, "") == INSTRUCTION
