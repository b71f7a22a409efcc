"""What train, eval and report do once their options are read; the trainer's heavy imports stand inside the functions.

`wukong-pipe --help` must answer at once, so torch, transformers, datasets and openai are imported only by the
commands that need them, when they run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wukong_pipe import offline
from wukong_pipe.build import written_freely
from wukong_pipe.errors import MissingDependency, WorkspaceError
from wukong_pipe.records import Lang
from wukong_pipe.text import is_chinese
from wukong_pipe.workspace import Run, Workspace, read_json

if TYPE_CHECKING:
    from wukong_trainer.data import TrainingData
    from wukong_trainer.recipe import Recipe
    from wukong_trainer.sft import Trained

Progress = Callable[[str, int, int, str], None]
"""Called with (step, done, total, note)."""


@contextmanager
def training_installed() -> Iterator[None]:
    """Turn a missing training library into a sentence that names the cure.

    Raises:
        MissingDependency: one of the libraries of the extra `train` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"This command needs {error.name}, which is not installed: pip install 'wukong-pipe[train]'."
        ) from error


# --- train, eval, report -----------------------------------------------------------------------------------------


def run_train(
    workspace: Workspace, run: Run, data_path: Path, recipe: Recipe, *, overwrite: bool, progress: Progress
) -> Trained:
    """Make the embedded student where the recipe asks for it, and fine-tune.

    Raises:
        WukongError: see `wukong_trainer.sft.train`.
    """
    with training_installed():
        from wukong_trainer import sft
        from wukong_trainer.data import default_system, read_training_data
        from wukong_trainer.quiet import silence_libraries
        from wukong_trainer.recipe import TINY
    silence_libraries()
    data = read_training_data(data_path)
    sft.check_free(run, overwrite)
    with workspace.writing():
        if not recipe.system:
            recipe = replace(recipe, system=default_system(example.instruction for example in data.train))
        if recipe.model == TINY:
            recipe = replace(recipe, model=str(make_student(run, data, recipe, progress)))
        trained = sft.train(
            run, data, recipe, progress=lambda step, steps, note: progress("fine-tuning", step, steps, note)
        )
        workspace.remember(run)
    return trained


def make_student(run: Run, data: TrainingData, recipe: Recipe, progress: Progress) -> Path:
    """The embedded student, pre-trained on questions about invented things in the language of the data."""
    from wukong_trainer.student import make_student as make

    texts = [text for example in data.train for text in (example.instruction, example.output)]
    lang: Lang = "zh" if sum(map(is_chinese, texts)) * 2 >= len(texts) else "en"
    return make(
        run.student,
        texts,
        offline.made_up_pairs(lang, texts, recipe.seed),
        recipe.system,
        seed=recipe.seed,
        progress=lambda step, steps, loss: progress("pre-training the student", step, steps, f"loss {loss:.2f}"),
    )


def run_eval(
    workspace: Workspace,
    run: Run,
    settings: Mapping[str, Any],
    *,
    test: Path | None,
    model: str,
    progress: Progress,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Compare base and tuned on the held-out questions.

    Raises:
        WukongError: see `wukong_trainer.evaluate.evaluate`.
    """
    with training_installed():
        from wukong_trainer.evaluate import Settings, evaluate
    with workspace.writing():
        workspace.remember(run)
        return evaluate(
            run,
            Settings(**settings),
            test=test,
            base_model=model,
            form_of=offline.form_of if asked_by_template(run) else written_freely,
            progress=lambda step, done, total: progress(step, done, total, ""),
        )


def asked_by_template(run: Run) -> bool:
    """Whether the run's questions are the embedded teacher's: others may look like a template by chance."""
    return run.manifest.is_file() and not read_json(run.manifest)["teacher"]["language_model"]


def run_report(workspace: Workspace, run: Run) -> Path:
    """Write report.html.

    Raises:
        WukongError: there is nothing to report on, or a file of the run cannot be read.
    """
    with training_installed():
        from wukong_trainer.report import write_report
    if not run.folder.is_dir():
        raise WorkspaceError(
            f"There is no run “{run.name}” in {workspace.folder}: start with `wukong-pipe build PATH`."
        )
    with workspace.writing():
        workspace.remember(run)
        return write_report(run)


# --- what the screen needs -----------------------------------------------------------------------------------------


def chosen_recipe(options: Mapping[str, Any]) -> Recipe:
    """The recipe that train's options name and change.

    Raises:
        WukongError: there is no such recipe, or it is not as it must be.
    """
    from wukong_trainer.recipe import TINY, load_recipe, overridden

    name = options["recipe"] or (TINY if options["model"] == TINY else "qlora")
    return overridden(
        load_recipe(name),
        model=options["model"] or None,
        method=options["method"],
        system=options["system"],
        epochs=options["epochs"],
        learning_rate=options["lr"],
    )


def training_facts(run: Run, trained: Trained) -> dict[str, Any]:
    return {
        "run": run.name,
        "folder": str(trained.folder),
        "steps": trained.steps,
        "seconds": round(trained.seconds, 1),
        "loss": trained.loss,
        "eval_loss": trained.eval_loss,
        "trainable_parameters": trained.trainable,
        "truncated_rows": trained.truncated,
    }


def training_lines(trained: Trained) -> list[str]:
    """What a training run did, for the terminal."""
    watched = "" if trained.eval_loss is None else f", validation loss {trained.eval_loss:.3f}"
    lines = [
        f"{trained.steps} steps in {trained.seconds:.0f} s on {trained.place.device} ({trained.place.reason}); "
        f"loss {trained.loss:.3f}{watched}",
        f"{trained.trainable / 1e6:.1f}M of {trained.parameters / 1e6:.1f}M parameters trained. "
        f"Saved: {trained.folder}",
    ]
    if trained.truncated:
        lines.append(f"{trained.truncated} rows were longer than max_length and were cut.")
    return lines


def evaluation_table(metrics: dict[str, Any], answers: list[dict[str, Any]]) -> Any:
    from wukong_trainer.report import answers_table

    return answers_table(metrics, answers)
