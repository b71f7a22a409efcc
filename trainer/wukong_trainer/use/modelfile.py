"""An Ollama Modelfile that asks a GGUF as it was trained: its template in Go's language, system prompt and stops.

Ollama reads no Jinja. Every chat template here puts fixed texts around what is said, so a few conversations rendered
with marks show these texts; others are rendered to see that nothing else stands in a prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from wukong_pipe.errors import ModelError
from wukong_trainer.data.examples import Message

Render = Callable[[list[Message]], str]
"""Gives a conversation's text up to where the answer begins."""
SYSTEM, USER, ANSWER, NEXT = "qzSYSTEMqz", "qzUSERqz", "qzANSWERqz", "qzNEXTqz"


@dataclass(frozen=True, slots=True)
class TurnTexts:
    """The fixed texts of a template.

    TurnTexts(start="<|im_start|>user\\n", system=("<|im_start|>system\\n", "<|im_end|>\\n<|im_start|>user\\n"),
              answered="<|im_end|>\\n<|im_start|>assistant\\n", asked="<|im_end|>\\n<|im_start|>user\\n",
              end="<|im_end|>\\n<|im_start|>assistant\\n")
    """

    start: str
    """Before the first question, where there is no system message."""
    system: tuple[str, str] | None
    """Before a system message, and between it and the first question; None where the template takes none."""
    answered: str
    """Between a question and its answer."""
    asked: str
    """Between an answer and the next question."""
    end: str
    """After the last question."""

    def text(self, messages: Sequence[Message]) -> str:
        """The prompt of a conversation that ends in a question."""
        start, turns = self.start, list(messages)
        if turns[0]["role"] == "system":
            assert self.system is not None
            start = turns[0]["content"].join(self.system)
            turns = turns[1:]
        between = {"user": self.answered, "assistant": self.asked}
        return (
            start
            + "".join(turn["content"] + between[turn["role"]] for turn in turns[:-1])
            + (turns[-1]["content"] + self.end)
        )

    def without_start(self, text: str) -> TurnTexts:
        """The same without a text that whoever reads the prompt adds itself."""
        system = self.system and (self.system[0].removeprefix(text), self.system[1])
        return replace(self, start=self.start.removeprefix(text), system=system)

    def go_template(self) -> str:
        """The same in the language of Ollama's templates."""
        start, answered, asked, end = map(_literal, (self.start, self.answered, self.asked, self.end))
        if self.system is not None:
            before, after = map(_literal, self.system)
            start = f"{{{{ if .System }}}}{before}{{{{ .System }}}}{after}{{{{ else }}}}{start}{{{{ end }}}}"
        return (
            f"{start}{{{{ range $i, $_ := .Messages }}}}{{{{ $last := eq (len (slice $.Messages $i)) 1 }}}}"
            f'{{{{ if eq .Role "user" }}}}{{{{ .Content }}}}{{{{ if $last }}}}{end}{{{{ end }}}}'
            f'{{{{ else if eq .Role "assistant" }}}}{answered}{{{{ .Content }}}}{{{{ if not $last }}}}{asked}'
            "{{ end }}{{ end }}{{ end }}"
        )


def turn_texts(render: Render, *, system: bool) -> TurnTexts:
    """The fixed texts of a template, found by rendering marks.

    Args:
        system: whether conversations were trained with a system message.

    Raises:
        ModelError: more stands in its prompts than fixed texts around what is said.
    """
    try:
        start, end = render(_conversation(USER)).split(USER)
        _, rest = render(_conversation(USER, ANSWER, NEXT)).split(USER)
        answered, rest = rest.split(ANSWER)
        asked, _ = rest.split(NEXT)
        around = None
        if system:
            before, rest = render(_conversation(USER, system=SYSTEM)).split(SYSTEM)
            around = before, rest.split(USER)[0]
        texts = TurnTexts(start, around, answered, asked, end)
        same = all(texts.text(turns) == render(turns) for turns in _others(system))
    except ValueError:  # A mark stands there twice, or not at all.
        same = False
    if not same:
        raise ModelError("Its chat template is more than fixed texts around what is said, so Ollama's cannot be made.")
    return texts


def _conversation(*said: str, system: str = "") -> list[Message]:
    before = [{"role": "system", "content": system}] if system else []
    return [*before, *({"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said))]


def _others(system: bool) -> list[list[Message]]:
    """Conversations that a template may treat otherwise: long ones, and of other signs."""
    said = ["问：“{{ a }}”？", "答\n第二行", "Why?", "Because.", "那么？"]
    found = [_conversation(*said), _conversation(*said[:3]), _conversation(said[4])]
    return [*found, *(_conversation(*turns, system="请答。\nBriefly.") for turns in (said, said[4:]) if system)]


def _literal(text: str) -> str:
    """A text as a Go template says it."""
    return text.replace("{{", '{{ "{{" }}')


def modelfile(file: str, texts: TurnTexts, system: str, stops: Sequence[str]) -> str:
    """The Modelfile of a GGUF beside it.

    Args:
        stops: the texts of the tokens that end an answer.

    Raises:
        ModelError: a text that no Modelfile can hold.
    """
    said = [f"FROM ./{file}", f"TEMPLATE {_quoted(texts.go_template())}"]
    if system:
        said.append(f"SYSTEM {_quoted(system)}")
    said += [f"PARAMETER stop {_quoted(stop)}" for stop in stops]
    # As evaluated; Ollama's own settings sample, and punish what is said twice.
    said += ["PARAMETER temperature 0", "PARAMETER repeat_penalty 1"]
    return "\n".join(said) + "\n"


def _quoted(text: str) -> str:
    if '"""' in text or text.endswith('"'):
        raise ModelError(f"A Modelfile cannot hold three quotation marks, and not one at the end: {text[-40:]!r}.")
    return f'"{text}"' if text.isprintable() and '"' not in text else f'"""{text}"""'
