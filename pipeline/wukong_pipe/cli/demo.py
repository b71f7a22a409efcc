"""The demo: build, train, evaluate and report in one process, each step named, explained and timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from wukong_pipe.build import Built
from wukong_pipe.cli.given_command import given_command
from wukong_pipe.commands.build import run_build
from wukong_pipe.commands.evaluate import evaluation_table, run_eval, run_report
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.commands.train import run_train
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.errors import CorpusError, WorkspaceError
from wukong_pipe.extras import training_installed
from wukong_pipe.files import write_text
from wukong_pipe.screens.build import Steps, build_summary
from wukong_pipe.screens.training import training_lines
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.recipe import Precision


@dataclass(frozen=True, slots=True)
class Student:
    """A student of the demo, and what it is shown."""

    recipe: str
    what: str
    """What its training does, for the screen."""
    sample: str
    """A sample corpus in a language that it knows."""
    part: BuildSettings
    """What is taken of a corpus, so that a CPU is done in minutes; --full takes all."""


STUDENTS = {
    "tiny": Student(
        "tiny",
        "a Qwen2 of two million parameters is made here, then tuned with QLoRA (TRL, NF4, PEFT)",
        "blackwukong.md",
        BuildSettings(limit=52, max_pairs=4, variants=10, holdout=0.16),
    ),
    "smollm2": Student(
        "smollm2",
        "SmolLM2-135M-Instruct, a pretrained student, is tuned with LoRA (TRL, PEFT)",
        "apollo.md",
        BuildSettings(limit=14, max_pairs=6, variants=8),
    ),
}
ANSWER_TOKENS = 64


MARKER = ".demo"
"""A file in the runs that the demo made: only those does it replace unasked."""


def demo(
    workspace: Workspace,
    name: str,
    corpus: Path | None,
    full: bool,
    precision: Precision | None,
    out: Console,
    err: Console,
    student: Student = STUDENTS["tiny"],
) -> dict[str, Any]:
    """Run the whole path on a sample corpus with the embedded teacher and a student; the metrics.

    Args:
        precision: of training and answers; None for the recipe's.

    Raises:
        WorkspaceError: the run holds something that the demo did not make.
        WukongError: a step failed; its sentence says why.
    """
    corpus = corpus or Path(str(files("wukong_pipe.corpora") / student.sample))
    if not corpus.exists():
        raise CorpusError(f"{corpus} does not exist: name a Markdown file with --corpus, or leave it out.")
    run = workspace.run(name)
    if run.folder.exists() and not (run.folder / MARKER).exists():
        raise WorkspaceError(f"The run “{name}” was not made by the demo, which would replace it: use another --run.")
    write_text(run.folder / MARKER, "")
    settings = BuildSettings() if full else student.part
    command = given_command(run)
    started = time.monotonic()
    with _step(out, 1, f"Build: the embedded teacher asks about {_part(corpus, settings, full)}"):
        built = _build(workspace, run, corpus, settings, err)
        out.print(build_summary(built))
    with _step(out, 2, f"Train: {student.what}"):
        with training_installed():
            from wukong_trainer.data.files import read_training_data
            from wukong_trainer.evaluation.evaluate import Settings
            from wukong_trainer.models.locating import located
            from wukong_trainer.recipe import load_recipe, overridden
        recipe = overridden(load_recipe(student.recipe), precision=precision)
        # The preflight's lines would be too much here; what is fetched must be said.
        recipe = replace(recipe, model=located(recipe.model, out.print))
        with Steps(err).shown() as steps:
            data = read_training_data(run.dataset)
            trained = run_train(workspace, run, data, recipe, overwrite=True, progress=steps, command=command)
        for line in training_lines(trained):
            out.print(line)
    with _step(out, 3, "Eval: base and tuned answer the held-out questions, greedily, to the same prompts"):
        settings_of_eval = Settings(batch=64, max_new_tokens=ANSWER_TOKENS)
        with Steps(err).shown() as steps:
            metrics, answers = run_eval(
                workspace, run, settings_of_eval, test=None, model="", progress=steps, command=command
            )
        out.print(evaluation_table(metrics, answers))
    with _step(out, 4, "Report: one page with all of it"):
        path = run_report(workspace, run)
    out.print(f"\nDone in {time.monotonic() - started:.0f} s. Open {path}")
    out.print("Your own documents: wukong-pipe build docs/ && wukong-pipe train && wukong-pipe eval")
    return metrics


def _build(workspace: Workspace, run: Run, corpus: Path, settings: BuildSettings, err: Console) -> Built:
    with Steps(err).shown() as steps:
        built, _ = run_build(
            workspace,
            run,
            read_sources([corpus]),
            settings,
            TeacherChoice("offline"),
            named=True,
            overwrite=True,
            progress=steps,
            command=given_command(run),
        )
    return built


def _part(corpus: Path, settings: BuildSettings, full: bool) -> str:
    if full:
        return f"all of {corpus.name}"
    return (
        f"the first {settings.limit} sections of {corpus.name}, up to {settings.max_pairs} facts each, "
        f"{settings.variants} wordings a fact"
    )


@contextmanager
def _step(out: Console, number: int, what: str) -> Iterator[None]:
    started = time.monotonic()
    out.print(f"\n{number}/4 {what}", style="bold")
    yield
    out.print(f"    {time.monotonic() - started:.1f} s", style="dim")
