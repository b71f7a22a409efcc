"""`build`: a dataset from Markdown."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import click

from wukong_pipe.build import Built
from wukong_pipe.cli.options import AMOUNT, common_with, err, out, run_named
from wukong_pipe.commands.build import TeacherChoice, price_of, price_of_rest, run_build
from wukong_pipe.corpus.sources import passed_over, read_sources
from wukong_pipe.dataset import hub
from wukong_pipe.dataset.files import split_counts
from wukong_pipe.dataset.formats import FORMATS
from wukong_pipe.errors import ShortOfQuota
from wukong_pipe.journal.records import Prices
from wukong_pipe.screens.build import Steps, build_summary, price_table
from wukong_pipe.stages.estimate import AT_MOST, Price
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.attempts import Reask
from wukong_pipe.teacher.ledger import Ceilings
from wukong_pipe.workspace import Run, Workspace

# What a call may cost is known from these, and how its reply is read.
RESERVED = {
    "model", "messages", "max_tokens", "max_completion_tokens", "n", "stream", "response_format", "temperature"
}  # fmt: skip

MOST_VARIANTS = 100
"""More wordings of one question than anybody needs, or a teacher has: a slip of the finger would be paid for."""
PAIRS = 12
"""So many pairs are shown by --limit."""
CHANGES = 10
"""So many rows that a rebuild changed elsewhere are told one by one."""


@click.command("build")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--teacher",
    type=click.Choice(["openai", "offline"]),
    default="openai",
    show_default=True,
    help="A server that speaks OpenAI's protocol, or the embedded templates.",
)
@click.option("--teacher-model", default="", help="The teacher's model; known providers have a default.")
@click.option("--base-url", default="", help="The teacher's server; by default $OPENAI_BASE_URL, then OpenAI.")
@click.option("--temperature", type=float, help="The teacher's; by default the server's.")
@click.option("--max-tokens", type=click.IntRange(1), help="Longest reply of the teacher, in tokens.  [default: 8192]")
@click.option("--extra-body", default="", help="JSON object of fields that only the teacher's server knows.")
@click.option(
    "--variants",
    type=click.IntRange(0, MOST_VARIANTS),
    default=14,
    show_default=True,
    help="Wordings of each question.",
)
@click.option(
    "--answer-variants",
    type=click.IntRange(0, MOST_VARIANTS),
    default=0,
    show_default=True,
    help="Other wordings of each answer.",
)
@click.option("--judge", is_flag=True, help="Let the teacher look again at pairs that the checks find doubtful.")
@click.option("--max-pairs", type=click.IntRange(1), default=40, show_default=True, help="Most pairs of a section.")
@click.option(
    "--holdout", type=click.FloatRange(0, 0.5), default=0.1, show_default=True, help="Share held out for tests."
)
@click.option(
    "--min-fill",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="Share kept by the checks below which a section is asked again, and the build, as a whole, exits with 3.",
)
@click.option(
    "--concurrency", type=click.IntRange(1, 256), help="Calls to the teacher at a time.  [default: found out]"
)
@click.option("--rpm", type=click.FloatRange(0, min_open=True), help="Requests a minute at most.")
@click.option("--tpm", type=click.FloatRange(0, min_open=True), help="Tokens a minute at most.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    help="Seconds for one call in all.  [default: 300; 1800 for a server on this machine]",
)
@click.option("--batch", is_flag=True, help="Through the provider's Batch API: cheaper, within a day.")
@click.option("--price-in", type=AMOUNT, help="Price of a million prompt tokens.")
@click.option("--price-out", type=AMOUNT, help="Price of a million completion tokens.")
@click.option("--currency", default="USD", show_default=True, help="What prices and --max-cost are in; only a label.")
@click.option("--max-cost", type=AMOUNT, help="The most this run may cost in all; needs the prices.")
@click.option("--max-calls", type=click.IntRange(0), help="The most calls this run may make in all.")
@click.option(
    "--lang", type=click.Choice(["auto", "zh", "en"]), default="auto", show_default=True, help="Of the sources."
)
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
@common_with(run_named("the first source's name"))
def build_command(paths: tuple[Path, ...], **options: Any) -> None:
    """Ask a teacher about Markdown and write a dataset.

    PATHS are Markdown files or folders of them. The run is named after the first unless --run names
    it.

    \b
    Examples:
      wukong-pipe build corpora/blackwukong.md
      wukong-pipe build docs/ --base-url http://127.0.0.1:8000/v1 --teacher-model qwen3
      wukong-pipe build corpora/apollo.md --teacher offline --variants 8
      wukong-pipe build docs/ --limit 3 --price-in 0.4 --price-out 1.6
      wukong-pipe build docs/ --price-in 0.4 --price-out 1.6 --max-cost 5
      wukong-pipe build docs/ --reask short
      wukong-pipe build docs/ --answer-variants 2 --judge
      wukong-pipe build docs/ --format messages --push-to-hub me/docs
    """
    if options["judge"] and options["teacher"] == "offline":
        raise click.UsageError("--judge needs a language model: the embedded teacher's templates cannot judge a pair.")
    destination = hub.Destination(
        options["push_to_hub"], options["public"], options["push_rejected"], options["no_secret"]
    )
    if destination.repo and not options["dry_run"]:
        hub.check_ready(destination.repo)
    sources = read_sources(paths, options["encoding"])
    if others := passed_over(paths):
        err.print(others)
    settings = BuildSettings(
        variants=options["variants"],
        answer_variants=options["answer_variants"],
        judge=options["judge"],
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
    run = workspace.run(options["run"]) if options["run"] else workspace.run_after(paths[0])
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
    if not built.shortfall.enough:
        raise ShortOfQuota(built.shortfall.sentence, askable=built.shortfall.askable)


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
        click.UsageError: --extra-body is no JSON object, or holds what the build sets.
    """
    parameters = {key: options[key] for key in ("temperature", "max_tokens") if options[key] is not None}
    if options["timeout"] is not None:
        parameters["deadline"] = options["timeout"]
    if options["extra_body"]:
        parameters["extra_body"] = _extra_body(options["extra_body"])
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


