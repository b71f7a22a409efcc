"""Fine-tuning with TRL's SFTTrainer: QLoRA, LoRA or all weights, loss on the answers alone."""

from __future__ import annotations

import gc
import shlex
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from accelerate.utils.memory import should_reduce_batch_size
from datasets import Dataset
from jinja2 import TemplateError
from transformers import PrinterCallback, SchedulerType
from transformers.training_args import OptimizerNames
from trl import SFTConfig

from wukong_pipe.errors import ModelError, TrainingInterrupted, WorkspaceError
from wukong_pipe.workspace import RECORD as RECORD
from wukong_pipe.workspace import Run, Workspace, half_of, write_json, write_text
from wukong_trainer.data.examples import Example, TrainingData, to_trl
from wukong_trainer.inference.generate import added_bos, prompt_text
from wukong_trainer.models.adapters import adapter_config, check_modules, keep_precision, workable
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.loading import (
    Place,
    check_fits,
    choose_attention,
    choose_place,
    end_turns,
    load_model,
    load_tokenizer,
)
from wukong_trainer.models.model_card import write_card
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.saving import saving
from wukong_trainer.models.templates import refusal, rendered, trained_template
from wukong_trainer.recipe import TINY, Every, Recipe, to_toml
from wukong_trainer.training import checkpoints, memory, packing, processes
from wukong_trainer.training.checkpoints import Stop
from wukong_trainer.training.log import Log, Progress, Watch, best_of, last_loss, overfitting, validation_losses
from wukong_trainer.training.losses import AnswerTrainer
from wukong_trainer.training.preflight import SHOWN, Lengths, Preflight, lines, look, trained_texts
from wukong_trainer.training.tracking import check_installed, tracked
from wukong_trainer.training.watched_loss import WatchedTrainer

EVALUATIONS = 5
"""How often the validation loss is taken in a run, and a checkpoint written, where the recipe does not say."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training run left behind, for the screen."""

    folder: Path
    steps: int
    seconds: float
    loss: float
    eval_loss: float | None
    best: tuple[int, float] | None
    """Step and value of the lowest validation loss."""
    ended_early: bool
    overfitting: str
    """A sentence where the validation loss rose clearly; else empty."""
    trainable: int
    parameters: int
    truncated: int
    place: Place
    peak_memory: int
    """Bytes, see `memory.peak`."""
    tokens_per_second: float
    preflight: Preflight


@dataclass(frozen=True, slots=True)
class _Task:
    """All that a trainer is made from, other than the recipe: that may change when memory runs out."""

    run: Run
    data: TrainingData
    watched: list[Example]
    tokenizer: Any
    prompts: set[tuple[int, ...]]
    lengths: Lengths
    place: Place
    attention: tuple[str, str]
    log: Log
    watch: Watch
    stop: Stop


FREE_SOME = "Free some room on the disk and go on with --resume, or train again where no checkpoint is kept yet."


class _Trainer(WatchedTrainer, AnswerTrainer):
    """TRL's trainer, with the loss of a step and of the validation rows computed as those modules say."""

    def _save_checkpoint(self, *given: Any, **options: Any) -> None:
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        with saving(folder, FREE_SOME):
            super()._save_checkpoint(*given, **options)  # type: ignore[no-untyped-call]


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


