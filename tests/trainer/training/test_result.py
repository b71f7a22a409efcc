"""What a finished training leaves beside its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.models.model_facts import ModelFacts
from wukong_trainer.recipe import load_recipe
from wukong_trainer.training.result import record


def test_a_base_in_a_relative_folder_is_remembered_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models" / "qwen").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    kept = record(Run(tmp_path / "apollo"), replace(load_recipe("tiny"), model="models/qwen"), TrainingData([], [], ""))
    assert kept["base_model"] == str(tmp_path / "models" / "qwen")
    monkeypatch.chdir("/")
    assert ModelFacts("apollo", "adapter", kept).hub_base == "", "elsewhere it would look like an id of the hub"