def _extra_body(text: str) -> dict[str, Any]:
    context = click.get_current_context()
    option = next(option for option in context.command.params if option.name == "extra_body")
    try:
        extra = json.loads(text)
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"it is not JSON: {error.msg} at column {error.colno}.", context, option) from error
    if not isinstance(extra, dict):
        raise click.BadParameter("it must be a JSON object.", context, option)
    if taken := sorted(RESERVED & extra.keys()):
        raise click.BadParameter(
            f"it must not hold {', '.join(taken)}: the build sets them, some by options of their own.", context, option
        )
    return extra


def show_price(price: Price, as_json: bool) -> None:
    if as_json:
        stages = {name: {**stage.to_json(), "cost": price.cost(stage)} for name, stage in price.stages.items()}
        for name in AT_MOST & stages.keys():
            stages[name]["at_most"] = True
        plan = {"sections": price.sections, "pairs": price.pairs, "stages": stages, "cost": price.cost(price.total)}
        print(json.dumps(plan))
        return
    out.print(f"{price.sections} sections, {price.pairs} pairs to ask for; if each call is answered well at once:")
    out.print(price_table(price))
    if AT_MOST & price.stages.keys():
        out.print("The judge is asked about doubtful pairs alone; the figure is for all pairs being so.")
    if price.prices is None:
        out.print("For the cost give --price-in and --price-out.")
    out.print("Nothing was spent.")


def show_build(run: Run, built: Built, invocation: dict[str, Any], rest: Price | None, as_json: bool) -> None:
    if as_json:
        splits = split_counts(built.rows)
        shown: dict[str, Any] = {"run": run.name, "dataset": str(run.dataset), "splits": splits, "build": invocation}
        shown |= {"warnings": built.warnings, "edits": built.edits, "changed": built.changed}
        shown |= {"short": [str(section) for section in built.shortfall.sections], "filled": built.shortfall.share}
        if rest is not None:
            shown["rest"] = {"sections": rest.sections, **rest.total.to_json(), "cost": rest.cost(rest.total)}
        print(json.dumps(shown))
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
    if built.edits:
        out.print(built.edits)
    for change in built.changed[:CHANGES]:
        err.print(f"Changed though its section is not: {change}")
    if len(built.changed) > CHANGES:
        err.print(f"… and {len(built.changed) - CHANGES} more such rows; --json lists all.")
    if built.shortfall.line:
        again = " --reask short asks for it again." if built.shortfall.askable else ""
        err.print(f"{built.shortfall.line}{again}")
    for warning in [*built.warnings, *filter(None, [invocation["overcharged"]])]:
        err.print(f"Warning: {warning}", style="yellow")
    if rest is not None and rest.sections:
        total, cost = rest.total, rest.cost(rest.total)
        tokens = f", {total.tokens.prompt:,} tokens in and {total.tokens.completion:,} out"
        bill = f"{tokens}{f', {cost}' if cost else ''}" if built.manifest["teacher"]["language_model"] else ""
        out.print(
            f"The rest: {rest.sections} sections, about {total.calls} calls{bill}; "
            "what was bought here is not paid again. To build it, leave out --limit."
        )
    elif built.shortfall.enough:
        out.print(f"Next: wukong-pipe train --run {shlex.quote(run.name)}")


def show_pairs(built: Built) -> None:
    """Pairs of a build that tries a few sections, from all over it, so that its reader can judge them."""
    count = min(len(built.pairs), PAIRS)
    for pair in (built.pairs[i * len(built.pairs) // count] for i in range(count)):
        out.print(f"{pair.section.source}:{pair.lines[0]}  {pair.question}", style="bold")
        out.print(f"    {pair.answer}")
        for evidence in pair.evidence:
            out.print(f"    “{' '.join(evidence.split())}”", style="dim")
    if len(built.pairs) > count:
        out.print(f"… and {len(built.pairs) - count} more pairs: `wukong-pipe inspect N` shows those of a section.")
