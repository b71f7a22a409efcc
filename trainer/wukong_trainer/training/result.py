"""What a finished training leaves: adapter or model, its record, and recipe.toml with what really ran."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers

from wukong_pipe.files import write_json, write_text
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.hardware import hardware
from wukong_trainer.inference.generate import added_bos
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.loading import Place
from wukong_trainer.models.saving import saving
from wukong_trainer.models.templates import trained_template
from wukong_trainer.recipe import TINY, Recipe, to_toml
from wukong_trainer.training import memory, processes
from wukong_trainer.training.log import best_of, last_loss, overfitting, unsettled, validation_losses
from wukong_trainer.training.preflight import Preflight
from wukong_trainer.training.trainer import DISK_FULL_CURE, TrainingSetup, best_weights


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run did and where it left it, for the screen and recipe.toml."""

    folder: Path
    steps: int
    seconds: float
    loss: float
    """Nats a token, see `log.last_loss`."""
    eval_loss: float | None
    """The last validation loss, in nats a token."""
    best: tuple[int, float] | None
    """Step and value of the lowest validation loss."""
    ended_early: bool
    overfitting: str
    """A sentence where the validation loss rose clearly; else empty."""
    unsettled: str
    """A sentence where the training loss had clearly not settled; else empty."""
    trainable: int
    parameters: int
    truncated: int
    """Rows cut to max_length."""
    place: Place
    peak_memory: int
    """Bytes, see `memory.peak`."""
    tokens_per_second: float
    preflight: Preflight


def result_of(setup: TrainingSetup, trainer: Any, preflight: Preflight, seconds: float) -> TrainingResult:
    """The result of a training that has ended."""
    log, parameters = setup.log, list(trainer.model.parameters())
    validated = validation_losses(log.entries)
    risen, stopped_early = overfitting(log.entries, setup.recipe.keep_best), setup.early_stopping.ended_early
    return TrainingResult(
        folder=result_folder(setup),
        steps=trainer.state.global_step,
        seconds=seconds,
        loss=last_loss(log.entries),
        eval_loss=validated[-1][1] if validated else None,
        best=best_of(log.entries),
        ended_early=stopped_early,
        overfitting=risen,
        # Where the validation loss has told enough, more of the same is no cure.
        unsettled="" if risen or stopped_early else unsettled(log.entries, setup.recipe.epochs),
        trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        parameters=int(trainer.model.num_parameters()),
        truncated=preflight.truncated,
        place=setup.place,
        peak_memory=memory.peak(setup.place),
        tokens_per_second=log.speed,
        preflight=preflight,
    )


def result_folder(setup: TrainingSetup) -> Path:
    """Where the weights go: adapter/, or model/ after a full fine-tuning."""
    return setup.run.full_model if setup.recipe.method == "full" else setup.run.adapter


def save(setup: TrainingSetup, trainer: Any) -> None:
    """Put the trained weights into the run, in the place of earlier ones, with tokenizer and record.

    The weights are those of the lowest validation loss where the recipe keeps them, else the last.

    Raises:
        WorkspaceError: they cannot be written; the checkpoints are kept.
    """
    run, recipe, tokenizer = setup.run, setup.recipe, setup.tokenizer
    fresh = run.train / "result"
    shutil.rmtree(fresh, ignore_errors=True)
    has_best = recipe.keep_best and best_weights(run).is_dir()
    made = best_weights(run) if has_best else fresh
    with saving(made, DISK_FULL_CURE, keep=has_best):
        if not has_best:
            trainer.save_model(str(fresh))
        # A pickle of the trainer's arguments, which recipe.toml holds as text.
        (made / "training_args.bin").unlink(missing_ok=True)
        bos = added_bos(tokenizer)
        tokenizer.chat_template = trained_template(tokenizer.chat_template, recipe.style, recipe.thinking, bos)
        tokenizer.save_pretrained(made)
        write_json(made / RECORD, record(run, recipe, setup.data))
    # An adapter and a full model side by side would leave open which of them is meant.
    for old in (run.adapter, run.full_model):
        shutil.rmtree(old, ignore_errors=True)
    run.forget_evaluation()
    made.rename(result_folder(setup))


