"""What `wukong-pipe build` does once its options are read: the teacher behind the journal, the build, its bill."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wukong_pipe.account.estimate import Price, estimate
from wukong_pipe.asking.waves import Asking, waves
from wukong_pipe.commands.askers import LOCAL, Engine, asking_of, backend_of, crew_of
from wukong_pipe.commands.teacher_choice import TeacherChoice, settings_of, verifier_settings_of
from wukong_pipe.corpus.run_sources import changed_sources, check_same_corpus, noted_places
from wukong_pipe.corpus.sources import Source
from wukong_pipe.dataset.files import check_untouched
from wukong_pipe.dataset.holdout_plan import cluster
from wukong_pipe.dataset.holdout_size import expected_size
from wukong_pipe.errors import Interrupted, ShardEnded, WorkspaceError
from wukong_pipe.files import write_json
from wukong_pipe.journal.opened import journal_of
from wukong_pipe.journal.records import Prices
from wukong_pipe.journal.store import Journal
from wukong_pipe.pipeline import Built, build, load_prompts, read_sections, share_to_test
from wukong_pipe.records import Section
from wukong_pipe.stages.base_qa import quota
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.workers import HERE, Workers
from wukong_pipe.teacher.attempts import ATTEMPTS, Attempts, Reask
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import NOTHING, Ledger, money
from wukong_pipe.teacher.shard import WHOLE, Shard
from wukong_pipe.teacher.stopping import draining
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_pipe.providers.client import TeacherSettings

Progress = Callable[[str, int, int, str], None]
"""Called with (step, done, total, note)."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one `build` did and what it is booked at, as it stands in build.json.

    {"calls_made": 13, "calls_from_journal": 0, "failed_calls": 0, "calls_in_vain": 0, "tokens_in": 1300,
     "tokens_out": 260, "cost": "0.0021", "currency": "USD", "seconds": 4.2, "paths": ["/home/me/docs"], …}
    """

    calls_made: int
    calls_from_journal: int
    failed_calls: int
    calls_in_vain: int
    """Of those made, what asked early for wordings that are not needed: see `EarlyWordings`."""
    tokens_in: int
    tokens_out: int
    unknown_tokens_in: int
    """Of calls of unknown outcome, at most."""
    unknown_tokens_out: int
    cost: str | None
    """None without prices."""
    currency: str
    overcharged: str
    """A sentence where the provider billed more than a request can cost; else empty."""
    seconds: float
    ended: str
    """As "2026-11-29T21:04:11+00:00"."""
    command: str
    """That makes it again; "" where none was typed."""
    places: dict[str, Any]
    """Where the sources stand: see `noted_places`."""

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        return {**{name: value for name, value in values.items() if name != "places"}, **self.places}


def run_build(
    workspace: Workspace,
    run: Run,
    sources: list[Source],
    settings: BuildSettings,
    choice: TeacherChoice,
    *,
    named: bool,
    overwrite: bool,
    progress: Progress,
    reask: Reask | None = None,
    shard: Shard = WHOLE,
    workers: Workers = HERE,
    engine: Engine = LOCAL,
    say: Callable[[str], None] = lambda line: None,
    command: str = "",
) -> tuple[Built, Invocation]:
    """Build the run's dataset, and note what this invocation cost in build.json.

    Args:
        named: the user named the run, and so means to replace what it holds.
        shard: the part of the calls that are made here; any but the whole writes no dataset.
        engine: where the jobs are done; it changes nothing of what comes out.
        say: told what the user must know while calls are in flight.
        command: that the user gave, for build.json.

    Raises:
        WukongError: see `build`; also where the run holds what a rebuild would lose.
        Interrupted: the user stopped it; what was in flight is in the journal.
        ShardEnded: the shard has bought what it can; build.json is there.
    """
    started = time.monotonic()
    # Before anything is written: a missing key must not leave an empty run behind.
    teacher_settings = None if choice.kind == "offline" else settings_of(choice)
    verifying = verifier_settings_of(choice) if settings.verify != "none" else None
    with crew_of(engine, say) as crew, workspace.writing():
        _open_run(run, sources, say, named=named, overwrite=overwrite or shard != WHOLE)
        with journal_of(workspace, run, say, is_paid=teacher_settings is not None) as journal:
            ledger = Ledger(journal, shard.label(run.name), choice.prices, choice.ceilings)
            if choice.batch and teacher_settings is not None:
                say(waves(settings.verify != "none"))

            def asker(of: TeacherSettings | None) -> JournalledTeacher:
                backend = backend_of(of, choice.batch, journal, ledger, shard.label(run.name), say, crew)
                return JournalledTeacher(journal, backend, run.name, shard)

            teacher = asker(teacher_settings)
            verifier = None if settings.verify == "none" else asker(verifying) if verifying else teacher
            attempts = _attempts(journal, run, reask, settings.min_fill)
            asking = replace(
                asking_of(teacher, verifier, teacher_settings, choice.batch, attempts, crew, workers), shard=shard
            )

            def note() -> Invocation:
                invocation = _invocation(asking, ledger, time.monotonic() - started, command, noted_places(sources))
                write_json(run.folder / "build.json", invocation.to_json())
                return invocation

            def show(step: str, done: int, total: int) -> None:
                progress(step, done, total, "; ".join(filter(None, (spent_so_far(ledger), str(crew or "")))))

            try:
                with draining(lambda: _drain(asking, ledger, choice.batch, say), lambda: bool(ledger.in_flight)):
                    built = build(sources, settings, asking, run, show, say)
            except BaseException as end:
                has_bought = any(one.bought for one in asking.askers) or ledger.spent.tokens != NOTHING
                if has_bought or isinstance(end, ShardEnded):
                    # A full disk has no room for the note either: the user is told what failed first.
                    with contextlib.suppress(WorkspaceError):
                        note()
                raise
            invocation = note()
        workspace.remember(run)
    return built, invocation


def _open_run(run: Run, sources: Sequence[Source], say: Callable[[str], None], *, named: bool, overwrite: bool) -> None:
    """Make the run's folder, unless what it holds would be lost.

    Raises:
        WorkspaceError: it was built from other files, or its dataset was edited by hand.
    """
    if not named:
        check_same_corpus(run, sources)
    if not overwrite:
        check_untouched(run)
    if changes := changed_sources(run, sources):
        say(f"Since the last build: {changes}.")
    run.folder.mkdir(parents=True, exist_ok=True)


def _drain(asking: Asking, ledger: Ledger, batch: bool, say: Callable[[str], None]) -> None:
    """What the first Ctrl-C does."""
    asking.stop(Interrupted("Interrupted; what was in flight has been kept."))
    say(
        "Stopping; an open batch stays with the provider, and the same command collects it."
        if batch
        else f"Stopping: {ledger.in_flight} calls in flight are finished and kept; again to stop at once."
    )


def _attempts(journal: Journal, run: Run, reask: Reask | None, min_fill: float) -> Attempts:
    return Attempts(
        granted=lambda name: journal.allowance(run.name, name),
        grant=lambda name: journal.allow(run.name, name, ATTEMPTS),
        all_granted=lambda: journal.allowances(run.name),
        reask=reask or Reask(),
        min_fill=min_fill,
    )


# --- what it cost ------------------------------------------------------------------------------------------------


def _invocation(asking: Asking, ledger: Ledger, seconds: float, command: str, places: dict[str, Any]) -> Invocation:
    spent = ledger.spent
    return Invocation(
        calls_made=sum(one.bought for one in asking.askers),
        calls_from_journal=sum(one.from_journal for one in asking.askers),
        failed_calls=spent.failed,
        calls_in_vain=sum(one.in_vain for one in asking.askers),
        tokens_in=spent.tokens.prompt,
        tokens_out=spent.tokens.completion,
        unknown_tokens_in=spent.unknown.prompt,
        unknown_tokens_out=spent.unknown.completion,
        cost=None if ledger.cost is None else f"{ledger.cost.normalize():f}",
        currency=ledger.prices.currency if ledger.prices else "",
        overcharged=ledger.overcharged,
        seconds=round(seconds, 2),
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        places=places,
    )


def spent_so_far(ledger: Ledger) -> str:
    """What this invocation has used, for the progress line: without what is booked for calls that are on their way."""
    if not ledger.spent.sends:
        return ""
    used, prices = ledger.settled, ledger.prices
    cost = "" if prices is None else f", {money(prices.cost(used), prices.currency)}"
    return f"{ledger.spent.answered} calls, {used.prompt:,} tokens in, {used.completion:,} out{cost}"


# --- what it will cost -------------------------------------------------------------------------------------------


def price_of(sources: list[Source], settings: BuildSettings, prices: Prices | None, shard: Shard = WHOLE) -> Price:
    """What a build, or one shard of it, is expected to take; spends nothing.

    Raises:
        DataError: a prompt file is not as it must be.
    """
    return _priced(read_sections(sources, settings), share_to_test(sources, settings), settings, prices, shard)


def _priced(
    sections: Iterable[Section], tested: float | None, settings: BuildSettings, prices: Prices | None, shard: Shard
) -> Price:
    quotas: list[int] = []
    pairs = Counter[str]()

    def counted() -> Iterator[Section]:
        for section in sections:
            if wanted := quota(section, settings.max_pairs):
                # What is held out is chosen among the sections of all shards.
                pairs[cluster(section)] += wanted
                if shard.owns(section):
                    quotas.append(wanted)
                    yield section

    stages = estimate(counted(), settings, load_prompts(settings), tested)
    size = expected_size(pairs, settings.holdout, settings.variants, tested)
    return Price(len(quotas), sum(quotas), stages, prices, size)


def price_of_rest(sources: list[Source], settings: BuildSettings, built: Built, prices: Prices | None) -> Price:
    """The price of the sections that a limited build has left out, in the proportion in which those that it took turned
    out dearer or cheaper than expected."""
    tried = {section.id for section in built.sections}
    rest = (section for section in read_sections(sources, replace(settings, limit=None)) if section.id not in tried)
    price = _priced(rest, share_to_test(sources, settings), settings, prices, WHOLE)
    calls = built.manifest["calls"]
    stages = {
        stage: expected.scaled(calls[stage]["estimated"], calls[stage]["used"])
        for stage, expected in price.stages.items()
    }
    return replace(price, stages=stages)
