"""`eval`, `report` and `demo`: what tuning changed, and the proof."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from wukong_pipe.eval_command import evaluation_table, run_eval, run_report
from wukong_pipe.options import common, err, named_or_last, out
from wukong_pipe.screen import Steps
from wukong_pipe.workspace import Workspace


@click.command("eval")
@click.option("--test", type=click.Path(path_type=Path), help="Other test rows than the run's own.")
@click.option("--model", default="", help="The base model, where it is not the one the adapter names.")
@click.option("--limit", type=click.IntRange(1), help="Only this many test questions, spread evenly.")
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Questions at a time.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=256, show_default=True)
@click.option("--drop-leaked", is_flag=True, help="Leave out questions the adapter was trained on.")
@common
def eval_command(**options: Any) -> None:
    """Ask base and tuned model the same held-out questions, decoded the same way.

    \b
    Examples:
      wukong-pipe eval
      wukong-pipe eval --run blackwukong --limit 200 --json
    """
    workspace = Workspace(options["runs_dir"])
    run = named_or_last(workspace, options)
    settings = {key: options[key] for key in ("batch", "max_new_tokens", "limit", "drop_leaked")}
    with Steps(err).shown() as steps:
        metrics, answers = run_eval(
            workspace, run, settings, test=options["test"], model=options["model"], progress=steps
        )
    if options["json"]:
        print(json.dumps(metrics))
        return
    out.print(evaluation_table(metrics, answers))
    out.print(f"Next: wukong-pipe report --run {shlex.quote(run.name)}")


@click.command("report")
@common
def report_command(**options: Any) -> None:
    """Write report.html: verdict, scores, losses, dataset and every answer on one self-contained page."""
    workspace = Workspace(options["runs_dir"])
    run = named_or_last(workspace, options)
    path = run_report(workspace, run)
    print(json.dumps({"report": str(path)}) if options["json"] else f"Report: {path}")


@click.command("demo")
@click.option("--full", is_flag=True, help="All of the corpus, and as long as that takes.")
@click.option("--corpus", type=click.Path(path_type=Path), help="Another Markdown file.  [default: the sample corpus]")
@common
def demo_command(**options: Any) -> None:
    """Build, train, evaluate and report with the embedded teacher and student: no key, no download."""
    from wukong_pipe.demo import demo

    shown = err if options["json"] else out
    metrics = demo(
        Workspace(options["runs_dir"]), options["run"] or "demo", options["corpus"], options["full"], shown, err
    )
    if options["json"]:
        print(json.dumps(metrics))
