from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.precision import in_both_precisions
from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.recipe import Recipe, load_recipe, overridden
from wukong_trainer.training import sft
from wukong_trainer.training.packing import packs


@pytest.fixture
def packed(recipe: Recipe) -> Recipe:
    return overridden(recipe, packing=True, max_length=128, epochs=2.0, method="lora")


def first_loss(run: Run) -> float:
    return float(read_jsonl(run.train / "log.jsonl")[0]["loss"])


@in_both_precisions
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
    packed = overridden(packed, precision="fp32")
    # What keeps them apart under sdpa: transformers' mask from the positions that begin again.
    monkeypatch.setattr("transformers.masking_utils.find_packed_sequence_indices", lambda position_ids: None)
    run, said = Run(tmp_path / "run"), list[str]()
    sft.train(run, data, packed, say=said.append)
    assert not load_recipe(str(run.train / "recipe.toml")).packing
    assert "with sdpa attention packed rows read each other" in said[-1]


@pytest.mark.parametrize(
    ("lengths", "batch", "accumulation", "max_length"),
    [
        ([64] * 500, 16, 1, 1024),
        ([64] * 500, 64, 1, 1024),
        ([700] * 500, 16, 1, 1024),
        ([45] * 512, 16, 1, 1024),  # A pack of 1024 would hold 22 of them.
        ([64] * 500, 23, 1, 1024),  # One of 1024 holds too few and two hold too many.
        ([10] * 500, 1, 8, 2048),
        ([40] * 490 + [600] * 10, 4, 8, 2048),
        (list(range(20, 420)), 8, 2, 512),
    ],
)
def test_a_step_of_packs_learns_from_as_many_rows_as_the_recipe_says(
    lengths: list[int], batch: int, accumulation: int, max_length: int
) -> None:
    chosen = packs(lengths, batch, accumulation, max_length)
    assert chosen.rows == pytest.approx(batch * accumulation, rel=0.1)
    assert max(lengths) <= chosen.length <= max_length
    assert "--no-packing" not in chosen.sentence(batch * accumulation)


def test_a_pack_is_as_long_as_the_longest_validation_row() -> None:
    assert packs([64] * 500, 4, 1, 1024).length < 700
    assert packs([64] * 500, 4, 1, 1024, watched=700).length == 700
    assert packs([64] * 500, 4, 1, 1024, watched=3000).length == 1024


def test_more_rows_a_step_than_the_recipe_says_are_told_with_the_cure() -> None:
    """The longest row alone makes a pack that holds many of the short ones, and no pass has less than one pack."""
    chosen = packs([*[40] * 490, *[900] * 10], batch=4, accumulation=1, max_length=1024)
    assert chosen.rows > 10
    assert chosen.sentence(4).endswith("many short ones; --no-packing keeps to 4.")


def test_a_packed_training_makes_as_many_steps_as_one_that_is_not(
    tmp_path: Path, data: TrainingData, packed: Recipe
) -> None:
    run, said = Run(tmp_path / "run"), list[str]()
    trained = sft.train(run, data, overridden(packed, batch=5, max_length=512), evaluate=False, say=said.append)
    assert trained.steps == 2 * 20 / 5
    assert "Packing: 1 pack of" in said[-1]
    assert "about 5 rows a step." in said[-1]
