"""`ask`, `chat`, `export` and `serve`: the tuned model at work."""

from __future__ import annotations

import shlex
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wukong_pipe.cli.options import (
    base_model,
    common,
    debug_option,
    err,
    named_or_last,
    run_option,
    runs_dir_option,
    vllm_options,
)
from wukong_pipe.cli.options import out as stdout
from wukong_pipe.commands.chat import run_chat
from wukong_pipe.commands.serve import replace_by, run_serve, run_serve_gguf, vllm_command
from wukong_pipe.commands.use import (
    GgufWish,
    export_lines,
    gguf_lines,
    run_ask,
    run_export,
    run_export_gguf,
    show_answers,
)
from wukong_pipe.commands.vllm_options import read_vllm_options
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.use.gguf_export import Kind

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


@click.command("export")
# --merge is all that export does; it is kept for those who learnt to write it.
@click.option("--merge", is_flag=True, hidden=True, expose_value=False)
@click.option("--gguf", type=click.Choice(["q8_0", "q4_k_m", "f16"]), help="Also as one file for llama.cpp and Ollama.")
@click.option(
    "--score",
    type=click.IntRange(1),
    metavar="N",
    help="With --gguf: ask it N test questions, too, and tell what its bits cost in fact_hit.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Where to.  [default: RUN/merged, or RUN/gguf-TYPE]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier export.")
@model_option
@common
def export_command(
    *,
    gguf: Kind | None,
    score: int | None,
    out: Path | None,
    overwrite: bool,
    model: str,
    runs_dir: Path,
    run: str,
    json: bool,
) -> None:
    """Merge the adapter into its base: one folder, or one GGUF.

    The base is loaded again in bf16; vLLM and transformers read the folder. It is read back and compared with the
    adapter before it gets its name. Its chat template says the training's system prompt wherever a conversation has
    none.

    With --gguf it becomes one file for llama.cpp, beside it a Modelfile for Ollama with template, system prompt and
    stop tokens; it needs the extra “gguf”. Twenty questions are asked through llama.cpp before the file gets its name:
    their prompts must have the token ids of the training, and how many answers are the same is told.

    \b
    Examples:
      wukong-pipe export
      wukong-pipe export --run blackwukong --out ~/models/blackwukong
      wukong-pipe export --gguf q8_0 --score 150
    """
    workspace = Workspace(runs_dir)
    this_run = named_or_last(workspace, run)
    if score is not None and gguf is None:
        raise click.UsageError("--score is about a GGUF: name its type with --gguf.")
    if gguf is not None:
        _export_gguf(workspace, this_run, GgufWish(gguf, out, overwrite, base_model(model), score or 0), json=json)
        return
    exported = run_export(workspace, this_run, out, overwrite=overwrite, model=base_model(model))
    if json:
        print(dumps({"run": this_run.name, **exported.to_json()}))
        return
    for line in export_lines(exported):
        stdout.print(line)
    if out is None:
        stdout.print(f"Next, with vLLM: wukong-pipe serve --engine vllm --run {shlex.quote(this_run.name)}")
    else:
        stdout.print(f"Next, with vLLM: vllm serve {shlex.quote(str(exported.folder))} --host 127.0.0.1")
    stdout.print(f"For llama.cpp and Ollama: wukong-pipe export --gguf q8_0 --run {shlex.quote(this_run.name)}")


def _export_gguf(workspace: Workspace, run: Run, wish: GgufWish, *, json: bool) -> None:
    exported = run_export_gguf(workspace, run, wish, err)
    if json:
        print(dumps({"run": run.name, **exported.to_json()}))
        return
    for line in gguf_lines(exported):
        stdout.print(line, markup=False)
    if not exported.no_modelfile:
        name = run.name.lower() if run.name.isascii() else "tuned"  # Ollama takes no other letters.
        file = shlex.quote(str(exported.folder / "Modelfile"))
        stdout.print(f"Next, with Ollama: ollama create {name} -f {file}", markup=False)
    if wish.out is None:
        stdout.print(f"Next, with llama.cpp: wukong-pipe serve --engine llamacpp --run {shlex.quote(run.name)}")


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