def record(run: Run, recipe: Recipe, data: TrainingData) -> dict[str, Any]:
    """What an adapter remembers: enough to be used as it was trained, and to refuse a test it has seen.

    {"base_model": "Qwen/Qwen2.5-7B-Instruct", "method": "qlora", "system": "回答准确、简明。", "style": "chat",
     "dataset_hash": "…", "questions": ["出云棍怎样获得", …], …}
    """
    # A relative folder, read from another place, looks like an id of the hub.
    base = str(Path(recipe.model).absolute()) if Path(recipe.model).is_dir() else recipe.model
    return {
        # The run's own student goes where the run goes.
        "base_model": TINY if recipe.model == str(run.student) else base,
        "base_fingerprint": fingerprint(base),
        "method": recipe.method,
        "precision": recipe.precision,
        "system": recipe.system,
        "style": recipe.style,
        "thinking": recipe.thinking,
        "max_length": recipe.max_length,
        "dataset_hash": data.hash,
        "data": data.facts,
        "questions": data.questions(),
    }


def write_recipe(setup: TrainingSetup, result: TrainingResult) -> None:
    """Write train/recipe.toml: the recipe that really ran, below comments that say how it went.

    # steps: 120
    # lowest eval_loss: 1.2041 at step 96, and these weights were kept
    model = "Qwen/Qwen2.5-7B-Instruct"

    Raises:
        WorkspaceError: it cannot be written.
    """
    write_text(setup.run.train / "recipe.toml", to_toml(setup.recipe, _facts(setup.data, setup.recipe, result)))


def write_result(setup: TrainingSetup, result: TrainingResult) -> None:
    """Write train/result.json: what the report says of the training.

    {"ended": "2026-11-29T21:04:11+00:00", "seconds": 61.2, "first_step": 0, "steps": 168, "parameters": 2131968,
     "trainable": 1433600, "loss": 0.0312, "peak_memory": 1482162176, "tokens_per_second": 5210.4,
     "hardware": {"device": "cpu", "name": "AMD EPYC 9R14", …}}; memory in bytes

    Raises:
        WorkspaceError: it cannot be written.
    """
    packed = "NF4, " if setup.recipe.method == "qlora" else ""
    precision = packed + str(result.place.dtype).removeprefix("torch.")
    facts = {
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(result.seconds, 1),
        # A resumed training took longer than its last part, which is all that was timed.
        "first_step": setup.log.first_step,
        "steps": result.steps,
        "parameters": result.parameters,
        "trainable": result.trainable,
        "loss": round(result.loss, 4),
        "peak_memory": result.peak_memory,
        "tokens_per_second": round(result.tokens_per_second, 1),
        "hardware": asdict(hardware(result.place.device, precision)),
        "command": setup.command,
    }
    write_json(setup.run.train / "result.json", facts)


def _facts(data: TrainingData, recipe: Recipe, result: TrainingResult) -> dict[str, Any]:
    preflight, place = result.preflight, result.place
    best = "none"
    if result.best is not None:
        kept = ", and these weights were kept" if recipe.keep_best else ""
        best = f"{result.best[1]:.4f} at step {result.best[0]}{kept}"
    facts = {
        **({"from": ", ".join(f"{name} {value}" for name, value in data.source.items())} if data.source else {}),
        **data.facts,
        "rows": f"{len(data.train)} train, {len(data.validation)} validation, {result.truncated} cut to max_length",
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "tokens a second": round(result.tokens_per_second),
        "peak memory": f"{result.peak_memory / memory.GB:.2f} GB"
        + (" of the whole process" if place.device == "cpu" else ""),
        "loss": round(result.loss, 4),
        "eval_loss": "none" if result.eval_loss is None else round(result.eval_loss, 4),
        "lowest eval_loss": best,
        "trainable": f"{result.trainable} of {result.parameters} parameters",
        "computed on": f"{place.device} in {place.dtype}: {place.reason}",
        "processes": f"{processes.count()}, each with {recipe.batch} rows a pass",
        "attention": f"{preflight.attention}: {preflight.attention_reason}",
        "versions": ", ".join(f"{module.__name__} {module.__version__}" for module in (torch, transformers, datasets)),
    }
    notes = [note for note in (result.overfitting, result.unsettled, *preflight.notes) if note]
    return facts | {f"note {number}": note for number, note in enumerate(notes, start=1)}
