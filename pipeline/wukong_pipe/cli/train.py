"""`train`: a student tuned on the dataset."""

from __future__ import annotations

import shlex
from json import dumps
from typing import Any

import click

from wukong_pipe.cli.given_command import given_command
from wukong_pipe.cli.kinds import of
from wukong_pipe.cli.options import common_with, err, out, precision_option, run_named
from wukong_pipe.commands.train_options import TrainOptions
from wukong_pipe.library.train import train_from
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.training import sample_lines, training_facts, training_lines
from wukong_pipe.workspace import Run
from wukong_trainer.training.processes import is_first


@click.command("train")
@click.option("--data", help="JSONL, JSON or Parquet, a folder of them, or a hub's id.  [default: the run's dataset]")
@click.option("--columns", default="", help="Which column is what: instruction=q,output=a[,think=t,input=c,system=s].")
@click.option("--hub", **of(TrainOptions, "hub"), help="Where a --data id is.")
@click.option(
    "--mix",
    default="",
    help="FILE:SHARE: general rows that make up this share of the training rows; own:SHARE: the student makes them.",
)
@click.option(
    "--validation",
    **of(TrainOptions, "validation"),
    help="Share of the rows to watch, where the data brings none.",
)
@click.option("--sample", **of(TrainOptions, "sample"), help="Share of the rows to use.")
@click.option(
    "--model", default="", help="Hugging Face id, folder, .gguf file, “smollm2”, or “tiny” for the embedded student."
)
@click.option("--method", **of(TrainOptions, "method"), help="What is trained.  [default: the recipe's]")
@click.option("--peft", **of(TrainOptions, "peft"), help="Adapter of qlora and lora.")
@precision_option
@click.option("--packing/--no-packing", default=None, help="Several rows in one sequence, where attention allows it.")
@click.option(
    "--recipe", default="", help="Name of a recipe or a .toml file.  [default: qlora; tiny's or smollm2's own]"
)
@click.option("--system", help="System prompt; kept with the adapter.")
@click.option("--epochs", **of(TrainOptions, "epochs"), help="Passes over the rows.  [default: the recipe's]")
@click.option("--lr", **of(TrainOptions, "lr"), help="Learning rate.  [default: the recipe's]")
@click.option(
    "--accepted-only", is_flag=True, help="Train only what you called right or mended in `wukong-pipe review`."
)
@click.option("--overwrite", is_flag=True, help="Replace an existing adapter.")
@click.option("--resume", is_flag=True, help="Go on with a stopped training, by its own recipe and on its own rows.")
@click.option(
    "--report-to",
    **of(TrainOptions, "report_to"),
    help="Also log to a tracker, in train/ and offline unless its own environment variables say otherwise.",
)
@common_with(run_named("the one used last, or the name of --data"))
def train_command(json: bool, **options: Any) -> None:
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
      wukong-pipe train --mix own:0.25
      wukong-pipe train --resume
    """
    chosen = TrainOptions(**options)
    with Steps(err).shown() as steps:
        result = train_from(chosen, steps, err.print, given_command)
    if not is_first():
        return
    if json:
        shown = {"data": result.data.facts, "samples": [sample.to_json() for sample in result.samples]}
        print(dumps(training_facts(result.run, result.training) | shown))
        return
    for line in [*training_lines(result.training), *sample_lines(result.samples), _next(result.run)]:
        out.print(line)


def _next(run: Run) -> str:
    option = f"--run {shlex.quote(run.name)}"
    if (run.dataset / "test.jsonl").is_file():
        return f"Next: wukong-pipe eval {option}"
    return f"Next: wukong-pipe chat {option}, or, with questions to test it, wukong-pipe eval --test FILE {option}"
