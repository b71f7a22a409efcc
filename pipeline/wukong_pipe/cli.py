"""The command line: options in, one call, a few lines out. Errors become one sentence and an exit code."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from wukong_pipe import __version__, commands, config
from wukong_pipe.build import Built
from wukong_pipe.config import BuildSettings
from wukong_pipe.corpus import read_sources
from wukong_pipe.dataset import split_counts
from wukong_pipe.errors import ShortOfQuota, StoppedShort, WorkspaceError, WukongError
from wukong_pipe.screen import Steps, build_summary
from wukong_pipe.workspace import Run, Workspace

out = Console(markup=False, highlight=False, soft_wrap=True)
err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
F = TypeVar("F", bound=Callable[..., Any])

runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where runs are kept.",
)
run_option = click.option("--run", default="", help="Name of the run; by default the one used last.")
json_option = click.option("--json", is_flag=True, help="Print one JSON object on stdout.")
debug_option = click.option("--debug", is_flag=True, help="Show the traceback of an error.")


def common(command: F) -> F:
    """The options every command takes."""
    return debug_option(json_option(run_option(runs_dir_option(command))))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Turn a folder of Markdown into a small language model that knows it, and prove that it does.

    \b
    A first try, without key or download:
      wukong-pipe demo
    With a teacher and a GPU:
      export OPENAI_API_KEY=...
      wukong-pipe build docs/
      wukong-pipe train
      wukong-pipe eval
      wukong-pipe report

    Every option can also stand in wukong.toml ([build], [train], [eval]) or in the environment
    (WUKONG_BUILD_VARIANTS=8).
    """


