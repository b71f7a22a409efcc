from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.precision import in_both_precisions
from tests.trainer.conftest import FACTS, SYSTEM
from wukong_pipe.errors import WorkspaceError
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.inference.answer_cache import AnswerCache, ModelAnswers
from wukong_trainer.inference.generate import REFILLED, answer_all, likelihood_all
from wukong_trainer.models.loading import Place, load_model, load_tokenizer
from wukong_trainer.recipe import Precision

PROMPTS = [chat_prompt(question * (1 + i % 3), SYSTEM) for i, (question, _) in enumerate(FACTS[:12])]


@pytest.fixture
def asked(student: Path, place: Place) -> tuple[Any, Any]:
    return load_model(str(student), "qlora", place), load_tokenizer(str(student))


def never() -> Any:
    raise AssertionError("the model was loaded")


def test_what_is_known_is_not_asked_again_nor_is_the_model_loaded(asked: tuple[Any, Any], tmp_path: Path) -> None:
    model, tokenizer = asked
    path = tmp_path / "eval" / "kept.jsonl"
    references = [answer for _, answer in FACTS[:12]]
    first = answer_all(model, tokenizer, PROMPTS, 6, 1, cache=ModelAnswers(AnswerCache(path), "m"))
    likely = likelihood_all(model, tokenizer, PROMPTS, references, 4, cache=ModelAnswers(AnswerCache(path), "m"))
    cache = ModelAnswers(AnswerCache(path), "m")
    assert answer_all(never, tokenizer, PROMPTS, 6, 1, cache=cache) == first
    assert likelihood_all(never, tokenizer, PROMPTS, references, 4, cache=cache) == likely


@pytest.mark.parametrize("other", ["model", "tokens", "batch", "prompt"])
def test_another_model_or_decoding_or_prompt_is_asked_anew(asked: tuple[Any, Any], tmp_path: Path, other: str) -> None:
    model, tokenizer = asked
    kept = AnswerCache(tmp_path / "kept.jsonl")
    answer_all(model, tokenizer, PROMPTS[:2], 3, 2, cache=ModelAnswers(kept, "m"))
    prompts = [chat_prompt("另一个", SYSTEM)] if other == "prompt" else PROMPTS[:2]
    sizes = {"tokens": (4, 2), "batch": (3, 1)}.get(other, (3, 2))
    with pytest.raises(AssertionError, match="the model was loaded"):
        answer_all(never, tokenizer, prompts, *sizes, cache=ModelAnswers(kept, "n" if other == "model" else "m"))


@in_both_precisions
def test_a_torn_line_loses_its_answers_and_nothing_else(
    asked: tuple[Any, Any], precision: Precision, tmp_path: Path
) -> None:
    model, tokenizer = asked
    path = tmp_path / "kept.jsonl"
    whole = answer_all(model, tokenizer, PROMPTS, 6, 1, cache=ModelAnswers(AnswerCache(path), "m"))
    # Below fp32 an answer depends on those it was decoded with: they stand in one line, and are asked again together.
    a_line = 1 if precision == "fp32" else REFILLED
    assert [len(json.loads(line)) for line in path.read_text("utf-8").splitlines()] == [a_line] * (12 // a_line)
    path.write_bytes(path.read_bytes()[:-30])
    told: list[tuple[int, int]] = []
    cache = ModelAnswers(AnswerCache(path), "m")
    again = answer_all(model, tokenizer, PROMPTS, 6, 1, lambda done, total: told.append((done, total)), cache)
    assert again == whole
    assert told == [(done, 12) for done in range(12 - a_line, 13)]
    assert answer_all(never, tokenizer, PROMPTS, 6, 1, cache=ModelAnswers(AnswerCache(path), "m")) == whole


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "eval").write_text("in the way")
    with pytest.raises(WorkspaceError, match=r"kept\.jsonl cannot be"):
        AnswerCache(tmp_path / "eval" / "kept.jsonl").add({"a": {}})


SLOW = """
import sys, time
from pathlib import Path
from tests.trainer.inference.test_answer_cache import PROMPTS
from wukong_trainer.inference.generate import answer_all
from wukong_trainer.inference.answer_cache import AnswerCache, ModelAnswers
from wukong_trainer.models.loading import choose_place, load_model, load_tokenizer

def slowly(done, total):
    time.sleep(0.1 if done else 0)

student, path, precision = sys.argv[1:]
model = load_model(student, "qlora", choose_place(precision))
answer_all(model, load_tokenizer(student), PROMPTS, 6, 1, slowly, ModelAnswers(AnswerCache(Path(path)), "m"))
"""


@in_both_precisions
def test_after_a_kill_only_the_answers_that_are_missing_are_asked_and_the_answers_are_those_of_a_run_never_killed(
    asked: tuple[Any, Any], precision: Precision, student: Path, tmp_path: Path
) -> None:
    model, tokenizer = asked
    path = tmp_path / "kept.jsonl"
    command = [sys.executable, "-c", SLOW, str(student), str(path), precision]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            end = time.monotonic() + 120
            while not path.is_file() or path.stat().st_size == 0:
                assert time.monotonic() < end
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.01)
        finally:
            os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    kept = sum(len(json.loads(line)) for line in path.read_text("utf-8").splitlines())
    assert 0 < kept < 12
    told: list[int] = []
    cache = ModelAnswers(AnswerCache(path), "m")
    again = answer_all(model, tokenizer, PROMPTS, 6, 1, lambda done, total: told.append(done), cache)
    assert told[0] == kept
    assert again == answer_all(model, tokenizer, PROMPTS, 6, 1)


def test_what_another_version_kept_is_asked_again(asked: tuple[Any, Any], tmp_path: Path) -> None:
    model, tokenizer = asked
    kept = AnswerCache(tmp_path / "kept.jsonl")
    first = answer_all(model, tokenizer, PROMPTS[:2], 3, 2, cache=ModelAnswers(kept, "m"))
    lines = [json.loads(line) for line in kept.path.read_text("utf-8").splitlines()]
    with kept.path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({key: {"said": "x"} for key in line}) + "\n" for line in lines)
    assert answer_all(model, tokenizer, PROMPTS[:2], 3, 2, cache=ModelAnswers(AnswerCache(kept.path), "m")) == first
