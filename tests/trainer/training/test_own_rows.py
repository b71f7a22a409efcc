"""`train --mix own:SHARE`: a student makes rows of itself before it is tuned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import FACTS
from wukong_pipe.cli.main import main
from wukong_pipe.commands.train import with_own_rows
from wukong_pipe.commands.train_options import TrainOptions
from wukong_pipe.errors import ModelError
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.workspace import Run, Workspace
from wukong_trainer.data.examples import TrainingData, chat_prompt
from wukong_trainer.inference.generate import answer_all
from wukong_trainer.models.loading import choose_place, load_model, load_tokenizer
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training.own_rows import ANSWER_TOKENS, BATCH, own_rows, own_rows_file


@pytest.fixture
def recipe(recipe: Recipe, asking: Path) -> Recipe:
    return overridden(recipe, model=str(asking))


@pytest.fixture
def loaded(recipe: Recipe) -> tuple[Any, Any]:
    return load_model(recipe.model, "lora", choose_place(recipe.precision)), load_tokenizer(recipe.model)


def test_each_row_is_another_question_with_the_students_own_answer(loaded: tuple[Any, Any], recipe: Recipe) -> None:
    told: list[tuple[int, int]] = []
    rows = own_rows(*loaded, recipe, 12, set(), lambda *done: told.append(done))
    assert 0 < len(rows) <= 12
    assert told[-1] == (len(rows), 12)
    assert len({normalise(row.question) for row in rows}) == len(rows)
    prompts = [chat_prompt(row.question, recipe.system) for row in rows]
    answers = answer_all(*loaded, prompts, ANSWER_TOKENS, BATCH)
    assert all(answer.text.startswith(row.output) for row, answer in zip(rows, answers, strict=True))
    assert rows == own_rows(*loaded, recipe, 12, set(), lambda *done: None), "the same seed"


def test_a_question_to_avoid_is_none_of_them(loaded: tuple[Any, Any], recipe: Recipe) -> None:
    first = own_rows(*loaded, recipe, 4, set(), lambda *done: None)[0]
    others = own_rows(*loaded, recipe, 12, {normalise(first.question)}, lambda *done: None)
    assert normalise(first.question) not in {normalise(row.question) for row in others}


def test_a_base_model_ends_its_question_where_the_turn_ends(loaded: tuple[Any, Any], recipe: Recipe) -> None:
    """Its end of text is no end of a turn, so that it would go on with the answer."""
    model, tokenizer = loaded
    tokenizer.eos_token = "<|endoftext|>"
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    rows = own_rows(model, tokenizer, recipe, 12, set(), lambda *done: None)
    assert rows
    assert not [row for row in rows if "assistant" in row.question or "\n" in row.question]


def test_a_system_prompt_may_hold_any_sign(loaded: tuple[Any, Any], recipe: Recipe) -> None:
    assert own_rows(*loaded, overridden(recipe, system="重点用❖标出。"), 4, set(), lambda *done: None)


def test_they_are_made_once_for_a_student_a_system_prompt_and_a_number(tmp_path: Path, recipe: Recipe) -> None:
    run = Run(tmp_path / "run")
    told: list[int] = []
    file = own_rows_file(run, recipe, 4, set(), lambda done, of: told.append(done))
    rows, asked = read_jsonl(file), len(told)
    assert 0 < len(rows) <= 4
    assert own_rows_file(run, recipe, 4, set(), lambda done, of: told.append(done)) == file
    assert len(told) == asked
    assert own_rows_file(run, overridden(recipe, system="Be brief."), 4, set(), lambda done, of: None) != file


def test_a_template_that_shows_no_question_is_refused(loaded: tuple[Any, Any], recipe: Recipe) -> None:
    model, tokenizer = loaded
    tokenizer.chat_template = "{{ 'always the same' }}"
    with pytest.raises(ModelError, match="does not show what a user says: leave out --mix own:SHARE"):
        own_rows(model, tokenizer, recipe, 4, set(), lambda *done: None)


@pytest.mark.usefixtures("short_samples")
def test_train_mixes_them_in_and_goes_on_with_the_same(
    tmp_path: Path, asking: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"instruction": question, "output": answer} for question, answer in FACTS]
    (tmp_path / "facts.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    command = ["train", "--data", "facts.json", "--mix", "own:0.1", "--recipe", "tiny", "--json"]
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


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--model", "tiny"], "the embedded student asks nothing: leave it out, or name a file"),
        (["--recipe", "medical-r1-full"], "this recipe does not train short chats"),
        (["--recipe", "alpaca-lora"], "this recipe does not train short chats"),
        (["--report-to", "swanlab"], "swanlab"),
    ],
)
def test_what_cannot_be_is_said_before_a_student_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "facts.json").write_text(json.dumps([{"instruction": "甲是什么？", "output": "乙"}]), "utf-8")
    assert main(["train", "--data", "facts.json", "--mix", "own:0.5", "--model", str(tmp_path), *more]) == 1
    assert said in capsys.readouterr().err


def test_a_share_of_less_than_a_row_is_none(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, data: TrainingData
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(Path("runs"))
    options = TrainOptions(mix="own:0.01")
    same, _ = with_own_rows(workspace, workspace.run("a"), data, recipe, options, lambda *step: None)
    assert same.train == data.train
    assert same.facts["mixed in"] == "none: 1.0% beside 20 rows is less than one"
