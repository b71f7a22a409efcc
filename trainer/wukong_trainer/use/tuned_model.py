"""A run's tuned model, loaded to be asked as it was trained: same weights, same template, same system prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import PeftModel

from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Message, chat_prompt
from wukong_trainer.inference.generate import Answer, answer_all, prompt_text
from wukong_trainer.models.adapters import load_adapter
from wukong_trainer.models.loading import Place, load_model, load_tokenizer
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.trained_model import base_of, place_of, tuned_folder
from wukong_trainer.recipe import Method


@dataclass(frozen=True, slots=True)
class Tuned:
    """The tuned model of a run, its tokenizer, and what it was trained on and with."""

    model: Any
    tokenizer: Any
    folder: Path
    base: str
    record: dict[str, Any]

    @property
    def system(self) -> str:
        """The system prompt of the training."""
        return str(self.record.get("system", ""))

    def prompt(self, turns: Sequence[Message]) -> list[Message]:
        """The messages of a conversation that starts with a question, as the training had them."""
        return [*chat_prompt(turns[0]["content"], self.system), *turns[1:]]

    @property
    def form(self) -> dict[str, Any]:
        """How the training turned messages into text: arguments of `generate.prompt_text`."""
        return {"style": self.record.get("style", "chat"), "thinking": self.record.get("thinking", False)}

    def text(self, turns: Sequence[Message]) -> str:
        """The prompt of a conversation as the model reads it."""
        return prompt_text(self.tokenizer, self.prompt(turns), **self.form)


def load_tuned(run: Run, base_model: str = "") -> Tuned:
    """Load the run's adapter on its base, in the precision of its training, or its fully tuned model.

    Args:
        base_model: the base, where it is not to be found under the name that the adapter knows.

    Raises:
        WorkspaceError: nothing was trained yet.
        ModelError: the base is another one than the adapter's, or cannot be loaded.
    """
    folder, record = tuned_folder(run)
    base = base_of(run, record, folder, base_model)
    silence_libraries()
    tokenizer = load_tokenizer(str(folder))
    model = load_weights(base, folder, record.get("method", "lora"), place_of(record))
    return Tuned(model, tokenizer, folder, base, record)


def load_weights(base: str, folder: Path, method: Method, place: Place) -> Any:
    """The fully tuned model in `folder`, or the base with the adapter that is there, in the method's precision."""
    if not (folder / "adapter_config.json").is_file():
        return load_model(str(folder), method, place)
    return load_adapter(load_model(base, method, place), folder)


def ask(tuned: Tuned, question: str, max_new_tokens: int) -> Answer:
    """The tuned model's greedy answer."""
    return _answer(tuned.model, tuned, question, max_new_tokens)


def ask_base(tuned: Tuned, question: str, max_new_tokens: int) -> Answer:
    """What the base model answers to the same prompt."""
    if not isinstance(tuned.model, PeftModel):
        return _answer(load_model(tuned.base, "full", place_of(tuned.record)), tuned, question, max_new_tokens)
    with tuned.model.disable_adapter():
        return _answer(tuned.model, tuned, question, max_new_tokens)


def _answer(model: Any, tuned: Tuned, question: str, max_new_tokens: int) -> Answer:
    prompt = tuned.prompt([{"role": "user", "content": question}])
    (answer,) = answer_all(model, tuned.tokenizer, [prompt], max_new_tokens, 1, **tuned.form)
    return answer
