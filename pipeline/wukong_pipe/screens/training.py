"""What `train` shows: what was found in the rows, what the run did, and what the student answers now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wukong_pipe.language.text import counted
from wukong_pipe.workspace import Run

if TYPE_CHECKING:
    from wukong_trainer.data.examples import TrainingData
    from wukong_trainer.training.result import TrainingResult
    from wukong_trainer.use.samples import Sample


def data_lines(data: TrainingData) -> list[str]:
    """What was found in the data and done with it, for the terminal."""
    rows = f"{len(data.train)} to train on" + (f", {len(data.validation)} to watch" if data.validation else "")
    return [*(f"{fact}: {words}" for fact, words in data.facts.items()), f"rows: {rows}"]


def training_lines(trained: TrainingResult) -> list[str]:
    """What a training run did, for the terminal."""
    watched = "" if trained.eval_loss is None else f", validation loss {trained.eval_loss:.3f}"
    lines = [
        f"{trained.steps} steps in {trained.seconds:.0f} s on {trained.place.device}; loss {trained.loss:.3f}{watched}",
        f"{trained.trainable / 1e6:.1f}M of {trained.parameters / 1e6:.1f}M parameters trained. "
        f"Saved: {trained.folder}",
        f"{trained.tokens_per_second:,.0f} tokens/s; at most {trained.peak_memory / 1e9:.2f} GB of memory"
        + (" in the whole process" if trained.place.device == "cpu" else ""),
    ]
    if trained.ended_early and trained.best:
        lines.append(f"Stopped early: the validation loss was lowest at step {trained.best[0]}.")
    if trained.overfitting:
        lines.append(trained.overfitting)
    if trained.truncated:
        lines.append(f"Cut, because longer than max_length: {counted(trained.truncated, 'row')}.")
    return lines


def sample_lines(samples: Sequence[Sample]) -> list[str]:
    """Validation questions with reference and answer, for the terminal."""
    lines = []
    for number, sample in enumerate(samples, start=1):
        end = "" if sample.stopped_by_eos else " … (cut)"
        lines += [
            f"Validation question {number}: {sample.question}",
            f"  reference: {sample.reference}",
            f"  answer:    {sample.answer}{end}",
        ]
    return lines


def training_facts(run: Run, trained: TrainingResult) -> dict[str, Any]:
    """What a training run did, as `train --json` prints it."""
    return {
        "run": run.name,
        "folder": str(trained.folder),
        "steps": trained.steps,
        "seconds": round(trained.seconds, 1),
        "loss": trained.loss,
        "eval_loss": trained.eval_loss,
        "best_step": None if trained.best is None else trained.best[0],
        "overfitting": trained.overfitting,
        "tokens_per_second": round(trained.tokens_per_second, 1),
        "peak_memory_gb": round(trained.peak_memory / 1e9, 3),
        "preflight": trained.preflight.to_json(),
        "trainable_parameters": trained.trainable,
        "truncated_rows": trained.truncated,
    }
