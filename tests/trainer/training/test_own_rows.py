"""`train --mix own:SHARE`: a student makes rows of itself before it is tuned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import FACTS, SYSTEM
from wukong_pipe.cli.main import main
from wukong_pipe.errors import ModelError
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.inference.generate import answer_all, prompt_text
from wukong_trainer.models.loading import choose_place, load_model, load_tokenizer
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training.own_rows import ANSWER_TOKENS, BATCH, own_rows, own_rows_file


@pytest.fixture(scope="module")
def asking(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded student, taught to ask as well as to answer, as every chat model was."""
    model, tokenizer = load_model(str(student), "lora", choose_place("fp32")), load_tokenizer(str(student))
    texts = [prompt_text(tokenizer, chat_prompt(question, SYSTEM)) + answer for question, answer in FACTS]
    batch = tokenizer([text + tokenizer.eos_token for text in texts], return_tensors="pt", padding=True)
    # The padding may be the end of a turn, which is to be learnt.
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(60):
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("asking")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def recipe(recipe: Recipe, asking: Path) -> Recipe:
    return overridden(recipe, model=str(asking))


@pytest.fixture
def loaded(recipe: Recipe) -> tuple[Any, Any]:
    return load_model(recipe.model, "lora", choose_place(recipe.precision)), load_tokenizer(recipe.model)


def test_each_row_is_another_question_with_the_students_own_answer(loaded: tuple[Any, Any], recipe: Recipe) -> None:
    told: list[tuple[int, int]] = []
    rows = own_rows(*loaded, recipe, 12, lambda *done: told.append(done))
    assert 0 < len(rows) <= 12
    assert told[-1] == (len(rows), 12)
    assert len({normalise(row.question) for row in rows}) == len(rows)
    prompts = [chat_prompt(row.question, recipe.system) for row in rows]
    answers = answer_all(*loaded, prompts, ANSWER_TOKENS, BATCH)
    assert all(answer.text.startswith(row.output) for row, answer in zip(rows, answers, strict=True))
    assert rows == own_rows(*loaded, recipe, 12, lambda *done: None), "the same seed"


def test_they_are_made_once_for_a_student_a_system_prompt_and_a_number(tmp_path: Path, recipe: Recipe) -> None:
    run = Run(tmp_path / "run")
    told: list[int] = []
    file = own_rows_file(run, recipe, 4, lambda done, of: told.append(done))
    rows, asked = read_jsonl(file), len(told)
    assert 0 < len(rows) <= 4
    assert own_rows_file(run, recipe, 4, lambda done, of: told.append(done)) == file
    assert len(told) == asked
    assert own_rows_file(run, overridden(recipe, system="Be brief."), 4, lambda done, of: None) != file


def test_a_template_that_shows_no_question_is_refused(loaded: tuple[Any, Any], recipe: Recipe) -> None:
    model, tokenizer = loaded
    tokenizer.chat_template = "{{ 'always the same' }}"
    with pytest.raises(ModelError, match="does not show what a user says: leave out --mix own:SHARE"):
        own_rows(model, tokenizer, recipe, 4, lambda *done: None)


@pytest.mark.usefixtures("short_samples")
def test_train_mixes_them_in_and_goes_on_with_the_same(
    tmp_path: Path, asking: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"instruction": question, "output": answer} for question, answer in FACTS]
    (tmp_path / "facts.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    command = ["train", "--data", "facts.json", "--mix", "own:0.1", "--recipe", "tiny", "--json"]
    assert main([*command, "--model", "tiny"]) == 1
    assert "The embedded student is no chat model" in capsys.readouterr().err

    assert main([*command, "--model", str(asking), "--epochs", "1"]) == 0
    said = capsys.readouterr().out
    (file,) = (tmp_path / "runs" / "facts" / "train").glob("own_rows-*.jsonl")
    made = read_jsonl(file)
    assert (
        f"{len(made)} of the {len(made)} rows of runs/facts/train/{file.name}" in json.loads(said)["data"]["mixed in"]
    )
    trained = read_json(tmp_path / "runs" / "facts" / "adapter" / "wukong.json")["questions"]
    assert {normalise(row["instruction"]) for row in made} <= set(trained)

    before = file.stat().st_mtime_ns
    assert main([*command, "--model", str(asking), "--epochs", "2", "--overwrite"]) == 0
    assert file.stat().st_mtime_ns == before