def train(
    run: Run,
    data: TrainingData,
    recipe: Recipe,
    *,
    evaluate: bool = True,
    resume: bool = False,
    progress: Progress = lambda step, steps, note: None,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Fine-tune `recipe.model` on `data` and save the adapter (or, for full, the model) with what it was trained on.

    Args:
        run: where adapter/ or model/ and train/ go.
        recipe: its model is a Hugging Face id or a folder here; the embedded student is made before.
        evaluate: take the validation loss along the way.
        resume: go on from the run's last checkpoint, by the recipe it was begun with.
        say: told what the preflight saw, and what is done otherwise than the recipe says.

    Raises:
        ModelError: the student does not fit this machine, cannot be loaded or would not learn what it will be asked.
        TrainingInterrupted: the user stopped it; a checkpoint is kept.
    """
    processes.join()
    if not processes.is_first():
        progress, say = (lambda step, steps, note: None), (lambda line: None)
    checkpoint = None
    if resume:
        recipe, checkpoint = checkpoints.to_resume(run, data)
    place = choose_place(recipe.precision)
    check_fits(recipe.model, recipe.method, place)
    check_installed(recipe.report_to)
    _check_names(recipe)
    silence_libraries()
    tokenizer = load_tokenizer(recipe.model)
    if recipe.style == "chat":
        end_turns(tokenizer)
        # Plain text ends with EOS because TRL puts it there.
        check_stops(tokenizer, data.train, recipe.system)
    lengths, prompts = _measured(tokenizer, data.train, recipe)
    recipe, notes = workable(recipe)
    watched = data.validation if evaluate else []
    log = Log(run.train / "log.jsonl", place, progress)
    attention = choose_attention(place)
    task = _Task(
        run, data, watched, tokenizer, prompts, lengths, place, attention, log, Watch(log, recipe.patience), Stop()
    )
    free, shape = memory.available(place), memory.shape_of(recipe)
    if shape is not None:
        fitted = memory.fitted(shape, recipe, place, min(lengths.longest, recipe.max_length), free)
        # What is free, each process measures for itself; a step needs the same of all.
        asked, recipe = recipe, processes.first_of(fitted)
        if recipe != asked:
            notes.append(f"Less memory is free than the recipe's {asked.batch} rows a pass need: {_passes(recipe)}.")
    needed = None if shape is None else memory.expected(shape, recipe, place, min(lengths.longest, recipe.max_length))

    with tracked(recipe.report_to, run.train):
        trainer, recipe, more = _ready(task, recipe)
        if (recipe.patience or recipe.keep_best) and not trainer.eval_dataset:
            notes.append("Without validation rows there is no best checkpoint to keep and nothing to stop early by.")
        notes += more
        seen = _looked_at(task, trainer, recipe, needed, free, notes)
        for line in lines(seen):
            say(line)
        if processes.is_first():
            if checkpoint is None:
                checkpoints.begin(run, recipe, data)
            # From here on there is something to go on with, which `train --resume` alone must find.
            Workspace(run.folder.parent).remember(run)
            write_json(run.train / "preflight.json", seen.to_json())
        started = time.monotonic()
        while _ran_out_of_memory(trainer, checkpoint, task.stop):
            del trainer
            recipe = _with_fewer_rows(recipe)
            notes.append(f"Memory ran out: {_passes(recipe)}.")
            say(notes[-1])
            task.watch.save_best = None
            gc.collect()
            torch.cuda.empty_cache()
            checkpoints.note(run, recipe, data)
            checkpoint = checkpoints.last_checkpoint(run)
            trainer, recipe, _ = _ready(task, recipe)
    seconds = time.monotonic() - started
    state = trainer.state
    if task.stop.asked and not task.watch.ended_early and state.global_step < state.max_steps:
        raise TrainingInterrupted(
            f"Training was stopped at step {state.global_step} of {state.max_steps}; a checkpoint is kept."
        )

    folder = run.full_model if recipe.method == "full" else run.adapter
    if processes.is_first():
        _save(task, trainer, recipe, folder)
    parameters = [(parameter.numel(), parameter.requires_grad) for parameter in trainer.model.parameters()]
    validated = validation_losses(log.entries)
    trained = Trained(
        folder=folder,
        steps=state.global_step,
        seconds=seconds,
        loss=last_loss(log.entries),
        eval_loss=validated[-1][1] if validated else None,
        best=best_of(log.entries),
        ended_early=task.watch.ended_early,
        overfitting=overfitting(log.entries, recipe.keep_best),
        trainable=sum(count for count, trainable in parameters if trainable),
        parameters=int(trainer.model.num_parameters()),
        truncated=lengths.cut,
        place=place,
        peak_memory=memory.peak(place),
        tokens_per_second=log.speed,
        preflight=seen,
    )
    if processes.is_first():
        write_text(run.train / "recipe.toml", to_toml(recipe, _facts(trained, data, recipe)))
        write_card(run)
        checkpoints.end(run)
    processes.wait()
    return trained


def _check_names(recipe: Recipe) -> None:
    """Refuse what transformers would refuse once the student is loaded."""
    for key, value, known in (
        ("optimizer", recipe.optimizer, OptimizerNames),
        ("scheduler", recipe.scheduler, SchedulerType),
    ):
        if value not in list(known):
            raise ModelError(f"There is no {key} “{value}”: the recipe may name {', '.join(known)}.")


def _measured(tokenizer: Any, examples: list[Example], recipe: Recipe) -> tuple[Lengths, set[tuple[int, ...]]]:
    """How long the rows are, and the token ids of every question as it will be asked in use."""
    prompts = {
        tuple(tokenizer(_prompt(tokenizer, example, recipe), add_special_tokens=False)["input_ids"])
        for example in examples
    }
    tokens = [_tokens(tokenizer, example, recipe) for example in examples]
    cut = sum(count > recipe.max_length for count in tokens)
    return Lengths(len(tokens), max(tokens), sum(tokens) / len(tokens), cut, tokens), prompts


def _ready(task: _Task, recipe: Recipe) -> tuple[Any, Recipe, list[str]]:
    """A trainer for the recipe, its model loaded; without packing where rows would read each other."""
    packs = _packs(task, recipe) if recipe.packing else None
    trainer = _trainer(task, recipe, packs)
    if packs is None:
        return trainer, recipe, []
    pack = max(trainer.train_dataset.select(range(min(8, len(trainer.train_dataset)))), key=_rows_in)
    with torch.autocast(task.place.device, task.place.dtype, enabled=task.place.dtype is not torch.float32):
        difference = packing.difference(trainer.model, trainer.data_collator, pack)
    if difference <= packing.TOLERANCE[task.place.dtype]:
        return trainer, recipe, [packs.told(recipe.batch * recipe.accumulation)]
    name = trainer.model.config._attn_implementation
    said = (
        f"Packing is off: with {name} attention packed rows read each other (their log-likelihoods change by "
        f"{difference:.1%})."
    )
    del trainer
    recipe = replace(recipe, packing=False)
    return _trainer(task, recipe, None), recipe, [said]


def _rows_in(pack: dict[str, Any]) -> int:
    return len(pack["seq_lengths"])


def _trainer(task: _Task, recipe: Recipe, packs: packing.Packs | None) -> Any:
    model = load_model(recipe.model, recipe.method, task.place, task.attention[0])
    check_modules(recipe, [name for name, _ in model.named_modules()])
    try:
        trainer = _Trainer(
            model=model,
            args=_arguments(task, recipe, packs),
            train_dataset=_dataset(task.data.train, recipe),
            eval_dataset=_dataset(task.watched, recipe) if task.watched else None,
            processing_class=task.tokenizer,
            peft_config=adapter_config(recipe, model.config.model_type),
            callbacks=[task.log, task.watch, task.stop],
        )
    except TemplateError as error:  # TRL renders every row with its answer.
        raise refusal(task.tokenizer, error) from error
    trainer.remove_callback(PrinterCallback)
    # TRL writes one into train/ with every checkpoint; the model is elsewhere.
    setattr(trainer, "create_model_card", lambda **card: None)  # noqa: B010
    keep_precision(trainer.model)
    _learn_in_fp32(trainer.model)
    if recipe.keep_best:
        task.watch.save_best = lambda: _save_best(trainer, task.run)
    return trainer


def _best(run: Run) -> Path:
    return run.train / "best"


def _save_best(trainer: Any, run: Run) -> None:
    half = half_of(_best(run))
    with saving(half, FREE_SOME):
        trainer.save_model(str(half))
    if processes.is_first():
        shutil.rmtree(_best(run), ignore_errors=True)
        half.rename(_best(run))


def _looked_at(
    task: _Task, trainer: Any, recipe: Recipe, needed: memory.Memory | None, free: int, notes: list[str]
) -> Preflight:
    rows = trainer.train_dataset
    if not len(rows):
        raise ModelError(f"Every question alone fills max_length = {recipe.max_length} tokens: raise max_length.")
    whole = [row for row in rows.select(range(min(50, len(rows)))) if len(row["input_ids"]) < recipe.max_length]
    return look(
        trained=trained_texts(
            task.tokenizer,
            trainer.data_collator,
            (whole or [rows[0]])[:SHOWN],
            task.prompts,
            recipe.max_length,
        ),
        dropped=0 if recipe.packing else task.lengths.rows - len(rows),
        unwatched=len(task.watched) - len(trainer.eval_dataset or []),
        lengths=task.lengths,
        recipe=recipe,
        place=task.place,
        attention=(trainer.model.config._attn_implementation, task.attention[1]),
        memory=needed,
        free=free,
        notes=notes,
    )


def _ran_out_of_memory(trainer: Any, checkpoint: Path | None, stop: Stop) -> bool:
    """Train to the end or to where the user stops it; True where the device's memory did not suffice."""
    try:
        with stop.on_signals():
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


def _with_fewer_rows(recipe: Recipe) -> Recipe:
    fewer = memory.smaller(recipe)
    if fewer is None:
        raise ModelError(
            "Memory ran out with one row at a time: lower max_length or set gradient_checkpointing = true in the "
            "recipe, use --method qlora, or take a smaller student."
        )
    return fewer


def _passes(recipe: Recipe) -> str:
    return f"{recipe.batch} rows a pass, {recipe.accumulation} passes a step, so each step learns from as many rows"


def _save(task: _Task, trainer: Any, recipe: Recipe, folder: Path) -> None:
    """Put the result into the run, in the place of what was there.

    The validation loss's best weights where the recipe keeps them, else the last.
    """
    run, fresh = task.run, task.run.train / "result"
    shutil.rmtree(fresh, ignore_errors=True)
    has_best = recipe.keep_best and _best(run).is_dir()
    made = _best(run) if has_best else fresh
    with saving(made, FREE_SOME, keep=has_best):
        if not has_best:
            trainer.save_model(str(fresh))
        # A pickle of the trainer's arguments, which recipe.toml holds as text.
        (made / "training_args.bin").unlink(missing_ok=True)
        task.tokenizer.chat_template = trained_template(
            task.tokenizer.chat_template, recipe.style, recipe.thinking, added_bos(task.tokenizer)
        )
        task.tokenizer.save_pretrained(made)
        write_json(made / RECORD, record(run, recipe, task.data))
    # An adapter and a full model side by side would leave open which of them is meant.
    for old in (run.adapter, run.full_model):
        shutil.rmtree(old, ignore_errors=True)
    run.forget_evaluation()
    made.rename(folder)


def record(run: Run, recipe: Recipe, data: TrainingData) -> dict[str, Any]:
    """What an adapter remembers: enough to be used as it was trained, and to refuse a test it has seen."""
    return {
        # The run's own student goes where the run goes.
        "base_model": TINY if recipe.model == str(run.student) else recipe.model,
        "base_fingerprint": fingerprint(recipe.model),
        "method": recipe.method,
        "precision": recipe.precision,
        "system": recipe.system,
        "style": recipe.style,
        "thinking": recipe.thinking,
        "max_length": recipe.max_length,
        "dataset_hash": data.hash,
        "data": data.facts,
        "questions": data.questions(),
    }


def check_stops(tokenizer: Any, examples: list[Example], system: str) -> None:
    """Refuse a template whose trained answers do not end in EOS: such a student never stops.

    Raises:
        ModelError: the rendered answer holds no EOS after it.
    """
    example = examples[0]
    row = to_trl([example], system, style="chat", thinking=False)[0]
    whole = rendered(tokenizer, row["prompt"] + row["completion"])
    ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
    # Qwen's template writes a newline after the end of the turn.
    if tokenizer.eos_token_id not in ids[-2:]:
        raise ModelError(
            f"The chat template does not end an answer with {tokenizer.eos_token}: the student would never stop. "
            "Use the model's Instruct version, or one whose template and EOS agree."
        )
    prompt = rendered(tokenizer, row["prompt"], add_generation_prompt=True)
    if not whole.startswith(prompt):
        raise ModelError(
            "The chat template writes a question differently once it is answered, so training and use would differ."
        )


def _dataset(examples: list[Example], recipe: Recipe) -> Dataset:
    return Dataset.from_list(to_trl(examples, recipe.system, style=recipe.style, thinking=recipe.thinking))


def _prompt(tokenizer: Any, example: Example, recipe: Recipe) -> str:
    """A question as it will be asked in use."""
    return prompt_text(tokenizer, example.prompt(recipe.system, recipe.style), recipe.style, recipe.thinking)


def _tokens(tokenizer: Any, example: Example, recipe: Recipe) -> int:
    """Tokens of a row with its end of turn; a newline of the template behind it is not counted."""
    text = _prompt(tokenizer, example, recipe) + example.completion(recipe.style, recipe.thinking) + tokenizer.eos_token
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _arguments(task: _Task, recipe: Recipe, packs: packing.Packs | None) -> SFTConfig:
    place, batch, accumulation, length = task.place, recipe.batch, recipe.accumulation, recipe.max_length
    if packs is not None:
        batch, accumulation, length = packs.a_pass, packs.passes, packs.length
    return SFTConfig(
        output_dir=str(task.run.train),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=recipe.batch,
        gradient_accumulation_steps=accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.scheduler,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        optim=recipe.optimizer,
        max_length=length,
        packing=packs is not None,
        eval_packing=False,
        gradient_checkpointing=recipe.gradient_checkpointing,
        completion_only_loss=True,
        # Also into the model's own configuration, which every server stops by.
        eos_token=task.tokenizer.eos_token,
        bf16=place.dtype is torch.bfloat16,
        fp16=place.dtype is torch.float16,
        use_cpu=place.device == "cpu",
        dataloader_pin_memory=place.device != "cpu",
        # Every step: a mean over several would differ where a run is stopped and resumed between two of them.
        logging_steps=1,
        eval_strategy="steps" if task.watched else "no",
        eval_steps=_between(recipe.evaluate_every, recipe),
        save_strategy="steps",
        save_steps=_between(recipe.save_every or recipe.evaluate_every, recipe),
        save_total_limit=1 if recipe.method == "full" else 2,
        seed=recipe.seed,
        report_to=recipe.report_to,
        run_name=task.run.name,
        disable_tqdm=True,
    )


def _packs(task: _Task, recipe: Recipe) -> packing.Packs:
    # One more token a row: templates write a newline after the end of the turn.
    lengths = [length + 1 for length in task.lengths.each]
    watched = max((_tokens(task.tokenizer, example, recipe) + 1 for example in task.watched), default=0)
    return packing.packs(lengths, recipe.batch, recipe.accumulation, recipe.max_length, watched)


def _between(every: Every, recipe: Recipe) -> float:
    """Steps, or as a share of all steps what is below 1: how many an epoch has, packing decides."""
    if every == "epoch":
        return min(1 / recipe.epochs, 0.9999)
    return every or 1 / EVALUATIONS


def _learn_in_fp32(model: Any) -> None:
    """Keep what is trained in fp32, whatever it is multiplied in: autocast rounds a copy of it.

    TRL casts a quantised model's adapter to bf16, and PEFT leaves modules_to_save in the base's precision. There, steps
    smaller than bf16 resolves are lost, and a resumed run is another one: PEFT loads a checkpoint into fp32.
    """
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def _facts(trained: Trained, data: TrainingData, recipe: Recipe) -> dict[str, Any]:
    """What else is worth knowing of a run, for the head of recipe.toml."""
    seen = trained.preflight
    best = "none" if trained.best is None else f"{trained.best[1]:.4f} at step {trained.best[0]}"
    facts = {
        **({"from": ", ".join(f"{name} {value}" for name, value in data.source.items())} if data.source else {}),
        **data.facts,
        "rows": f"{len(data.train)} train, {len(data.validation)} validation, {trained.truncated} cut to max_length",
        "steps": trained.steps,
        "seconds": round(trained.seconds, 1),
        "tokens a second": round(trained.tokens_per_second),
        "peak memory": f"{trained.peak_memory / memory.GB:.2f} GB"
        + (" of the whole process" if trained.place.device == "cpu" else ""),
        "loss": round(trained.loss, 4),
        "eval_loss": "none" if trained.eval_loss is None else round(trained.eval_loss, 4),
        "lowest eval_loss": best + (", and these weights were kept" if trained.best and recipe.keep_best else ""),
        "trainable": f"{trained.trainable} of {trained.parameters} parameters",
        "computed on": f"{trained.place.device} in {trained.place.dtype}: {trained.place.reason}",
        "processes": f"{processes.count()}, each with {recipe.batch} rows a pass",
        "attention": f"{seen.attention}: {seen.attention_reason}",
        "versions": ", ".join(f"{module.__name__} {module.__version__}" for module in (torch, transformers, datasets)),
    }
    said = [trained.overfitting, *seen.notes]
    return facts | {f"note {number}": line for number, line in enumerate(filter(None, said), start=1)}
