"""Fine-tuning with TRL's SFTTrainer: QLoRA, LoRA or all weights, loss on the answers alone."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from datasets import Dataset
from peft import LoraConfig
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.workspace import Run, write_json, write_text
from wukong_trainer.data import Example, TrainingData, to_trl
from wukong_trainer.generate import prompt_text
from wukong_trainer.model import Place, check_fits, choose_place, end_turns, fingerprint, load_model, load_tokenizer
from wukong_trainer.quiet import silence_libraries
from wukong_trainer.recipe import TINY, Recipe, in_steps, to_toml

RECORD = "wukong.json"
"""What an adapter or model was trained on, beside its weights."""
EVALUATIONS = 5
"""How often the validation loss is taken in a run."""

Progress = Callable[[int, int, str], None]
"""Called with (step, steps, note) as training goes on."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training run left behind, for the screen."""

    folder: Path
    steps: int
    seconds: float
    loss: float
    eval_loss: float | None
    trainable: int
    parameters: int
    truncated: int
    place: Place


def check_free(run: Run, overwrite: bool) -> None:
    """Refuse to train over an existing adapter unasked.

    Raises:
        WorkspaceError: there is one.
    """
    for folder in (run.adapter, run.full_model):
        if folder.exists() and not overwrite:
            raise WorkspaceError(
                f"{folder} exists already; train with --overwrite to replace it, or under another name with --run."
            )


def train(
    run: Run,
    data: TrainingData,
    recipe: Recipe,
    *,
    evaluate: bool = True,
    progress: Progress = lambda step, steps, note: None,
) -> Trained:
    """Fine-tune `recipe.model` on `data` and save the adapter (or, for full, the model) with what it was trained on.

    Args:
        run: where adapter/ or model/ and train/ go.
        recipe: its model is a Hugging Face id or a folder here; the embedded student is made before.
        evaluate: take the validation loss along the way.

    Raises:
        ModelError: the student does not fit this machine, cannot be loaded or would not learn to stop.
    """
    place = choose_place()
    check_fits(recipe.model, recipe.method, place)
    silence_libraries()
    tokenizer = load_tokenizer(recipe.model)
    if recipe.style == "chat":
        end_turns(tokenizer)
        # Plain text ends with EOS because TRL puts it there.
        check_stops(tokenizer, data.train, recipe.system)
    truncated = sum(_tokens(tokenizer, example, recipe) > recipe.max_length for example in data.train)
    model = load_model(recipe.model, recipe.method, place)

    epoch = math.ceil(len(data.train) / (recipe.batch * recipe.accumulation))
    steps = math.ceil(recipe.epochs * epoch)
    watched = data.validation if evaluate else []
    log = _Log(run.train / "log.jsonl", progress)
    trainer = SFTTrainer(
        model=model,
        args=_arguments(run, recipe, place, steps, epoch, tokenizer.eos_token, watched=bool(watched)),
        train_dataset=_dataset(data.train, recipe),
        eval_dataset=_dataset(watched, recipe) if watched else None,
        processing_class=tokenizer,
        peft_config=_lora(recipe),
        callbacks=[log],
    )
    trainer.remove_callback(PrinterCallback)
    tuned: Any = trainer.model
    _restore_precision(tuned, place)
    started = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - started
    log.save()

    # An adapter and a full model side by side would leave open which of them is meant.
    for old in (run.adapter, run.full_model):
        shutil.rmtree(old, ignore_errors=True)
    run.forget_evaluation()
    folder = run.full_model if recipe.method == "full" else run.adapter
    trainer.save_model(str(folder))
    tokenizer.save_pretrained(folder)
    write_json(folder / RECORD, record(run, recipe, data))
    parameters = [(parameter.numel(), parameter.requires_grad) for parameter in tuned.parameters()]
    trained = Trained(
        folder=folder,
        steps=trainer.state.global_step,
        seconds=seconds,
        loss=next((entry["loss"] for entry in reversed(log.entries) if "loss" in entry), math.nan),
        eval_loss=next((entry["eval_loss"] for entry in reversed(log.entries) if "eval_loss" in entry), None),
        trainable=sum(count for count, trainable in parameters if trainable),
        parameters=int(tuned.num_parameters()),
        truncated=truncated,
        place=place,
    )
    write_text(run.train / "recipe.toml", to_toml(recipe, _facts(trained, data)))
    return trained


