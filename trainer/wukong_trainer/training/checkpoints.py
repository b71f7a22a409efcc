"""Stopping a training and resuming it: checkpoints, the recipe and rows they belong to, and Ctrl-C."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from wukong_pipe.errors import DataError, ModelError, WorkspaceError
from wukong_pipe.files import read_json, write_json
from wukong_pipe.signals import on_signals
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import TrainingData, digest_of
from wukong_trainer.recipe import Recipe
from wukong_trainer.training import processes

UNFINISHED = "unfinished.json"
"""In train/ from the first step to the last: the recipe and the rows that the checkpoints belong to."""
STATE = "trainer_state.json"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A training that was begun and has not ended; train/unfinished.json holds it.

    {"recipe": {"model": "…", …}, "data": "9f86d0…", "watched": "60303a…", "source": {"data": "/home/me/qa.parquet"}}
    """

    recipe: Recipe
    data: str
    """Hash of the training rows."""
    watched: str
    """Hash of the validation rows; empty where an older version noted none."""
    source: dict[str, str]
    """Where they were, see `TrainingData.source`."""
    command: str = ""
    """That began it; "" where none was typed."""


def begin(run: Run, recipe: Recipe, data: TrainingData, command: str = "") -> None:
    """Note what is being trained, and remove the checkpoints of what was trained here before."""
    for old in [*_checkpoints(run), run.train / "best"]:
        shutil.rmtree(old, ignore_errors=True)
    note(run, recipe, data, command)


def note(run: Run, recipe: Recipe, data: TrainingData, command: str = "") -> None:
    """Write down what the run's checkpoints belong to."""
    begun = Unfinished(recipe, data.hash, digest_of(data.validation), data.source, command)
    write_json(run.train / UNFINISHED, asdict(begun))


def end(run: Run) -> None:
    """The training is finished: nothing is left to go on with."""
    (run.train / UNFINISHED).unlink(missing_ok=True)


def unfinished(run: Run) -> Unfinished | None:
    """The training that was begun here and not ended, where a checkpoint of it is kept."""
    path = run.train / UNFINISHED
    if not path.is_file() or last_checkpoint(run) is None:
        return None
    noted: dict[str, Any] = read_json(path)
    if noted["recipe"].keys() != {field.name for field in fields(Recipe)}:
        raise WorkspaceError(f"{path} is of another version of wukong-pipe: train from the start with --overwrite.")
    return Unfinished(
        Recipe(**noted["recipe"]),
        noted["data"],
        noted.get("watched", ""),
        noted.get("source", {}),
        noted.get("command", ""),
    )


def to_resume(run: Run, data: TrainingData) -> tuple[Unfinished, Path]:
    """The unfinished training and its last checkpoint.

    Raises:
        WorkspaceError: there is none.
        ModelError: it was begun on other rows, or watched others.
    """
    begun, checkpoint = unfinished(run), last_checkpoint(run)
    if begun is None or checkpoint is None:
        raise WorkspaceError(f"The run “{run.name}” has no training to go on with: leave out --resume.")
    changed = "training" if begun.data != data.hash else ""
    # The lowest validation loss, and when to stop, are found by comparing losses over the same rows.
    if not changed and begun.watched and begun.watched != digest_of(data.validation):
        changed = "validation"
    if changed:
        files = [begun.source[name] for name in ("data", "mix") if name in begun.source]
        files += [str(run.edits)] if "only" in begun.source else []
        where = " and ".join(files) or run.dataset
        raise ModelError(
            f"The {changed} rows have changed since {checkpoint.name} was written: restore {where} and go on with "
            "--resume alone, which knows --data, --columns and --mix of the beginning, or train from the start with "
            "--overwrite."
        )
    return begun, checkpoint


def last_checkpoint(run: Run) -> Path | None:
    """The newest checkpoint that was written to its end; None if there is none."""
    return next(reversed([path for path in _checkpoints(run) if _whole(path)]), None)


def step_of(checkpoint: Path) -> int:
    """How many steps had been made."""
    return int(checkpoint.name.rpartition("-")[2])


def _checkpoints(run: Run) -> list[Path]:
    folders = [path for path in run.train.glob("checkpoint-*") if path.name.rpartition("-")[2].isdecimal()]
    return sorted(folders, key=step_of)


def _whole(checkpoint: Path) -> bool:
    # The trainer's state is what is written last.
    try:
        return bool(read_json(checkpoint / STATE)["global_step"])
    except (OSError, DataError, LookupError, TypeError):
        return False


class SignalStop(TrainerCallback):
    """Ends training after the step in which the user asked for it, with a checkpoint."""

    def __init__(self) -> None:
        self.asked = False

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        # A process that stopped alone would leave the others waiting for it.
        self.asked = processes.any_of(self.asked)
        if self.asked:
            control.should_save = control.should_training_stop = True

    def listening(self) -> AbstractContextManager[None]:
        """Within the block the first Ctrl-C or SIGTERM asks to stop, the second stops at once."""

        def heed() -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.asked = True

        return on_signals(heed)
