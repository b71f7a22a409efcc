"""The trainer of a run: TRL's SFTTrainer, made from the recipe, the rows and what this machine can do."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from jinja2 import TemplateError
from transformers import PrinterCallback
from trl import SFTConfig

from wukong_pipe.files import half_of
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example, TrainingData, to_trl
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.adapters import adapter_config, check_modules, keep_precision
from wukong_trainer.models.loading import Place, load_model
from wukong_trainer.models.saving import saving
from wukong_trainer.models.templates import refusal
from wukong_trainer.recipe import Every, Recipe
from wukong_trainer.training import packing, processes
from wukong_trainer.training.checkpoints import SignalStop
from wukong_trainer.training.length_grouping import LengthGroupedTrainer
from wukong_trainer.training.log import EarlyStopping, LossLog
from wukong_trainer.training.losses import AnswerTrainer, ValidationTrainer

EVALUATIONS = 5
"""How often a run takes the validation loss and writes a checkpoint, where the recipe does not say."""
DISK_FULL_CURE = "Free some room on the disk and go on with --resume, or train again where no checkpoint is kept yet."


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """All that a trainer is made from; the recipe is replaced where packing or memory does not allow what it says."""

    run: Run
    data: TrainingData
    watched: list[Example]
    """The validation rows; none where no validation loss is wanted."""
    recipe: Recipe
    tokenizer: Any
    tokens: list[int]
    """Of each training row, before any is cut to max_length."""
    questions: set[tuple[int, ...]]
    """The token ids of each training question, in the form in which it will be asked in use."""
    place: Place
    attention: tuple[str, str]
    """The implementation to ask for, and why."""
    log: LossLog
    early_stopping: EarlyStopping
    stop: SignalStop
    command: str
    """That began the training; "" where none was typed."""


class Trainer(ValidationTrainer, AnswerTrainer, LengthGroupedTrainer):
    """TRL's trainer with the losses of `losses.py` and rows of like length in a pass.

    A full disk is a sentence, and leaves no half checkpoint.
    """

    def _save_checkpoint(self, *given: Any, **options: Any) -> None:
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        with saving(folder, DISK_FULL_CURE):
            super()._save_checkpoint(*given, **options)  # type: ignore[no-untyped-call]


def make_trainer(setup: TrainingSetup) -> tuple[Trainer, TrainingSetup, list[str]]:
    """A trainer with its model loaded; without packing where packed rows would read each other.

    Whether they do depends on the model, its attention and this machine, so it is measured on the model itself.

    Returns:
        The trainer, the setup it was really made from, and what the user must be told about packing.

    Raises:
        ModelError: the model cannot be loaded, lacks a module that the recipe names, or its template fails on a row.
    """
    packs = _packs(setup) if setup.recipe.packing else None
    trainer = _trainer(setup, packs)
    if packs is None:
        return trainer, setup, []
    # The pack of the most rows shows best whether they are kept apart.
    first = trainer.train_dataset.select(range(min(8, len(trainer.train_dataset))))
    pack = max(first, key=lambda each: len(each["seq_lengths"]))
    with torch.autocast(setup.place.device, setup.place.dtype, enabled=setup.place.dtype is not torch.float32):
        difference = packing.difference(trainer.model, trainer.data_collator, pack)
    if difference <= packing.TOLERANCE[setup.place.dtype]:
        return trainer, setup, [packs.sentence(setup.recipe.batch * setup.recipe.passes)]
    note = (
        f"Packing is off: with {attention_of(trainer)} attention packed rows read each other (their log-likelihoods "
        f"change by {difference:.1%})."
    )
    del trainer  # Two models at once may not fit.
    setup = replace(setup, recipe=replace(setup.recipe, packing=False))
    return _trainer(setup, None), setup, [note]


def attention_of(trainer: Any) -> str:
    """The attention implementation that the trainer's model really uses, such as "sdpa"."""
    return str(trainer.model.config._attn_implementation)


def best_weights(run: Run) -> Path:
    """Where the weights of the lowest validation loss are kept during a training."""
    return run.train / "best"