@cli.command("build")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--teacher",
    type=click.Choice(["openai", "offline"]),
    default="openai",
    show_default=True,
    help="A server that speaks OpenAI's protocol, or the embedded templates.",
)
@click.option("--teacher-model", default="", help="Model id; known providers have a default.")
@click.option("--base-url", default="", help="The server; by default $OPENAI_BASE_URL, then OpenAI.")
@click.option("--temperature", type=float, help="Sampling temperature; by default the server's.")
@click.option("--max-tokens", type=click.IntRange(1), help="Longest reply.  [default: 8192]")
@click.option("--extra-body", default="", help="JSON object of fields that only this server knows.")
@click.option("--variants", type=click.IntRange(0), default=14, show_default=True, help="Wordings of each question.")
@click.option("--max-pairs", type=click.IntRange(1), default=40, show_default=True, help="Most pairs of a section.")
@click.option("--holdout", type=click.FloatRange(0, 0.5), default=0.1, show_default=True, help="Share held out.")
@click.option(
    "--min-fill",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="Share of a quota below which it is asked again.",
)
@click.option("--concurrency", type=click.IntRange(1, 256), default=8, show_default=True, help="Calls at a time.")
@click.option("--lang", type=click.Choice(["auto", "zh", "en"]), default="auto", show_default=True)
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the sources.")
@click.option("--prompts", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Your own prompts.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N sections; their calls are not paid again.")
@click.option("--dry-run", is_flag=True, help="Show sections, calls and tokens; spend nothing.")
@click.option("--overwrite", is_flag=True, help="Replace dataset files that were edited by hand.")
@common
def build_command(paths: tuple[Path, ...], **options: Any) -> None:
    """Ask a teacher about Markdown files or folders and write a dataset.

    \b
    Examples:
      wukong-pipe build corpora/blackwukong.md
      wukong-pipe build docs/ --base-url http://127.0.0.1:8000/v1 --teacher-model qwen3
      wukong-pipe build corpora/apollo.md --teacher offline --variants 8
    """
    sources = read_sources(paths, options["encoding"])
    settings = BuildSettings(
        variants=options["variants"],
        max_pairs=options["max_pairs"],
        holdout=options["holdout"],
        min_fill=options["min_fill"],
        lang=None if options["lang"] == "auto" else options["lang"],
        prompts=options["prompts"],
        limit=options["limit"],
    )
    if options["dry_run"]:
        show_plan(commands.plan_build(sources, settings), options["json"])
        return
    workspace = Workspace(options["runs_dir"])
    run = workspace.run(options["run"] or paths[0].resolve().stem)
    with Steps(err).shown() as steps:
        built, invocation = commands.run_build(
            workspace,
            run,
            sources,
            settings,
            teacher_choice(options),
            named=bool(options["run"]),
            overwrite=options["overwrite"],
            progress=steps,
        )
    show_build(run, built, invocation, options["json"])
    if built.unanswered:
        raise ShortOfQuota(unanswered_sentence(built))


def teacher_choice(options: dict[str, Any]) -> commands.TeacherChoice:
    """The teacher that the options and, last of all, OPENAI_* name.

    Raises:
        click.UsageError: --extra-body is no JSON object.
    """
    parameters = {key: options[key] for key in ("temperature", "max_tokens") if options[key] is not None}
    if options["extra_body"]:
        try:
            extra = json.loads(options["extra_body"])
        except json.JSONDecodeError as error:
            raise click.UsageError(f"--extra-body is not JSON: {error.msg} at column {error.colno}.") from error
        if not isinstance(extra, dict):
            raise click.UsageError("--extra-body must be a JSON object.")
        parameters["extra_body"] = extra
    return commands.TeacherChoice(
        kind=options["teacher"],
        model=options["teacher_model"],
        base_url=options["base_url"] or os.environ.get("OPENAI_BASE_URL", ""),
        api_key=os.environ.get("OPENAI_API_KEY", ""),
        concurrency=options["concurrency"],
        parameters=parameters,
    )


def show_plan(plan: dict[str, int], as_json: bool) -> None:
    if as_json:
        print(json.dumps(plan))
        return
    out.print(
        f"{plan['sections']} sections, {plan['pairs']} pairs to ask for: about {plan['calls']} calls, "
        f"{plan['tokens_in']:,} tokens in and {plan['tokens_out']:,} out. Nothing was spent."
    )


def show_build(run: Run, built: Built, invocation: dict[str, Any], as_json: bool) -> None:
    if as_json:
        splits = split_counts(built.rows)
        print(json.dumps({"run": run.name, "dataset": str(run.dataset), "splits": splits, "build": invocation}))
        return
    out.print(build_summary(built))
    out.print(
        f"{invocation['calls_made']} calls made, {invocation['calls_from_journal']} from the journal, "
        f"{invocation['seconds']:.0f} s. Dataset: {run.dataset}"
    )
    if not built.unanswered:
        out.print(f"Next: wukong-pipe train --run {shlex.quote(run.name)}")


def unanswered_sentence(built: Built) -> str:
    names = "; ".join(section.title for section in built.unanswered[:3])
    more = f" and {len(built.unanswered) - 3} more" if len(built.unanswered) > 3 else ""
    return (
        f"{len(built.unanswered)} sections stayed short of their quota ({names}{more}); what was kept is in the "
        "dataset, what was not is in rejected.jsonl with its reason."
    )


@cli.command("train")
@click.option("--data", type=click.Path(path_type=Path), help="A dataset folder or a JSONL of instruction/output rows.")
@click.option("--model", default="", help="Hugging Face id, folder, or “tiny” for the embedded student.")
@click.option("--method", type=click.Choice(["qlora", "lora", "full"]))
@click.option("--recipe", default="", help="Name of a recipe or a .toml file.  [default: qlora, or tiny]")
@click.option("--system", help="System prompt; kept with the adapter.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True))
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="Learning rate.")
@click.option("--overwrite", is_flag=True, help="Replace an existing adapter.")
@common
def train_command(**options: Any) -> None:
    """Fine-tune a student on the run's dataset, or on your own rows.

    \b
    Examples:
      wukong-pipe train --model Qwen/Qwen2.5-7B-Instruct
      wukong-pipe train --model tiny
      wukong-pipe train --data rows.jsonl --model tiny --epochs 3
    """
    workspace = Workspace(options["runs_dir"])
    data = options["data"]
    if options["run"] or data is None:
        run = workspace.run(options["run"]) if options["run"] else workspace.last_run()
    else:
        run = workspace.run(data.resolve().stem)
    if data is None and not (run.dataset / "train.jsonl").is_file():
        raise WorkspaceError(f"The run “{run.name}” has no dataset: start with `wukong-pipe build PATH`.")
    recipe = commands.chosen_recipe(options)
    with Steps(err).shown() as steps:
        trained = commands.run_train(
            workspace, run, data or run.dataset, recipe, overwrite=options["overwrite"], progress=steps
        )
    if options["json"]:
        print(json.dumps(commands.training_facts(run, trained)))
        return
    for line in commands.training_lines(trained):
        out.print(line)
    out.print(f"Next: wukong-pipe eval --run {shlex.quote(run.name)}")


@cli.command("eval")
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
    run = workspace.run(options["run"]) if options["run"] else workspace.last_run()
    settings = {key: options[key] for key in ("batch", "max_new_tokens", "limit", "drop_leaked")}
    with Steps(err).shown() as steps:
        metrics, answers = commands.run_eval(
            workspace, run, settings, test=options["test"], model=options["model"], progress=steps
        )
    if options["json"]:
        print(json.dumps(metrics))
        return
    out.print(commands.evaluation_table(metrics, answers))
    out.print(f"Next: wukong-pipe report --run {shlex.quote(run.name)}")


@cli.command("report")
@common
def report_command(**options: Any) -> None:
    """Write report.html: verdict, scores, losses, dataset and every answer on one self-contained page."""
    workspace = Workspace(options["runs_dir"])
    run = workspace.run(options["run"]) if options["run"] else workspace.last_run()
    path = commands.run_report(workspace, run)
    print(json.dumps({"report": str(path)}) if options["json"] else f"Report: {path}")


@cli.command("demo")
@click.option("--full", is_flag=True, help="All of the corpus, and as long as that takes.")
@click.option("--corpus", type=click.Path(path_type=Path), help="Another Markdown file.  [default: the sample corpus]")
@common
def demo_command(**options: Any) -> None:
    """Build, train, evaluate and report with the embedded teacher and student: no key, no download."""
    from wukong_pipe.demo import demo

    demo(Workspace(options["runs_dir"]), options["run"] or "demo", options["corpus"], options["full"], out, err)


def option_names() -> dict[str, set[str]]:
    """Each command's option names, for checking wukong.toml and WUKONG_*."""
    return {
        name: {parameter.name or "" for parameter in command.params if isinstance(parameter, click.Option)}
        for name, command in cli.commands.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code. All errors of ours are shown here, in one place."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        config.check_environment(option_names(), os.environ)
        defaults = config.read_config(option_names())
        cli.main(arguments, "wukong-pipe", standalone_mode=False, default_map=defaults, auto_envvar_prefix="WUKONG")
    except WukongError as error:
        if "--debug" in arguments:
            raise
        err.print(f"Error: {error}", style="red")
        if type(error) is StoppedShort:
            err.print(f"Go on with: {shlex.join(['wukong-pipe', *arguments])}")
        return error.exit_code
    except OSError as error:
        if "--debug" in arguments:
            raise
        where = f": {error.filename}" if error.filename else ""
        err.print(f"Error: {error.strerror or error}{where}.", style="red")
        return 1
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        command = shlex.join(["wukong-pipe", *arguments])
        err.print(f"Interrupted. What was done is kept; go on with: {command}")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
