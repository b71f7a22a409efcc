from __future__ import annotations

from pathlib import Path

import pytest

from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training import sft

# Its import alone takes seconds.
pytestmark = pytest.mark.long


def test_mlflow_holds_the_losses_of_the_log_in_a_file_of_the_run(
    tmp_path: Path, data: TrainingData, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = pytest.importorskip("mlflow").MlflowClient
    # What it writes beside its database goes where it is called from.
    monkeypatch.chdir(tmp_path)
    run = Run(tmp_path / "run")
    sft.train(run, data, overridden(recipe, report_to="mlflow", epochs=1.0, method="lora"), evaluate=False)
    shown = client(f"sqlite:///{run.train / 'mlflow.db'}")
    (experiment,) = shown.search_experiments(filter_string="name = 'wukong-pipe'")
    (kept,) = shown.search_runs([experiment.experiment_id])
    logged = [(line["step"], line["loss"]) for line in read_jsonl(run.train / "log.jsonl")]
    losses = shown.get_metric_history(kept.info.run_id, "loss")
    assert [metric.step for metric in losses] == [step for step, _ in logged]
    assert [metric.value for metric in losses] == pytest.approx([loss for _, loss in logged])
    assert kept.info.status == "FINISHED"
