"""The command line: options in, one call, a few lines out. Errors become one sentence and an exit code."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from wukong_pipe import __version__, commands, config, hub, inspect_run
from wukong_pipe.attempts import Reask
from wukong_pipe.build import Built
from wukong_pipe.build_command import Price, TeacherChoice, price_of, price_of_rest, run_build
from wukong_pipe.config import BuildSettings
from wukong_pipe.corpus import read_sources
from wukong_pipe.dataset import split_counts
from wukong_pipe.errors import Interrupted, ShortOfQuota, StoppedShort, WorkspaceError, WukongError
from wukong_pipe.formats import FORMATS
from wukong_pipe.journal import Journal
from wukong_pipe.journal_records import Prices
from wukong_pipe.journal_report import as_json, summary, summary_table
from wukong_pipe.ledger import Ceilings
from wukong_pipe.recover import recover
from wukong_pipe.screen import Steps, build_summary, price_table
from wukong_pipe.workspace import Run, Workspace

# Tables in a file or pipe are read by scripts or in an editor: no reason to fold them at 80.
out = Console(markup=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
F = TypeVar("F", bound=Callable[..., Any])


MOST = Decimal(10) ** 12


class Amount(click.ParamType[Decimal]):
    """An amount of money: a decimal number, exact, not negative."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal("NaN")
        if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= MOST:
            self.fail(f"{value!r} is no amount: give a number such as 0.4.", param, ctx)
        return amount


