from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from tests.trainer.conftest import SYSTEM
from wukong_pipe.errors import ModelError
from wukong_pipe.files import read_json
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example, TrainingData
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.loading import end_turns, load_tokenizer
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training import sft
from wukong_trainer.training.preflight import check_stops, trained_texts


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


@pytest.fixture
def tokenizer(student: Path) -> Any:
    return load_tokenizer(str(student))


def ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def row(tokenizer: Any, question: str, answer: str) -> tuple[list[int], dict[str, list[int]]]:
    """The prompt's ids, and the row as TRL prepares it."""
    prompt = ids(tokenizer, prompt_text(tokenizer, Example(question, "").prompt(SYSTEM)))
    completion = ids(tokenizer, answer)
    return prompt, {"input_ids": prompt + completion, "labels": [-100] * len(prompt) + completion}


def seen(tokenizer: Any, rows: list[dict[str, list[int]]], prompts: list[list[int]], max_length: int = 512) -> Any:
    collator = DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id)
    return trained_texts(tokenizer, collator, rows, {tuple(prompt) for prompt in prompts}, max_length)


def test_training_says_first_what_of_three_rows_is_trained(run: Run, data: TrainingData, recipe: Recipe) -> None:
    said: list[str] = []
    trained = sft.train(run, data, overridden(recipe, epochs=0.5), say=said.append)
    answers = [f"{example.output}<|im_end|>⏎" for example in data.train]
    shown = said[0].removeprefix("What is trained, of three rows: ").split(" | ")
    assert len(shown) == 3
    assert set(shown) <= set(answers)
    assert "10 rows a pass" in said[1]
    attention = "eager" if trained.place.dtype is torch.bfloat16 else "sdpa"
    assert f"attention {attention}" in said[2]
    held = read_json(run.train / "preflight.json")
    assert held == trained.preflight.to_json()
    assert held["expected_memory_gb"]["total"] < held["free_memory_gb"]
    assert held["device"] in ("cpu", "cuda")
    assert held["notes"] == []


def test_rows_that_are_cut_and_rows_of_nothing_but_a_question_are_counted(
    run: Run, data: TrainingData, recipe: Recipe
) -> None:
    long = [Example("长？", "很长" * 400), Example("很长" * 400, "短")]
    found = sft.train(run, TrainingData([*data.train, *long], [], "h"), overridden(recipe, epochs=0.5)).preflight
    assert (found.rows, found.truncated, found.dropped) == (22, 2, 1)
    with pytest.raises(ModelError, match="raise max_length"):
        sft.train(run, TrainingData(long[1:], [], "h"), recipe)


def test_an_answer_whose_end_is_not_trained_is_refused(tokenizer: Any) -> None:
    prompt, good = row(tokenizer, "问？", "答<|im_end|>\n")
    assert seen(tokenizer, [good], [prompt]) == ["答<|im_end|>\n"]
    prompt, endless = row(tokenizer, "问？", "答")
    with pytest.raises(ModelError, match=r"<\|im_end\|>, is not among the trained tokens"):
        seen(tokenizer, [good, endless], [prompt])
    # A row that was cut has lost its end, and is counted elsewhere.
    assert seen(tokenizer, [endless], [prompt], max_length=len(endless["input_ids"])) == ["答"]


def test_a_question_trained_otherwise_than_it_will_be_asked_is_refused(tokenizer: Any) -> None:
    prompt, good = row(tokenizer, "问？", "答<|im_end|>")
    without_system = ids(tokenizer, prompt_text(tokenizer, [{"role": "user", "content": "问？"}]))
    with pytest.raises(ModelError, match="another form than it will be asked in"):
        seen(tokenizer, [good], [without_system])
    assert seen(tokenizer, [good], [prompt])


def test_two_beginnings_are_refused(tokenizer: Any) -> None:
    tokenizer.bos_token = "<|endoftext|>"
    begin = tokenizer.bos_token_id
    prompt, good = row(tokenizer, "问？", "答<|im_end|>")
    twice = {"input_ids": [begin, begin, *good["input_ids"]], "labels": [-100, -100, *good["labels"]]}
    with pytest.raises(ModelError, match="twice"):
        seen(tokenizer, [twice], [[begin, begin, *prompt]])


def test_rows_of_which_nothing_is_trained_are_refused(tokenizer: Any) -> None:
    prompt, good = row(tokenizer, "问？", "答<|im_end|>")
    with pytest.raises(ModelError, match="raise max_length"):
        seen(tokenizer, [good | {"labels": [-100] * len(good["labels"])}], [prompt])


def test_a_template_whose_answers_never_end_is_refused(student: Path) -> None:
    tokenizer = load_tokenizer(str(student))
    example = [Example("问？", "答")]
    check_stops(tokenizer, example, SYSTEM)
    template = tokenizer.chat_template
    tokenizer.chat_template = template.replace("'<|im_end|>'", "''")
    with pytest.raises(ModelError, match="never stop"):
        check_stops(tokenizer, example, SYSTEM)
    tokenizer.chat_template = template.replace("{% if add", "{{ messages | length }}{% if add")
    with pytest.raises(ModelError, match=r"never stop|differently"):
        check_stops(tokenizer, example, SYSTEM)


def test_a_base_models_answers_end_where_its_template_ends_a_turn(student: Path) -> None:
    tokenizer = load_tokenizer(str(student))
    tokenizer.eos_token = "<|endoftext|>"
    end_turns(tokenizer)
    assert tokenizer.eos_token == "<|im_end|>"
    check_stops(tokenizer, [Example("问？", "答")], SYSTEM)
