"""How fast is `train --recipe qlora` on a GPU, and in how much memory, against the loop of the tutorial's notebook?

Makes Qwen2.5-0.5B, 1.5B and 7B by configuration with random weights, which cost what trained ones cost, and trains
each by NF4 QLoRA on the same rows of the sample corpus: by `train`'s own code, and by transformers' Trainer one row a
pass with eight accumulated, nothing packed, as the notebook does. Prints a Markdown table; see gpu_qlora.md.

- Tokens are those of the rows, padding not counted, by wall-clock seconds: the median over the epochs after the first.
- Peak memory is torch's; on a CPU the highest of the process so far.
- MFU is the share of the card's dense bf16 peak that the model's own arithmetic takes: 4 operations a frozen weight and
  token (its gradient is not computed), 6 a trained one, the head for answers alone, and 12 × layers × hidden × length
  for attention (PaLM, Chowdhery et al. 2022, appendix B). What checkpointing computes twice is not counted.
- The peaks are those of NVIDIA's data sheets, without sparsity, in PEAKS.

`--device cpu --tiny` runs all of it in seconds with a student of some 300,000 parameters.
"""

from __future__ import annotations

import argparse
import gc
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM,
    DataCollatorForSeq2Seq,
    PrinterCallback,
    Qwen2Config,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from wukong_pipe.commands.build import run_build
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run, Workspace
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.data.files import read_training_data
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.adapters import adapter_config
from wukong_trainer.models.loading import Place, choose_place, load_model, load_tokenizer
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import make_tokenizer
from wukong_trainer.recipe import Recipe, load_recipe, overridden
from wukong_trainer.training import memory, sft

