"""The build, from top to bottom: a pure function of corpus, settings and what the teacher answered."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar, get_args

from wukong_pipe.account.changes import changes_elsewhere
from wukong_pipe.account.manifest import Results, manifest, removed_rows
from wukong_pipe.account.shortfall import Shortfall, shortfall
from wukong_pipe.asking.early_wordings import MOST_BESIDE, EarlyWordings
from wukong_pipe.asking.foreseen_jobs import ForeseenJobs
from wukong_pipe.asking.jobs import mapping
from wukong_pipe.asking.waves import Asking, Lists, StageProgress, ask_sections, ask_wordings, calibrated
from wukong_pipe.asking.wording_jobs import WordingJobs
from wukong_pipe.corpus.row_pages import with_pages
from wukong_pipe.corpus.sources import Source
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import telling_terms, worth
from wukong_pipe.dataset.dedupe import Removal
from wukong_pipe.dataset.facts import with_fact_ids
from wukong_pipe.dataset.files import write_dataset
from wukong_pipe.dataset.holdout import hold_out
from wukong_pipe.dataset.holdout_plan import Plan, plan, with_sections
from wukong_pipe.dataset.holdout_size import HoldoutSize, size_of
from wukong_pipe.edits.applying import apply_edits, pushed_out
from wukong_pipe.edits.edits_file import Edit, read_edits, torn_lines
from wukong_pipe.edits.rescue import NOTHING_RESCUED, Known, Rescued, rescue, with_rescued
from wukong_pipe.errors import CorpusError
from wukong_pipe.records import Lang, QAPair, Reject, Row, Section, with_ids
from wukong_pipe.spilled import Sections, Spilled, picked
from wukong_pipe.stages.answers import take_in_turn
from wukong_pipe.stages.base_qa import KeptQuestions, Pairs, quota
from wukong_pipe.stages.families import AllWordings, distinct_pairs, families_of, unique_rows
from wukong_pipe.stages.heldout_wordings import pairs_to_test, share_tested
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import spellings_wanted, with_spellings
from wukong_pipe.stages.verification import Verification
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.prompt_files import OF_VERIFY, PLACEHOLDERS, Prompts, load_prompt
from wukong_pipe.workspace import Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Built:
    """What a build made, for the screen."""

    sections: Sequence[Section]
    rows: Sequence[Row]
    rejects: Sequence[Reject]
    manifest: dict[str, Any]
    pairs: Sequence[QAPair]
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
    run.folder.mkdir(parents=True, exist_ok=True)
    sections, worths, names = _surveyed(run, read_sections(sources, settings, warnings.append))
    quotas = array("I", (min(each, settings.max_pairs) for each in worths))
    _check_worth_asking(quotas, sources)
    share = share_to_test(sources, settings)
    lists: Lists = partial(Spilled, run.folder, sections)

    # One event loop for all waves: a client's connections belong to the loop that opened them.
    with asyncio.Runner() as loop:
        try:
            asked = _ask(sections, quotas, names, share, settings, asking, prompts, loop, lists, progress, say)
            rejects, rescued, families = _rescued(asked, edits, sections, asking, prompts, lists)
            edited = apply_edits(families, edits, sections.with_id, rescued)
            mapped = mapping(asking.executor, asking.desk(settings, prompts, asked.verification), loop)
            unique, duplicate_rows = unique_rows(edited.rows, names, rescued.row_ids, mapped)
            holdout = with_sections(asked.holdout, asked.pairs, rescued.sections_among(sections), settings.holdout)
            held = hold_out(unique, holdout, settings.drawn, names, asking.form_of, rescued.row_ids, mapped)
        finally:
            loop.run(asking.close())

    given = edited.answered | rescued.row_ids
    answered = take_in_turn(held.rows, asked.wordings.questions, asked.wordings.answers, given)
    rows = lists(with_pages(answered, sources))

    results = Results(
        sections=sections,
        worths=worths,
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
    stayed = (reject for reject in rejects if reject.id not in rescued.ids)
    rejected = lists(chain(stayed, with_ids(lists(removed_rows(results, sections.with_id)))))
    account = manifest(results, rows, sources, settings, asking, prompts, lists)
    tested = (harvest.subject.id for harvest in asked.wordings.tests)
    changed = changes_elsewhere(run, rows, rejected, settings, edited.touched, tested)
    written = write_dataset(run, rows, rejected, account, settings.format)
    short = shortfall(asked.harvests, asked.wordings, settings, asking.teacher)
    warnings += [*edited.warnings(run.edits), *rescued.warnings(run.edits), *pushed_out(edited, rejected)]
    warnings += filter(None, [short.unanswered])
    return Built(sections, rows, rejected, written, asked.pairs, short, warnings, edited.line, changed)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the stages that ask brought; see `Results`."""

    verification: Verification
    harvests: Sequence[Pairs]
    candidates: Sequence[QAPair]
    pairs: Sequence[QAPair]
    duplicate_pairs: Sequence[Removal]
    holdout: Plan
    holdout_size: HoldoutSize
    wordings: AllWordings

    @property
    def all_harvests(self) -> Iterator[Harvest[Any, Any]]:
        """Stage by stage."""
        return chain(self.harvests, self.wordings.all)


