"""`build`: a dataset from documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wukong_pipe.cli.given_command import given_command
from wukong_pipe.cli.kinds import of
from wukong_pipe.cli.options import common_with, err, out, run_named
from wukong_pipe.cli.teacher_options import encoding_option, model_options, price_options, speed_options
from wukong_pipe.commands.build_options import MOST_WORKERS, BuildOptions
from wukong_pipe.dataset.hub import push
from wukong_pipe.errors import ShardEnded, ShortOfQuota
from wukong_pipe.hub_upload import Destination, check_ready
from wukong_pipe.library.build import build_from, price_from
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.build_result import show_build, show_price, show_shard
from wukong_pipe.teacher.shard import WHOLE, Shard


class ShardNumber(click.ParamType[Shard]):
    """A part of a build: 2/3."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        try:
            return Shard.of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions(BuildOptions):
    """What the options of `build` read: those of the library, and those of this command alone."""

    dry_run: bool
    push_to_hub: str
    public: bool
    push_rejected: bool
    no_secret: tuple[str, ...]
    json: bool

    def destination(self) -> Destination:
        return Destination(self.push_to_hub, self.public, self.no_secret)


@click.command("build")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--teacher",
    **of(BuildOptions, "teacher"),
    help="A server that speaks OpenAI's protocol, or the embedded templates.",
)
@model_options
@click.option("--variants", **of(BuildOptions, "variants"), help="Wordings of each question.")
@click.option("--answer-variants", **of(BuildOptions, "answer_variants"), help="Other wordings of each answer.")
@click.option(
    "--verify",
    **of(BuildOptions, "verify"),
    help="What is read a second time. all: pairs, test wordings, a tenth of the others; full: everything; doubtful: "
    "what the checks doubt; none.  [default: all; none with --teacher offline]",
)
@click.option("--verifier-model", default="", help="The model that reads a second time.  [default: the teacher's]")
@click.option(
    "--verifier-base-url", default="", help="Its server; $VERIFIER_API_KEY is its key.  [default: the teacher's]"
)
@click.option("--max-pairs", **of(BuildOptions, "max_pairs"), help="Most pairs of a section.")
@click.option(
    "--holdout",
    **of(BuildOptions, "holdout"),
    help="Share of sections and pairs held out whole; 0 for no test at all.",
)
@click.option(
    "--min-fill",
    **of(BuildOptions, "min_fill"),
    help="Share kept by the checks below which a section is asked again, and the build, as a whole, exits with 3.",
)
@speed_options
@click.option("--batch", is_flag=True, help="Through the provider's Batch API: cheaper, within a day.")
@price_options
@click.option("--lang", **of(BuildOptions, "lang"), help="Of the sources.")
@encoding_option
@click.option(
    "--about", default="", metavar="TEXT", help="What the documents are about, where no title of theirs says it."
)
@click.option(
    "--format",
    **of(BuildOptions, "format"),
    help="Write the rows in this format, too, in a folder of its name.",
)
@click.option("--prompts", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Your own prompts.")
@click.option(
    "--limit", **of(BuildOptions, "limit"), help="Only the first N sections: their pairs, the price of the rest."
)
@click.option(
    "--reask",
    multiple=True,
    metavar="short|rejected|ID",
    help="Ask up to three times more for what stayed short, what has rejects, or a section or pair by its id.",
)
@click.option(
    "--shard",
    type=ShardNumber(),
    default=str(WHOLE),
    metavar="i/N",
    help="Only make part i of the calls, as one of N machines, in rounds: the verifier's calibration, pairs, "
    "wordings. After each unite the journals by `journal --merge`; a build without --shard then makes no call. "
    "Ceilings are each machine's own.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    help="Processes that check the replies.  [default: one a core; 1 for a small build]",
)
@click.option(
    "--engine",
    **of(BuildOptions, "engine"),
    help="ray: on all machines of a Ray cluster, with the journal, ceilings and limits of this one; same dataset.",
)
@click.option(
    "--ray-address",
    default="",
    metavar="HOST:PORT",
    help="Head of the cluster, for --engine ray.  [default: $RAY_ADDRESS, else a cluster on this machine alone]",
)
@click.option("--dry-run", is_flag=True, help="Show calls, tokens and cost by stage; spend nothing.")
@click.option("--overwrite", is_flag=True, help="Replace dataset files that were edited by hand.")
@click.option("--push-to-hub", default="", metavar="OWNER/NAME", help="Upload the dataset there, as a private one.")
@click.option("--public", is_flag=True, help="Make that dataset public.")
@click.option("--push-rejected", is_flag=True, help="Upload rejected.jsonl, too.")
@click.option("--no-secret", multiple=True, metavar="MARK", help="Upload although this looks like a secret.")
@common_with(run_named("the first source's name"))
def build_command(**values: Any) -> None:
    """Ask a teacher about documents and write a dataset.

    PATHS are Markdown files or folders of them; with the extra `convert` PDF, DOCX, PPTX, HTML and
    EPUB, too. The run is named after the first unless --run names it.

    \b
    Examples:
      wukong-pipe build corpora/blackwukong.md
      wukong-pipe build docs/ --base-url http://127.0.0.1:8000/v1 --teacher-model qwen3
      wukong-pipe build corpora/apollo.md --teacher offline --variants 8
      wukong-pipe build handbook.pdf slides.pptx
      wukong-pipe build docs/ --limit 3 --price-in 0.4 --price-out 1.6
      wukong-pipe build docs/ --price-in 0.4 --price-out 1.6 --max-cost 5
      wukong-pipe build docs/ --reask short
      wukong-pipe build docs/ --shard 2/3 --max-cost 5
      wukong-pipe build docs/ --workers 4
      wukong-pipe build docs/ --engine ray --ray-address 10.0.0.1:6379
      wukong-pipe build docs/ --answer-variants 2 --verifier-model qwen3-max
      wukong-pipe build docs/ --format messages --push-to-hub me/docs
    """
    options = CommandOptions(**values)
    if options.shard != WHOLE and (options.reask or options.push_to_hub):
        raise click.UsageError("--reask and --push-to-hub belong to the last build, the one without --shard.")
    destination = options.destination()
    if destination.repo and not options.dry_run:
        check_ready(destination.repo)
    if options.dry_run:
        show_price(price_from(options, err.print), out, as_json=options.json)
        return
    try:
        with Steps(err).shown() as steps:
            result = build_from(options, steps, err.print, given_command)
    except ShardEnded as end:
        show_shard(options.place()[1], end, out, as_json=options.json)
        return
    show_build(result.run, result.built, result.invocation, result.rest, out, err, as_json=options.json)
    if destination.repo:
        err.print(f"Uploaded to {push(result.run, destination, err.print, rejected=options.push_rejected)}")
    if not result.shortfall.enough:
        raise ShortOfQuota(result.shortfall.sentence, askable=result.shortfall.askable)