CORPUS = Path(__file__).resolve().parent.parent / "corpora" / "blackwukong.md"
EPOCHS = 4
"""The first warms up and is not counted."""
SIZES: dict[str, dict[str, Any]] = {
    "0.5B": {
        "vocab_size": 151936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    "1.5B": {
        "vocab_size": 151936,
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    "7B": {
        "vocab_size": 152064,
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
    },
    "tiny": {
        "vocab_size": 4000,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "tie_word_embeddings": True,
    },
}
"""The shapes of Qwen2.5, as their config.json have them; "tiny" is nobody's."""
TOKENS = 4000
"""At most so many entries of the vocabulary are used, for there is no download of Qwen's own."""
PEAKS = {
    "B200": 2250e12,
    "H200": 989.4e12,
    "H100 HBM3": 989.4e12,
    "H100 PCIe": 756e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "RTX 4090": 165.2e12,
    "RTX 3090": 71e12,
}
"""Dense bf16 operations a second by the words of a card's name."""


@dataclass
class Clock(TrainerCallback):
    """When each optimiser step was done; steps are logged one by one, which waits for the GPU."""

    times: dict[int, float] = field(default_factory=dict)
    """By step, from 1 on."""

    def tick(self, step: int, steps: int, note: str) -> None:  # noqa: ARG002
        self.times[step] = time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        if "loss" in (logs or {}):
            self.tick(state.global_step, state.max_steps, "")

    def tokens_per_second(self, tokens: int, epochs: int) -> float:
        """The median over the epochs after the first, of which each goes through `tokens`."""
        each = max(self.times) // epochs
        ends = [self.times[each * epoch] for epoch in range(1, epochs + 1)]
        return statistics.median(tokens / (end - start) for start, end in pairwise(ends))


Train = Callable[[Recipe, TrainingData, Run, Clock], None]


def config_of(size: str) -> Qwen2Config:
    """Qwen2.5's configuration in that size."""
    rope: Any = {"rope_type": "default", "rope_theta": 1e6}
    return Qwen2Config(max_position_embeddings=32768, rms_norm_eps=1e-6, rope_parameters=rope, **SIZES[size])


def make_student(folder: Path, size: str, data: TrainingData, place: Place) -> Path:
    """A student of random weights, and a tokenizer of the rows' characters, which uses few of the model's entries."""
    texts = [text for example in data.train for text in (example.question, example.output)]
    tokenizer = make_tokenizer(texts, TOKENS)
    config = config_of(size)
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    torch.manual_seed(0)
    with torch.device(place.device):
        model = AutoModelForCausalLM.from_config(config, dtype=place.dtype)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def rows_of(folder: Path, rows: int) -> TrainingData:
    """That many rows of the sample corpus by the embedded teacher."""
    workspace = Workspace(folder)
    run = workspace.run("rows")
    settings = BuildSettings(limit=max(4, rows // 12), max_pairs=8, variants=8)
    teacher = TeacherChoice("offline")
    run_build(
        workspace,
        run,
        read_sources([CORPUS]),
        settings,
        teacher,
        named=True,
        overwrite=False,
        progress=lambda *_: None,
    )
    every = read_training_data(run.dataset).train
    if len(every) < rows:
        raise SystemExit(f"The corpus gave {len(every)} rows, fewer than the {rows} asked for.")
    return TrainingData([every[i * len(every) // rows] for i in range(rows)], [], "benchmark")


def tokenised(tokenizer: Any, data: TrainingData, recipe: Recipe) -> list[dict[str, list[int]]]:
    """Prompt, answer and end of turn, the prompt's labels masked."""
    rows = []
    for example in data.train:
        prompt = tokenizer(prompt_text(tokenizer, example.prompt(recipe.system)), add_special_tokens=False)["input_ids"]
        # Qwen's template ends a turn with a line feed behind EOS.
        answer = tokenizer(example.output + tokenizer.eos_token + "\n", add_special_tokens=False)["input_ids"]
        ids = [*prompt, *answer]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [*[-100] * len(prompt), *answer]})
    return rows


def ours(recipe: Recipe, data: TrainingData, run: Run, clock: Clock) -> None:
    """What `train` does."""
    sft.train(run, data, recipe, evaluate=False, progress=clock.tick)


def notebooks(recipe: Recipe, data: TrainingData, run: Run, clock: Clock) -> None:
    """What the notebook does: prepare_model_for_kbit_training, get_peft_model, transformers' Trainer."""
    place, tokenizer = choose_place(), load_tokenizer(recipe.model)
    set_seed(recipe.seed)
    model: Any = prepare_model_for_kbit_training(
        load_model(recipe.model, "qlora", place), use_gradient_checkpointing=bool(recipe.gradient_checkpointing)
    )
    adapter = adapter_config(recipe, model.config.model_type)
    assert adapter is not None
    trainer: Any = Trainer(
        model=get_peft_model(model, adapter),
        args=TrainingArguments(
            output_dir=str(run.train),
            num_train_epochs=recipe.epochs,
            per_device_train_batch_size=recipe.batch,
            gradient_accumulation_steps=recipe.passes,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type=recipe.scheduler,
            warmup_steps=recipe.warmup,
            optim=recipe.optimizer,
            bf16=place.dtype is torch.bfloat16,
            fp16=place.dtype is torch.float16,
            use_cpu=place.device == "cpu",
            dataloader_pin_memory=place.device != "cpu",
            save_strategy="no",
            logging_steps=1,
            report_to="none",
            seed=recipe.seed,
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(tokenised(tokenizer, data, recipe)),
        data_collator=DataCollatorForSeq2Seq(tokenizer=tokenizer, padding=True),
        callbacks=[clock],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def contenders(student: Path, epochs: int) -> list[tuple[str, Recipe, Train]]:
    """Who trains, and by which recipe; the notebook's loop first, by whose speed the others are measured."""
    # Checkpoints would be written between the steps that are timed.
    common = {"model": str(student), "epochs": float(epochs), "save_every": 10**9, "system": "简要回答。"}
    recipe = overridden(load_recipe("qlora"), accumulation=1, gradient_checkpointing=True, **common)
    notebook = overridden(load_recipe("base-nlp-qlora"), **common)
    same = replace(recipe, batch=notebook.batch, accumulation=notebook.accumulation)
    kept = replace(recipe, gradient_checkpointing=False)
    packed = replace(recipe, packing=True, batch=4 * recipe.batch)
    return [
        ("notebook: 1 × 8 rows, r 16 on q and v", notebook, notebooks),
        ("notebook's loop, 1 × 8 rows, our adapter", same, notebooks),
        ("train: recipe qlora", overridden(load_recipe("qlora"), **common), ours),
        ("train: with gradient checkpointing, 16 rows", recipe, ours),
        ("train: without gradient checkpointing", kept, ours),
        ("train: packed, some 64 rows", packed, ours),
        ("train: packed, without gradient checkpointing", replace(packed, gradient_checkpointing=False), ours),
    ]


def flops_per_token(shape: memory.Shape, length: float, answers: float) -> float:
    """Operations a token of a training step needs; see this file's head.

    Args:
        length: mean tokens of a row.
        answers: the share of the tokens that is trained.
    """
    head = 4 * shape.hidden * shape.vocabulary * answers
    return 4 * shape.linear + 6 * shape.trainable + head + 12 * shape.layers * shape.hidden * length


def peak_of(card: str) -> float | None:
    """Operations a second of a card by its name; None for one that PEAKS does not hold."""
    words = set(re.split(r"[ -]", card))
    return next((peak for name, peak in PEAKS.items() if words.issuperset(name.split())), None)


def measure(size: str, data: TrainingData, epochs: int, place: Place, folder: Path) -> None:
    """Print a row for everyone who trains a student of that size."""
    student = make_student(folder / "student", size, data, place)
    peak = peak_of(torch.cuda.get_device_name()) if place.device == "cuda" else None
    first = 0.0
    for number, (name, recipe, train) in enumerate(contenders(student, epochs)):
        run, clock = Run(folder / f"run{number}"), Clock()
        if place.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        train(recipe, data, run, clock)
        rows = tokenised(load_tokenizer(recipe.model), data, recipe)
        tokens = sum(len(row["input_ids"]) for row in rows)
        answers = sum(label != -100 for row in rows for label in row["labels"])
        speed = clock.tokens_per_second(tokens, epochs)
        first = first or speed
        shape = memory.shape_of(recipe)
        assert shape is not None
        length = tokens / len(rows)
        needed = flops_per_token(shape, length, answers / tokens)
        used = "—" if peak is None else f"{speed * needed / peak:.1%}"
        highest = f"{memory.peak(place) / memory.GB:.1f} GB"
        faster = f"×{speed / first:.2f}"
        print(f"| {size} | {name} | {length:.0f} | {speed:,.0f} | {faster} | {used} | {highest} |", flush=True)
        shutil.rmtree(run.train, ignore_errors=True)
        gc.collect()
        torch.cuda.empty_cache()
    shutil.rmtree(student)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a student of some 300,000 parameters, 16 rows")
    parser.add_argument("--sizes", nargs="+", choices=["0.5B", "1.5B", "7B"], default=["0.5B", "1.5B", "7B"])
    parser.add_argument("--rows", type=int, default=512)
    options = parser.parse_args(arguments)
    silence_libraries()
    place = choose_place()
    if place.device != options.device:
        sys.exit(
            "There is no GPU here: --device cpu --tiny tries the script without one."
            if place.device == "cpu"
            else "There is a GPU here, which training takes: hide it with CUDA_VISIBLE_DEVICES=."
        )
    sizes, count, epochs = (["tiny"], 16, 2) if options.tiny else (options.sizes, options.rows, EPOCHS)
    with tempfile.TemporaryDirectory() as folder:
        data = rows_of(Path(folder) / "runs", count)
        card = torch.cuda.get_device_name() if place.device == "cuda" else "CPU"
        print(f"{card}, {place.dtype}, torch {torch.__version__}; {count} rows, {epochs} epochs\n")
        print("| Qwen2.5 | who | tokens a row | tokens/s | against the first | MFU | peak memory |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for size in sizes:
            measure(size, data, epochs, place, Path(folder))


if __name__ == "__main__":
    main()
