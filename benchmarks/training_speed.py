"""How fast does `train` train, against the loops of the tutorials it replaces, and does it end at the same loss?

One student, one set of rows, the same steps of eight rows, the same rate, schedule and seed, all weights trained. The
tutorials' loops are transformers' Trainer on rows tokenised by hand, labels on the answer alone: one row a pass with
gradients accumulated (DataCollatorForSeq2Seq), or several rows padded to max_length. Tokens are those of the rows,
padding not counted; seconds are this process's CPU seconds inside the steps, so run it with OMP_NUM_THREADS=1, and a
busy machine changes little. The loss is that of the answers of rows that were held out. Prints a Markdown table; see
training_speed.md.

LLaMA-Factory wants other versions of the same libraries, so it takes part where --llamafactory names the Python of an
environment of its own (loaders.py says how one is made). It reads the rows through its own dataset_info.json and
template, and the model it saves is judged by the same function as the others.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from datasets import Dataset
from transformers import DataCollatorForSeq2Seq, PrinterCallback, Trainer, TrainingArguments, set_seed

from wukong_pipe.commands.build import run_build
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.embedded.invented_facts import invented_pairs
from wukong_pipe.files import jsonl, write_json, write_text
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run, Workspace
from wukong_trainer.data.examples import Example, TrainingData, default_system
from wukong_trainer.data.files import read_training_data
from wukong_trainer.inference.generate import likelihood_all, prompt_text
from wukong_trainer.models.loading import choose_place, load_model, load_tokenizer
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import StudentSize, make_student
from wukong_trainer.recipe import Recipe, load_recipe, overridden
from wukong_trainer.training import log as training_log
from wukong_trainer.training import sft

CORPUS = Path(__file__).resolve().parent.parent / "corpora" / "blackwukong.md"
ROWS, HELD_OUT = 256, 64
MAX_LENGTH = 512
SIZE = StudentSize(hidden=128, intermediate=344, pretraining_steps=60)
RECIPE = {"method": "full", "learning_rate": 1e-3, "batch": 8, "epochs": 1.0, "modules_to_save": []}

Measured = tuple[float, int, Any]
"""Tokens a CPU second, steps, and the model."""

IN_LLAMAFACTORY = """
import json, sys, time
import torch, transformers
from transformers import AutoTokenizer, TrainerCallback
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.extras.env import VERSION
from llamafactory.hparams import get_train_args
from llamafactory.train.tuner import run_exp

class Clock(TrainerCallback):
    seconds = 0.0
    def on_step_begin(self, args, state, control, **kwargs):
        self.began = time.process_time()
    def on_step_end(self, args, state, control, **kwargs):
        self.seconds += time.process_time() - self.began
        self.steps = state.global_step

