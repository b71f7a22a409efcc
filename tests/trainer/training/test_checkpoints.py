from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.support.precision import in_both_precisions
from wukong_pipe.errors import ModelError, TrainingInterrupted, WorkspaceError
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.models.templates import trained_template
from wukong_trainer.recipe import Recipe, load_recipe, overridden
from wukong_trainer.training import checkpoints, sft

LONG = {"epochs": 4.0, "dropout": 0.1}
"""Eight steps; with dropout, so that a lost random state shows."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def stop_at(step: int, number: int = signal.SIGINT) -> Any:
    """A progress callback that sends this process a signal, as Ctrl-C does."""

    def progress(at: int, steps: int, note: str) -> None:  # noqa: ARG001
        if at == step:
            os.kill(os.getpid(), number)

    return progress


def curve(run: Run) -> list[tuple[int, float, float]]:
    """Step, loss (of training or validation) and learning rate of every line of the log."""
    return [
        (line["step"], float(line["loss"] if "loss" in line else line["eval_loss"]), line.get("learning_rate", 0.0))
        for line in read_jsonl(run.train / "log.jsonl")
    ]


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.adapter / "adapter_model.safetensors")


@in_both_precisions
def test_a_training_stopped_by_ctrl_c_and_resumed_ends_as_one_never_stopped(
    tmp_path: Path, data: TrainingData, recipe: Recipe
) -> None:
    recipe = overridden(recipe, **LONG)
    whole, halves = Run(tmp_path / "whole"), Run(tmp_path / "halves")
    sft.train(whole, data, recipe)
    with pytest.raises(TrainingInterrupted, match="step 4 of 8"):
        # Step 3's line comes after the step: the fourth is the first to see that it is the last.
        sft.train(halves, data, recipe, progress=stop_at(3))
    assert [step for step, *_ in curve(halves)][-1] == 4
    assert not halves.adapter.exists()
    trained = sft.train(halves, data, recipe, resume=True)
    assert trained.steps == 8
    assert curve(halves) == curve(whole)
    assert all(torch.equal(tensor, weights(whole)[name]) for name, tensor in weights(halves).items())


def test_a_second_signal_stops_at_once(run: Run, data: TrainingData, recipe: Recipe) -> None:
    def twice(at: int, steps: int, note: str) -> None:  # noqa: ARG001
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        sft.train(run, data, recipe, progress=twice)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_unfinished_training_is_not_started_over_unasked_nor_resumed_on_other_rows(
    run: Run, data: TrainingData, recipe: Recipe
) -> None:
    with pytest.raises(TrainingInterrupted):
        sft.train(run, data, recipe, progress=stop_at(1, signal.SIGTERM))
    with pytest.raises(WorkspaceError, match=r"stopped at step 2.*--resume.*--overwrite"):
        sft.check_free(run, overwrite=False)
    sft.check_free(run, overwrite=True)
    sft.check_free(run, overwrite=False, resume=True)
    with pytest.raises(ModelError, match="The training rows have changed"):
        sft.train(run, replace(data, hash="another"), recipe, resume=True)
    with pytest.raises(ModelError, match="The validation rows have changed since checkpoint-2 was written: restore"):
        sft.train(run, replace(data, validation=data.validation[1:]), recipe, resume=True)
    sft.train(run, data, recipe)
    assert checkpoints.unfinished(run) is None
    with pytest.raises(WorkspaceError, match="no training to go on with"):
        sft.train(run, data, recipe, resume=True)


def test_a_checkpoint_that_was_cut_off_while_written_is_passed_over(
    run: Run, data: TrainingData, recipe: Recipe
) -> None:
    with pytest.raises(TrainingInterrupted):
        sft.train(run, data, overridden(recipe, save_every=2), progress=stop_at(3))
    assert checkpoints.last_checkpoint(run) == run.train / "checkpoint-4"
    (run.train / "checkpoint-4" / checkpoints.STATE).write_text('{"global_st')
    assert checkpoints.last_checkpoint(run) == run.train / "checkpoint-2"
    assert sft.train(run, data, recipe, resume=True).steps == 6


def test_checkpoints_are_written_as_often_as_the_recipe_says(run: Run, data: TrainingData, recipe: Recipe) -> None:
    sft.train(run, data, overridden(recipe, save_every=2), evaluate=False)
    # Two are kept, the last two.
    assert sorted(path.name for path in run.train.glob("checkpoint-*")) == ["checkpoint-4", "checkpoint-6"]


@pytest.fixture
def five_rows_fit(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A device on which more than five rows a pass do not fit; the batch sizes that were tried."""
    from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer

    tried: list[int] = []
    forward = Qwen2DecoderLayer.forward

    def limited(self: Any, hidden_states: torch.Tensor, *rest: Any, **options: Any) -> Any:
        tried.append(len(hidden_states))
        if len(hidden_states) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(self, hidden_states, *rest, **options)

    monkeypatch.setattr(Qwen2DecoderLayer, "forward", limited)
    return tried


