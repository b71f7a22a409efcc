from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.support.precision import in_both_precisions
from wukong_pipe.errors import TrainingInterrupted
from wukong_pipe.files import read_json
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.models.loading import Place
from wukong_trainer.recipe import Recipe, load_recipe, overridden
from wukong_trainer.training import passes, sft
from wukong_trainer.training.memory import GB, Shape
from wukong_trainer.training.passes import decided, sentence

GPU, CPU = Place("cuda", torch.bfloat16, "a test"), Place("cpu", torch.bfloat16, "a test")
SMALL = Shape(106_000_000, 28_000_000, 9_800_000, 576, 1536, 30, 49152, 9)
"""SmolLM2-135M under LoRA."""
SEVEN = Shape(6_500_000_000, 1_090_000_000, 80_000_000, 3584, 18944, 28, 152064, 28)
"""Qwen2.5-7B."""
AUTO = load_recipe("smollm2")


def chosen(recipe: Recipe, shape: Shape | None, place: Place, tokens: list[int], free: float) -> tuple[int, int, bool]:
    """Rows a pass, passes a step, whether activations are computed twice."""
    made = decided(recipe, shape, place, tokens, round(free * GB))
    assert isinstance(made.gradient_checkpointing, bool)
    return made.batch, made.passes, made.gradient_checkpointing


def test_where_memory_is_free_activations_are_kept() -> None:
    assert chosen(AUTO, SMALL, CPU, [48] * 90, 21)[2] is False
    assert chosen(load_recipe("qlora"), SEVEN, GPU, [200] * 90, 140)[2] is False


def test_a_cpu_takes_passes_that_just_keep_it_busy_and_a_gpu_the_whole_step() -> None:
    assert chosen(AUTO, SMALL, CPU, [70] * 90, 21)[:2] == (4, 4)
    assert chosen(AUTO, SMALL, CPU, [500] * 90, 21)[:2] == (1, 16)
    assert chosen(AUTO, SMALL, CPU, [10] * 90, 21)[:2] == (16, 1)
    assert chosen(AUTO, SMALL, GPU, [70] * 90, 21)[:2] == (16, 1)


def test_nf4_weights_are_unpacked_once_a_step() -> None:
    assert chosen(overridden(AUTO, method="qlora"), SMALL, CPU, [500] * 90, 21)[:2] == (16, 1)


def test_on_a_gpu_passes_become_smaller_before_activations_are_computed_twice_while_they_keep_it_busy() -> None:
    recipe, rows = load_recipe("qlora"), [1024] * 90
    by_free = [chosen(recipe, SEVEN, GPU, rows, free) for free in (200, 100, 60, 40, 16, 10)]
    assert by_free == [(16, 1, False), (8, 2, False), (4, 4, False), (16, 1, True), (8, 2, True), (1, 16, True)]


def test_of_a_student_of_unknown_shape_activations_are_computed_twice() -> None:
    assert chosen(load_recipe("qlora"), None, GPU, [70] * 90, 140) == (16, 1, True)


@pytest.mark.parametrize("again", [False, True])
def test_what_the_recipe_says_itself_stays(again: bool) -> None:
    said = overridden(AUTO, batch=2, accumulation=8, gradient_checkpointing=again)
    for free in (0.001, 100):
        assert decided(said, SMALL, CPU, [48] * 90, round(free * GB)) == said


def test_what_was_decided_is_a_sentence() -> None:
    made = decided(AUTO, SMALL, CPU, [70] * 90, round(21 * GB))
    assert sentence(made) == (
        "Chosen for this machine: activations fit and are kept (no gradient checkpointing); the 16 rows of a step go "
        "in 4 passes, rows of like length in one."
    )


@pytest.fixture
def left(recipe: Recipe) -> Recipe:
    """A recipe that leaves to the machine what can be left to it."""
    changes = {"method": "lora", "modules_to_save": [], "gradient_checkpointing": "auto", "accumulation": "auto"}
    return overridden(recipe, **changes)


def test_a_training_says_what_it_decided_and_writes_it_down(
    tmp_path: Path, data: TrainingData, left: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = Run(tmp_path / "run"), list[str]()
    monkeypatch.setitem(passes.BUSY, "cpu", 100)
    sft.train(run, data, left, say=said.append)
    ran = load_recipe(str(run.train / "recipe.toml"))
    assert ran == overridden(left, gradient_checkpointing=False, accumulation=ran.passes, batch=10 // ran.passes)
    assert ran.passes > 1
    (note,) = (line for line in said if line.startswith("Chosen for this machine"))
    assert f"in {ran.passes} passes" in note
    assert note in read_json(run.train / "preflight.json")["notes"]


@in_both_precisions
def test_a_resumed_training_goes_on_by_what_was_decided(
    tmp_path: Path, data: TrainingData, left: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(step: int, steps: int, note: str) -> None:  # noqa: ARG001
        if step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setitem(passes.BUSY, "cpu", 100)
    whole, halves = Run(tmp_path / "whole"), Run(tmp_path / "halves")
    left = overridden(left, dropout=0.1)
    sft.train(whole, data, left)
    with pytest.raises(TrainingInterrupted):
        sft.train(halves, data, left, progress=stop)
    monkeypatch.setitem(passes.BUSY, "cpu", 1)  # By which a new training would be split otherwise.
    sft.train(halves, data, left, resume=True)
    one, other = (load_file(run.adapter / "adapter_model.safetensors") for run in (whole, halves))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