wanted = json.load(sys.stdin)
model, data, training, _, _ = get_train_args(dict(wanted))
tokenizer = AutoTokenizer.from_pretrained(wanted["model_name_or_path"])
template = get_template_and_fix_tokenizer(tokenizer, data)
rows = get_dataset(template, model, data, training, "sft", tokenizer)["train_dataset"]
clock = Clock()
run_exp(wanted, callbacks=[clock])
versions = f"LLaMA-Factory {VERSION} (torch {torch.__version__}, transformers {transformers.__version__})"
print("\\n" + json.dumps([versions, clock.seconds, clock.steps, list(rows["input_ids"]), list(rows["labels"])]))
"""


def ours(recipe: Recipe, data: TrainingData, run: Run) -> Measured:
    """What `train` does."""
    trained = sft.train(run, data, recipe, evaluate=False)
    return trained.tokens_per_second, trained.steps, load_model(str(run.full_model), "full", choose_place())


def theirs(recipe: Recipe, data: TrainingData, run: Run, *, whole_length: bool) -> Measured:
    """A tutorial's loop: rows tokenised by hand, a collator that pads, transformers' Trainer."""
    place, tokenizer = choose_place(), load_tokenizer(recipe.model)
    rows = [tokenised(tokenizer, example, recipe) for example in data.train]
    padding: dict[str, Any] = {"padding": "max_length", "max_length": MAX_LENGTH} if whole_length else {"padding": True}
    set_seed(recipe.seed)
    log = training_log.LossLog(run.train / "log.jsonl", place, lambda *_: None)
    trainer: Any = Trainer(
        model=load_model(recipe.model, "full", place),
        args=TrainingArguments(
            output_dir=str(run.train),
            num_train_epochs=recipe.epochs,
            per_device_train_batch_size=recipe.batch,
            gradient_accumulation_steps=recipe.passes,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type=recipe.scheduler,
            warmup_steps=recipe.warmup,
            optim=recipe.optimizer,
            bf16=str(place.dtype) == "torch.bfloat16",
            use_cpu=place.device == "cpu",
            save_strategy="no",
            logging_steps=1,
            report_to="none",
            seed=recipe.seed,
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(rows),
        data_collator=DataCollatorForSeq2Seq(tokenizer=tokenizer, **padding),
        callbacks=[log],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    tokens = recipe.epochs * sum(len(row["input_ids"]) for row in rows)
    return tokens / log.seconds, trainer.state.global_step, trainer.model


def tokenised(tokenizer: Any, example: Example, recipe: Recipe) -> dict[str, list[int]]:
    """Prompt, answer and end of turn, the prompt's labels masked."""
    prompt = tokenizer(prompt_text(tokenizer, example.prompt(recipe.system)), add_special_tokens=False)["input_ids"]
    # Qwen's template ends a turn with a line feed behind EOS.
    answer = tokenizer(example.output + tokenizer.eos_token + "\n", add_special_tokens=False)["input_ids"]
    ids = [*prompt, *answer][:MAX_LENGTH]
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [*[-100] * len(prompt), *answer][:MAX_LENGTH],
    }


