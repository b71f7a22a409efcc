"""`export`: the tuned model for other programs, and its test questions for other tools."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wukong_pipe.cli.options import base_model, common, err, model_option, named_or_last
from wukong_pipe.cli.options import out as stdout
from wukong_pipe.cli.teacher_options import encoding_option
from wukong_pipe.commands.heldout_tasks import run_export_tasks, task_lines
from wukong_pipe.commands.model_upload import adapter_of, is_exported, push_model
from wukong_pipe.commands.use import GgufWish, export_lines, gguf_lines, run_export, run_export_gguf
from wukong_pipe.hub_upload import Destination, check_ready
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.models.model_facts import Form
    from wukong_trainer.use.gguf_export import Kind
    from wukong_trainer.use.task_export import Tool


_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What the options of `export` read."""

    gguf: Kind | None
    score: int | None
    inspect: Path | None
    lm_eval: Path | None
    drop_leaked: bool
    encoding: str
    out: Path | None
    overwrite: bool
    push_to_hub: str
    adapter: bool
    license: str
    public: bool
    no_secret: tuple[str, ...]
    model: str
    runs_dir: Path
    run: str
    json: bool

    def tasks(self) -> dict[Tool, Path]:
        """The tools that the test questions are written for, and where to."""
        folders: dict[Tool, Path | None] = {"inspect": self.inspect, "lm-eval": self.lm_eval}
        return {tool: folder for tool, folder in folders.items() if folder is not None}

    def check(self) -> None:
        """Refuse options that say nothing together.

        Raises:
            UsageError: there are such.
        """
        if self.score is not None and self.gguf is None:
            raise click.UsageError("--score is about a GGUF: name its type with --gguf.")
        if self.tasks() and (self.gguf or self.out or self.push_to_hub):
            raise click.UsageError(
                "--inspect and --lm-eval write questions and no model: leave out --gguf, --out and --push-to-hub."
            )
        if len({folder.resolve() for folder in self.tasks().values()}) < len(self.tasks()):
            raise click.UsageError("--inspect and --lm-eval name one folder: give each its own.")
        if self.drop_leaked and not self.tasks():
            raise click.UsageError("--drop-leaked is about test questions: name where to with --inspect or --lm-eval.")
        if not self.push_to_hub and (self.adapter or self.license or self.public or self.no_secret):
            raise click.UsageError(
                "--adapter, --license, --public and --no-secret are about an upload: name where to with --push-to-hub."
            )
        if self.license and not _LICENCE.fullmatch(self.license):
            raise click.UsageError(
                f"--license {self.license!r} is no identifier of the Hub's: they are spelt as apache-2.0, cc-by-4.0 or "
                "other, in small letters, digits, dots and hyphens."
            )
        if self.adapter and (self.gguf or self.out):
            raise click.UsageError("--adapter uploads what was trained: leave out --gguf and --out.")


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
@click.option("--inspect", type=click.Path(path_type=Path), metavar="DIR", help="The test questions for inspect_ai.")
@click.option("--lm-eval", type=click.Path(path_type=Path), metavar="DIR", help="The test questions for lm-eval.")
@click.option("--drop-leaked", is_flag=True, help="Leave out test questions that the model was trained on.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to.  [default: RUN/merged, or RUN/gguf-TYPE]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier export.")
@click.option("--push-to-hub", default="", metavar="OWNER/NAME", help="Upload the model there, as a private one.")
@click.option("--adapter", is_flag=True, help="Upload the adapter as it was trained, not merged.")
@click.option("--license", default="", metavar="ID", help="For the card, as the Hub spells it: apache-2.0.")
@click.option("--public", is_flag=True, help="Make that model public.")
@click.option("--no-secret", multiple=True, metavar="MARK", help="Upload although this looks like a secret.")
@model_option
@encoding_option
@common
def export_command(**values: Any) -> None:
    """Merge the adapter into its base: one folder, or one GGUF.

    The base is loaded again in bf16; vLLM and transformers read the folder. It is read back and compared with the
    adapter before it gets its name. Its chat template says the training's system prompt wherever a conversation has
    none.

    With --gguf it becomes one file for llama.cpp, beside it a Modelfile for Ollama with template, system prompt and
    stop tokens; it needs the extra “gguf”. Twenty questions are asked through llama.cpp before the file gets its name:
    their prompts must have the token ids of the training, and how many answers are the same is told.

    With --inspect or --lm-eval no model is written but the test questions, as a task of inspect_ai or of
    lm-evaluation-harness that asks any model with the same prompts and scores its answers as `eval` does. Loaded by
    these tools, a model keeps the repetition penalty of its own generation_config, which `eval` sets aside.
    Questions that were trained are refused, or left out with --drop-leaked.

    With --push-to-hub the model is uploaded, too, with a card that says base, data, scores and limits. Its texts are
    searched for secrets before.

    \b
    Examples:
      wukong-pipe export
      wukong-pipe export --run blackwukong --out ~/models/blackwukong
      wukong-pipe export --gguf q8_0 --score 150
      wukong-pipe export --inspect heldout-inspect --lm-eval heldout-lm-eval
      wukong-pipe export --push-to-hub me/blackwukong --license apache-2.0
      wukong-pipe export --push-to-hub me/blackwukong-lora --adapter
    """
    options = ExportOptions(**values)
    options.check()
    workspace = Workspace(options.runs_dir)
    run = named_or_last(workspace, options.run)
    if options.push_to_hub:
        check_ready(options.push_to_hub)
    if options.tasks():
        _export_tasks(workspace, run, options)
    elif options.adapter:
        _push(run, adapter_of(run), "full" if run.full_model.is_dir() else "adapter", options)
    elif options.gguf is not None:
        _export_gguf(workspace, run, options.gguf, options)
    else:
        _export_merged(workspace, run, options)


