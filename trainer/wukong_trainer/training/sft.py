"""One fine-tuning from start to end: check, make the trainer, show what will be trained, train, save.

QLoRA, LoRA or all weights, with TRL's SFTTrainer and the loss on the answers alone.
"""

from __future__ import annotations

import gc
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils.memory import should_reduce_batch_size

from wukong_pipe.errors import ModelError, TrainingInterrupted, WorkspaceError
from wukong_pipe.files import write_json
from wukong_pipe.workspace import Run, Workspace
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.models.adapters import workable
from wukong_trainer.models.loading import check_fits, choose_attention, choose_place, end_turns, load_tokenizer
from wukong_trainer.models.model_card import write_card
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.recipe import Recipe
from wukong_trainer.training import checkpoints, memory, passes, processes
from wukong_trainer.training.checkpoints import SignalStop
from wukong_trainer.training.log import EarlyStopping, LossLog, TrainingProgress
from wukong_trainer.training.preflight import Preflight, check_names, check_stops, look, preflight_lines
from wukong_trainer.training.result import TrainingResult, result_of, save, write_recipe, write_result
from wukong_trainer.training.tracking import check_installed, tracked
from wukong_trainer.training.trainer import TrainingSetup, make_trainer, question_text, row_tokens


def train(
    run: Run,
    data: TrainingData,
    recipe: Recipe,
    *,
    evaluate: bool = True,
    resume: bool = False,
    progress: TrainingProgress = lambda step, steps, note: None,
    say: Callable[[str], None] = lambda line: None,
    command: str = "",
) -> TrainingResult:
    """Fine-tune `recipe.model` on `data` and save the adapter (or, for full, the model) with what it was trained on.

    Args:
        run: where adapter/ or model/ and train/ go.
        recipe: its model is a Hugging Face id or a folder here; the embedded student is made before.
        evaluate: take the validation loss along the way.
        resume: go on from the run's last checkpoint, by the recipe it was begun with.
        say: called with each line of the preflight, and with what is done otherwise than the recipe says.
        command: that the user gave, for result.json; a resumed training keeps the one that it was begun with.

    Raises:
        ModelError: the student does not fit this machine, cannot be loaded or would not learn what it will be asked.
        TrainingInterrupted: the user stopped it; a checkpoint is kept.
    """
    processes.join()
    if not processes.is_first():
        progress, say = (lambda step, steps, note: None), (lambda line: None)
    checkpoint = None
    if resume:
        begun, checkpoint = checkpoints.to_resume(run, data)
        recipe, command = begun.recipe, begun.command
    setup, notes = _set_up(run, data, recipe, evaluate, progress, command)
    plan = passes.plan(setup.recipe, setup.place, setup.tokens)
    with tracked(recipe.report_to, run.train):
        trainer, setup, packing_notes = make_trainer(replace(setup, recipe=plan.recipe))
        preflight = look(setup, trainer, plan, [*notes, *plan.notes], packing_notes)
        for line in preflight_lines(preflight):
            say(line)
        _begin(setup, preflight, checkpoint)
        started = time.monotonic()
        while _ran_out_of_memory(trainer, checkpoint, setup.stop):
            del trainer  # Two models at once would not fit.
            setup = _with_less_memory(setup)
            note = f"Memory ran out: {passes.rows_a_step(setup.recipe)}."
            say(note)
            preflight = replace(preflight, notes=[*preflight.notes, note])
            checkpoint = checkpoints.last_checkpoint(run)
            trainer, setup, _ = make_trainer(setup)
        seconds = time.monotonic() - started
    _check_ended(setup, trainer)
    if processes.is_first():
        save(setup, trainer)
    result = result_of(setup, trainer, preflight, seconds)
    if processes.is_first():
        write_recipe(setup, result)
        write_result(setup, result)
        write_card(run)
        checkpoints.end(run)
    processes.wait()
    return result


