"""The build, from top to bottom: a pure function of corpus, settings and what the teacher answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, get_args

from wukong_pipe.corpus.row_pages import with_pages
from wukong_pipe.corpus.sources import Source
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import telling_terms
from wukong_pipe.dataset.dedupe import Removal, dedupe
from wukong_pipe.dataset.facts import with_fact_ids
from wukong_pipe.dataset.files import write_dataset
from wukong_pipe.dataset.holdout import hold_out
from wukong_pipe.dataset.holdout_plan import Plan, plan, with_sections
from wukong_pipe.dataset.holdout_size import HoldoutSize, size_of
from wukong_pipe.errors import CorpusError
from wukong_pipe.records import Lang, QAPair, Reject, Row, Section, with_ids
from wukong_pipe.stages.answers import take_in_turn
from wukong_pipe.stages.asking import (
    AllWordings,
    Asking,
    StageProgress,
    ask_sections,
    ask_wordings,
    calibrated,
)
from wukong_pipe.stages.base_qa import Pairs, quota
from wukong_pipe.stages.changes import changes_elsewhere
from wukong_pipe.stages.early_wordings import MOST_BESIDE, EarlyWordings
from wukong_pipe.stages.edits import apply_edits, pushed_out
from wukong_pipe.stages.edits_file import Edit, read_edits, torn_lines
from wukong_pipe.stages.foreseen_jobs import ForeseenJobs
from wukong_pipe.stages.heldout_wordings import held_rows, pairs_to_test, share_tested
from wukong_pipe.stages.jobs import Prompts
from wukong_pipe.stages.manifest import Results, all_rejects, manifest
from wukong_pipe.stages.paraphrase import base_row, family
from wukong_pipe.stages.rescue import Known, Rescued, rescue, with_rescued
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.shortfall import Shortfall, shortfall, unsettled
from wukong_pipe.stages.spellings import spellings_wanted, with_spellings
from wukong_pipe.stages.verification import Verification
from wukong_pipe.stages.wording_jobs import wording_jobs
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.prompt_files import OF_VERIFY, PLACEHOLDERS, load_prompt
from wukong_pipe.workspace import Run


@dataclass(frozen=True, slots=True)
class Built:
    """What a build made, for the screen."""

    sections: list[Section]
    rows: list[Row]
    rejects: list[Reject]
    manifest: dict[str, Any]
    pairs: list[QAPair]
    shortfall: Shortfall
    """What was asked for and is not there."""
    warnings: list[str]
    """What was done to sources and edits that their author should know."""
    edits: str
    """What the user's own edits did; empty where there are none."""
    changed: list[str]
    """Rows of sections that are as they were, which this rebuild changed all the same."""


