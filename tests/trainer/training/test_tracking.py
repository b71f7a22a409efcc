from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from wukong_pipe.errors import MissingDependency
from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.recipe import Recipe, Tracker, overridden
from wukong_trainer.training import sft
from wukong_trainer.training.tracking import check_installed, tracked


def test_tensorboard_shows_the_losses_of_the_log(tmp_path: Path, data: TrainingData, recipe: Recipe) -> None:
    run = Run(tmp_path / "run")
    sft.train(run, data, overridden(recipe, report_to="tensorboard", epochs=1.0), evaluate=False)
    events = EventAccumulator(str(run.train / "tensorboard")).Reload()
    shown = [(event.step, event.value) for event in events.Scalars("train/loss")]
    logged = [(line["step"], line["loss"]) for line in read_jsonl(run.train / "log.jsonl")]
    assert [step for step, _ in shown] == [step for step, _ in logged]
    assert [loss for _, loss in shown] == pytest.approx([loss for _, loss in logged])
    assert "TENSORBOARD_LOGGING_DIR" not in os.environ


@pytest.mark.parametrize(("tracker", "packages"), [("swanlab", "swanlab"), ("mlflow", "mlflow-skinny sqlalchemy")])
def test_a_tracker_that_is_not_installed_is_one_sentence_with_the_command(
    tracker: Tracker, packages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, tracker, None)
    with pytest.raises(MissingDependency, match=f"pip install --upgrade {packages}"):
        check_installed(tracker)
    check_installed("none")


def test_trackers_stay_offline_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with tracked("mlflow", tmp_path):
        assert os.environ["MLFLOW_TRACKING_URI"].startswith(f"sqlite:///{tmp_path}")
    with tracked("wandb", tmp_path):
        assert os.environ["WANDB_MODE"] == "online"
        assert os.environ["WANDB_DIR"].startswith(str(tmp_path))
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert os.environ["WANDB_MODE"] == "online"