def _export_tasks(workspace: Workspace, run: Run, options: ExportOptions) -> None:
    tasks = run_export_tasks(
        workspace,
        run,
        options.tasks(),
        options.encoding,
        overwrite=options.overwrite,
        drop_leaked=options.drop_leaked,
    )
    if options.json:
        print(dumps({"run": run.name, "tasks": {tool: task.to_json() for tool, task in tasks.items()}}))
        return
    for line in task_lines(tasks):
        stdout.print(line)


def _export_merged(workspace: Workspace, run: Run, options: ExportOptions) -> None:
    folder = options.out or run.merged
    if options.push_to_hub and is_exported(run, folder, None):
        _push(run, folder, "merged", options)
        return
    exported = run_export(workspace, run, options.out, overwrite=options.overwrite, model=base_model(options.model))
    if options.json and not options.push_to_hub:
        print(dumps({"run": run.name, **exported.to_json()}))
        return
    for line in export_lines(exported):
        (err if options.json else stdout).print(line)
    if options.push_to_hub:
        _push(run, folder, "merged", options)
        return
    if options.out is None:
        stdout.print(f"Next, with vLLM: wukong-pipe serve --engine vllm --run {shlex.quote(run.name)}")
    else:
        stdout.print(f"Next, with vLLM: vllm serve {shlex.quote(str(exported.folder))} --host 127.0.0.1")
    stdout.print(f"For llama.cpp and Ollama: wukong-pipe export --gguf q8_0 --run {shlex.quote(run.name)}")


def _export_gguf(workspace: Workspace, run: Run, kind: Kind, options: ExportOptions) -> None:
    folder = options.out or run.gguf(kind)
    if options.push_to_hub and is_exported(run, folder, kind):
        _push(run, folder, "gguf", options)
        return
    wish = GgufWish(kind, options.out, options.overwrite, base_model(options.model), options.score or 0)
    exported = run_export_gguf(workspace, run, wish, err)
    if options.json and not options.push_to_hub:
        print(dumps({"run": run.name, **exported.to_json()}))
        return
    for line in gguf_lines(exported):
        (err if options.json else stdout).print(line, markup=False)
    if options.push_to_hub:
        _push(run, folder, "gguf", options)
        return
    if not exported.no_modelfile:
        name = run.name.lower() if run.name.isascii() else "tuned"  # Ollama takes no other letters.
        file = shlex.quote(str(exported.folder / "Modelfile"))
        stdout.print(f"Next, with Ollama: ollama create {name} -f {file}", markup=False)
    if options.out is None:
        stdout.print(f"Next, with llama.cpp: wukong-pipe serve --engine llamacpp --run {shlex.quote(run.name)}")


def _push(run: Run, folder: Path, form: Form, options: ExportOptions) -> None:
    destination = Destination(options.push_to_hub, options.public, options.no_secret)
    address = push_model(run, folder, form, destination, options.license, err.print)
    if options.json:
        print(dumps({"run": run.name, "folder": str(folder), "uploaded": address}))
    else:
        stdout.print(f"Uploaded to {address}")
