"""`build`: a dataset from documents."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from wukong_pipe.cli.given_command import given_command
from wukong_pipe.cli.options import common_with, err, out, run_named
from wukong_pipe.cli.teacher_options import TeacherOptions, encoding_option, model_options, price_options, speed_options
from wukong_pipe.commands.askers import Engine
from wukong_pipe.commands.build import price_of, price_of_rest, run_build
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.corpus.sources import passed_over, read_sources
from wukong_pipe.dataset import hub
from wukong_pipe.dataset.formats import FORMATS, Format
from wukong_pipe.dataset.holdout_plan import MOST
from wukong_pipe.errors import ShardEnded, ShortOfQuota
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.build_result import show_build, show_price, show_shard
from wukong_pipe.stages.heldout_wordings import A_PAIR
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import MOST_SPELLINGS
from wukong_pipe.teacher.attempts import Reask
from wukong_pipe.teacher.shard import WHOLE, Shard
from wukong_pipe.verify.scope import SCOPES, Scope
from wukong_pipe.workspace import Workspace

MOST_VARIANTS = 100
"""More wordings of one question than anybody needs, or a teacher has: a slip of the finger would be paid for."""


class ShardNumber(click.ParamType[Shard]):
    """A part of a build: 2/3."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        try:
            return Shard.of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions(TeacherOptions):
    """What the options of `build` read."""

    paths: tuple[Path, ...]
    teacher: Literal["openai", "offline"]
    variants: int
    answer_variants: int
    verify: Scope | None
    verifier_model: str
    verifier_base_url: str
    about: str
    max_pairs: int
    holdout: float
    min_fill: float
    batch: bool
    lang: Literal["auto", "zh", "en"]
    format: Format
    prompts: Path | None
    limit: int | None
    reask: tuple[str, ...]
    shard: Shard
    engine: Literal["local", "ray"]
    ray_address: str
    dry_run: bool
    overwrite: bool
    push_to_hub: str
    public: bool
    push_rejected: bool
    no_secret: tuple[str, ...]
    runs_dir: Path
    run: str
    json: bool

    def settings(self) -> BuildSettings:
        return BuildSettings(
            variants=self.variants,
            heldout_wordings=A_PAIR if self.teacher != "offline" and self.holdout else 0,
            answer_variants=self.answer_variants,
            spellings=MOST_SPELLINGS if self.teacher != "offline" and self.holdout else 0,
            verify=self.verify or ("none" if self.teacher == "offline" else "all"),
            max_pairs=self.max_pairs,
            holdout=self.holdout,
            min_fill=self.min_fill,
            lang=None if self.lang == "auto" else self.lang,
            prompts=self.prompts,
            about=" ".join(self.about.split()),
            limit=self.limit,
            format=self.format,
        )

    @property
    def is_verifier_named(self) -> bool:
        return bool(self.verifier_model or self.verifier_base_url)

    def whole_choice(self) -> TeacherChoice:
        """The teacher and the verifier."""
        return replace(
            self.choice(self.teacher, batch=self.batch),
            verifier_model=self.verifier_model,
            verifier_base_url=self.verifier_base_url,
            verifier_key=os.environ.get("VERIFIER_API_KEY", ""),
        )

    def destination(self) -> hub.Destination:
        return hub.Destination(self.push_to_hub, self.public, self.push_rejected, self.no_secret)


