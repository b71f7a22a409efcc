"""`train`: a student tuned on the dataset."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from wukong_pipe.cli.options import common_with, err, named_or_last, out, precision_option, run_named
from wukong_pipe.commands.train import (
    chosen_data,
    chosen_recipe,
    data_lines,
    resumed_recipe,
    resumed_source,
    run_train,
    sample_lines,
    sampled_answers,
    training_facts,
    training_lines,
)
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.screens.build import Steps
from wukong_pipe.workspace import Workspace


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
@click.option("--overwrite", is_flag=True, help="Replace an existing adapter.")
@click.option("--resume", is_flag=True, help="Go on with a stopped training, by its own recipe and on its own rows.")
@click.option(
    "--report-to",
    type=click.Choice(["none", "tensorboard", "swanlab", "wandb", "mlflow"]),
    help="Also log to a tracker, in train/ and offline unless its own environment variables say otherwise.",
)
@common_with(run_named("the one used last, or the name of --data"))
def train_command(**options: Any) -> None:
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

    workspace = Workspace(options["runs_dir"])
    source = options["data"]
    if source is None:
        run = named_or_last(workspace, options["run"])
    else:
        run = workspace.run(options["run"]) if options["run"] else workspace.run_after(Path(source))
    resume = options["resume"]
    recipe = resumed_recipe(run, options) if resume else chosen_recipe(options)
    if resume:
        options |= resumed_source(run, options)
    if not options["data"] and not (run.dataset / "train.jsonl").is_file():
        raise WorkspaceError(f"The run “{run.name}” has no dataset: start with `wukong-pipe build PATH`.")
    data = chosen_data(run, recipe, options)
    for line in data_lines(data) if is_first() else []:
        err.print(line)
    with Steps(err).shown() as steps:
        trained = run_train(
            workspace,
            run,
            data,
            recipe,
            overwrite=options["overwrite"],
            resume=resume,
            progress=steps,
            say=err.print,
        )
    if not is_first():
        return
    samples = sampled_answers(workspace, run, data)
    if options["json"]:
        print(json.dumps(training_facts(run, trained) | {"data": data.facts, "samples": samples}))
        return
    for line in [*training_lines(trained), *sample_lines(samples)]:
        out.print(line)
    named = f"--run {shlex.quote(run.name)}"
    if (run.dataset / "test.jsonl").is_file():
        out.print(f"Next: wukong-pipe eval {named}")
    else:
        out.print(
            f"Next: wukong-pipe chat {named}, or, with questions to test it, wukong-pipe eval --test FILE {named}"
        )
