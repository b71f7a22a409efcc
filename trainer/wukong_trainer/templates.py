"""Chat templates as an adapter carries them: a server that knows nothing of recipes renders what was trained."""

from __future__ import annotations

import json

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