@click.command("build")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--teacher",
    type=click.Choice(["openai", "offline"]),
    default="openai",
    show_default=True,
    help="A server that speaks OpenAI's protocol, or the embedded templates.",
)
@model_options
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
@click.option(
    "--verify",
    type=click.Choice(SCOPES),
    help="What is read a second time. all: pairs, test wordings, a tenth of the others; full: everything; doubtful: "
    "what the checks doubt; none.  [default: all; none with --teacher offline]",
)
@click.option("--verifier-model", default="", help="The model that reads a second time.  [default: the teacher's]")
@click.option(
    "--verifier-base-url", default="", help="Its server; $VERIFIER_API_KEY is its key.  [default: the teacher's]"
)
@click.option("--max-pairs", type=click.IntRange(1), default=40, show_default=True, help="Most pairs of a section.")
@click.option(
    "--holdout",
    type=click.FloatRange(0, MOST),
    default=0.1,
    show_default=True,
    help="Share of sections and pairs held out whole; 0 for no test at all.",
)
@click.option(
    "--min-fill",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="Share kept by the checks below which a section is asked again, and the build, as a whole, exits with 3.",
)
@speed_options
@click.option("--batch", is_flag=True, help="Through the provider's Batch API: cheaper, within a day.")
@price_options
@click.option(
    "--lang", type=click.Choice(["auto", "zh", "en"]), default="auto", show_default=True, help="Of the sources."
)
@encoding_option
@click.option(
    "--about", default="", metavar="TEXT", help="What the documents are about, where no title of theirs says it."
)
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
@click.option(
    "--shard",
    type=ShardNumber(),
    default="1/1",
    metavar="i/N",
    help="Only make part i of the calls, as one of N machines, in rounds: the verifier's calibration, pairs, "
    "wordings. After each unite the journals by `journal --merge`; a build without --shard then makes no call. "
    "Ceilings are each machine's own.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
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
      wukong-pipe build docs/ --engine ray --ray-address 10.0.0.1:6379
      wukong-pipe build docs/ --answer-variants 2 --verifier-model qwen3-max
      wukong-pipe build docs/ --format messages --push-to-hub me/docs
    """
    options = BuildOptions(**values)
    if options.teacher == "offline" and options.verify not in (None, "none") and not options.is_verifier_named:
        raise click.UsageError(
            "--verify needs a language model: name one with --verifier-model or --verifier-base-url."
        )
    if options.shard != WHOLE and (options.reask or options.push_to_hub):
        raise click.UsageError("--reask and --push-to-hub belong to the last build, the one without --shard.")
    if options.ray_address and options.engine != "ray":
        raise click.UsageError("--ray-address goes with --engine ray.")
    if options.engine == "ray" and (options.batch or options.shard != WHOLE):
        raise click.UsageError(
            "--engine ray sends calls one by one, and shares them out itself: without --batch and --shard."
        )
    if options.batch and "," in options.base_url:
        raise click.UsageError("--batch goes to one server: give one --base-url.")
    destination = options.destination()
    if destination.repo and not options.dry_run:
        hub.check_ready(destination.repo)
    workspace = Workspace(options.runs_dir)
    run = workspace.run(options.run) if options.run else workspace.run_after(options.paths[0])
    sources = read_sources(options.paths, options.encoding, run.converted, err.print)
    if others := passed_over(options.paths, run.converted):
        err.print(others)
    settings, prices = options.settings(), options.prices()
    if options.dry_run:
        show_price(price_of(sources, settings, prices, options.shard), out, as_json=options.json)
        return
    choice, reask = options.whole_choice(), Reask(*options.reask)
    try:
        with Steps(err).shown() as steps:
            built, invocation = run_build(
                workspace,
                run,
                sources,
                settings,
                choice,
                named=bool(options.run),
                overwrite=options.overwrite,
                progress=steps,
                reask=reask,
                shard=options.shard,
                engine=Engine(options.engine, options.ray_address),
                say=err.print,
                command=given_command(run),
            )
    except ShardEnded as end:
        show_shard(run, end, out, as_json=options.json)
        return
    rest = price_of_rest(sources, settings, built, prices) if settings.limit else None
    show_build(run, built, invocation, rest, out, err, as_json=options.json)
    if reask.unmet:
        err.print(f"Warning: --reask names no section or trained pair: {', '.join(reask.unmet)}.", style="yellow")
    if destination.repo:
        err.print(f"Uploaded to {hub.push(run, destination, err.print)}")
    if not built.shortfall.enough:
        raise ShortOfQuota(built.shortfall.sentence, askable=built.shortfall.askable)
