"""`ask`, `chat` and `serve`: the tuned model at work."""

from __future__ import annotations

from json import dumps
from pathlib import Path

import click

from wukong_pipe.cli.options import (
    base_model,
    common,
    debug_option,
    err,
    model_option,
    named_or_last,
    run_option,
    runs_dir_option,
    vllm_options,
)
from wukong_pipe.cli.options import out as stdout
from wukong_pipe.commands.chat import run_chat
from wukong_pipe.commands.serve import replace_by, run_serve, run_serve_gguf, vllm_command
from wukong_pipe.commands.use import (
    run_ask,
    show_answers,
)
from wukong_pipe.commands.vllm_options import read_vllm_options
from wukong_pipe.workspace import Workspace

max_new_tokens_option = click.option(
    "--max-new-tokens", type=click.IntRange(1), default=512, show_default=True, help="Where an answer is cut."
)


@click.command("ask")
@click.argument("question")
@click.option("--base", is_flag=True, help="Ask the base model, too, and show both answers side by side.")
@model_option
@max_new_tokens_option
@common
def ask_command(
    question: str, *, base: bool, model: str, max_new_tokens: int, runs_dir: Path, run: str, json: bool
) -> None:
    """Ask the run's tuned model one question.

    It is asked with the system prompt and template of its training; the answer alone goes to stdout.

    \b
    Examples:
      wukong-pipe ask 出云棍怎样获得？
      wukong-pipe ask "Who built the lander?" --base --run apollo
    """
    this_run = named_or_last(Workspace(runs_dir), run)
    asked = run_ask(this_run, question, base=base, model=base_model(model), max_new_tokens=max_new_tokens)
    if json:
        print(dumps(asked.to_json()))
    else:
        show_answers(asked, stdout, err)


@click.command("chat")
@model_option
@max_new_tokens_option
@runs_dir_option
@run_option
@debug_option
def chat_command(model: str, max_new_tokens: int, runs_dir: Path, run: str) -> None:
    """Talk with the run's tuned model.

    Answers appear as they come; what it thinks to itself stands apart. /clear starts afresh, /exit leaves; Ctrl-C
    stops an answer, and leaves when pressed twice. Lines may also come from a pipe.

    \b
    Examples:
      wukong-pipe chat
      wukong-pipe chat --run blackwukong < questions.txt
    """
    this_run = named_or_last(Workspace(runs_dir), run)
    run_chat(this_run, model=base_model(model), max_new_tokens=max_new_tokens, err=err)


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option(
    "--engine",
    type=click.Choice(["transformers", "vllm", "llamacpp"]),
    default="transformers",
    show_default=True,
    help="transformers serves the adapter as trained; vllm what `export` wrote; llamacpp, fast without a GPU, what "
    "`export --gguf` wrote.",
)
@vllm_options
@model_option
@max_new_tokens_option
@runs_dir_option
@run_option
@debug_option
def serve_command(
    port: int, engine: str, vllm_options: str, model: str, max_new_tokens: int, runs_dir: Path, run: str
) -> None:
    """Serve the run's tuned model to OpenAI's clients on 127.0.0.1.

    It answers at /v1/chat/completions and /v1/models, and POST /generate {"prompt": "…"} with {"response": "…"};
    it needs the extra “serving”. A conversation without a system message gets the training's. Answers are
    greedy unless a request names a temperature; one that takes five minutes, or whose client has left, is given up.
    With --engine llamacpp it needs the extra “gguf” instead, and has no /generate and no such limit.
    From another machine, reach it through `ssh -L 8000:127.0.0.1:8000 HOST`.

    \b
    Examples:
      wukong-pipe serve
      wukong-pipe serve --run blackwukong --port 8080
      curl http://127.0.0.1:8000/generate -H 'Content-Type: application/json' -d '{"prompt": "出云棍怎样获得？"}'
    """
    more = read_vllm_options(vllm_options, engine)
    this_run = named_or_last(Workspace(runs_dir), run)
    if engine == "vllm":
        replace_by(vllm_command(this_run, port, more), err)
        return
    if engine == "llamacpp":
        run_serve_gguf(this_run, port=port, max_new_tokens=max_new_tokens, err=err)
        return
    run_serve(this_run, port=port, model=base_model(model), max_new_tokens=max_new_tokens, err=err)
