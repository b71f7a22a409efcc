from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wukong_pipe.errors import ModelError
from wukong_trainer.data.examples import Example
from wukong_trainer.evaluation.forgetting import ANSWER_TOKENS, ask_general, general_questions
from wukong_trainer.inference.answer_cache import Kept
from wukong_trainer.inference.asked_models import Asked, Contender, InProcess, Loader, at_work
from wukong_trainer.inference.generate import Answer, Likelihood
from wukong_trainer.models.loading import load_tokenizer

ROW = {"example": Example("登月是哪一年？", "1969年"), "lang": "zh"}


def asked_of(student: Path, kept: Path, **how: Any) -> Asked:
    contender = Contender("tuned", str(student), "qlora", str(student), "", **how)
    with at_work(contender, Loader(), Kept(kept), 8, lambda step, done, total: None) as asked:
        return asked


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
    asked = asked_of(student, tmp_path / "kept.jsonl", thinking=True)
    (found,) = asked.scored([ROW], [ROW["example"].prompt("")], 8, "tuned")  # type: ignore[attr-defined]
    assert found["answer"].startswith("<think>")
    assert (found["key_fact_hit"], found["length_ratio"]) == (0.0, 0.0)


def test_general_questions_leave_a_model_that_thinks_the_room_to_answer(
    student: Path, tmp_path: Path, limits: list[int]
) -> None:
    for thinking in (False, True):
        ask_general(asked_of(student, tmp_path / "kept.jsonl", thinking=thinking), general_questions(2), 256)
    assert limits == [ANSWER_TOKENS, 256]


def test_answers_that_another_token_ended_are_not_taken_for_this_model_s(student: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(student))
    shutil.copytree(student, tmp_path / "same")
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(65)
    tokenizer.save_pretrained(tmp_path / "other")
    first = asked_of(student, tmp_path / "kept.jsonl")
    twin, other = (replace(first.contender, tokenizer=str(tmp_path / name), name=name) for name in ("same", "other"))
    keys = []
    for contender in (first.contender, twin, other):
        with at_work(contender, Loader(), Kept(tmp_path / "kept.jsonl"), 8, lambda step, done, total: None) as asked:
            assert isinstance(asked.engine, InProcess)
            keys.append(asked.engine.memory.key("answer", "prompt"))
    assert keys[0] == keys[1] != keys[2]


def test_answers_of_a_model_whose_own_end_was_mended_are_asked_anew(student: Path, tmp_path: Path) -> None:
    shutil.copytree(student, tmp_path / "mended")
    own = json.loads((student / "generation_config.json").read_text("utf-8"))
    (tmp_path / "mended" / "generation_config.json").write_text(json.dumps(own | {"eos_token_id": [2, 65]}))
    keys = set()
    for weights in (student, tmp_path / "mended"):
        contender = Contender("base", str(weights), "full", str(student), "")
        with at_work(contender, Loader(), Kept(tmp_path / "kept.jsonl"), 8, lambda step, done, total: None) as asked:
            assert isinstance(asked.engine, InProcess)
            keys.add(asked.engine.memory.key("answer", "prompt"))
    assert len(keys) == 2


@pytest.mark.usefixtures("limits")
def test_a_model_that_computes_no_numbers_is_refused_and_a_row_without_one_has_none(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, prompt = asked_of(student, tmp_path / "kept.jsonl"), ROW["example"].prompt("")  # type: ignore[attr-defined]

    def likely(*values: float) -> None:
        found = [Likelihood(value, value) for value in values]
        monkeypatch.setattr("wukong_trainer.inference.asked_models.likelihood_all", lambda *rest, **how: found)

    likely(math.nan, -1.0)
    assert [row["loglik"] for row in asked.scored([ROW] * 2, [prompt] * 2, 8, "tuned")] == [None, -1.0]
    likely(math.nan, math.nan)
    with pytest.raises(ModelError, match="computes no numbers"):
        asked.scored([ROW] * 2, [prompt] * 2, 8, "tuned")
