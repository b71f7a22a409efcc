"""How many tokens a second does `train` make of a pretrained student, beside a bare forward and backward pass?

    python benchmarks/training_speed_real.py RUNS/apollo --model smollm2 [--rows 64 --rounds 5]

LoRA by recipe smollm2 on the first rows of a run's dataset, four ways in turns, so that what else the machine does
meets all of them: the bare pass (the same student and adapter, a batch of as many dense rows of the mean length, logits
for as many tokens as an answer has; no padding, no optimiser), then `train` with activations computed twice, with them
kept and each step in one pass, and as the recipe leaves it to the machine. Tokens are those of the rows, padding not
counted; medians of the rounds, with the lowest and highest. Measure on an otherwise idle machine. Prints Markdown; see
training_speed.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from types import SimpleNamespace
from typing import Any

import torch
from peft import get_peft_model
from torch.nn.functional import cross_entropy

from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import TrainingData, default_system
from wukong_trainer.data.files import read_training_data
from wukong_trainer.models.adapters import adapter_config
from wukong_trainer.models.loading import choose_attention, choose_place, load_model, load_tokenizer
from wukong_trainer.models.locating import located
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.recipe import Recipe, load_recipe, overridden
from wukong_trainer.training import log as training_log
from wukong_trainer.training import sft
from wukong_trainer.training.trainer import row_tokens

Speed = Callable[[], float]
"""Trains once; tokens a second."""


def bare(recipe: Recipe, length: int, answer: int, clock: Callable[[], float]) -> float:
    """Forward and backward of the student with its adapter on dense rows, the fastest of three times."""
    place = choose_place(recipe.precision)
    model: Any = load_model(recipe.model, recipe.method, place, choose_attention(place, length)[0])
    adapter = adapter_config(recipe, model.config.model_type)
    assert adapter is not None
    model = get_peft_model(model, adapter).train()
    ids = torch.randint(100, 10_000, (recipe.batch, length), generator=torch.Generator().manual_seed(0))
    seconds = []
    for _ in range(3):
        started = clock()
        with torch.autocast(place.device, place.dtype, enabled=place.dtype is not torch.float32):
            logits = model(input_ids=ids, use_cache=False, logits_to_keep=answer).logits
            loss: Any = cross_entropy(logits.float().flatten(0, 1), ids[:, -answer:].flatten())
        loss.backward()
        seconds.append(clock() - started)
    return ids.numel() / min(seconds)


def trained(recipe: Recipe, data: TrainingData) -> float:
    """What `train` shows as its speed."""
    with tempfile.TemporaryDirectory() as folder:
        return sft.train(Run(Path(folder)), data, recipe, evaluate=False).tokens_per_second


def contenders(recipe: Recipe, data: TrainingData, clock: Callable[[], float]) -> dict[str, Speed]:
    """Who runs, the bare pass first."""
    whole = replace(recipe, accumulation=1)
    tokenizer = load_tokenizer(recipe.model)
    length = round(fmean(row_tokens(tokenizer, example, recipe) for example in data.train))
    answer = round(fmean(len(tokenizer(example.output)["input_ids"]) + 1 for example in data.train))
    return {
        "bare forward and backward": lambda: bare(recipe, length, answer, clock),
        "train: activations computed twice, one pass": lambda: trained(
            replace(whole, gradient_checkpointing=True), data
        ),
        "train: activations kept, one pass": lambda: trained(replace(whole, gradient_checkpointing=False), data),
        "train: as the recipe leaves it": lambda: trained(recipe, data),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--cpu-seconds", action="store_true", help="of this process, for a busy machine")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    silence_libraries()
    clock = time.process_time if options.cpu_seconds else time.monotonic
    setattr(training_log, "time", SimpleNamespace(monotonic=clock))  # noqa: B010
    data = read_training_data(Run(options.run).dataset)
    data = TrainingData(data.train[: options.rows], [], "benchmark")
    system = default_system(example.question for example in data.train)
    model = located(options.model, lambda line: print(line, file=sys.stderr))
    recipe = overridden(load_recipe("smollm2"), model=model, system=system, epochs=1.0, save_every=10**9)
    ways = contenders(recipe, data, clock)
    speeds: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, run in ways.items():
            speeds.setdefault(name, []).append(run())
            print(f"{name}: {speeds[name][-1]:,.0f}", file=sys.stderr)
    print(f"{options.model}: {len(data.train)} rows, {torch.get_num_threads()} threads\n")
    print("| who | tokens/s | lowest–highest | of the bare pass |\n|---|---|---|---|")
    first = median(next(iter(speeds.values())))
    for name, seen in speeds.items():
        print(f"| {name} | {median(seen):,.0f} | {min(seen):,.0f}–{max(seen):,.0f} | {median(seen) / first:.0%} |")


if __name__ == "__main__":
    main()
