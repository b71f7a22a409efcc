"""What `train` does once its options are read; the heavy imports stand inside the functions.

`wukong-pipe --help` must answer at once, so torch, transformers and datasets are imported when a command needs them.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wukong_pipe.embedded.invented_facts import made_up_pairs
from wukong_pipe.errors import DataError, ModelError, WorkspaceError
from wukong_pipe.extras import training_installed
from wukong_pipe.language.text import counted, is_chinese
from wukong_pipe.records import Lang
from wukong_pipe.workspace import Run, Workspace, jsonl, write_text

if TYPE_CHECKING:
    from wukong_trainer.data.examples import TrainingData
    from wukong_trainer.recipe import Recipe
    from wukong_trainer.training.result import TrainingResult

SOURCE = ("data", "hub", "columns", "mix")
"""Options of train that say which rows."""

Progress = Callable[[str, int, int, str], None]
"""Called with (step, done, total, note)."""


def chosen_data(run: Run, recipe: Recipe, options: Mapping[str, Any]) -> TrainingData:
    """The rows that train's options name, and what the recipe makes of them.

    Args:
        run: whose dataset is read where --data names no other rows, and whose test rows are not mixed in.

    Raises:
        WukongError: the rows cannot be read, or an option is not as it must be.
    """
    from wukong_trainer.data.columns import parse_columns
    from wukong_trainer.data.files import read_raw, read_rows, read_training_data
    from wukong_trainer.data.selection import parse_mix, selected

    mix = parse_mix(options["mix"]) if options["mix"] else None
    test = run.dataset / "test.jsonl"
    with training_installed():
        source = options["data"] or run.dataset
        data = read_training_data(source, columns=parse_columns(options["columns"]), hub=options["hub"])
        tested = read_rows(read_raw(test), str(test))[0] if mix and test.is_file() else []
        data = selected(data, recipe, mix, [example for _, example in tested])
        return replace(data, source=_source(options))


def _source(options: Mapping[str, Any]) -> dict[str, str]:
    """The options that name the rows, as they are understood from any folder."""
    given = {name: str(options[name]) for name in SOURCE if options[name]}
    if "data" not in given:
        given.pop("hub")
    elif Path(given["data"]).exists():
        given["data"] = str(Path(given["data"]).resolve())
        given.pop("hub")
    if "mix" in given:
        file, _, share = given["mix"].rpartition(":")
        given["mix"] = f"{Path(file).resolve()}:{share}"
    return given


def resumed_source(run: Run, options: Mapping[str, Any]) -> dict[str, Any]:
    """Train's options with those that named the rows of the run's unfinished training, where --data names none.

    Raises:
        DataError: a file that the training was begun on is gone.
    """
    from wukong_trainer.training.checkpoints import unfinished

    begun = None if options["data"] else unfinished(run)
    if begun is None:
        return dict(options)
    known = begun.source
    for file in (known.get("data", ""), known.get("mix", "").rpartition(":")[0]):
        # A hub's id is no absolute path.
        if Path(file).is_absolute() and not Path(file).exists():
            raise DataError(
                f"The training was begun on {file}, which is no longer there: put it back; or name where the rows are "
                f"now with --data FILE --run {shlex.quote(run.name)} and all else that was said of them, --columns and "
                "--mix."
            )
    named = {name: options[name] for name in ("columns", "mix") if options[name]}
    return dict(options) | known | named


def run_train(
    workspace: Workspace,
    run: Run,
    data: TrainingData,
    recipe: Recipe,
    *,
    overwrite: bool,
    resume: bool = False,
    progress: Progress,
    say: Callable[[str], None] = lambda line: None,
) -> TrainingResult:
    """Make the embedded student where the recipe asks for it, or fetch one known by name, and fine-tune.

    Args:
        resume: go on with the run's unfinished training; its student is there already.
        say: told which student is taken from where, and what the preflight saw.

    Raises:
        WukongError: see `wukong_trainer.models.locating.located` and `wukong_trainer.training.sft.train`.
    """
    with training_installed():
        from wukong_trainer.data.examples import default_system
        from wukong_trainer.models.loading import check_fits, choose_place
        from wukong_trainer.models.locating import located
        from wukong_trainer.models.quiet import silence_libraries
        from wukong_trainer.recipe import TINY
        from wukong_trainer.training import processes, sft
    silence_libraries()
    sft.check_free(run, overwrite, resume)
    processes.join()
    with workspace.writing() if processes.is_first() else nullcontext():
        if not recipe.system:
            texts = (example.question for example in data.train)
            recipe = replace(recipe, system=default_system(texts, recipe.style))
        if recipe.model == TINY:
            if processes.is_first():
                make_student(run, data, recipe, progress)
            processes.wait()
            recipe = replace(recipe, model=str(run.student))
        else:
            # A student too large for this machine is not worth a download.
            check_fits(recipe.model, recipe.method, choose_place())
            found = located(recipe.model, say) if processes.is_first() else ""
            recipe = replace(recipe, model=processes.first_of(found))
        trained = sft.train(
            run,
            data,
            recipe,
            resume=resume,
            progress=lambda step, steps, note: progress("fine-tuning", step, steps, note),
            say=say,
        )
        if processes.is_first():
            keep_rows(run, data)
    return trained


def sampled_answers(workspace: Workspace, run: Run, data: TrainingData) -> list[dict[str, Any]]:
    """What the tuned model answers to the first validation questions; kept in train/samples.jsonl.

    Raises:
        WukongError: the model cannot be loaded again, or the file cannot be written.
    """
    with training_installed():
        from wukong_trainer.use.samples import sample_answers
    with workspace.writing():
        samples, path = sample_answers(run, data.validation), run.train / "samples.jsonl"
        if samples:
            write_text(path, jsonl(samples))
        else:
            path.unlink(missing_ok=True)
    return samples


def keep_rows(run: Run, data: TrainingData) -> None:
    """Write which rows are left out and which are watched beside the training log.

    Raises:
        WorkspaceError: they cannot be written.
    """
    for name, rows in (
        ("left_out.jsonl", data.left_out),
        ("validation.jsonl", [example.to_json() for example in data.validation]),
    ):
        if rows:
            write_text(run.train / name, jsonl(rows))
        else:
            (run.train / name).unlink(missing_ok=True)


def make_student(run: Run, data: TrainingData, recipe: Recipe, progress: Progress) -> Path:
    """The embedded student, pre-trained on questions about invented things in the language of the data."""
    from wukong_trainer.models.student import make_student as make

    texts = [text for example in data.train for text in (example.question, example.output)]
    lang: Lang = "zh" if sum(map(is_chinese, texts)) * 2 >= len(texts) else "en"
    return make(
        run.student,
        texts,
        made_up_pairs(lang, texts, recipe.seed),
        recipe.system,
        seed=recipe.seed,
        progress=lambda step, steps, loss: progress("pre-training the student", step, steps, f"loss {loss:.2f}"),
    )


def chosen_recipe(options: Mapping[str, Any]) -> Recipe:
    """The recipe that train's options name and change.

    Raises:
        WukongError: there is no such recipe, or it is not as it must be.
    """
    from wukong_trainer.recipe import load_recipe, overridden, shipped_recipes

    # The students for a CPU have a recipe each, of their own name.
    name = options["recipe"] or (options["model"] if options["model"] in shipped_recipes() else "qlora")
    recipe = overridden(load_recipe(name), **_changes(options))
    if recipe.method == "full" and options.get("peft"):
        raise ModelError(f"--peft {options['peft']} is an adapter, and --method full trains none: use qlora or lora.")
    return recipe


def resumed_recipe(run: Run, options: Mapping[str, Any]) -> Recipe:
    """The recipe of the run's unfinished training, which the options given must agree with.

    Raises:
        WorkspaceError: there is nothing to go on with.
        ModelError: an option says otherwise than the training was begun.
    """
    with training_installed():
        from wukong_trainer.models.locating import names_same
        from wukong_trainer.recipe import TINY, load_recipe
        from wukong_trainer.training.checkpoints import unfinished

    begun = unfinished(run)
    if begun is None:
        raise WorkspaceError(f"The run “{run.name}” has no training to go on with: leave out --resume.")
    given = asdict(load_recipe(options["recipe"])) if options["recipe"] else {}
    given |= {name: value for name, value in _changes(options).items() if value is not None}
    if given.get("model") == TINY:
        given["model"] = str(run.student)
    elif "model" in given and names_same(given["model"], begun.recipe.model):
        given["model"] = begun.recipe.model
    # Fewer rows a pass and what the adapter cannot do may have been changed since; the system prompt filled in.
    settled = {"batch", "accumulation", "packing", "gradient_checkpointing", "modules_to_save"}
    settled |= {"system"} if not given.get("system") else set()
    differing = [name for name, value in given.items() if name not in settled and value != getattr(begun.recipe, name)]
    if differing:
        raise ModelError(
            f"The training was begun with another {', '.join(differing)}: leave the option out to go on with --resume, "
            "or start over with --overwrite."
        )
    return begun.recipe


def _changes(options: Mapping[str, Any]) -> dict[str, Any]:
    """What train's options change in a recipe; None where they were not given."""
    return {
        "model": options["model"] or None,
        "method": options["method"],
        "peft": options.get("peft"),
        "precision": options.get("precision"),
        "packing": options.get("packing"),
        "report_to": options.get("report_to"),
        "system": options["system"],
        "epochs": options["epochs"],
        "learning_rate": options["lr"],
        "validation": options.get("validation"),
        "sample": options.get("sample"),
    }


def training_facts(run: Run, trained: TrainingResult) -> dict[str, Any]:
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


def data_lines(data: TrainingData) -> list[str]:
    """What was found in the data and done with it, for the terminal."""
    rows = f"{len(data.train)} to train on" + (f", {len(data.validation)} to watch" if data.validation else "")
    return [*(f"{fact}: {told}" for fact, told in data.facts.items()), f"rows: {rows}"]


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


def sample_lines(samples: list[dict[str, Any]]) -> list[str]:
    """Validation questions with reference and answer, for the terminal."""
    lines = []
    for number, sample in enumerate(samples, start=1):
        end = "" if sample["stopped_by_eos"] else " … (cut)"
        lines += [
            f"Validation question {number}: {sample['question']}",
            f"  reference: {sample['reference']}",
            f"  answer:    {sample['answer']}{end}",
        ]
    return lines