AMOUNT = Amount()
# What a call may cost is known from these, and how its reply is read.
RESERVED = {
    "model", "messages", "max_tokens", "max_completion_tokens", "n", "stream", "response_format", "temperature"
}  # fmt: skip

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
@click.option("--concurrency", type=click.IntRange(1, 256), help="Calls at a time.  [default: found out]")
@click.option("--rpm", type=click.FloatRange(0, min_open=True), help="Requests a minute at most.")
@click.option("--tpm", type=click.FloatRange(0, min_open=True), help="Tokens a minute at most.")
@click.option("--batch", is_flag=True, help="Through the provider's Batch API: cheaper, within a day.")
@click.option("--price-in", type=AMOUNT, help="Price of a million prompt tokens.")
@click.option("--price-out", type=AMOUNT, help="Price of a million completion tokens.")
@click.option("--currency", default="USD", show_default=True, help="What prices and --max-cost are in; only a label.")
@click.option("--max-cost", type=AMOUNT, help="The most this run may cost in all; needs the prices.")
@click.option("--max-calls", type=click.IntRange(0), help="The most calls this run may make in all.")
@click.option("--lang", type=click.Choice(["auto", "zh", "en"]), default="auto", show_default=True)
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the sources.")
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="alpaca",
    show_default=True,
    help="Write the rows in this format, too, in a folder of its name.",
)
@click.option("--prompts", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Your own prompts.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N sections: their pairs, the price of the rest.")
@click.option(
    "--reask",
    multiple=True,
    metavar="short|rejected|ID",
    help="Ask up to three times more for what stayed short, what has rejects, or a section or pair by its id.",
)
@click.option("--dry-run", is_flag=True, help="Show calls, tokens and cost by stage; spend nothing.")
@click.option("--overwrite", is_flag=True, help="Replace dataset files that were edited by hand.")
@click.option("--push-to-hub", default="", metavar="OWNER/NAME", help="Upload the dataset there, as a private one.")
@click.option("--public", is_flag=True, help="Make that dataset public.")
@click.option("--push-rejected", is_flag=True, help="Upload rejected.jsonl, too.")
@click.option("--no-secret", multiple=True, metavar="MARK", help="Upload although this looks like a secret.")
@common
def build_command(paths: tuple[Path, ...], **options: Any) -> None:
    """Ask a teacher about Markdown files or folders and write a dataset.

    \b
    Examples:
      wukong-pipe build corpora/blackwukong.md
      wukong-pipe build docs/ --base-url http://127.0.0.1:8000/v1 --teacher-model qwen3
      wukong-pipe build corpora/apollo.md --teacher offline --variants 8
      wukong-pipe build docs/ --limit 3 --price-in 0.4 --price-out 1.6
      wukong-pipe build docs/ --price-in 0.4 --price-out 1.6 --max-cost 5
      wukong-pipe build docs/ --reask short
      wukong-pipe build docs/ --format messages --push-to-hub me/docs
    """
    destination = hub.Destination(
        options["push_to_hub"], options["public"], options["push_rejected"], options["no_secret"]
    )
    if destination.repo and not options["dry_run"]:
        hub.check_ready(destination.repo)
    sources = read_sources(paths, options["encoding"])
    settings = BuildSettings(
        variants=options["variants"],
        max_pairs=options["max_pairs"],
        holdout=options["holdout"],
        min_fill=options["min_fill"],
        lang=None if options["lang"] == "auto" else options["lang"],
        prompts=options["prompts"],
        limit=options["limit"],
        format=options["format"],
    )
    prices = chosen_prices(options)
    if options["dry_run"]:
        show_price(price_of(sources, settings, prices), options["json"])
        return
    choice = teacher_choice(options, prices)
    reask = Reask(*options["reask"])
    workspace = Workspace(options["runs_dir"])
    run = workspace.run(options["run"] or paths[0].resolve().stem)
    with Steps(err).shown() as steps:
        built, invocation = run_build(
            workspace,
            run,
            sources,
            settings,
            choice,
            named=bool(options["run"]),
            overwrite=options["overwrite"],
            progress=steps,
            reask=reask,
            say=err.print,
        )
    rest = price_of_rest(sources, settings, built, prices) if settings.limit else None
    show_build(run, built, invocation, rest, options["json"])
    if reask.unmet:
        err.print(f"Warning: --reask names no section or trained pair: {', '.join(reask.unmet)}.", style="yellow")
    if destination.repo:
        err.print(f"Uploaded to {hub.push(run, destination, err.print)}")
    if built.unanswered:
        raise ShortOfQuota(unanswered_sentence(built))


def chosen_prices(options: dict[str, Any]) -> Prices | None:
    """The prices that the options give.

    Raises:
        click.UsageError: one of the two is missing, or both are and there is a ceiling that needs them.
    """
    price_in, price_out = options["price_in"], options["price_out"]
    if (price_in is None) != (price_out is None) or (price_in is None and options["max_cost"] is not None):
        raise click.UsageError(
            "--price-in and --price-out (for a million tokens) go together, and --max-cost needs both."
        )
    return None if price_in is None else Prices(price_in, price_out, options["currency"])


def teacher_choice(options: dict[str, Any], prices: Prices | None) -> TeacherChoice:
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
        if taken := sorted(RESERVED & extra.keys()):
            raise click.UsageError(
                f"--extra-body must not hold {', '.join(taken)}: the build sets them, some by options of their own."
            )
        parameters["extra_body"] = extra
    return TeacherChoice(
        kind=options["teacher"],
        model=options["teacher_model"],
        base_url=options["base_url"] or os.environ.get("OPENAI_BASE_URL", ""),
        api_key=os.environ.get("OPENAI_API_KEY", ""),
        concurrency=options["concurrency"],
        rpm=options["rpm"],
        tpm=options["tpm"],
        parameters=parameters,
        prices=prices,
        ceilings=Ceilings(options["max_cost"], options["max_calls"]),
        batch=options["batch"],
    )


def show_price(price: Price, as_json: bool) -> None:
    if as_json:
        stages = {name: {**stage.to_json(), "cost": price.cost(stage)} for name, stage in price.stages.items()}
        plan = {"sections": price.sections, "pairs": price.pairs, "stages": stages, "cost": price.cost(price.total)}
        print(json.dumps(plan))
        return
    out.print(f"{price.sections} sections, {price.pairs} pairs to ask for; if each call is answered well at once:")
    out.print(price_table(price))
    if price.prices is None:
        out.print("For the cost give --price-in and --price-out.")
    out.print("Nothing was spent.")


def show_build(run: Run, built: Built, invocation: dict[str, Any], rest: Price | None, as_json: bool) -> None:
    if as_json:
        splits = split_counts(built.rows)
        shown = {"run": run.name, "dataset": str(run.dataset), "splits": splits, "build": invocation}
        shown |= {"warnings": built.warnings, "changed": built.changed}
        if rest is not None:
            shown["rest"] = {"sections": rest.sections, **rest.total.to_json(), "cost": rest.cost(rest.total)}
        print(json.dumps(shown, ensure_ascii=False))
        return
    if rest is not None:
        show_pairs(built)
    out.print(build_summary(built))
    cost = f", {invocation['cost']} {invocation['currency']}" if invocation["cost"] is not None else ""
    unknown = invocation["unknown_tokens_in"] + invocation["unknown_tokens_out"]
    of_unknown = f" (up to {unknown:,} of the tokens for calls of unknown outcome)" if unknown else ""
    out.print(
        f"{invocation['calls_made']} calls made{cost}{of_unknown}, "
        f"{invocation['calls_from_journal']} from the journal, {invocation['seconds']:.0f} s. Dataset: {run.dataset}"
    )
    for change in built.changed:
        err.print(f"Changed though its section is not: {change}")
    for warning in [*built.warnings, *filter(None, [invocation["overcharged"]])]:
        err.print(f"Warning: {warning}", style="yellow")
    if rest is not None and rest.sections:
        total, cost = rest.total, rest.cost(rest.total)
        tokens = f", {total.tokens.prompt:,} tokens in and {total.tokens.completion:,} out"
        bill = f"{tokens}{f', {cost}' if cost else ''}" if built.manifest["teacher"]["language_model"] else ""
        out.print(
            f"The rest: {rest.sections} sections, about {total.calls} calls{bill}; "
            "what was bought here is not paid again."
        )
    elif not built.unanswered:
        out.print(f"Next: wukong-pipe train --run {shlex.quote(run.name)}")


def show_pairs(built: Built) -> None:
    """The pairs of a build that tries a few sections, so that its reader can judge them."""
    for pair in built.pairs:
        out.print(f"{pair.section.source}:{pair.lines[0]}  {pair.question}", style="bold")
        out.print(f"    {pair.answer}")
        for evidence in pair.evidence:
            out.print(f"    “{' '.join(evidence.split())}”", style="dim")


def unanswered_sentence(built: Built) -> str:
    names = "; ".join(section.title for section in built.unanswered[:3])
    more = f" and {len(built.unanswered) - 3} more" if len(built.unanswered) > 3 else ""
    return (
        f"{len(built.unanswered)} sections stayed short of their quota ({names}{more}); what was kept is in the "
        "dataset, what was not is in rejected.jsonl with its reason."
    )


@cli.command("inspect")
@click.argument("section", default="")
@click.option("--source", type=click.Path(path_type=Path), help="The source, or the folder above it, if it was moved.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the sources.")
@common
def inspect_command(section: str, **options: Any) -> None:
    """Show the run's sections; or one, by number, id or words of its title: evidence, pairs, wordings and rejects.

    \b
    Examples:
      wukong-pipe inspect
      wukong-pipe inspect 3
      wukong-pipe inspect 武器 --run blackwukong
    """
    workspace = Workspace(options["runs_dir"])
    run = workspace.run(options["run"]) if options["run"] else workspace.last_run()
    found = inspect_run.overviews(run)
    if section:
        found = inspect_run.matching(found, section)
    if not section or len(found) > 1:
        if options["json"]:
            print(json.dumps({"run": run.name, "sections": [asdict(overview) for overview in found]}))
        else:
            out.print(inspect_run.overview_table(found))
        return
    inspected = inspect_run.inspect(run, found[0], options["source"], options["encoding"])
    if options["json"]:
        print(json.dumps({"run": run.name, **inspected.to_json()}))
    else:
        inspect_run.show(inspected, out)


@cli.command("journal")
@click.option("--recover", is_flag=True, help="Save every call of a damaged journal that can be read.")
@common
def journal_command(**options: Any) -> None:
    """Show what was asked of teachers and what it cost, by run, model and prompt.

    \b
    Examples:
      wukong-pipe journal
      wukong-pipe journal --run blackwukong --json
      wukong-pipe journal --recover
    """
    workspace = Workspace(options["runs_dir"])
    if options["recover"]:
        with workspace.writing():
            saved = recover(workspace.journal)
        if options["json"]:
            print(json.dumps({**asdict(saved), "damaged": str(saved.damaged)}))
            return
        out.print(
            f"{saved.calls} calls and {saved.sends} requests saved; at least {saved.lost_calls} calls and "
            f"{saved.lost_sends} requests could not be read. The damaged journal is {saved.damaged}."
        )
        return
    if not workspace.journal.exists():
        raise WorkspaceError(f"There is no journal in {workspace.folder}: start with `wukong-pipe build PATH`.")
    with Journal(workspace.journal) as journal:
        lines = [line for line in summary(journal) if options["run"] in {"", line.run}]
    if options["json"]:
        print(json.dumps(as_json(lines)))
    else:
        out.print(summary_table(lines))


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

    shown = err if options["json"] else out
    metrics = demo(
        Workspace(options["runs_dir"]), options["run"] or "demo", options["corpus"], options["full"], shown, err
    )
    if options["json"]:
        print(json.dumps(metrics))


def option_names() -> dict[str, set[str]]:
    """Each command's option names, for checking wukong.toml and WUKONG_*."""
    return {
        name: {parameter.name or "" for parameter in command.params if isinstance(parameter, click.Option)}
        for name, command in cli.commands.items()
    }


def reasking(arguments: list[str]) -> list[str]:
    """The same build, that asks again for what stayed short."""
    kept = [
        word
        for before, word in pairwise(["", *arguments])
        if "--reask" not in (before, word) and not word.startswith("--reask=")
    ]
    return [kept[0], "--reask", "short", *kept[1:]]


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
        if type(error) in {StoppedShort, Interrupted}:
            err.print(f"Go on with: {shlex.join(['wukong-pipe', *arguments])}")
        elif isinstance(error, ShortOfQuota):
            err.print(f"Ask for the rest with: {shlex.join(['wukong-pipe', *reasking(arguments)])}")
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
