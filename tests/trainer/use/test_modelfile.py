"""A Modelfile says what a chat template says, in Ollama's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from wukong_pipe.errors import ModelError
from wukong_trainer.models.student import CHAT_TEMPLATE
from wukong_trainer.models.templates import INSTRUCTION
from wukong_trainer.use.modelfile import TurnTexts, modelfile, turn_texts

DEFAULT_SYSTEM = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""As SmolLM2's."""
SYSTEM_IN_QUESTION = (
    "{{ '<bos>' }}{% set first = messages[0]['content'] + '\n\n' if messages[0]['role'] == 'system' else '' %}"
    "{% for message in messages if message['role'] != 'system' %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else 'user' }}{{ '\n' }}{{ first if loop.first else '' }}"
    "{{ message['content'] }}{{ '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
"""As Gemma's."""
TEMPLATES = {
    "chat": CHAT_TEMPLATE,
    "default system": DEFAULT_SYSTEM,
    "system in the question": SYSTEM_IN_QUESTION,
    "alpaca": INSTRUCTION,
}
Turns = list[dict[str, str]]


def renderer(template: str) -> Callable[[Turns], str]:
    compiled = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(template)
    return lambda turns: compiled.render(messages=turns, add_generation_prompt=True)


def conversation(said: list[str], system: str) -> Turns:
    turns = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)]
    return [{"role": "system", "content": system}, *turns] if system else turns


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@given(said=st.lists(st.text(), min_size=1, max_size=5).filter(lambda said: len(said) % 2), system=st.text())
def test_every_conversation_reads_as_the_template_writes_it(template: str, said: list[str], system: str) -> None:
    render = renderer(template)
    turns = conversation(said, system)
    assert turn_texts(render, system=True).text(turns) == render(turns)


@pytest.mark.parametrize(
    "template",
    [
        "{% for message in messages %}{{ loop.index }}{{ message['content'] }};{% endfor %}",
        "{{ messages[-1]['content'] }}:",
        "{% for message in messages %}{{ message['content'] | upper }};{% endfor %}",
        "{% for message in messages %}{{ message['content'] + message['content'] }};{% endfor %}",
    ],
    ids=["numbers turns", "forgets turns", "changes what is said", "says it twice"],
)
def test_a_template_that_is_more_than_texts_around_what_is_said_is_refused(template: str) -> None:
    with pytest.raises(ModelError, match="more than fixed texts around what is said"):
        turn_texts(renderer(template), system=True)


def test_a_template_that_takes_no_system_message_is_not_asked_for_one() -> None:
    def render(turns: Turns) -> str:
        assert turns[0]["role"] == "user"
        return renderer(CHAT_TEMPLATE)(turns)

    texts = turn_texts(render, system=False)
    assert texts.system is None
    assert ".System" not in texts.go_template()


def test_ollama_adds_bos_itself_where_the_file_says_so() -> None:
    texts = turn_texts(renderer(SYSTEM_IN_QUESTION), system=True).without_start("<bos>")
    assert texts.start == "<start_of_turn>user\n"
    assert texts.system == ("<start_of_turn>user\n", "\n\n")


def test_the_template_in_gos_language_with_its_own_brackets_kept() -> None:
    texts = TurnTexts(start="[{{", system=("<s>", "</s>["), answered="] ", asked=" [", end="]")
    # Executed by Go's text/template over these templates' conversations, each prompt was that of Jinja.
    assert texts.go_template() == (
        '{{ if .System }}<s>{{ .System }}</s>[{{ else }}[{{ "{{" }}{{ end }}'
        "{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}"
        '{{ if eq .Role "user" }}{{ .Content }}{{ if $last }}]{{ end }}'
        '{{ else if eq .Role "assistant" }}] {{ .Content }}{{ if not $last }} [{{ end }}{{ end }}{{ end }}'
    )


def written(system: str, **texts: Any) -> str:
    given = {"start": "[", "system": None, "answered": "]", "asked": "[", "end": "]"}
    return modelfile("a.gguf", TurnTexts(**given | texts), system, ["<|im_end|>", "</s>"])


def test_it_names_the_file_the_system_prompt_the_stops_and_is_greedy() -> None:
    said = written('请答。\n"引"号')
    assert said.startswith('FROM ./a.gguf\nTEMPLATE """[{{ range ')
    assert said.endswith(
        '\nSYSTEM """请答。\n"引"号"""\nPARAMETER stop "<|im_end|>"\nPARAMETER stop "</s>"\n'
        "PARAMETER temperature 0\nPARAMETER repeat_penalty 1\n"
    )
    assert "SYSTEM" not in written("")


@pytest.mark.parametrize("system", ['a """ b', 'he said "no"'])
def test_a_system_prompt_that_no_modelfile_holds_is_refused(system: str) -> None:
    with pytest.raises(ModelError, match="cannot hold three quotation marks"):
        written(system)