def llamafactorys(python: Path, recipe: Recipe, data: TrainingData, run: Run, *, checkpointing: bool) -> Measured:
    """What LLaMA-Factory does with the same rows and settings; says on which of them its token ids are others."""
    rows = [{"instruction": each.question, "input": "", "output": each.output} for each in data.train]
    write_text(run.folder / "rows.jsonl", jsonl(rows))
    write_json(run.folder / "dataset_info.json", {"rows": {"file_name": "rows.jsonl"}})
    wanted = {
        "stage": "sft",
        "do_train": True,
        "model_name_or_path": recipe.model,
        "finetuning_type": "full",
        "dataset": "rows",
        "dataset_dir": str(run.folder),
        "template": "qwen",
        "default_system": recipe.system,
        "cutoff_len": MAX_LENGTH,
        "output_dir": str(run.full_model),
        "num_train_epochs": recipe.epochs,
        "per_device_train_batch_size": recipe.batch,
        "gradient_accumulation_steps": recipe.passes,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": recipe.scheduler,
        "warmup_steps": recipe.warmup,
        "weight_decay": recipe.weight_decay,
        "optim": recipe.optimizer,
        "bf16": False,
        "use_cpu": True,
        "disable_gradient_checkpointing": not checkpointing,
        "save_strategy": "no",
        "logging_steps": 1,
        "report_to": "none",
        "seed": recipe.seed,
    }
    done = subprocess.run(
        [python, "-c", IN_LLAMAFACTORY],
        input=json.dumps(wanted),
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    versions, seconds, steps, ids, labels = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    tokenizer = load_tokenizer(recipe.model)
    own = [tokenised(tokenizer, example, recipe) for example in data.train]
    same = sum(row["input_ids"] == theirs for row, theirs in zip(own, ids, strict=True))
    trained = sum(row["labels"] == theirs for row, theirs in zip(own, labels, strict=True))
    print(f"{versions}: the same token ids in {same}, the same labels in {trained} of {len(own)} rows", file=sys.stderr)
    tokens = recipe.epochs * sum(map(len, ids))
    return tokens / seconds, steps, load_model(str(run.full_model), "full", choose_place())


def contenders(
    recipe: Recipe, data: TrainingData, llamafactory: Path | None
) -> list[tuple[str, Callable[[Run], Measured]]]:
    """Who trains, and how."""
    single = replace(recipe, batch=1, accumulation=recipe.batch)
    packed = replace(recipe, packing=True)
    everyone: list[tuple[str, Callable[[Run], Measured]]] = [
        ("tutorial: 1 row a pass, 8 accumulated", lambda run: theirs(single, data, run, whole_length=False)),
        ("tutorial: 8 rows padded to 512 tokens", lambda run: theirs(recipe, data, run, whole_length=True)),
        ("plain Trainer: 8 rows padded to the longest", lambda run: theirs(recipe, data, run, whole_length=False)),
        ("train: 1 row a pass, 8 accumulated", lambda run: ours(single, data, run)),
        ("train: 8 rows", lambda run: ours(recipe, data, run)),
        ("train: packed", lambda run: ours(packed, data, run)),
    ]
    if llamafactory is None:
        return everyone
    return [
        *everyone,
        (
            "LLaMA-Factory: 8 rows",
            lambda run: llamafactorys(llamafactory, recipe, data, run, checkpointing=False),
        ),
        (
            "LLaMA-Factory: 8 rows, its default of gradient checkpointing",
            lambda run: llamafactorys(llamafactory, recipe, data, run, checkpointing=True),
        ),
    ]


def rows_of(folder: Path) -> TrainingData:
    """Rows of the sample corpus by the embedded teacher."""
    workspace = Workspace(folder)
    run = workspace.run("rows")
    settings = BuildSettings(limit=30, max_pairs=8, variants=4)
    run_build(
        workspace,
        run,
        read_sources([CORPUS]),
        settings,
        TeacherChoice("offline"),
        named=True,
        overwrite=False,
        progress=lambda *_: None,
    )
    every = read_training_data(run.dataset).train
    spread = [every[i * len(every) // (ROWS + HELD_OUT)] for i in range(ROWS + HELD_OUT)]
    held_out = spread[:: (ROWS + HELD_OUT) // HELD_OUT]
    return TrainingData([example for example in spread if example not in held_out], held_out, "benchmark")


def loss_of(model: Any, recipe: Recipe, examples: list[Example]) -> float:
    """Mean loss of the answers' tokens, in nats, a row at a time."""
    prompts = [example.prompt(recipe.system) for example in examples]
    references = [example.output for example in examples]
    likely = likelihood_all(model, load_tokenizer(recipe.model), prompts, references, 16)
    return -sum(each.per_token for each in likely) / len(likely)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llamafactory", type=Path, help="the Python of an environment that holds LLaMA-Factory")
    options = parser.parse_args()
    silence_libraries()
    # The training log's seconds become CPU seconds, which other processes do not stretch.
    setattr(training_log, "time", SimpleNamespace(monotonic=time.process_time))  # noqa: B010
    with tempfile.TemporaryDirectory() as folder:
        data = rows_of(Path(folder) / "runs")
        texts = [text for example in data.train for text in (example.question, example.output)]
        system = default_system(example.question for example in data.train)
        pairs = invented_pairs("zh", texts, 0)
        student = make_student(Path(folder) / "student", texts, pairs, system, size=SIZE)
        # transformers 5.23 splits words for a Qwen2 as Qwen does, whatever the file says; older versions read the file.
        load_tokenizer(str(student)).save_pretrained(student)
        recipe = overridden(load_recipe("tiny"), model=str(student), system=system, max_length=MAX_LENGTH, **RECIPE)
        base = loss_of(load_model(str(student), "full", choose_place()), recipe, data.validation)
        print(f"{len(data.train)} rows, {len(data.validation)} held out; held-out loss of the base {base:.3f}\n")
        print("| who | tokens/CPU-s | against the first | steps | held-out loss | against the first |")
        print("|---|---|---|---|---|---|", flush=True)
        first: tuple[float, float] | None = None
        for number, (name, train) in enumerate(contenders(recipe, data, options.llamafactory)):
            speed, steps, model = train(Run(Path(folder) / f"run{number}"))
            loss = loss_of(model, recipe, data.validation)
            first = first or (speed, loss)
            faster, worse = speed / first[0], loss / first[1] - 1
            print(f"| {name} | {speed:,.0f} | ×{faster:.2f} | {steps} | {loss:.4f} | {worse:+.1%} |", flush=True)


if __name__ == "__main__":
    main()
