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

from wukong_pipe.cli.given_command import given_command
from wukong_pipe.commands.build import run_build
from wukong_pipe.commands.evaluate import evaluation_table, run_eval, run_report
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.commands.train import run_train
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.errors import CorpusError, WorkspaceError
from wukong_pipe.extras import check_installed, training_installed
from wukong_pipe.files import read_jsonl, write_text
from wukong_pipe.pipeline import Built
from wukong_pipe.screens.build import Steps, build_summary
from wukong_pipe.screens.demo import sample_lines, verdict_line
from wukong_pipe.screens.training import training_lines
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run, Workspace
from wukong_trainer.models.known_models import KNOWN
from wukong_trainer.recipe import TINY
from wukong_trainer.report.metrics_file import metrics_of

if TYPE_CHECKING:
    from wukong_trainer.recipe import Precision, Recipe
    from wukong_trainer.training.result import TrainingResult


@dataclass(frozen=True, slots=True)
class Student:
    """A student of the demo, and what it is shown."""

    model: str
    recipe: str
    what: str
    """What its training does, for the screen."""
    base: str
    """What it knows before, for whoever reads its answers."""
    sample: str
    """A sample corpus in a language that it knows."""
    part: BuildSettings
    """What is taken of a corpus, so that a CPU is done in minutes; --full takes all."""

    @property
    def run(self) -> str:
        """The run that its demo makes where no other is named."""
        return "demo" if self.model == TINY else f"demo-{self.model}"


STUDENTS = {
    TINY: Student(
        TINY,
        "tiny",
        "a Qwen2 of two million parameters is made here, then tuned with QLoRA (TRL, NF4, PEFT)",
        "The base has read about invented things alone, and its answers are scraps of that.",
        "blackwukong.md",
        BuildSettings(limit=52, max_pairs=4, variants=10, holdout=0.16),
    )
} | {
    name: Student(
        name,
        "smollm2",
        f"{known.title}, a pretrained student, is tuned with LoRA (TRL, PEFT)",
        "The base is pretrained, and may know some of this already.",
        "apollo.md",
        # All of the corpus, so that eight of its sections can be held out: fewer get no verdict.
        BuildSettings(max_pairs=3, variants=10, holdout=0.38),
    )
    for name, known in KNOWN.items()
}
ANSWER_TOKENS = 64


MARKER = ".demo"
"""A file in the runs that the demo made: only those does it replace unasked."""


def demo(
    workspace: Workspace,
    student: Student,
    name: str,
    corpus: Path | None,
    full: bool,
    precision: Precision | None,
    out: Console,
    err: Console,
) -> dict[str, Any]:
    """Run the whole path on a sample corpus with the embedded teacher and a student; the metrics.

    Args:
        name: of the run; empty for the student's own.
        precision: of training and answers; None for the recipe's.

    Raises:
        MissingDependency: the extra `train` is not installed; said before the build.
        WorkspaceError: the run holds something that the demo did not make.
        WukongError: a step failed; its sentence says why.
    """
    check_installed(("torch", "datasets"), "train")
    corpus = corpus or Path(str(files("wukong_pipe.corpora") / student.sample))
    if not corpus.exists():
        raise CorpusError(f"{corpus} does not exist: name a Markdown file with --corpus, or leave it out.")
    run = workspace.run(name or student.run)
    if run.folder.exists() and not (run.folder / MARKER).exists():
        raise WorkspaceError(
            f"The run “{run.name}” was not made by the demo, which would replace it: use another --run."
        )
    started = time.monotonic()
    recipe = _recipe(student, precision, out)
    write_text(run.folder / MARKER, "")
    settings = BuildSettings() if full else student.part
    command = given_command(run)
    with _step(out, 1, f"Build: the embedded teacher asks about {_part(corpus, settings, full)}"):
        out.print(build_summary(_build(workspace, run, corpus, settings, command, err)))
    with _step(out, 2, f"Train: {student.what}"):
        for line in training_lines(_train(workspace, run, recipe, command, err)):
            out.print(line)
    with _step(out, 3, "Eval: base and tuned answer the held-out questions, greedily, to the same prompts"):
        metrics, answers = _evaluate(workspace, run, command, err)
        out.print(evaluation_table(metrics, []))
        out.print(f"Answers, of each kind the one with the lowest id. {student.base}")
        for line in sample_lines(answers, _trained_questions(run)):
            out.print(line)
    with _step(out, 4, "Report: one page with all of it"):
        path = run_report(workspace, run)
    out.print(f"\n{verdict_line(metrics_of(metrics))}", style="bold")
    out.print(f"Done in {time.monotonic() - started:.0f} s. Open {path}")
    out.print("Your own documents: wukong-pipe build docs/ && wukong-pipe train && wukong-pipe eval")
    return metrics


def _recipe(student: Student, precision: Precision | None, out: Console) -> Recipe:
    """The student's recipe, its model fetched.

    Raises:
        ModelError: the student is too large for this machine, or neither registry nor hub gives it.
    """
    with training_installed():
        from wukong_trainer.recipe import load_recipe, overridden

        recipe = overridden(load_recipe(student.recipe), model=student.model, precision=precision)
        if student.model == TINY:
            return recipe
        from wukong_trainer.models.loading import check_fits, choose_place, load_config
        from wukong_trainer.models.locating import located
    check_fits(recipe.model, recipe.method, choose_place())
    model = located(recipe.model, out.print)
    # Where the hub is all that is left and cannot be reached either, that is said before anything is built.
    load_config(model)
    return replace(recipe, model=model)


def _train(workspace: Workspace, run: Run, recipe: Recipe, command: str, err: Console) -> TrainingResult:
    with training_installed():
        from wukong_trainer.data.files import read_training_data
    # The preflight's lines would be too much here.
    with Steps(err).shown() as steps:
        data = read_training_data(run.dataset)
        return run_train(workspace, run, data, recipe, overwrite=True, progress=steps, command=command)


def _evaluate(
    workspace: Workspace, run: Run, command: str, err: Console
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from wukong_trainer.evaluation.settings import Settings

    settings = Settings(batch=64, max_new_tokens=ANSWER_TOKENS)
    with Steps(err).shown() as steps:
        return run_eval(workspace, run, settings, test=None, model="", progress=steps, command=command)


def _trained_questions(run: Run) -> dict[str, str]:
    """The first trained question of each pair, by the pair's id."""
    return {row["pair_id"]: row["instruction"] for row in reversed(read_jsonl(run.dataset / "train.jsonl"))}


def _build(workspace: Workspace, run: Run, corpus: Path, settings: BuildSettings, command: str, err: Console) -> Built:
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
            command=command,
        )
    return built


def _part(corpus: Path, settings: BuildSettings, full: bool) -> str:
    if full:
        return f"all of {corpus.name}"
    sections = f"the first {settings.limit} sections" if settings.limit else "all sections"
    return f"{sections} of {corpus.name}, up to {settings.max_pairs} facts each, {settings.variants} wordings a fact"


@contextmanager
def _step(out: Console, number: int, what: str) -> Iterator[None]:
    started = time.monotonic()
    out.print(f"\n{number}/4 {what}", style="bold")
    yield
    out.print(f"    {time.monotonic() - started:.1f} s", style="dim")
