"""`train`: a student tuned on the dataset."""

from __future__ import annotations

import shlex
from json import dumps
from pathlib import Path
from typing import Any

import click

from wukong_pipe.cli.given_command import given_command
from wukong_pipe.cli.options import common_with, err, named_or_last, out, precision_option, run_named
from wukong_pipe.commands.train import run_train, sampled_answers
from wukong_pipe.commands.train_options import (
    TrainOptions,
    chosen_data,
    chosen_recipe,
    resumed_options,
    resumed_recipe,
)
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.training import data_lines, sample_lines, training_facts, training_lines
from wukong_pipe.workspace import Run, Workspace


@click.command("train")
@click.option("--data", help="JSONL, JSON or Parquet, a folder of them, or a hub's id.  [default: the run's dataset]")
@click.option("--columns", default="", help="Which column is what: instruction=q,output=a[,think=t,input=c,system=s].")
@click.option("--hub", type=click.Choice(["hf", "modelscope"]), default="hf", help="Where a --data id is.")
@click.option("--mix", default="", help="FILE:SHARE: general rows that make up this share of the training rows.")
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of the rows to watch, where the data brings none.",
)
@click.option("--sample", type=click.FloatRange(0, 1, min_open=True), help="Share of the rows to use.")
@click.option(
    "--model", default="", help="Hugging Face id, folder, .gguf file, “smollm2”, or “tiny” for the embedded student."
)
@click.option(
    "--method", type=click.Choice(["qlora", "lora", "full"]), help="What is trained.  [default: the recipe's]"
)
@click.option(
    "--peft", type=click.Choice(["lora", "rslora", "dora", "prefix", "ia3"]), help="Adapter of qlora and lora."
)
@precision_option
@click.option("--packing/--no-packing", default=None, help="Several rows in one sequence, where attention allows it.")
@click.option(
    "--recipe", default="", help="Name of a recipe or a .toml file.  [default: qlora; tiny's or smollm2's own]"
)
@click.option("--system", help="System prompt; kept with the adapter.")
@click.option(
    "--epochs", type=click.FloatRange(0, min_open=True), help="Passes over the rows.  [default: the recipe's]"
)
@click.option("--lr", type=click.FloatRange(0, 1, min_open=True), help="Learning rate.  [default: the recipe's]")
@click.option(
    "--accepted-only", is_flag=True, help="Train only what you called right or mended in `wukong-pipe review`."
)
@click.option("--overwrite", is_flag=True, help="Replace an existing adapter.")
@click.option("--resume", is_flag=True, help="Go on with a stopped training, by its own recipe and on its own rows.")
@click.option(
    "--report-to",
    type=click.Choice(["none", "tensorboard", "swanlab", "wandb", "mlflow"]),
    help="Also log to a tracker, in train/ and offline unless its own environment variables say otherwise.",
)
@common_with(run_named("the one used last, or the name of --data"))
def train_command(runs_dir: Path, run: str, json: bool, **options: Any) -> None:
    """Fine-tune a student on the run's dataset, or on your own rows.

    With --data and without --run the run is named after the data. `wukong-pipe recipes` lists the recipes.

    \b
    Examples:
      wukong-pipe train --model Qwen/Qwen2.5-7B-Instruct
      wukong-pipe train --model tiny
      wukong-pipe train --model smollm2
      wukong-pipe train --data rows.jsonl --model tiny --epochs 3
      wukong-pipe train --data llamafactory/alpaca_zh --recipe alpaca-lora
      wukong-pipe train --data qa.parquet --columns instruction=q,output=a --mix chat.json:0.1
      wukong-pipe train --resume
    """
    from wukong_trainer.training.processes import is_first

    workspace, chosen = Workspace(runs_dir), TrainOptions(**options)
    this_run = _run(workspace, run, chosen)
    recipe = resumed_recipe(this_run, chosen) if chosen.resume else chosen_recipe(chosen)
    if chosen.resume:
        chosen = resumed_options(this_run, chosen)
    data = chosen_data(this_run, recipe, chosen)
    for line in data_lines(data) if is_first() else []:
        err.print(line)
    with Steps(err).shown() as steps:
        result = run_train(
            workspace,
            this_run,
            data,
            recipe,
            overwrite=chosen.overwrite,
            resume=chosen.resume,
            progress=steps,
            say=err.print,
            command=given_command(this_run),
        )
    if not is_first():
        return
    samples = sampled_answers(workspace, this_run, data)
    if json:
        shown = {"data": data.facts, "samples": [sample.to_json() for sample in samples]}
        print(dumps(training_facts(this_run, result) | shown))
        return
    for line in [*training_lines(result), *sample_lines(samples), _next(this_run)]:
        out.print(line)


def _run(workspace: Workspace, name: str, options: TrainOptions) -> Run:
    """The run that --run names; else the one named after --data, or without that the one used last."""
    if options.data is None:
        return named_or_last(workspace, name)
    return workspace.run(name) if name else workspace.run_after(Path(options.data))


def _next(run: Run) -> str:
    option = f"--run {shlex.quote(run.name)}"
    if (run.dataset / "test.jsonl").is_file():
        return f"Next: wukong-pipe eval {option}"
    return f"Next: wukong-pipe chat {option}, or, with questions to test it, wukong-pipe eval --test FILE {option}"