def row_tokens(tokenizer: Any, example: Example, recipe: Recipe) -> int:
    """Tokens of a row with its end of turn; a newline that the template writes after it is not counted."""
    question = question_text(tokenizer, example, recipe)
    text = question + example.completion(recipe.style, recipe.thinking) + tokenizer.eos_token
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def question_text(tokenizer: Any, example: Example, recipe: Recipe) -> str:
    """A row's question in the form in which it will be asked in use."""
    return prompt_text(tokenizer, example.prompt(recipe.system, recipe.style), recipe.style, recipe.thinking)


def _trainer(setup: TrainingSetup, packs: packing.Packs | None) -> Any:
    recipe = setup.recipe
    model = load_model(recipe.model, recipe.method, setup.place, setup.attention[0])
    check_modules(recipe, [name for name, _ in model.named_modules()])
    try:
        trainer = Trainer(
            model=model,
            args=_arguments(setup, packs),
            train_dataset=_dataset(setup.data.train, recipe),
            eval_dataset=_dataset(setup.watched, recipe) if setup.watched else None,
            processing_class=setup.tokenizer,
            peft_config=adapter_config(recipe, model.config.model_type),
            callbacks=[setup.log, setup.early_stopping, setup.stop],
        )
    except TemplateError as error:  # TRL renders every row with its answer.
        raise refusal(setup.tokenizer, error) from error
    trainer.remove_callback(PrinterCallback)
    # TRL writes a model card into train/ with every checkpoint, where no model is.
    setattr(trainer, "create_model_card", lambda **card: None)  # noqa: B010
    keep_precision(trainer.model)
    _learn_in_fp32(trainer.model)
    if recipe.keep_best:
        setup.early_stopping.save_best = lambda: _save_best(trainer, setup.run)
    return trainer


def _dataset(examples: Sequence[Example], recipe: Recipe) -> Dataset:
    return Dataset.from_list(to_trl(examples, recipe.system, style=recipe.style, thinking=recipe.thinking))


def _packs(setup: TrainingSetup) -> packing.Packs:
    # One more token a row: templates write a newline after the end of the turn.
    lengths = [count + 1 for count in setup.tokens]
    recipe = setup.recipe
    watched = max((row_tokens(setup.tokenizer, example, recipe) + 1 for example in setup.watched), default=0)
    return packing.packs(lengths, recipe.batch, recipe.passes, recipe.max_length, watched)


def _arguments(setup: TrainingSetup, packs: packing.Packs | None) -> SFTConfig:
    recipe, place = setup.recipe, setup.place
    batch, accumulation, length = recipe.batch, recipe.passes, recipe.max_length
    if packs is not None:
        batch, accumulation, length = packs.a_pass, packs.passes, packs.length
    return SFTConfig(
        output_dir=str(setup.run.train),
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
        gradient_checkpointing=bool(recipe.gradient_checkpointing),
        completion_only_loss=True,
        # Also into the model's own configuration, which every server stops by.
        eos_token=setup.tokenizer.eos_token,
        bf16=place.dtype is torch.bfloat16,
        fp16=place.dtype is torch.float16,
        use_cpu=place.device == "cpu",
        dataloader_pin_memory=place.device != "cpu",
        # Every step: a mean over several would differ where a run is stopped and resumed between two of them.
        logging_steps=1,
        eval_strategy="steps" if setup.watched else "no",
        eval_steps=_steps_between(recipe.evaluate_every, recipe),
        save_strategy="steps",
        save_steps=_steps_between(recipe.save_every or recipe.evaluate_every, recipe),
        # A checkpoint of all weights is as large as the model; of an adapter two are kept, should one be cut off.
        save_total_limit=1 if recipe.method == "full" else 2,
        seed=recipe.seed,
        report_to=recipe.report_to,
        run_name=setup.run.name,
        disable_tqdm=True,
    )


def _steps_between(every: Every, recipe: Recipe) -> float:
    """Steps between two, or a share of all steps where it is below 1: packing decides how many an epoch has."""
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


def _save_best(trainer: Any, run: Run) -> None:
    half = half_of(best_weights(run))
    with saving(half, DISK_FULL_CURE):
        trainer.save_model(str(half))
    if processes.is_first():
        shutil.rmtree(best_weights(run), ignore_errors=True)
        half.rename(best_weights(run))
