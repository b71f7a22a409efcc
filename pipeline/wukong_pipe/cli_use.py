"""`ask`, `chat`, `export` and `serve`: the tuned model at work."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from wukong_pipe.options import common, err, named_or_last, out
from wukong_pipe.use_command import export_lines, run_ask, run_export, show_answers
from wukong_pipe.workspace import Workspace

model_option = click.option("--model", default="", help="The base model, where it is not the one the adapter names.")
max_new_tokens_option = click.option(
    "--max-new-tokens", type=click.IntRange(1), default=512, show_default=True, help="Where an answer is cut."
)


@click.command("ask")
@click.argument("question")
@click.option("--base", is_flag=True, help="Ask the base model, too, and show both answers side by side.")
@model_option
@max_new_tokens_option
@common
def ask_command(question: str, **options: Any) -> None:
    """Ask the run's tuned model one question, with the system prompt and template of its training.

    \b
    Examples:
      wukong-pipe ask 出云棍怎样获得？
      wukong-pipe ask "Who built the lander?" --base --run apollo
    """
    run = named_or_last(Workspace(options["runs_dir"]), options)
    asked = run_ask(
        run, question, base=options["base"], model=options["model"], max_new_tokens=options["max_new_tokens"]
    )
    if options["json"]:
        print(json.dumps(asked))
    else:
        show_answers(asked, out, err)


@click.command("export")
@click.option("--merge", is_flag=True, default=True, help="Merge the adapter into the base's weights; always done.")
@click.option("--out", "folder", type=click.Path(path_type=Path), help="Where to.  [default: RUN/merged]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier export.")
@model_option
@common
def export_command(**options: Any) -> None:
    """Merge the adapter into a bf16 reload of its base: one folder for vLLM, transformers, llama.cpp's converter.

    The folder is read back and compared with the adapter before it gets its name. Its chat template says the training's
    system prompt wherever a conversation has none.

    \b
    Examples:
      wukong-pipe export --merge
      wukong-pipe export --merge --run blackwukong --out ~/models/blackwukong
    """
    workspace = Workspace(options["runs_dir"])
    run = named_or_last(workspace, options)
    exported = run_export(
        workspace, run, options["folder"], overwrite=options["overwrite"], model=options["model"]
    )
    if options["json"]:
        print(json.dumps({"run": run.name, **exported.to_json()}))
        return
    for line in export_lines(exported):
        out.print(line)
    out.print(f"Next: vllm serve {shlex.quote(str(exported.folder))} --host 127.0.0.1")
