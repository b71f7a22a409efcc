"""Rows to train on, and the one place where a row becomes what a student is asked and what it is to answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.normal_form import normalise
from wukong_trainer.recipe import Style

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Example:
    """One question and its answer, with all that may stand around them.

    {"instruction": "出云棍怎样获得？", "input": "", "output": "……"}
    """

    instruction: str
    output: str
    input: str = ""
    think: str = ""
    """The reasoning before the answer, without its tags."""
    system: str = ""
    """The row's own system prompt; empty for the recipe's."""
    history: tuple[tuple[str, str], ...] = ()
    """Questions and answers of the same conversation that came before."""
    where: str = field(default="", compare=False)
    """File and line, for what is said of the row."""

    @property
    def question(self) -> str:
        """Instruction and input as one text: what the user says last."""
        return f"{self.instruction}\n{self.input}" if self.input else self.instruction

    @property
    def asked(self) -> str:
        """All that is said before the answer; two rows that agree in it ask the same."""
        return "\n".join([*(text for turn in self.history for text in turn), self.question])

    def prompt(self, system: str, style: Style = "chat") -> list[Message]:
        """The messages before the answer; `system` gives way to the row's own."""
        extra = f"\nInput: {self.input}" if self.input else ""
        question = f"{self.instruction}{extra}" if style == "instruction" else self.question
        *before, last = chat_prompt(question, self.system or system)
        turns = [
            {"role": role, "content": text}
            for turn in self.history
            for role, text in zip(("user", "assistant"), turn, strict=True)
        ]
        return [*before, *turns, last]

    def completion(self, style: Style, thinking: bool) -> str:
        """The text that is trained after the prompt, without the end of the turn."""
        reasoning = f"<think>\n{self.think}\n</think>\n\n" if thinking and self.think else ""
        # A space that ended the prompt instead would be merged into the answer's first word by most tokenizers.
        return f"{' ' if style == 'instruction' else ''}{reasoning}{self.output}"

    def to_json(self) -> dict[str, Any]:
        """The row as `--data` reads it again."""
        return {
            "instruction": self.instruction,
            "input": self.input,
            "output": self.output,
            "think": self.think,
            "system": self.system,
            "history": [list(turn) for turn in self.history],
        }


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a run trains on and watches."""

    train: list[Example]
    validation: list[Example]
    hash: str
    """Hash of all training rows as they were read, in order, and of those mixed in."""
    facts: dict[str, str] = field(default_factory=dict)
    """What was found and done, for the user: which columns, what was left out, split off or mixed in."""
    left_out: list[dict[str, str]] = field(default_factory=list)
    """Every row that is not trained, with the reason: {"row": "rows.jsonl, line 3", "reason": "…"}."""
    source: dict[str, str] = field(default_factory=dict)
    """The options that name these rows to `train`: data, hub, columns, mix; none for the run's own dataset."""

    def questions(self) -> list[str]:
        """The normalised training questions, sorted: an adapter carries them so that eval can refuse a leak."""
        return sorted({normalise(example.asked) for example in self.train})


def chat_prompt(question: str, system: str) -> list[Message]:
    """The messages before the answer: the same for training, eval and every later use."""
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": question}]


def plain_prompt(messages: Sequence[Message]) -> str:
    """The messages as the text of style “instruction”, up to where the answer begins.

    Instruction: 翻译
    Input: 猴子
    Output:
    """
    heads = {"system": "", "user": "Instruction: ", "assistant": "Output: "}
    ends = {"system": "\n\n", "user": "\n", "assistant": "\n\n"}
    text = "".join(heads[turn["role"]] + turn["content"] + ends[turn["role"]] for turn in messages)
    return f"{text}Output:"


def default_system(texts: Iterable[str], style: Style = "chat") -> str:
    """A short system prompt in the language of most texts; none for plain text, which has no place for it."""
    texts = list(texts)
    if style == "instruction":
        return ""
    chinese = sum(is_chinese(text) for text in texts)
    return "回答准确、简明。" if chinese * 2 >= len(texts) else "Answer accurately and briefly."


def digest_of(examples: Iterable[Example], before: str = "") -> str:
    """Hash of all that is trained of these rows, in order, and of what came before them."""
    digest = hashlib.sha256(before.encode())
    for row in examples:
        fields = [row.system, *(text for turn in row.history for text in turn), row.question, row.think, row.output]
        digest.update(json.dumps(fields).encode())
    return digest.hexdigest()


def to_trl(examples: Sequence[Example], system: str, *, style: Style, thinking: bool) -> list[dict[str, Any]]:
    """Prompt-completion rows, of which TRL masks the prompt: conversations on any chat template, or plain text.

    TRL ends plain text with EOS itself; the end of a conversation's answer is the template's affair.
    """
    if style == "instruction":
        return [
            {
                "prompt": plain_prompt(example.prompt(system, style)),
                "completion": example.completion(style, thinking),
            }
            for example in examples
        ]
    return [
        {
            "prompt": example.prompt(system, style),
            "completion": [{"role": "assistant", "content": example.completion(style, thinking)}],
            # Qwen3's template opens and closes an empty <think> in the prompt where there is to be none.
            "chat_template_kwargs": {"enable_thinking": thinking},
        }
        for example in examples
    ]
