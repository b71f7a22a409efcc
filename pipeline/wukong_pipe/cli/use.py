"""`ask`, `chat`, `export` and `serve`: the tuned model at work."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from wukong_pipe.cli.options import (
    base_model,
    common,
    debug_option,
    err,
    named_or_last,
    out,
    run_option,
    runs_dir_option,
)
from wukong_pipe.commands.chat import run_chat
from wukong_pipe.commands.serve import replace_by, run_serve, vllm_command
from wukong_pipe.commands.use import export_lines, run_ask, run_export, show_answers
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
    """Ask the run's tuned model one question.

    It is asked with the system prompt and template of its training; the answer alone goes to stdout.

    \b
    Examples:
      wukong-pipe ask 出云棍怎样获得？
      wukong-pipe ask "Who built the lander?" --base --run apollo
    """
    run = named_or_last(Workspace(options["runs_dir"]), options["run"])
    asked = run_ask(
        run,
        question,
        base=options["base"],
        model=base_model(options["model"]),
        max_new_tokens=options["max_new_tokens"],
    )
    if options["json"]:
        print(json.dumps(asked))
    else:
        show_answers(asked, out, err)


@click.command("chat")
@model_option
@max_new_tokens_option
@runs_dir_option
@run_option
@debug_option
def chat_command(**options: Any) -> None:
    """Talk with the run's tuned model.

    Answers appear as they come; what it thinks to itself stands apart. /clear starts afresh, /exit leaves; Ctrl-C
    stops an answer, and leaves when pressed twice. Lines may also come from a pipe.

    \b
    Examples:
      wukong-pipe chat
      wukong-pipe chat --run blackwukong < questions.txt
    """
    run = named_or_last(Workspace(options["runs_dir"]), options["run"])
    run_chat(run, model=base_model(options["model"]), max_new_tokens=options["max_new_tokens"], err=err)


@click.command("export")
@click.option("--merge", is_flag=True, hidden=True)  # All that export does; kept for those who learnt to say so.
@click.option("--out", type=click.Path(path_type=Path), help="Where to.  [default: RUN/merged]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier export.")
@model_option
@common
def export_command(**options: Any) -> None:
    """Merge the adapter into its base: one folder for any server.

    The base is loaded again in bf16; vLLM, transformers and llama.cpp's converter read the folder. It is read back
    and compared with the adapter before it gets its name. Its chat template says the training's system prompt
    wherever a conversation has none.

    \b
    Examples:
      wukong-pipe export
      wukong-pipe export --run blackwukong --out ~/models/blackwukong
    """
    workspace = Workspace(options["runs_dir"])
    run = named_or_last(workspace, options["run"])
    exported = run_export(
        workspace, run, options["out"], overwrite=options["overwrite"], model=base_model(options["model"])
    )
    if options["json"]:
        print(json.dumps({"run": run.name, **exported.to_json()}))
        return
    for line in export_lines(exported):
        out.print(line)
    if options["out"] is None:
        out.print(f"Next, with vLLM: wukong-pipe serve --engine vllm --run {shlex.quote(run.name)}")
    else:
        out.print(f"Next, with vLLM: vllm serve {shlex.quote(str(exported.folder))} --host 127.0.0.1")


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option(
    "--engine",
    type=click.Choice(["transformers", "vllm"]),
    default="transformers",
    show_default=True,
    help="transformers serves the adapter as trained; vllm what `export` wrote.",
)
@model_option
@max_new_tokens_option
@runs_dir_option
@run_option
@debug_option
def serve_command(**options: Any) -> None:
    """Serve the run's tuned model to OpenAI's clients on 127.0.0.1.

    It answers at /v1/chat/completions and /v1/models, and POST /generate {"prompt": "…"} with {"response": "…"};
    it needs the extra “serving”. A conversation without a system message gets the training's. Answers are
    greedy unless a request names a temperature; one that takes five minutes, or whose client has left, is given up.
    From another machine, reach it through `ssh -L 8000:127.0.0.1:8000 HOST`.

    \b
    Examples:
      wukong-pipe serve
      wukong-pipe serve --run blackwukong --port 8080
      curl http://127.0.0.1:8000/generate -H 'Content-Type: application/json' -d '{"prompt": "出云棍怎样获得？"}'
    """
    run = named_or_last(Workspace(options["runs_dir"]), options["run"])
    if options["engine"] == "vllm":
        replace_by(vllm_command(run, options["port"]), err)
        return
    run_serve(
        run, port=options["port"], model=base_model(options["model"]), max_new_tokens=options["max_new_tokens"], err=err
    )
