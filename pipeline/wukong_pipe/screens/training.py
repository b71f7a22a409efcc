"""What `train` shows: what was found in the rows, what the run did, and what the student answers now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wukong_pipe.language.plurals import counted
from wukong_pipe.workspace import Run

if TYPE_CHECKING:
    from wukong_trainer.data.examples import TrainingData
    from wukong_trainer.training.result import TrainingResult
    from wukong_trainer.use.samples import Sample


def data_lines(data: TrainingData) -> list[str]:
    """What was found in the data and done with it, for the terminal."""
    rows = f"{len(data.train)} to train on" + (f", {len(data.validation)} to watch" if data.validation else "")
    return [*(f"{fact}: {words}" for fact, words in data.facts.items()), f"rows: {rows}"]


def training_lines(result: TrainingResult) -> list[str]:
    """What a training run did, for the terminal."""
    watched = "" if result.eval_loss is None else f", validation loss {result.eval_loss:.3f}"
    lines = [
        f"{result.steps} steps in {result.seconds:.0f} s on {result.place.device}; loss {result.loss:.3f}{watched}",
        f"{result.trainable / 1e6:.1f}M of {result.parameters / 1e6:.1f}M parameters trained. Saved: {result.folder}",
        f"{result.tokens_per_second:,.0f} tokens/s; at most {result.peak_memory / 1e9:.2f} GB of memory"
        + (" in the whole process" if result.place.device == "cpu" else ""),
    ]
    if result.ended_early and result.best:
        lines.append(f"Stopped early: the validation loss was lowest at step {result.best[0]}.")
    lines += [warning for warning in (result.overfitting, result.unsettled) if warning]
    if result.truncated:
        lines.append(f"Cut, because longer than max_length: {counted(result.truncated, 'row')}.")
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


def training_facts(run: Run, result: TrainingResult) -> dict[str, Any]:
    """What a training run did, as `train --json` prints it."""
    return {
        "run": run.name,
        "folder": str(result.folder),
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "loss": result.loss,
        "eval_loss": result.eval_loss,
        "best_step": None if result.best is None else result.best[0],
        "overfitting": result.overfitting,
        "unsettled": result.unsettled,
        "tokens_per_second": round(result.tokens_per_second, 1),
        "peak_memory_gb": round(result.peak_memory / 1e9, 3),
        "preflight": result.preflight.to_json(),
        "trainable_parameters": result.trainable,
        "truncated_rows": result.truncated,
    }
