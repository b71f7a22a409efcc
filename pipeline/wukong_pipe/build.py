"""The build, from top to bottom: a pure function of corpus, settings and what the teacher answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, get_args

from wukong_pipe.corpus.sources import Source
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import telling_terms
from wukong_pipe.dataset.dedupe import Removal, dedupe
from wukong_pipe.dataset.facts import with_fact_ids
from wukong_pipe.dataset.files import write_dataset
from wukong_pipe.dataset.holdout import hold_out
from wukong_pipe.dataset.holdout_plan import plan
from wukong_pipe.dataset.holdout_size import size_of
from wukong_pipe.errors import CorpusError
from wukong_pipe.records import Lang, QAPair, Reject, Row, Section
from wukong_pipe.stages.answers import take_in_turn
from wukong_pipe.stages.asking import Asking, Prompts, StageProgress, ask_sections, ask_wordings, calibrated
from wukong_pipe.stages.base_qa import quota
from wukong_pipe.stages.changes import changes_elsewhere
from wukong_pipe.stages.edits import apply_edits, read_edits
from wukong_pipe.stages.manifest import Results, manifest, rejects
from wukong_pipe.stages.paraphrase import Wordings, base_row, family
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.shortfall import Shortfall, shortfall, unsettled
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
    prompts, edits, warnings = load_prompts(settings), read_edits(run.edits), list[str]()
    sections = _worth_asking(sources, settings, warnings.append)
    names = telling_terms(sections)

    # One event loop for all waves: a client's connections belong to the loop that opened them.
    with asyncio.Runner() as loop:
        try:
            verification = loop.run(calibrated(sections, asking, settings, prompts, progress))
            for line in verification.rights():
                say(line)
            harvests = loop.run(ask_sections(sections, asking, settings, prompts, progress, verification))
            candidates = [pair for harvest in harvests for pair in with_fact_ids(harvest.kept)]
            pairs, duplicate_pairs = _distinct(candidates, names)
            # Held out before wordings are bought: those of a pair that is no training data would be paid for in vain.
            holdout = plan(pairs, settings.holdout)
            holdout_size = size_of(pairs, holdout, settings.holdout, settings.variants)
            for line in holdout_size.lines:
                say(line)
            # The verifier matches a wording with all questions of its section: they must be settled.
            unheard = {harvest.subject.id for harvest in harvests if not harvest.is_settled}
            trained = [pair for pair in pairs if not holdout.level(pair) and pair.section.id not in unheard]
            questions = {harvest.subject.id: [pair.question for pair in harvest.kept] for harvest in harvests}
            wordings, answers = loop.run(
                ask_wordings(trained, asking, settings, prompts, progress, verification, questions)
            )
        finally:
            loop.run(asking.close())

    families = _families(pairs, wordings)
    edited = apply_edits(families, edits, {section.id: section for section in sections})
    unique, duplicate_rows = _unique(edited.rows, names)
    held = hold_out(unique, holdout, settings.holdout, names, asking.form_of)
    rows = take_in_turn(held.rows, _places(wordings) if answers else {}, answers, edited.answered)

    results = Results(
        sections=sections,
        harvests=harvests,
        candidates=candidates,
        pairs=pairs,
        duplicate_pairs=duplicate_pairs,
        wordings=wordings,
        answers=answers,
        families=families,
        edited=edited,
        unique=unique,
        duplicate_rows=duplicate_rows,
        held=held,
        verification=verification,
        holdout_size=holdout_size,
    )
    rejected, account = rejects(results), manifest(results, rows, sources, settings, asking, prompts)
    changed = changes_elsewhere(run, rows, settings.answer_variants, edited.touched)
    write_dataset(run, rows, rejected, account, settings.format)
    short = shortfall(harvests, wordings, answers, settings, asking.teacher)
    warnings += [*edited.warnings(run.edits), *unsettled([*harvests, *wordings, *answers])]
    return Built(sections, rows, rejected, account, pairs, short, warnings, edited.line, changed)


def load_prompts(settings: BuildSettings) -> Prompts:
    """The prompts of the stages that the settings ask for.

    Raises:
        DataError: a prompt file is not as it must be.
    """
    stages = [stage for stage in PLACEHOLDERS if stage != "answers" or settings.answer_variants]
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


def _families(pairs: Sequence[QAPair], wordings: Sequence[Wordings]) -> list[Row]:
    """The rows of each pair: its own question, and the other wordings where there are any."""
    families = {one.subject.id: family(one) for one in wordings}
    return [row for pair in pairs for row in families.get(pair.id) or [base_row(pair)]]


def _unique(rows: Sequence[Row], names: frozenset[str]) -> tuple[list[Row], list[Removal]]:
    """The rows that ask something of their own, in order; and why the others were left out."""
    # No wording of one question may push out another question itself.
    kept, removals = dedupe(sorted(rows, key=lambda row: row.is_paraphrase), names)
    order = {row.id: i for i, row in enumerate(rows)}
    return sorted(kept, key=lambda row: order[row.id]), removals


def _places(wordings: Sequence[Wordings]) -> dict[str, int]:
    """Row id → place in its family, as the teacher gave it."""
    return {row.id: place for one in wordings for place, row in enumerate(family(one))}