def record(run: Run, recipe: Recipe, data: TrainingData) -> dict[str, Any]:
    """What an adapter remembers: enough to be used as it was trained, and to refuse a test it has seen."""
    return {
        # The run's own student goes where the run goes.
        "base_model": TINY if recipe.model == str(run.student) else recipe.model,
        "base_fingerprint": fingerprint(recipe.model),
        "method": recipe.method,
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
    whole = tokenizer.apply_chat_template(row["prompt"] + row["completion"], tokenize=False)
    ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
    # Qwen's template writes a newline after the end of the turn.
    if tokenizer.eos_token_id not in ids[-2:]:
        raise ModelError(
            f"The chat template does not end an answer with {tokenizer.eos_token}: the student would never stop. "
            "Use the model's Instruct version, or one whose template and EOS agree."
        )
    prompt = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
    if not whole.startswith(prompt):
        raise ModelError(
            "The chat template writes a question differently once it is answered, so training and use would differ."
        )


def _dataset(examples: list[Example], recipe: Recipe) -> Dataset:
    return Dataset.from_list(to_trl(examples, recipe.system, style=recipe.style, thinking=recipe.thinking))


def _tokens(tokenizer: Any, example: Example, recipe: Recipe) -> int:
    """Tokens of a row with its end of turn; a newline of the template behind it is not counted."""
    prompt = prompt_text(tokenizer, example.prompt(recipe.system, recipe.style), recipe.style, recipe.thinking)
    text = prompt + example.completion(recipe.style, recipe.thinking) + tokenizer.eos_token
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _arguments(run: Run, recipe: Recipe, place: Place, steps: int, epoch: int, eos: str, *, watched: bool) -> SFTConfig:
    return SFTConfig(
        output_dir=str(run.train),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch,
        per_device_eval_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.scheduler,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        optim=recipe.optimizer,
        max_length=recipe.max_length,
        gradient_checkpointing=recipe.gradient_checkpointing,
        completion_only_loss=True,
        # Also into the model's own configuration, which every server stops by.
        eos_token=eos,
        bf16=place.dtype is torch.bfloat16,
        fp16=place.dtype is torch.float16,
        use_cpu=place.device == "cpu",
        dataloader_pin_memory=place.device != "cpu",
        logging_steps=max(1, steps // 50),
        eval_strategy="steps" if watched else "no",
        eval_steps=in_steps(recipe.evaluate_every, epoch, steps // EVALUATIONS),
        save_strategy="no",
        seed=recipe.seed,
        report_to="none",
        disable_tqdm=True,
    )


def _lora(recipe: Recipe) -> LoraConfig | None:
    if recipe.method == "full":
        return None
    return LoraConfig(
        r=recipe.r,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=recipe.target_modules,
        modules_to_save=recipe.modules_to_save or None,
        # Trained embeddings of a model whose head is the same matrix must stay the same matrix: a frozen copy at
        # the head keeps the logits small. On the embedded student 0.52 of wordings of new forms became 0.80.
        ensure_weight_tying=bool(recipe.modules_to_save),
        task_type="CAUSAL_LM",
    )


def _restore_precision(model: Any, place: Place) -> None:
    """Undo TRL's cast of a quantised model's adapter to bf16 where the machine computes in fp32.

    A CPU without bf16 of its own multiplies such an adapter a hundred times slower.
    """
    if place.dtype is torch.float32:
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()


def _facts(trained: Trained, data: TrainingData) -> dict[str, Any]:
    """What else is worth knowing of a run, for the head of recipe.toml."""
    return {
        **data.facts,
        "rows": f"{len(data.train)} train, {len(data.validation)} validation, {trained.truncated} cut to max_length",
        "steps": trained.steps,
        "seconds": round(trained.seconds, 1),
        "loss": round(trained.loss, 4),
        "eval_loss": "none" if trained.eval_loss is None else round(trained.eval_loss, 4),
        "trainable": f"{trained.trainable} of {trained.parameters} parameters",
        "computed on": f"{trained.place.device} in {trained.place.dtype}: {trained.place.reason}",
        "versions": ", ".join(f"{module.__name__} {module.__version__}" for module in (torch, transformers, datasets)),
    }


class _Log(TrainerCallback):
    """Keeps the losses for log.jsonl and tells the screen how far training is."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path = path
        self.progress = progress
        self.entries: list[dict[str, Any]] = []
        self.note = ""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self.progress(state.global_step, state.max_steps, self.note)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        entry = {"step": state.global_step}
        for key in ("loss", "eval_loss", "learning_rate", "grad_norm", "epoch"):
            if key in (logs or {}):
                entry[key] = float(logs[key])
        if "loss" in entry:
            self.note = f"loss {entry['loss']:.3f}"
        if "loss" in entry or "eval_loss" in entry:
            self.entries.append(entry)

    def save(self) -> None:
        write_text(self.path, "".join(json.dumps(entry) + "\n" for entry in self.entries))
