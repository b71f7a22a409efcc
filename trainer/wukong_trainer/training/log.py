"""The losses of a run: log.jsonl, a line for the screen, and when they say that training should end."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from wukong_pipe.files import write_text
from wukong_trainer.models.loading import Place
from wukong_trainer.scoring.figures import percent
from wukong_trainer.scoring.loss_curve import final_loss, has_risen, longer, unsettled_fall
from wukong_trainer.training import processes
from wukong_trainer.training.memory import GB, peak

TrainingProgress = Callable[[int, int, str], None]
"""Called with (step, steps, note) as training goes on."""
KEPT = ("loss", "eval_loss", "learning_rate", "grad_norm", "epoch")

Entry = dict[str, Any]


class LossLog(TrainerCallback):
    """Keeps the losses for log.jsonl and calls `progress` with how far training is.

    {"step": 12, "loss": 1.9412, "learning_rate": 0.000196, "grad_norm": 0.83, "epoch": 0.14}
    {"step": 24, "eval_loss": 1.2041, "epoch": 0.28}

    A resumed run keeps the losses up to its checkpoint and writes those after it anew.
    """

    def __init__(self, path: Path, place: Place, progress: TrainingProgress) -> None:
        self.path = path
        self.place = place
        self.progress = progress
        self.entries: list[Entry] = []
        self.tokens = 0.0
        self.seconds = 0.0
        """Spent in steps: validation and checkpoints are not counted."""
        self._began = self._started = 0.0
        self.first_step = 0
        """The step after which training was resumed; 0 where it began."""

    @property
    def speed(self) -> float:
        """Tokens a second, padding not counted, since training began or was resumed."""
        return self.tokens / self.seconds if self.seconds else 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self.entries = [entry for logs in state.log_history if (entry := _entry(logs, logs["step"]))]
        self.first_step, self._started = state.global_step, time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self._began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self.seconds += time.monotonic() - self._began

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        if not (entry := _entry(logs or {}, state.global_step)):
            return
        self.entries.append(entry)
        if "loss" in entry:
            self.tokens = float(logs.get("num_tokens", 0.0))
            self.progress(state.global_step, state.max_steps, self._note(state))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self.save()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self.save()

    def save(self) -> None:
        if processes.is_first():
            write_text(self.path, "".join(json.dumps(entry) + "\n" for entry in self.entries))

    def _note(self, state: Any) -> str:
        done = state.global_step - self.first_step
        left = (time.monotonic() - self._started) / done * (state.max_steps - state.global_step)
        loss = self.entries[-1]["loss"]
        return f"loss {loss:.3f}, {self.speed:,.0f} tokens/s, {peak(self.place) / GB:.1f} GB, {_clock(left)} left"


class EarlyStopping(TrainerCallback):
    """Saves the weights at each new lowest validation loss, and ends a training after `patience` losses without one.

    It decides from the log alone, so a resumed run decides as one that was never stopped.
    """

    def __init__(self, log: LossLog, patience: int) -> None:
        self.log = log
        self.patience = patience
        self.save_best: Callable[[], None] | None = None
        self.ended_early = False

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        losses = validation_losses(self.log.entries)
        best = best_of(self.log.entries)
        if best is None:
            return
        if self.save_best is not None and best[0] == state.global_step:
            self.save_best()
        since = sum(step > best[0] for step, _ in losses)
        if self.patience and since >= self.patience and state.global_step < state.max_steps:
            control.should_training_stop = self.ended_early = True


def validation_losses(entries: list[Entry]) -> list[tuple[int, float]]:
    """(step, loss) of every validation."""
    return [(entry["step"], entry["eval_loss"]) for entry in entries if "eval_loss" in entry]


def best_of(entries: list[Entry]) -> tuple[int, float] | None:
    """(step, loss) of the lowest validation loss, the earliest where several are; None without any."""
    finite = [(loss, step) for step, loss in validation_losses(entries) if math.isfinite(loss)]
    return (min(finite)[1], min(finite)[0]) if finite else None


def overfitting(entries: list[Entry], best_kept: bool) -> str:
    """A sentence where the validation loss rose clearly after its lowest; empty where it did not.

    Args:
        best_kept: whether the weights of the lowest are the ones that were saved.
    """
    best, losses = best_of(entries), validation_losses(entries)
    if best is None or not has_risen(best[1], losses[-1][1]):
        return ""
    cure = "Train fewer epochs, or set keep_best = true in the recipe."
    if best_kept:
        cure = "The weights of the lowest were kept; fewer epochs would have done."
    return (
        f"The validation loss was lowest at step {best[0]} ({best[1]:.3f}) and rose to {losses[-1][1]:.3f} by step "
        f"{losses[-1][0]}: the student was learning the training wordings by heart. {cure}"
    )


def unsettled(entries: list[Entry], epochs: float) -> str:
    """A sentence where the training loss was clearly falling still at the end; empty where it had settled.

    Args:
        epochs: that the training took.
    """
    fall = unsettled_fall([entry["loss"] for entry in entries if "loss" in entry])
    if fall is None:
        return ""
    return (
        f"The training loss was still falling at the end, by {percent(fall)} over the last two fifths of the steps, to "
        f"{last_loss(entries):.3f}: the rows are not learnt yet. Train again with --overwrite --epochs "
        f"{longer(epochs):g}."
    )


def last_loss(entries: list[Entry]) -> float:
    """The training loss at the end: see `final_loss`."""
    return final_loss([entry["loss"] for entry in entries if "loss" in entry])


def _entry(logs: dict[str, Any], step: int) -> Entry | None:
    values = {key: float(logs[key]) for key in KEPT if key in logs}
    return {"step": step, **values} if {"loss", "eval_loss"} & values.keys() else None


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 60 else f"{minutes}:{seconds:02}"
