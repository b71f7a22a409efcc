"""The whole path through the command line with a student as small as can be, and what can be put in wrong."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from tests.trainer.conftest import SMALL, SYSTEM, pairs
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl
from wukong_trainer.hardware import cpu_name
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import make_student

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("empty_home")]

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A student folder, as any model folder a user may have."""
    silence_libraries()
    folder = tmp_path_factory.mktemp("model")
    return str(make_student(folder, ["Apollo 11 landed.", "猴子"], pairs(), SYSTEM, size=SMALL))


@pytest.fixture
def built(empty_home: Path, corpora: Path) -> Path:
    """The folder of a run whose dataset is built."""
    size = ["--limit", "6", "--max-pairs", "4", "--variants", "6"]
    assert main(["build", str(corpora / "apollo.md"), "--teacher", "offline", *size]) == 0
    return empty_home / "runs" / "apollo"


@pytest.fixture
def tuned(built: Path, small: str) -> Path:
    """The folder of a run that is built and trained."""
    assert main(["train", "--model", small, "--recipe", "tiny", "--epochs", "0.2"]) == 0
    return built


@pytest.fixture
def refused(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must fail with exit code 1, one sentence, and every file as it was; gives the sentence."""

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in empty_home.rglob("*") if path.is_file() and path.name != ".lock"}

    def run(*arguments: str) -> str:
        before = files()
        capsys.readouterr()
        assert main(list(arguments)) == 1
        told = capsys.readouterr()
        errors = [line for line in told.err.splitlines() if line.startswith("Error:")]
        assert len(errors) == 1
        assert "Traceback" not in told.out + told.err
        assert files() == before
        return errors[0]

    return run


def check_notes(run: Path, page: str) -> None:
    """What each step notes of itself, and the report's words of it."""
    build, training = read_json(run / "build.json"), read_json(run / "train" / "result.json")
    (evaluation,) = read_jsonl(run / "eval" / "history.jsonl")
    commands = [note["command"].split() for note in (build, training, evaluation)]
    assert [command[1] for command in commands] == ["build", "train", "eval"]
    assert [word in command for word, command in zip(("--limit", "--epochs", "8"), commands, strict=True)] == [True] * 3
    text = html.unescape(re.sub("<[^>]+>", "", page))
    assert all(note["command"] in text for note in (build, training, evaluation))
    assert training["steps"] > training["first_step"] == 0
    assert 0 < training["trainable"] < training["parameters"]
    for note in (training, evaluation):
        assert note["seconds"] > 0
        assert note["hardware"]["name"] == cpu_name()
        assert f"{note['hardware']['name']}, " in page
    holdout = read_json(run / "dataset" / "manifest.json")["holdout"]
    tested = read_jsonl(run / "dataset" / "test.jsonl")
    for level in ("wording", "question", "section"):
        # The pairs of two alike rows may have lost one of them to dedupe.
        assert holdout[level]["pairs"] >= len({row["pair_id"] for row in tested if row["level"] == level})
    assert holdout["section"]["sections"] == len({row["section_id"] for row in tested if row["level"] == "section"}) > 0


def test_build_train_eval_and_report_in_a_row(tuned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["eval", "--max-new-tokens", "8", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics == read_json(tuned / "eval" / "metrics.json")
    assert metrics["leakage"] == "none"
    assert main(["report"]) == 0
    page = (tuned / "report.html").read_text("utf-8")
    check_notes(tuned, page)
    for answer in read_jsonl(tuned / "eval" / "answers.jsonl"):
        assert answer["id"]
    assert "<svg" in page


def test_the_tutorials_instruction_and_output_rows_go_through_train_and_eval(empty_home: Path, small: str) -> None:
    rows = [{"instruction": f"第{i}问是什么？", "output": f"第{i}答"} for i in range(12)]
    (empty_home / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:8]), "utf-8")
    (empty_home / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[8:]), "utf-8")
    assert main(["train", "--data", "rows.jsonl", "--model", small, "--recipe", "tiny", "--epochs", "1"]) == 0
    assert (empty_home / "runs" / "rows" / "adapter" / "adapter_model.safetensors").is_file()
    assert main(["eval", "--test", "asked.jsonl", "--max-new-tokens", "4"]) == 0
    assert len(read_jsonl(empty_home / "runs" / "rows" / "eval" / "answers.jsonl")) == 4


