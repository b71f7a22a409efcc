"""Asking a model a list of questions, and scoring what it answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from wukong_pipe.errors import ModelError
from wukong_trainer.data.examples import Example, Message
from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.records import ScoredAnswer
from wukong_trainer.scoring.facts import Wanted
from wukong_trainer.scoring.scores import score

if TYPE_CHECKING:
    # These import torch, which a reader of the rows does not need.
    from wukong_trainer.inference.asked_models import ModelSession
    from wukong_trainer.inference.generate import Likelihood


class Question(Protocol):
    """What can be asked: a test row, or a general question."""

    @property
    def example(self) -> Example:
        """The question with its reference answer."""

    @property
    def wanted(self) -> Wanted:
        """What a right answer holds."""

    @property
    def lang(self) -> str:
        """ "zh" is scored by characters, any other by words."""


def closed_book(
    model: ModelSession, questions: Sequence[Question], max_new_tokens: int, step: str
) -> list[ScoredAnswer]:
    """The scored answers to the questions alone, in their order, with the likelihood of each reference.

    Args:
        max_new_tokens: an answer is cut there.
        step: names the progress: "tuned" is shown as "tuned answers" and "tuned likelihoods".

    Raises:
        ModelError: the model computes NaN.
    """
    contender = model.contender
    prompts = [question.example.prompt(contender.system, contender.style) for question in questions]
    references = [question.example.completion(contender.style, contender.thinking) for question in questions]
    answers = scored(model, questions, prompts, max_new_tokens, step)
    found = [_numbers(likelihood) for likelihood in model.likelihoods(prompts, references, f"{step} likelihoods")]
    if found and all(numbers["loglik"] is None for numbers in found):
        raise ModelError(
            f"The model “{contender.name}” computes no numbers (NaN): its training diverged, or its precision is too "
            "coarse for it. Train again with a lower learning rate, or in bf16."
        )
    return [
        ScoredAnswer(answer.text, answer.stopped_by_eos, {**numbers, **answer.scores})
        for answer, numbers in zip(answers, found, strict=True)
    ]


def scored(
    model: ModelSession,
    questions: Sequence[Question],
    prompts: Sequence[list[Message]],
    max_new_tokens: int,
    step: str,
) -> list[ScoredAnswer]:
    """The scored answer to each question's prompt; see `closed_book`."""
    return [
        ScoredAnswer(
            answer.text,
            answer.stopped_by_eos,
            score(said(answer.text), question.wanted, question.lang),
        )
        for question, answer in zip(questions, model.answers(prompts, max_new_tokens, f"{step} answers"), strict=True)
    ]


def _numbers(likelihood: Likelihood) -> dict[str, float | None]:
    """The log-likelihoods by name; None for NaN and infinity, which JSON cannot hold."""
    found = {"loglik": likelihood.per_token, "loglik_per_char": likelihood.per_char}
    return {name: value if math.isfinite(value) else None for name, value in found.items()}