def _surveyed(run: Run, sections: Iterable[Section]) -> tuple[Sections, Sequence[int], frozenset[str]]:
    """The sections as a list on disk, what each is worth, and the terms of all: found as they are read, when each is
    parsed anyway."""
    worths, names = array("I"), set[str]()

    def passing() -> Iterator[Section]:
        for section in sections:
            worths.append(worth(section))
            names.update(telling_terms([section]))
            yield section

    return Sections(run.folder, passing()), worths, frozenset(names)


def _ask(
    sections: Sequence[Section],
    quotas: Sequence[int],
    names: frozenset[str],
    share: float | None,
    settings: BuildSettings,
    asking: Asking,
    prompts: Prompts,
    loop: asyncio.Runner,
    lists: Lists,
    progress: StageProgress,
    say: Callable[[str], None],
) -> _Asked:
    """Pairs of the sections, what is held out of them, and wordings of the others.

    Args:
        quotas: how many pairs each section is asked for.
        share: see `share_to_test`.
        lists: makes a list on disk.
    """
    verification = loop.run(calibrated(sections, asking, settings, prompts, progress))
    for line in verification.rights():
        say(line)
    desk = asking.desk(settings, prompts, verification)
    foreseen = ForeseenJobs(sections, settings, share)
    early = EarlyWordings(desk, asking.executor, asking.askers, asking.early_slots, foreseen.of, asking.stop)
    with early.ending_with_errors(loop.run):
        harvests = loop.run(ask_sections(sections, quotas, asking, desk, progress, lists, early))
        candidates = lists(pair for harvest in harvests for pair in with_fact_ids(harvest.kept))
        if len(candidates) >= MOST_BESIDE:
            loop.run(early.drain())
        pairs, duplicate_pairs = distinct_pairs(candidates, names, mapping(asking.executor, desk, loop))
        # Held out before wordings are bought: those of a pair that is no training data would be paid for in vain.
        holdout = plan(pairs, settings.holdout)
        of_test = None if share is None else pairs_to_test(pairs, holdout, share)
        size = size_of(pairs, holdout, settings.holdout, settings.variants, of_test)
        for line in size.lines:
            say(line)
        # The verifier matches a wording with all questions of its section: they must be settled.
        heard = _where(harvests, lambda harvest: harvest.is_settled)
        questions = KeptQuestions(heard)
        trained = _where(pairs, lambda pair: not holdout.level(pair) and questions.are_known(pair.section.id))
        of_test = _where(of_test or (), lambda pair: questions.are_known(pair.section.id))
        spelt = heard if settings.spellings else ()
        spellings = lists(part for harvest in spelt for part in spellings_wanted(harvest.subject, harvest.kept))
        jobs = WordingJobs(trained, of_test, questions.of, spellings, settings)
        wordings = loop.run(ask_wordings(jobs, asking, progress, lists, early))
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


def _check_worth_asking(quotas: Iterable[int], sources: Sequence[Source]) -> None:
    """
    Raises:
        CorpusError: none of the sections has something to ask about.
    """
    if not any(quotas):
        raise CorpusError(
            f"There is nothing to ask about in {', '.join(source.name for source in sources[:3])}: "
            "no sentence, list item, table row or code."
        )


def _where(records: Sequence[T], holds: Callable[[T], bool]) -> Sequence[T]:
    """The records of which something holds."""
    return picked(records, array("Q", (place for place, record in enumerate(records) if holds(record))))


def _rescued(
    asked: _Asked, edits: Sequence[Edit], sections: Sections, asking: Asking, prompts: Prompts, lists: Lists
) -> tuple[Sequence[Reject], Rescued, Sequence[Row]]:
    """What of the teacher's replies was not kept, what of that the user lets in, and the rows of all pairs with it."""
    rows = lists(with_spellings(families_of(asked.pairs, asked.wordings), asked.wordings.spellings))
    rejects = lists(with_ids(lists(reject for harvest in asked.all_harvests for reject in harvest.rejects)))
    wanted = {edit.id for edit in edits if edit.rescue}
    if not wanted:
        return rejects, NOTHING_RESCUED, rows
    let_in = _where(rejects, lambda reject: reject.id in wanted)
    about = {reject.section.id for reject in let_in}
    known = Known.of(
        (pair for pair in asked.pairs if pair.section.id in about),
        (pair for pair in asked.candidates if pair.section.id in about),
        [row for row in rows if row.section_id in about],
        asking.teacher.model,
        prompts,
    )
    rescued = rescue(let_in, edits, known)
    return rejects, rescued, lists(with_rescued(rows, rescued.rows, sections))