def test_a_training_that_had_not_settled_says_so_on_screen_in_its_recipe_and_on_the_page(
    built: Path, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = (files("wukong_trainer.recipes") / "tiny.toml").read_text("utf-8").replace('"cosine"', '"constant"')
    (built.parent.parent / "steady.toml").write_text(recipe, "utf-8")
    assert main(["train", "--model", small, "--recipe", "steady.toml", "--epochs", "4", "--lr", "0.0015"]) == 0
    warning = "The training loss was still falling at the end"
    told = capsys.readouterr().out
    assert warning in told
    assert "--overwrite --epochs 8" in told
    assert f"# note 1: {warning}" in (built / "train" / "recipe.toml").read_text("utf-8")
    assert main(["report"]) == 0
    text = re.sub("<[^>]+>", "", (built / "report.html").read_text("utf-8"))
    assert re.search("wukong-pipe train .*--epochs 8.* --overwrite", text)


def test_train_before_build_names_the_command_that_comes_first(refused: Refused) -> None:
    assert "wukong-pipe build" in refused("train", "--model", "tiny")
    assert "wukong-pipe build" in refused("train", "--model", "tiny", "--run", "nothing")


def test_eval_before_train_names_the_command_that_comes_first(built: Path, refused: Refused) -> None:
    assert f"wukong-pipe train --run {built.name}" in refused("eval")


def test_a_torn_line_in_the_training_rows_is_named(built: Path, refused: Refused) -> None:
    path = built / "dataset" / "train.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    lines = len(path.read_bytes().splitlines())
    assert f"train.jsonl, line {lines}" in refused("train", "--model", "tiny")


def test_a_7b_student_without_a_gpu_is_refused_before_anything_is_downloaded(
    built: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert built.is_dir()
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "--model tiny" in refused("train")


def test_an_adapter_of_another_base_model_is_refused(tuned: Path, refused: Refused, tmp_path: Path) -> None:
    assert tuned.is_dir()
    other = make_student(tmp_path / "other", ["Apollo"], pairs(), SYSTEM, seed=7, size=SMALL)
    assert "another base model" in refused("eval", "--model", str(other))


def test_an_adapter_trained_on_this_test_set_is_refused(tuned: Path, small: str, refused: Refused) -> None:
    test = tuned / "dataset" / "test.jsonl"
    arguments = ["--model", small, "--recipe", "tiny", "--epochs", "0.2", "--run", "apollo", "--overwrite"]
    assert main(["train", "--data", str(test), *arguments]) == 0
    count = len(read_jsonl(test))
    assert f"trained on {count} of these {count} test questions" in refused("eval")


def test_an_adapter_is_not_replaced_unasked(tuned: Path, small: str, refused: Refused) -> None:
    assert tuned.is_dir()
    told = refused("train", "--model", small, "--recipe", "tiny")
    assert "--overwrite" in told
    assert "--data runs/apollo/dataset --run NAME" in told


def test_a_report_on_nothing_is_refused(refused: Refused) -> None:
    assert "wukong-pipe build" in refused("report")


def test_ctrl_c_keeps_a_checkpoint_exits_130_and_names_the_command_that_goes_on(
    built: Path, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = (
        (files("wukong_trainer.recipes") / "tiny.toml").read_text("utf-8").replace("save_every = 0", "save_every = 1")
    )
    (built.parent.parent / "often.toml").write_text(recipe, "utf-8")
    begin = ["train", "--model", small, "--recipe", "often.toml", "--epochs", "4"]

    def interrupt() -> None:
        deadline = time.monotonic() + 120
        while not any((built / "train").glob("checkpoint-*/trainer_state.json")) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert main(begin) == 130
    told = capsys.readouterr().err
    assert "a checkpoint is kept" in told
    assert f"Go on with: wukong-pipe {' '.join(begin)} --resume" in told
    assert main(begin) == 1
    assert "--resume" in capsys.readouterr().err
    assert main(["train", "--resume", "--epochs", "5"]) == 1
    assert "begun with another epochs" in capsys.readouterr().err
    assert main(["train", "--resume"]) == 0
    result = read_json(built / "train" / "result.json")
    assert result["first_step"] > 0
    # Without --epochs 4 it would not make the same again.
    assert result["command"] == f"wukong-pipe {shlex.join(begin)} --run apollo"
    steps = [line["step"] for line in read_jsonl(built / "train" / "log.jsonl") if "loss" in line]
    assert steps == list(range(1, steps[-1] + 1))
    assert main(["train", "--resume"]) == 1
    assert "no training to go on with" in capsys.readouterr().err


def test_what_cannot_go_together_in_a_training_is_refused(
    refused: Refused,
    built: Path,  # noqa: ARG001
    small: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert "trains none" in refused("train", "--model", small, "--method", "full", "--peft", "dora")
    assert "pip install --upgrade wandb" in refused("train", "--model", small, "--report-to", "wandb")
