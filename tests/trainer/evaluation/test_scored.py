from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from wukong_pipe.errors import ModelError
from wukong_trainer.data.examples import Example
from wukong_trainer.evaluation.forgetting import ANSWER_TOKENS, GeneralQuestion, ask_general, general_questions
from wukong_trainer.evaluation.scored import closed_book
from wukong_trainer.inference.answer_cache import AnswerCache
from wukong_trainer.inference.asked_models import Contender, Loader, ModelSession, at_work
from wukong_trainer.inference.generate import Answer, Likelihood

LANDING = GeneralQuestion("zh", "太空", Example("登月是哪一年？", "1969年"), ("1969年",))


def session_of(student: Path, answers: Path, **how: Any) -> ModelSession:
    contender = Contender("tuned", str(student), "qlora", str(student), "", **how)
    with at_work(contender, Loader(), AnswerCache(answers), 8, lambda step, done, total: None) as model:
        return model


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A model that thinks of the right answer and is cut before it says it; where it was told to stop."""
    limits: list[int] = []

    def answer_all(model: Any, tokenizer: Any, prompts: Any, most: int, *rest: Any, **how: Any) -> list[Answer]:  # noqa: ARG001
        limits.append(most)
        return [Answer("<think>\n也许是1969年，", False) for _ in prompts]

    def likelihood_all(model: Any, tokenizer: Any, prompts: Any, *rest: Any, **how: Any) -> list[Likelihood]:  # noqa: ARG001
        return [Likelihood(-1.0, -1.0) for _ in prompts]

    monkeypatch.setattr("wukong_trainer.inference.asked_models.answer_all", answer_all)
    monkeypatch.setattr("wukong_trainer.inference.asked_models.likelihood_all", likelihood_all)
    return limits


@pytest.mark.usefixtures("limits")
def test_a_right_answer_in_a_thought_that_was_cut_off_is_no_hit(student: Path, tmp_path: Path) -> None:
    (found,) = closed_book(session_of(student, tmp_path / "kept.jsonl", thinking=True), [LANDING], 8, "tuned")
    assert found.text.startswith("<think>")
    assert (found.hit, found.scores["length_ratio"]) == (0.0, 0.0)


def test_general_questions_leave_a_model_that_thinks_the_room_to_answer(
    student: Path, tmp_path: Path, limits: list[int]
) -> None:
    for thinking in (False, True):
        ask_general(session_of(student, tmp_path / "kept.jsonl", thinking=thinking), general_questions(2), 256)
    assert limits == [ANSWER_TOKENS, 256]


@pytest.mark.usefixtures("limits")
def test_a_model_that_computes_no_numbers_is_refused_and_a_row_without_one_has_none(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = session_of(student, tmp_path / "kept.jsonl")

    def likely(*values: float) -> None:
        found = [Likelihood(value, value) for value in values]
        monkeypatch.setattr("wukong_trainer.inference.asked_models.likelihood_all", lambda *rest, **how: found)

    likely(math.nan, -1.0)
    assert [row.scores["loglik"] for row in closed_book(model, [LANDING] * 2, 8, "tuned")] == [None, -1.0]
    likely(math.nan, math.nan)
    with pytest.raises(ModelError, match="computes no numbers"):
        closed_book(model, [LANDING] * 2, 8, "tuned")
