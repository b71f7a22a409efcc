"""Chat templates as an adapter carries them: a server that knows nothing of recipes renders what was trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from wukong_pipe.errors import ModelError
from wukong_trainer.recipe import Style

INSTRUCTION = (
    "{%- for message in messages %}"
    "{%- if message['role'] == 'system' %}{{- message['content'] + '\\n\\n' }}"
    "{%- elif message['role'] == 'user' %}{{- 'Instruction: ' + message['content'] + '\\n' }}"
    "{%- else %}{{- 'Output: ' + message['content'] + '\\n\\n' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- 'Output:' }}{%- endif %}"
)
"""`data.plain_prompt`, as a template."""


def trained_template(template: str, style: Style, thinking: bool, bos: str = "") -> str:
    """A model's template as it was trained: plain text for `instruction`, thoughts where `thinking` says so.

    Args:
        bos: what the tokenizer puts before plain text; a template's text is tokenised without it.
    """
    if style == "instruction":
        return f"{{{{- {json.dumps(bos)} }}}}{INSTRUCTION}" if bos else INSTRUCTION
    if "enable_thinking" not in template:
        return template
    default = str(thinking).lower()
    return f"{{%- if enable_thinking is not defined %}}{{%- set enable_thinking = {default} %}}{{%- endif %}}{template}"


def with_thinking(template: str, thinking: bool) -> str:
    """A template that thinks as trained whatever it is told: llama.cpp tells every model to think."""
    if "enable_thinking" not in template:
        return template
    return f"{{%- set enable_thinking = {str(thinking).lower()} %}}{template}"


def with_system(template: str, system: str) -> str:
    """A chat template that says `system` where a conversation has no system message, and is otherwise the same."""
    if not system:
        return template
    default = json.dumps([{"role": "system", "content": system}], ensure_ascii=False)
    return (
        "{%- if messages[0]['role'] != 'system' %}"
        f"{{%- set messages = {default} + messages %}}"
        "{%- endif %}" + template
    )


def rendered(tokenizer: Any, messages: Sequence[dict[str, str]], **options: Any) -> str:
    """A conversation as the tokenizer's template writes it.

    Raises:
        ModelError: the template does not take it, or is broken.
    """
    try:
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, **options))
    except Exception as error:  # A template raises what it will.
        raise refusal(tokenizer, error) from error


def refusal(tokenizer: Any, error: Exception) -> ModelError:
    """What a template raised, as a sentence."""
    reason = str(error).strip().split("\n")[0].rstrip(".")[:300]
    return ModelError(
        f"The chat template of {tokenizer.name_or_path} does not take this conversation ({type(error).__name__}: "
        f"{reason}). Use another model, or replace its chat_template.jinja."
    )
