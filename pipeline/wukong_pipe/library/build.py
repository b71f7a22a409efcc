"""`wukong_pipe.build`: a dataset from documents, and what became of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wukong_pipe.account.estimate import Price
from wukong_pipe.account.shortfall import Shortfall
from wukong_pipe.commands.askers import Engine
from wukong_pipe.commands.build import Invocation, Progress, price_of, price_of_rest, run_build
from wukong_pipe.commands.build_options import BuildOptions
from wukong_pipe.corpus.sources import Source, passed_over, read_sources
from wukong_pipe.files import json_pieces
from wukong_pipe.library.calling import Heard, as_text, of_options
from wukong_pipe.pipeline import Built
from wukong_pipe.records import Reject, Row
from wukong_pipe.screens.build import build_summary
from wukong_pipe.stages.workers import at_work, count_for
from wukong_pipe.workspace import Run


@dataclass(frozen=True, slots=True, repr=False)
class BuildResult:
    """A finished build. Printed, it is the summary that the command shows."""

    run: Run
    built: Built
    """All that the build made."""
    invocation: Invocation
    """The calls, tokens and time of this build."""
    rest: Price | None = None
    """The price of the sections that `limit` left out."""
    notes: tuple[str, ...] = ()
    """What was said while it ran, such as which files were passed over."""

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of all splits, as they stand in the dataset's files."""
        return self.built.rows

    @property
    def splits(self) -> dict[str, int]:
        """{"train": 120, "validation": 12, "test": 30}"""
        counts: dict[str, int] = self.built.manifest["splits"]
        return counts

    @property
    def rejects(self) -> Sequence[Reject]:
        """What is in rejected.jsonl."""
        return self.built.rejects

    @property
    def rejected(self) -> Counter[str]:
        """How many rejects there are of each reason, by its code: Counter({"duplicate": 9, "number-gone": 2})."""
        return Counter(reject.reason.code for reject in self.rejects)

    @property
    def cost(self) -> Decimal | None:
        """What this build cost, in the currency of the prices; None without prices. What the journal held is free."""
        return None if self.invocation.cost is None else Decimal(self.invocation.cost)

    @property
    def shortfall(self) -> Shortfall:
        """What was asked for and is not there; `shortfall.enough` is False where the command would exit with 3."""
        return self.built.shortfall

    @property
    def manifest(self) -> dict[str, Any]:
        """The content of manifest.json, as plain lists and objects that are made anew each time."""
        content: dict[str, Any] = json.loads("".join(json_pieces(self.built.manifest)))
        return content

    @property
    def warnings(self) -> list[str]:
        return [*self.built.warnings, *filter(None, [self.invocation.overcharged])]

    def summary(self) -> str:
        short = "" if self.shortfall.enough else f"Short: {self.shortfall.sentence}"
        return as_text(build_summary(self.built), f"Dataset: {self.run.dataset}", *filter(None, [short]))

    def __repr__(self) -> str:
        return self.summary()


@of_options(BuildOptions)
def build(options: BuildOptions) -> BuildResult:
    """Ask a teacher about documents and write a dataset, as `wukong-pipe build` does.

    The options are those of the command, with the same names and defaults, but for `workers`, which is 1 here;
    `wukong-pipe build --help` explains each.
    Keys are taken from the environment ($OPENAI_API_KEY); wukong.toml and WUKONG_* are the command line's alone.

    >>> import wukong_pipe
    >>> built = wukong_pipe.build("book.md", teacher="offline", variants=4, holdout=0)
    >>> built.run.name, built.splits["train"] == len(built.rows), built.cost
    ('book', True, None)
    >>> built.rows[0].output in built.rows[0].evidence[0]
    True
    >>> wukong_pipe.build("no-such-file.md")
    Traceback (most recent call last):
    wukong_pipe.errors.CorpusError: no-such-file.md does not exist.

    Raises:
        WukongError: an option is wrong, the documents cannot be read, or the teacher cannot be used.
        StoppedShort: a ceiling is reached, or the teacher failed too often; the same call goes on from there.
        Interrupted: Ctrl-C; what was in flight is in the journal.
        ShardEnded: `shard` is one of several, and has bought what it can; no dataset is written.
    """
    heard = Heard(options)
    return build_from(options, heard.progress, heard.say, notes=heard.lines)


def build_from(
    options: BuildOptions,
    progress: Progress,
    say: Callable[[str], None],
    command: Callable[[Run], str] = lambda run: "",
    *,
    notes: list[str] | None = None,
) -> BuildResult:
    """Build as the options say.

    Args:
        say: told what there is to know, line by line.
        command: what was typed, for build.json.
        notes: where `say` keeps its lines.

    Raises:
        WukongError: see `run_build`.
    """
    settings, choice, reask = options.settings(), options.whole_choice(), options.reasked()
    workspace, run = options.place()
    sources = _read(options, run, say)
    with at_work(count_for(sources, options.workers), say) as workers:
        built, invocation = run_build(
            workspace,
            run,
            sources,
            settings,
            choice,
            named=bool(options.run),
            overwrite=options.overwrite,
            progress=progress,
            reask=reask,
            shard=options.shard,
            workers=workers,
            engine=Engine(options.engine, options.ray_address),
            say=say,
            command=command(run),
        )
    if reask.unmet:
        built.warnings.append(f"--reask names no section or trained pair: {', '.join(reask.unmet)}.")
    rest = price_of_rest(sources, settings, built, choice.prices) if settings.limit else None
    return BuildResult(run, built, invocation, rest, tuple(notes or ()))


def price_from(options: BuildOptions, say: Callable[[str], None]) -> Price:
    """What such a build is expected to take; spends nothing.

    Raises:
        WukongError: an option is wrong, or the documents cannot be read.
    """
    sources = _read(options, options.place()[1], say)
    return price_of(sources, options.settings(), options.prices(), options.shard)


def _read(options: BuildOptions, run: Run, say: Callable[[str], None]) -> list[Source]:
    paths = options.sources()
    sources = read_sources(paths, options.encoding, run.converted, say)
    if others := passed_over(paths, run.converted):
        say(others)
    return sources
