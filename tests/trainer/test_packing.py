from __future__ import annotations

from pathlib import Path

import pytest
import torch

from wukong_pipe.workspace import Run, read_jsonl
from wukong_trainer import sft
from wukong_trainer.data import TrainingData
from wukong_trainer.model import Place
from wukong_trainer.packing import rows_a_pass
from wukong_trainer.recipe import Recipe, load_recipe, overridden


@pytest.fixture
def packed(recipe: Recipe) -> Recipe:
    return overridden(recipe, packing=True, max_length=128, epochs=2.0, method="lora")


def first_loss(run: Run) -> float:
    return float(read_jsonl(run.train / "log.jsonl")[0]["loss"])


def test_packed_rows_have_the_loss_they_have_alone(tmp_path: Path, data: TrainingData, packed: Recipe) -> None:
    """One step over all twenty rows, packed and padded: the same rows, so the same loss."""
    together, alone = Run(tmp_path / "together"), Run(tmp_path / "alone")
    sft.train(together, data, overridden(packed, batch=40))
    sft.train(alone, data, overridden(packed, batch=40, packing=False))
    assert load_recipe(str(together.train / "recipe.toml")).packing
    assert first_loss(together) == pytest.approx(first_loss(alone), rel=0.01)


def test_packing_is_switched_off_where_rows_read_each_other(
    tmp_path: Path, data: TrainingData, packed: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The smallest student's attention is near uniform: what it reads from a neighbour is lost in bf16's rounding.
    monkeypatch.setattr(sft, "choose_place", lambda: Place("cpu", torch.float32, "a test"))
    # What keeps them apart under sdpa: transformers' mask from the positions that begin again.
    monkeypatch.setattr("transformers.masking_utils.find_packed_sequence_indices", lambda position_ids: None)
    run, said = Run(tmp_path / "run"), list[str]()
    sft.train(run, data, packed, say=said.append)
    assert not load_recipe(str(run.train / "recipe.toml")).packing
    assert "with sdpa attention packed rows read each other" in said[-1]


def test_a_step_of_packs_learns_from_about_as_many_rows() -> None:
    assert rows_a_pass(batch=16, mean_tokens=64, max_length=1024) == 1
    assert rows_a_pass(batch=64, mean_tokens=64, max_length=1024) == 4
    assert rows_a_pass(batch=16, mean_tokens=700, max_length=1024) == 11
    assert rows_a_pass(batch=1, mean_tokens=10, max_length=1024) == 1
