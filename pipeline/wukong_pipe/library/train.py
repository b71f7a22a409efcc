"""`wukong_trainer.train`: a student tuned on a run's dataset, or on other rows, and what it answers then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wukong_pipe.commands.build import Progress
from wukong_pipe.commands.options import check
from wukong_pipe.commands.train import run_train, sampled_answers, with_own_rows
from wukong_pipe.commands.train_options import (
    TrainOptions,
    chosen_data,
    chosen_recipe,
    resumed_options,
    resumed_recipe,
)
from wukong_pipe.library.calling import Heard, as_text, of_options
from wukong_pipe.screens.training import data_lines, sample_lines, training_lines
from wukong_pipe.workspace import Run
from wukong_trainer.training.processes import is_first

if TYPE_CHECKING:
    from wukong_trainer.data.examples import TrainingData
    from wukong_trainer.training.result import TrainingResult
    from wukong_trainer.use.samples import Sample


@dataclass(frozen=True, slots=True, repr=False)
class TrainResult:
    """A finished training. Printed, it is the summary that the command shows."""

    run: Run
    data: TrainingData
    """What it was trained on, and the rows that were watched."""
    training: TrainingResult
    """Steps, losses, time and memory."""
    samples: list[Sample] = field(default_factory=list)
    """What the tuned model answers to the first validation questions."""
    notes: tuple[str, ...] = ()
    """What was said while it ran: the preflight's lines."""

    @property
    def folder(self) -> Path:
        """Of the adapter; of the model after a full fine-tuning."""
        return self.training.folder

    @property
    def loss(self) -> float:
        """The last training loss, in nats a token."""
        return self.training.loss

    def summary(self) -> str:
        return as_text(*training_lines(self.training), *sample_lines(self.samples))

    def __repr__(self) -> str:
        return self.summary()


@of_options(TrainOptions)
def train(options: TrainOptions) -> TrainResult:
    """Fine-tune a student on a run's dataset, or on other rows, as `wukong-pipe train` does.

    The options are those of the command, with the same names and defaults; `wukong-pipe train --help` explains each.

    >>> import wukong_pipe, wukong_trainer
    >>> built = wukong_pipe.build("book.md", teacher="offline", run="tuned", variants=4, limit=8)
    >>> trained = wukong_trainer.train(built.run, model="tiny", epochs=2)
    >>> trained.folder.name, trained.training.steps > 0
    ('adapter', True)
    >>> wukong_trainer.train(built.run, model="tiny")
    Traceback (most recent call last):
    wukong_pipe.errors.WorkspaceError: ... exists already; train with --overwrite to replace it, or under another ...

    Raises:
        WukongError: an option is wrong, the rows cannot be read, or the student does not fit this machine.
        TrainingInterrupted: Ctrl-C; a checkpoint is kept, and `resume=True` goes on from it.
    """
    heard = Heard(options)
    return train_from(options, heard.progress, heard.say, notes=heard.lines)


def train_from(
    options: TrainOptions,
    progress: Progress,
    say: Callable[[str], None],
    command: Callable[[Run], str] = lambda run: "",
    *,
    notes: list[str] | None = None,
) -> TrainResult:
    """Train as the options say.

    Args:
        say: told what there is to know, line by line.
        command: what was typed, for train/result.json.
        notes: where `say` keeps its lines.

    Raises:
        WukongError: see `chosen_data` and `run_train`.
    """
    check(options)
    workspace, run = options.place()
    recipe = resumed_recipe(run, options) if options.resume else chosen_recipe(options)
    if options.resume:
        options = resumed_options(run, options)
    data = chosen_data(run, recipe, options)
    data, recipe = with_own_rows(workspace, run, data, recipe, options, progress, say)
    for line in data_lines(data) if is_first() else []:
        say(line)
    training = run_train(
        workspace,
        run,
        data,
        recipe,
        overwrite=options.overwrite,
        resume=options.resume,
        progress=progress,
        say=say,
        command=command(run),
    )
    samples = sampled_answers(workspace, run, data) if is_first() else []
    return TrainResult(run, data, training, samples, tuple(notes or ()))
