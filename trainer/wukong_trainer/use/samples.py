"""The trained student's answers to the first validation questions: a loss may fall before the answers make sense."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example
from wukong_trainer.inference.generate import answer_all
from wukong_trainer.use.tuned_model import load_tuned

QUESTIONS = 3
NEW_TOKENS = {"cuda": 512, "cpu": 128}
"""Where an answer is cut: on a CPU sooner, as a student that never stops would take minutes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A line of train/samples.jsonl.

    {"question": "出云棍怎样获得？", "reference": "击败石先锋后获得。", "answer": "石先锋。", "stopped_by_eos": true}
    """

    question: str
    reference: str
    """The row's answer, with its reasoning where that was trained."""
    answer: str
    stopped_by_eos: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def sample_answers(run: Run, validation: Sequence[Example]) -> list[Sample]:
    """The saved model's greedy answers to the first validation questions, asked as it was trained.

    Args:
        run: holds what was trained; it is loaded again, so what is shown is what `ask` will say.
    """
    examples = list(validation[:QUESTIONS])
    if not examples:
        return []
    # The trainer and its weights refer to each other in a circle.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    tuned = load_tuned(run)
    form = tuned.form
    prompts = [example.prompt(tuned.system, form["style"]) for example in examples]
    # One at a time: padding would change the answers of a model in bf16.
    answers = answer_all(tuned.model, tuned.tokenizer, prompts, NEW_TOKENS[tuned.model.device.type], 1, **form)
    return [
        Sample(example.asked, example.completion(**form).strip(), answer.text, answer.stopped_by_eos)
        for example, answer in zip(examples, answers, strict=True)
    ]