def test_when_memory_runs_out_fewer_rows_a_pass_make_the_same_steps(
    tmp_path: Path, data: TrainingData, recipe: Recipe, request: pytest.FixtureRequest
) -> None:
    plenty, scarce = Run(tmp_path / "plenty"), Run(tmp_path / "scarce")
    sft.train(plenty, data, recipe)
    tried = request.getfixturevalue("five_rows_fit")
    said: list[str] = []
    sft.train(scarce, data, recipe, say=said.append)
    assert (tried[0], max(tried[1:])) == (10, 5)
    assert [loss for _, loss, _ in curve(scarce)] == pytest.approx([loss for _, loss, _ in curve(plenty)], rel=1e-3)
    ran = load_recipe(str(scarce.train / "recipe.toml"))
    assert (ran.batch, ran.accumulation) == (5, 2)
    assert "Memory ran out: 5 rows a pass, 2 passes a step" in said[-1]
    assert said[-1] in (scarce.train / "recipe.toml").read_text("utf-8")


def test_memory_that_holds_no_single_row_is_one_sentence(
    run: Run, data: TrainingData, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any, **options: Any) -> Any:  # noqa: ARG001
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr("transformers.models.qwen2.modeling_qwen2.Qwen2DecoderLayer.forward", full)
    with pytest.raises(ModelError, match="one row at a time: lower max_length"):
        sft.train(run, data, overridden(recipe, batch=1), evaluate=False)


@in_both_precisions
def test_training_ends_where_the_validation_loss_stops_falling_and_keeps_the_best_weights(
    tmp_path: Path, data: TrainingData, recipe: Recipe
) -> None:
    # So high a rate learns the rows by heart and answers the watched questions with them.
    wild = overridden(recipe, epochs=10.0, learning_rate=0.05, evaluate_every=1, scheduler="constant")
    free, held = Run(tmp_path / "free"), Run(tmp_path / "held")
    through = sft.train(free, data, wild)
    assert through.best is not None
    assert through.best[0] < through.steps
    assert f"lowest at step {through.best[0]}" in through.overfitting
    assert "set keep_best = true" in through.overfitting
    trained = sft.train(held, data, overridden(wild, patience=2, keep_best=True))
    assert trained.best is not None
    assert trained.ended_early
    assert "keep_best" not in trained.overfitting
    assert trained.steps == trained.best[0] + 2
    at_best = overridden(wild, epochs=trained.best[0] / 2)
    short = Run(tmp_path / "short")
    sft.train(short, data, at_best)
    assert all(torch.allclose(tensor, weights(short)[name], atol=1e-5) for name, tensor in weights(held).items())
    assert "these weights were kept" in (held.train / "recipe.toml").read_text("utf-8")
    assert read_json(held.adapter / RECORD)["dataset_hash"] == data.hash


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """Within the block the kernel refuses to let a file grow over so many bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "optimizer.pt"])
def test_a_checkpoint_that_finds_no_room_is_a_sentence_and_takes_none(
    run: Run, data: TrainingData, recipe: Recipe, file: str
) -> None:
    recipe = overridden(recipe, save_every=2)
    with pytest.raises(TrainingInterrupted):
        sft.train(run, data, recipe, progress=stop_at(1))
    (kept,) = run.train.glob("checkpoint-*")
    size = (kept / file).stat().st_size
    with (
        no_file_over(size - 1),
        pytest.raises(WorkspaceError, match=r"train/checkpoint-4 cannot be written: .+\. Free some room .*--resume"),
    ):
        sft.train(run, data, recipe, resume=True)
    assert list(run.train.glob("checkpoint-*")) == [kept]
    assert sft.train(run, data, recipe, resume=True).steps == 6


@pytest.mark.parametrize("keep_best", [False, True])
def test_a_result_that_finds_no_room_is_written_once_there_is(
    run: Run, data: TrainingData, recipe: Recipe, keep_best: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = overridden(recipe, keep_best=keep_best)

    def full(*given: Any) -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return trained_template(*given)

    with monkeypatch.context() as patch, no_file_over(1 << 40):
        patch.setattr("wukong_trainer.training.result.trained_template", full)
        with pytest.raises(WorkspaceError, match=r"cannot be written: .*--resume"):
            sft.train(run, data, recipe)
    assert not run.adapter.exists()
    assert not (run.train / "result").exists()
    assert (run.train / "best").is_dir() == keep_best
    assert sft.train(run, data, recipe, resume=True).steps == 6
    assert (run.adapter / RECORD).is_file()
