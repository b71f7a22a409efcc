"""`train --resume` on rows of the user's own: the run knows where they were."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import FACTS
from wukong_pipe.cli.main import main
from wukong_pipe.commands.train import run_train
from wukong_pipe.commands.train_options import TrainOptions, chosen_data
from wukong_pipe.errors import TrainingInterrupted
from wukong_pipe.files import read_json
from wukong_pipe.workspace import Run, Workspace
from wukong_trainer.recipe import Recipe, overridden


def stopped(home: Path, recipe: Recipe) -> Run:
    """A run of one column mapping and one mix that was stopped at its third of eight steps."""
    rows = [{"q": question, "a": answer, "other": "x"} for question, answer in FACTS[:20]]
    (home / "facts.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    (home / "general.jsonl").write_text('{"instruction": "hello?", "output": "yes"}\n', "utf-8")
    options = TrainOptions(data="facts.json", columns="instruction=q,output=a", mix="general.jsonl:0.05")
    workspace = Workspace(Path("runs"))
    run = workspace.run("facts")
    recipe = overridden(recipe, validation=0.25, epochs=2.0, batch=5, method="lora")

    def progress(step: str, done: int, steps: int, note: str) -> None:  # noqa: ARG001
        if done == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingInterrupted):
        run_train(workspace, run, chosen_data(run, recipe, options), recipe, overwrite=False, progress=progress)
    return run


@pytest.mark.usefixtures("short_samples")
def test_resume_alone_goes_on_with_the_rows_of_the_beginning_from_any_folder_and_says_what_has_changed(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Run(tmp_path / stopped(tmp_path, recipe).folder)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    resume: list[Any] = ["train", "--resume", "--runs-dir", "../runs"]
    rows = (tmp_path / "facts.json").read_text("utf-8")

    (tmp_path / "facts.json").rename(tmp_path / "moved.json")
    assert main(resume) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'facts.json'}, which is no longer there: put it back" in said
    assert "--data FILE --run facts" in said

    (tmp_path / "facts.json").write_text(rows.replace(FACTS[3][1], "其他"), "utf-8")
    assert main(resume) == 1
    said = capsys.readouterr().err
    assert "The training rows have changed since checkpoint-3 was written" in said
    assert f"restore {tmp_path / 'facts.json'} and {tmp_path / 'general.jsonl'}:0.05 and go on" in said

    (tmp_path / "facts.json").write_text(rows, "utf-8")
    other = str(tmp_path / "general.jsonl")
    assert main([*resume, "--data", other, "--run", "facts"]) == 1
    assert f"restore {tmp_path / 'facts.json'} and {tmp_path / 'general.jsonl'}:0.05 and go" in capsys.readouterr().err

    assert main([*resume, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["steps"] == 8
    assert shown["data"]["columns"] == "facts.json: instruction ← q, output ← a; not used: other"
    assert shown["data"]["mixed in"].startswith("1 of the 1 rows")
    head = (run.train / "recipe.toml").read_text("utf-8")
    assert f"# from: data {tmp_path / 'facts.json'}, columns instruction=q,output=a, mix " in head
    assert read_json(run.adapter / "wukong.json")["data"] == shown["data"]