def build(
    sources: Sequence[Source],
    settings: BuildSettings,
    asking: Asking,
    run: Run,
    progress: StageProgress = lambda stage, done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> Built:
    """Sources → dataset/ of the run: split, ask, verify, hold out, reword, edit, dedupe, audit, write.

    Args:
        say: told what is held out, before wordings are bought.

    Raises:
        WukongError: an input cannot be read, or the teacher cannot be used.
        StoppedShort: the teacher failed too often; its answers so far are in the journal.
    """
    prompts, edits, warnings = load_prompts(settings), read_edits(run.edits), torn_lines(run.edits)
    sections, share = _worth_asking(sources, settings, warnings.append), share_to_test(sources, settings)
    names = telling_terms(sections)

    # One event loop for all waves: a client's connections belong to the loop that opened them.
    with asyncio.Runner() as loop:
        try:
            asked = _ask(sections, names, share, settings, asking, prompts, loop, progress, say)
        finally:
            loop.run(asking.close())

    rejects, rescued, families = _rescued(asked, edits, sections, asking, prompts)
    edited = apply_edits(families, edits, {section.id: section for section in sections}, rescued)
    unique, duplicate_rows = _unique(edited.rows, names, rescued.row_ids)
    holdout = with_sections(asked.holdout, asked.pairs, rescued.sections_among(sections), settings.holdout)
    held = hold_out(unique, holdout, settings.drawn, names, asking.form_of, rescued.row_ids)
    given = edited.answered | rescued.row_ids
    rows = take_in_turn(held.rows, _places(asked.wordings), asked.wordings.answers, given)
    rows = with_pages(rows, sources)

    results = Results(
        sections=sections,
        harvests=asked.harvests,
        candidates=asked.candidates,
        pairs=asked.pairs,
        duplicate_pairs=asked.duplicate_pairs,
        wordings=asked.wordings,
        rejects=rejects,
        rescued=rescued,
        families=families,
        edited=edited,
        unique=unique,
        duplicate_rows=duplicate_rows,
        held=held,
        verification=asked.verification,
        holdout_size=asked.holdout_size,
        tested=share,
    )
    rejected, account = all_rejects(results), manifest(results, rows, sources, settings, asking, prompts)
    changed = changes_elsewhere(run, rows, rejected, settings, edited.touched, asked.wordings.tested)
    write_dataset(run, rows, rejected, account, settings.format)
    short = shortfall(asked.harvests, asked.wordings, settings, asking.teacher)
    warnings += [*edited.warnings(run.edits), *rescued.warnings(run.edits), *pushed_out(edited, rejected)]
    warnings += unsettled(asked.all_harvests)
    return Built(sections, rows, rejected, account, asked.pairs, short, warnings, edited.line, changed)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the stages that ask brought; see `Results`."""

    verification: Verification
    harvests: list[Pairs]
    candidates: list[QAPair]
    pairs: list[QAPair]
    duplicate_pairs: list[Removal]
    holdout: Plan
    holdout_size: HoldoutSize
    wordings: AllWordings

    @property
    def all_harvests(self) -> list[Harvest[Any, Any]]:
        """Stage by stage."""
        return [*self.harvests, *self.wordings.all]


def _ask(
    sections: Sequence[Section],
    names: frozenset[str],
    share: float | None,
    settings: BuildSettings,
    asking: Asking,
    prompts: Prompts,
    loop: asyncio.Runner,
    progress: StageProgress,
    say: Callable[[str], None],
) -> _Asked:
    """Pairs of the sections, what is held out of them, and wordings of the others.

    Args:
        share: see `share_to_test`.
    """
    verification = loop.run(calibrated(sections, asking, settings, prompts, progress))
    for line in verification.rights():
        say(line)
    desk = asking.desk(settings, prompts, verification)
    foreseen = ForeseenJobs(sections, settings, share)
    early = EarlyWordings(desk, asking.executor, asking.askers, asking.early_slots, foreseen.of, asking.stop)
    harvests = loop.run(ask_sections(sections, asking, desk, progress, early))
    candidates = [pair for harvest in harvests for pair in with_fact_ids(harvest.kept)]
    if len(candidates) >= MOST_BESIDE:
        loop.run(early.drain())
    pairs, duplicate_pairs = _distinct(candidates, names)
    # Held out before wordings are bought: those of a pair that is no training data would be paid for in vain.
    holdout = plan(pairs, settings.holdout)
    trained = [pair for pair in pairs if not holdout.level(pair)]
    of_test = None if share is None else pairs_to_test(pairs, holdout, share)
    size = size_of(pairs, holdout, settings.holdout, settings.variants, of_test)
    for line in size.lines:
        say(line)
    # The verifier matches a wording with all questions of its section: they must be settled.
    heard = [harvest for harvest in harvests if harvest.is_settled]
    questions = {harvest.subject.id: tuple(pair.question for pair in harvest.kept) for harvest in heard}
    trained = [pair for pair in trained if pair.section.id in questions]
    of_test = [pair for pair in of_test or () if pair.section.id in questions]
    spelt = heard if settings.spellings else ()
    spellings = [part for harvest in spelt for part in spellings_wanted(harvest.subject, harvest.kept)]
    jobs = list(wording_jobs(trained, of_test, questions, spellings, settings))
    wordings = loop.run(ask_wordings(jobs, asking, progress, early))
    return _Asked(verification, harvests, candidates, pairs, duplicate_pairs, holdout, size, wordings)


def load_prompts(settings: BuildSettings) -> Prompts:
    """The prompts of the stages that the settings ask for.

    Raises:
        DataError: a prompt file is not as it must be.
    """
    unwanted = {
        "answers": not settings.answer_variants,
        "heldout_wordings": not settings.heldout_wordings,
        "spellings": not settings.spellings,
    }
    stages = [stage for stage in PLACEHOLDERS if not unwanted.get(stage)]
    stages += OF_VERIFY if settings.verify != "none" else ()
    return {stage: {lang: load_prompt(stage, lang, settings.prompts) for lang in get_args(Lang)} for stage in stages}


def read_sections(
    sources: Sequence[Source],
    settings: BuildSettings,
    warn: Callable[[str], None] = lambda line: None,
) -> Iterator[Section]:
    """The sections of all sources, in order, one source held at a time; with `limit`, the first that have something
    to ask."""
    sections = (section for source in sources for section in split(source.text, source.name, settings.lang, warn))
    if settings.limit is None:
        return sections
    return islice((section for section in sections if quota(section, settings.max_pairs)), settings.limit)


def share_to_test(sources: Sequence[Source], settings: BuildSettings) -> float | None:
    """The share of pairs that wordings are written of for the test, settled before anything is asked; None where none
    are written. A limit does not change it: what a limited build buys, the whole one uses."""
    if not settings.heldout_wordings:
        return None
    sections = read_sections(sources, replace(settings, limit=None))
    return share_tested(sum(quota(section, settings.max_pairs) for section in sections))


def _worth_asking(sources: Sequence[Source], settings: BuildSettings, warn: Callable[[str], None]) -> list[Section]:
    """The sections of all sources.

    Raises:
        CorpusError: none of them has something to ask about.
    """
    sections = list(read_sections(sources, settings, warn))
    if not any(quota(section, settings.max_pairs) for section in sections):
        raise CorpusError(
            f"There is nothing to ask about in {', '.join(source.name for source in sources[:3])}: "
            "no sentence, list item, table row or code."
        )
    return sections


def _distinct(pairs: Sequence[QAPair], names: frozenset[str]) -> tuple[list[QAPair], list[Removal]]:
    """The pairs that ask something of their own, each once, in order; and why the others were left out."""
    rows, removals = dedupe([base_row(pair) for pair in pairs], names)
    kept = {row.pair_id for row in rows}
    first: dict[str, QAPair] = {}
    for pair in pairs:
        if pair.id in kept:
            first.setdefault(pair.id, pair)
    return list(first.values()), removals


def _rescued(
    asked: _Asked, edits: Sequence[Edit], sections: Sequence[Section], asking: Asking, prompts: Prompts
) -> tuple[list[Reject], Rescued, list[Row]]:
    """What of the teacher's replies was not kept, what of that the user lets in, and the rows of all pairs with it."""
    rows = with_spellings(_families(asked.pairs, asked.wordings), asked.wordings.spellings)
    rejects = [*with_ids(reject for harvest in asked.all_harvests for reject in harvest.rejects)]
    rescued = rescue(rejects, edits, Known.of(asked.pairs, asked.candidates, rows, asking.teacher.model, prompts))
    return rejects, rescued, with_rescued(rows, rescued.rows, sections)


def _families(pairs: Sequence[QAPair], wordings: AllWordings) -> list[Row]:
    """The rows of each pair: its own question, and the other wordings where there are any."""
    families = {one.subject.id: family(one) for one in wordings.questions}
    held = held_rows(wordings.tests)
    return [row for pair in pairs for row in [*(families.get(pair.id) or [base_row(pair)]), *held.get(pair.id, ())]]


def _unique(rows: Sequence[Row], names: frozenset[str], rescued: frozenset[str]) -> tuple[list[Row], list[Removal]]:
    """The rows that ask something of their own, in order; and why the others were left out."""
    # No wording of one question may push out another question itself, none that is trained one that is tested, and what
    # was rescued nothing at all.
    ranked = sorted(rows, key=lambda row: (row.id in rescued, row.is_paraphrase, row.split == "train"))
    kept, removals = dedupe(ranked, names)
    order = {row.id: i for i, row in enumerate(rows)}
    return sorted(kept, key=lambda row: order[row.id]), removals


def _places(wordings: AllWordings) -> dict[str, int]:
    """Row id → place in its family, as the teacher gave it."""
    return {row.id: place for one in wordings.questions for place, row in enumerate(family(one))}