def check_free(run: Run, overwrite: bool, resume: bool = False) -> None:
    """Refuse to train over an existing adapter or an unfinished training unasked.

    Raises:
        WorkspaceError: there is one.
    """
    if overwrite or resume:
        return
    checkpoint = checkpoints.last_checkpoint(run)
    if checkpoints.unfinished(run) and checkpoint:
        raise WorkspaceError(
            f"The run “{run.name}” holds a training that was stopped at step {checkpoints.step_of(checkpoint)}: go on "
            "with --resume, or start over with --overwrite."
        )
    data = shlex.quote(str(run.dataset)) if run.dataset.is_dir() else "FILE"
    for folder in (run.adapter, run.full_model):
        if folder.exists():
            raise WorkspaceError(
                f"{folder} exists already; train with --overwrite to replace it, or under another name with "
                f"--data {data} --run NAME."
            )


def _set_up(
    run: Run, data: TrainingData, recipe: Recipe, evaluate: bool, progress: TrainingProgress, command: str
) -> tuple[TrainingSetup, list[str]]:
    """All that a trainer is made from, checked as far as it can be before the student is loaded.

    Returns:
        The setup, and a sentence for each thing of the recipe that its adapter cannot do.
    """
    place = choose_place(recipe.precision)
    check_fits(recipe.model, recipe.method, place)
    check_installed(recipe.report_to)
    check_names(recipe)
    silence_libraries()
    tokenizer = load_tokenizer(recipe.model)
    if recipe.style == "chat":  # Plain text ends with EOS because TRL puts it there.
        end_turns(tokenizer)
        check_stops(tokenizer, data.train, recipe.system)
    questions = {
        tuple(tokenizer(question_text(tokenizer, example, recipe), add_special_tokens=False)["input_ids"])
        for example in data.train
    }
    tokens = [row_tokens(tokenizer, example, recipe) for example in data.train]
    recipe, notes = workable(recipe)
    longest = recipe.max_length if recipe.packing else min(max(tokens), recipe.max_length)
    log = LossLog(run.train / "log.jsonl", place, progress)
    setup = TrainingSetup(
        run=run,
        data=data,
        watched=data.validation if evaluate else [],
        recipe=recipe,
        tokenizer=tokenizer,
        tokens=tokens,
        questions=questions,
        place=place,
        attention=choose_attention(place, longest),
        log=log,
        early_stopping=EarlyStopping(log, recipe.patience),
        stop=SignalStop(),
        command=command,
    )
    return setup, notes


def _begin(setup: TrainingSetup, preflight: Preflight, checkpoint: Path | None) -> None:
    """Write down what is being trained: from here on there is something to go on with."""
    if not processes.is_first():
        return
    run = setup.run
    if checkpoint is None:
        checkpoints.begin(run, setup.recipe, setup.data, setup.command)
    # `train --resume` alone must find it.
    Workspace(run.folder.parent).remember(run)
    write_json(run.train / "preflight.json", preflight.to_json())


def _ran_out_of_memory(trainer: Any, checkpoint: Path | None, stop: SignalStop) -> bool:
    """Train to the end or to where the user stops it; True where the device's memory did not suffice."""
    try:
        with stop.listening():
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
        if processes.count() > 1:
            # The others wait within a step for this one, and cannot begin it anew.
            raise ModelError(
                f"Memory ran out in one of {processes.count()} processes: lower batch in the recipe and raise "
                "accumulation, and go on with --resume or --overwrite."
            ) from error
        return True
    return False


def _with_less_memory(setup: TrainingSetup) -> TrainingSetup:
    """The setup with fewer rows a pass, or at one row with activations computed twice; the memory of the last attempt
    is free again."""
    less = memory.smaller(setup.recipe)
    if less is None and not setup.recipe.gradient_checkpointing and setup.recipe.peft != "prefix":
        less = replace(setup.recipe, gradient_checkpointing=True)
    if less is None:
        raise ModelError(
            "Memory ran out with one row at a time: lower max_length in the recipe, use --method qlora, or take a "
            "smaller student."
        )
    setup.early_stopping.save_best = None  # It refers to the trainer, and with it to the model.
    gc.collect()
    torch.cuda.empty_cache()
    checkpoints.note(setup.run, less, setup.data, setup.command)
    return replace(setup, recipe=less)


def _check_ended(setup: TrainingSetup, trainer: Any) -> None:
    """
    Raises:
        TrainingInterrupted: the user stopped the training before its end.
    """
    state = trainer.state
    if setup.stop.asked and not setup.early_stopping.ended_early and state.global_step < state.max_steps:
        raise TrainingInterrupted(
            f"Training was stopped at step {state.global_step} of {state.max_steps}; a checkpoint is kept."
        )
