"""What `train` does: it makes or finds the student, fine-tunes it, and keeps which rows it was trained on.

`wukong-pipe --help` must answer at once, so torch, transformers and datasets are imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wukong_pipe.commands.build import Progress
from wukong_pipe.commands.train_options import TrainOptions, tested_rows
from wukong_pipe.embedded.invented_facts import invented_pairs
from wukong_pipe.errors import ModelError
from wukong_pipe.extras import training_installed
from wukong_pipe.files import jsonl, write_text
from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import Lang
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.data.examples import TrainingData
    from wukong_trainer.recipe import Recipe
    from wukong_trainer.training.result import TrainingResult
    from wukong_trainer.use.samples import Sample


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
    command: str = "",
) -> TrainingResult:
    """Make the embedded student where the recipe asks for it, or fetch one known by name, and fine-tune.

    Args:
        resume: go on with the run's unfinished training; its student is there already.
        say: called with which student is taken from where, and with each line of the preflight.
        command: that the user gave, for train/result.json.

    Raises:
        WukongError: see `wukong_trainer.models.locating.located` and `wukong_trainer.training.sft.train`.
    """
    with training_installed():
        from wukong_trainer.models.quiet import silence_libraries
        from wukong_trainer.training import processes, sft
    silence_libraries()
    sft.check_free(run, overwrite, resume)
    processes.join()
    with workspace.writing() if processes.is_first() else nullcontext():
        recipe = _with_student(run, data, recipe, progress, say)
        result = sft.train(
            run,
            data,
            recipe,
            resume=resume,
            progress=lambda step, steps, note: progress("fine-tuning", step, steps, note),
            say=say,
            command=command,
        )
        if processes.is_first():
            keep_rows(run, data)
    return result


def with_own_rows(
    workspace: Workspace,
    run: Run,
    data: TrainingData,
    recipe: Recipe,
    options: TrainOptions,
    progress: Progress,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[TrainingData, Recipe]:
    """The data with the rows that the student makes of itself, where `--mix own:SHARE` asks for them, and the recipe
    with student and system prompt as they were made with.

    Raises:
        WukongError: the student cannot be loaded or makes none; or see `run_train`.
    """
    from wukong_trainer.data.selection import mixed, parse_mix
    from wukong_trainer.recipe import TINY

    mix = parse_mix(options.mix) if options.mix else None
    if mix is None or not mix.is_own:
        return data, recipe
    if recipe.model == TINY or recipe.style != "chat" or recipe.thinking:
        what = "the embedded student asks nothing" if recipe.model == TINY else "this recipe does not train short chats"
        raise ModelError(f"--mix own:SHARE has a chat model ask and answer, and {what}: leave it out, or name a file.")
    count = mix.rows_beside(len(data.train))
    if not count:
        none = f"none: {mix.share:.1%} beside {len(data.train)} rows is less than one"
        return replace(data, facts=data.facts | {"mixed in": none}), recipe
    with training_installed():
        from wukong_trainer.evaluation.forgetting import general_questions
        from wukong_trainer.models.quiet import silence_libraries
        from wukong_trainer.training import processes, sft
        from wukong_trainer.training.own_rows import own_rows_file
        from wukong_trainer.training.preflight import check_names
        from wukong_trainer.training.tracking import check_installed
    silence_libraries()
    sft.check_free(run, options.overwrite, options.resume)
    # What would refuse the training is said before minutes are spent.
    check_installed(recipe.report_to)
    check_names(recipe)
    tested = tested_rows(run)
    known = [*data.train, *data.validation, *tested, *(one.example for one in general_questions())]
    avoid = {normalise(example.asked) for example in known}
    processes.join()
    path = None
    with workspace.writing() if processes.is_first() else nullcontext():
        recipe = _with_student(run, data, recipe, progress, say)
        if processes.is_first():
            path = own_rows_file(run, recipe, count, avoid, lambda done, of: progress("own rows", done, of, ""))
    path = processes.first_of(path)
    assert path is not None
    return mixed(data, replace(mix, path=path), recipe.split_seed, tested), recipe


def _with_student(
    run: Run, data: TrainingData, recipe: Recipe, progress: Progress, say: Callable[[str], None]
) -> Recipe:
    """The recipe whose model is a folder or id that can be loaded, and whose system prompt is not empty."""
    from wukong_trainer.data.examples import default_system
    from wukong_trainer.models.loading import check_fits, choose_place
    from wukong_trainer.models.locating import located
    from wukong_trainer.recipe import TINY
    from wukong_trainer.training import processes

    if not recipe.system:
        texts = (example.question for example in data.train)
        recipe = replace(recipe, system=default_system(texts, recipe.style))
    if recipe.model == TINY:
        if processes.is_first():
            make_student(run, data, recipe, progress)
        processes.wait()
        return replace(recipe, model=str(run.student))
    # A student too large for this machine is not worth a download.
    check_fits(recipe.model, recipe.method, choose_place())
    model = located(recipe.model, say) if processes.is_first() else ""
    return replace(recipe, model=processes.first_of(model))


def make_student(run: Run, data: TrainingData, recipe: Recipe, progress: Progress) -> Path:
    """The embedded student, pre-trained on questions about invented things in the language of the data."""
    from wukong_trainer.models.student import make_student as make

    texts = [text for example in data.train for text in (example.question, example.output)]
    lang: Lang = "zh" if sum(map(is_chinese, texts)) * 2 >= len(texts) else "en"
    return make(
        run.student,
        texts,
        invented_pairs(lang, texts, recipe.seed),
        recipe.system,
        seed=recipe.seed,
        progress=lambda step, steps, loss: progress("pre-training the student", step, steps, f"loss {loss:.2f}"),
    )


def keep_rows(run: Run, data: TrainingData) -> None:
    """Write beside the training log which rows are left out, each with its reason, and which are watched.

    Raises:
        WorkspaceError: they cannot be written.
    """
    _write_rows(run.train / "left_out.jsonl", data.left_out)
    _write_rows(run.train / "validation.jsonl", [example.to_json() for example in data.validation])


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the rows; without any, no file of an earlier training stays."""
    if rows:
        write_text(path, jsonl(rows))
    else:
        path.unlink(missing_ok=True)


def sampled_answers(workspace: Workspace, run: Run, data: TrainingData) -> list[Sample]:
    """What the tuned model answers to the first validation questions; kept in train/samples.jsonl.

    Raises:
        WukongError: the model cannot be loaded again, or the file cannot be written.
    """
    with training_installed():
        from wukong_trainer.use.samples import sample_answers
    with workspace.writing():
        samples = sample_answers(run, data.validation)
        _write_rows(run.train / "samples.jsonl", [sample.to_json() for sample in samples])
    return samples
