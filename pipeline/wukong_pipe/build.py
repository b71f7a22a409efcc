"""The build, from top to bottom: a pure function of corpus, settings and what the teacher answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from typing import Any, get_args

from wukong_pipe.corpus.sources import Source
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import telling_terms, units, worth
from wukong_pipe.dataset.dedupe import Removal, dedupe
from wukong_pipe.dataset.files import write_dataset
from wukong_pipe.dataset.holdout import Holdout, hold_out, plan
from wukong_pipe.errors import CorpusError
from wukong_pipe.records import Lang, QAPair, Reject, Row, Section, Tally
from wukong_pipe.stages import base_qa
from wukong_pipe.stages.answers import RewordedAnswer, ask_answers, take_in_turn
from wukong_pipe.stages.base_qa import Answered, ask_base_qa
from wukong_pipe.stages.changes import changes_elsewhere
from wukong_pipe.stages.edits import Edited, apply_edits, read_edits
from wukong_pipe.stages.estimate import estimate
from wukong_pipe.stages.judge import Judged, ask_judge, doubted
from wukong_pipe.stages.paraphrase import Reworded, ask_paraphrases, base_row
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.shortfall import Shortfall, shortfall
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import PLACEHOLDERS, Prompt, load_prompt
from wukong_pipe.teacher.requests import Ask
from wukong_pipe.workspace import Run

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as units of a stage finish."""


Result = Answered | Judged | Reworded | RewordedAnswer
"""What asking a teacher for one thing brought."""


def written_freely(question: str) -> str:  # noqa: ARG001
    """No template made the question."""
    return ""


async def nothing_to_close() -> None:
    """The teacher has no connections."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked, and how many questions go out at once."""

    ask: Ask
    teacher: str
    """The teacher's model id, as the rows carry it."""
    concurrency: int = 8
    form_of: Callable[[str], str] = written_freely
    """The template a question was made with; always "" for a teacher that writes freely."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What else shapes the teacher's answers, for the manifest: temperature and the like."""
    attempts: Attempts = USUAL
    """How often the same thing is asked."""
    used: Callable[[str], dict[str, Any]] = lambda stage: {}
    """Calls, tokens and cost of the answers that a stage has used so far."""
    stop: Callable[[Exception], None] = lambda error: None
    """Makes `ask` buy nothing more, because of an error."""
    close: Callable[[], Coroutine[Any, Any, None]] = nothing_to_close
    """Closes the teacher's connections, in the event loop that opened them."""

    @property
    def language_model(self) -> bool:
        """Whether the teacher is one, and not the embedded templates."""
        return not self.teacher.startswith("offline@")


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
    return islice((section for section in sections if base_qa.quota(section, settings)), settings.limit)


def load_prompts(settings: BuildSettings) -> dict[str, dict[Lang, Prompt]]:
    """The prompts by stage and language, of the stages that the settings ask for.

    Raises:
        DataError: a prompt file is not as it must be.
    """
    off = {stage for stage, wanted in (("answers", settings.answer_variants), ("judge", settings.judge)) if not wanted}
    return {
        stage: {lang: load_prompt(stage, lang, settings.prompts) for lang in get_args(Lang)}
        for stage in PLACEHOLDERS
        if stage not in off
    }


def build(
    sources: Sequence[Source],
    settings: BuildSettings,
    asking: Asking,
    run: Run,
    progress: Progress = lambda stage, done, total: None,
) -> Built:
    """Sources → dataset/ of the run: split, ask, judge, hold out, reword, dedupe, audit, write.

    Raises:
        WukongError: an input cannot be read, or the teacher cannot be used.
        StoppedShort: the teacher failed too often; its answers so far are in the journal.
    """
    prompts = load_prompts(settings)
    edits = read_edits(run.edits)
    warnings: list[str] = []
    sections = list(read_sections(sources, settings, warnings.append))
    if not any(base_qa.quota(section, settings) for section in sections):
        raise CorpusError(
            f"There is nothing to ask about in {', '.join(source.name for source in sources[:3])}: "
            "no sentence, list item or table row."
        )
    names = telling_terms(sections)

    # One event loop for all waves: a client's connections belong to the loop that opened them.
    with asyncio.Runner() as loop:
        try:
            answered = loop.run(_ask_sections(sections, asking, settings, prompts["base_qa"], progress))
            asked_for = [pair for result in answered for pair in result.pairs]
            judged = loop.run(_ask_judge(asked_for, asking, settings, prompts, progress))
            unsupported = {verdict.pair.id for verdict in judged if verdict.is_against}
            supported = [pair for pair in asked_for if pair.id not in unsupported]
            pairs, repeated = _distinct(supported, names)

            chosen = plan(pairs, settings.holdout)
            trained = [pair for pair in pairs if not chosen.level(pair)]
            reworded, answers = loop.run(_ask_wordings(trained, asking, settings, prompts, progress))
        finally:
            loop.run(asking.close())

    families = {family.pair.id: family.rows for family in reworded}
    expanded = [row for pair in pairs for row in families.get(pair.id) or [base_row(pair)]]
    edited = apply_edits(expanded, edits, {section.id: section for section in sections})
    candidates = edited.rows
    unique, alike = _unique(candidates, names)
    held = hold_out(unique, chosen, settings.holdout, names, asking.form_of)
    rows = take_in_turn(held.rows, _places(reworded) if answers else {}, answers, edited.answered)

    asked: list[Result] = [*answered, *judged, *reworded, *answers]
    rejects = _rejects(asked, edited, [*repeated, *alike], held, {section.id: section for section in sections})
    accounting = {"base_qa": _sum(answered)}
    if settings.judge:
        accounting["judge"] = _sum(judged)
    accounting["paraphrase"] = _sum(reworded)
    if settings.answer_variants:
        accounting["answers"] = _sum(answers)
    accounting["dedupe_pairs"] = _through(len(supported), len(pairs), len(repeated))
    accounting["edits"] = _through(len(expanded), len(candidates), len(edited.taken))
    accounting["dedupe_rows"] = _through(len(candidates), len(unique), len(alike))
    accounting["held_forms"] = _through(len(unique), len(unique) - len(held.of_held_forms), len(held.of_held_forms))
    accounting["audit"] = _through(accounting["held_forms"]["kept"], len(held.rows), len(held.dropped))
    _check_sums(accounting, len(pairs), sum(verdict.is_against for verdict in judged))
    manifest: dict[str, Any] = {
        "format": 1,
        **_inputs(sources, settings, asking, [by_lang for stage in prompts.values() for by_lang in stage.values()]),
        "calls": {
            stage: {"estimated": estimated.to_json(), "used": asking.used(stage)}
            for stage, estimated in estimate(sections, settings, prompts).items()
        },
        "edits": {
            "applied": edited.applied,
            "taken_out": len(edited.taken),
            "unused": [edit.id for edit in edited.unused],
        },
        "accounting": accounting,
        **({"judge": {"doubtful": len(judged), "unjudged": _unjudged(judged)}} if settings.judge else {}),
        "coverage": coverage(sections, rows),
        "quota": _quotas(answered),
        "audit": {
            "dropped": len(held.dropped),
            "of_held_forms": len(held.of_held_forms),
            "highest_similarity": round(held.highest_similarity, 4),
        },
    }
    changed = changes_elsewhere(run, rows, settings.answer_variants, edited.touched)
    write_dataset(run, rows, rejects, manifest, settings.format)
    return Built(
        sections,
        rows,
        rejects,
        manifest,
        pairs,
        shortfall(answered, reworded, answers, settings, asking.teacher, askable=asking.language_model),
        [*warnings, *edited.warnings(run.edits), *_unjudged_warning(_unjudged(judged))],
        edited.line,
        changed,
    )


def _distinct(pairs: Sequence[QAPair], names: frozenset[str]) -> tuple[list[QAPair], list[Removal]]:
    """The pairs that ask something of their own, each once, in order; and why the others were left out."""
    rows, removals = dedupe([base_row(pair) for pair in pairs], names)
    kept = {row.pair_id for row in rows}
    first: dict[str, QAPair] = {}
    for pair in pairs:
        if pair.id in kept:
            first.setdefault(pair.id, pair)
    return list(first.values()), removals


def _unique(rows: Sequence[Row], names: frozenset[str]) -> tuple[list[Row], list[Removal]]:
    """The rows that ask something of their own, in order; and why the others were left out."""
    # No wording of one question may push out another question itself.
    kept, removals = dedupe(sorted(rows, key=lambda row: row.kind == "paraphrase"), names)
    order = {row.id: i for i, row in enumerate(rows)}
    return sorted(kept, key=lambda row: order[row.id]), removals


def _places(families: Sequence[Reworded]) -> dict[str, int]:
    """Row id → place in its family, as the teacher gave it."""
    return {row.id: place for family in families for place, row in enumerate(family.rows)}


async def _ask_sections(
    sections: Sequence[Section],
    asking: Asking,
    settings: BuildSettings,
    prompts: Mapping[Lang, Prompt],
    progress: Progress,
) -> list[Answered]:
    worth_asking = [section for section in sections if base_qa.quota(section, settings)]

    async def one(section: Section) -> Answered:
        return await ask_base_qa(section, asking.ask, asking.teacher, settings, prompts, asking.attempts)

    return await in_pool(
        worth_asking, one, asking.concurrency, _counting("asking for pairs", len(worth_asking), progress), asking.stop
    )


async def _ask_judge(
    pairs: Sequence[QAPair],
    asking: Asking,
    settings: BuildSettings,
    prompts: Mapping[str, Mapping[Lang, Prompt]],
    progress: Progress,
) -> list[Judged]:
    """Verdicts on the pairs that are doubtful; none where nobody is to judge."""
    doubtful = [pair for pair in pairs if doubted(pair)] if settings.judge else []

    async def one(pair: QAPair) -> Judged:
        return await ask_judge(pair, asking.ask, prompts["judge"], asking.attempts)

    return await in_pool(
        doubtful, one, asking.concurrency, _counting("judging doubtful pairs", len(doubtful), progress), asking.stop
    )


async def _ask_wordings(
    pairs: Sequence[QAPair],
    asking: Asking,
    settings: BuildSettings,
    prompts: Mapping[str, Mapping[Lang, Prompt]],
    progress: Progress,
) -> tuple[list[Reworded], list[RewordedAnswer]]:
    """Wordings of questions and of answers; all are asked for at the same time, so that they are one wave."""

    async def question(pair: QAPair) -> Reworded:
        return await ask_paraphrases(pair, asking.ask, settings, prompts["paraphrase"], asking.attempts)

    async def answer(pair: QAPair) -> RewordedAnswer:
        return await ask_answers(pair, asking.ask, settings, prompts["answers"], asking.attempts)

    jobs: list[Callable[[], Awaitable[Reworded | RewordedAnswer]]] = [partial(question, pair) for pair in pairs]
    if settings.answer_variants:
        jobs += [partial(answer, pair) for pair in pairs]
    done = await in_pool(
        jobs,
        lambda job: job(),
        asking.concurrency,
        _counting("asking for wordings", len(jobs), progress),
        asking.stop,
    )
    return (
        [family for family in done if isinstance(family, Reworded)],
        [family for family in done if isinstance(family, RewordedAnswer)],
    )


def _counting(stage: str, total: int, progress: Progress) -> Callable[[], None]:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(stage, done, total)

    return count


def _rejects(
    asked: Sequence[Result],
    edited: Edited,
    removals: Sequence[Removal],
    held: Holdout,
    sections: Mapping[str, Section],
) -> list[Reject]:
    """Everything that is not in the dataset, in the order of the stages."""
    found = [reject for result in asked for reject in result.rejects]
    found += [_removed("edit", taken.reason, taken.row, sections) for taken in edited.taken]
    for removal in removals:
        reason = (
            f"{removal.reason} as {removal.kept.id} “{removal.kept.instruction[:80]}” ({removal.similarity:.2f} alike)"
        )
        found.append(_removed("dedupe", reason, removal.row, sections))
    found += [_removed("held_form", drop.reason, drop.row, sections) for drop in held.of_held_forms]
    found += [_removed("audit", drop.reason, drop.row, sections) for drop in held.dropped]
    return found


def _removed(stage: Any, reason: str, row: Row, sections: Mapping[str, Section]) -> Reject:
    return Reject(stage, reason, sections[row.section_id], row, call=row.call)


def _inputs(
    sources: Sequence[Source], settings: BuildSettings, asking: Asking, prompts: Sequence[Prompt]
) -> dict[str, Any]:
    """What the dataset is a function of."""
    # The prompts stand below by their hashes; where their folder is does not matter. The format changes no row.
    shown = {key: value for key, value in asdict(settings).items() if key not in {"prompts", "format"}}
    return {
        "sources": [{"name": source.name, "hash": source.hash, "characters": source.characters} for source in sources],
        "teacher": {
            "model": asking.teacher,
            "language_model": asking.language_model,
            "parameters": dict(asking.parameters),
        },
        "prompts": sorted(prompt.name for prompt in prompts),
        "settings": shown,
    }


def _sum(asked: Sequence[Result]) -> dict[str, int]:
    """Every candidate of a stage that asks, summed over all requests."""
    total = Tally()
    for result in asked:
        total.add(result.tally)
    return total.to_json()


def _check_sums(accounting: Mapping[str, Mapping[str, int]], pairs: int, judged_out: int) -> None:
    """Each stage must have received what the one before it kept: a row lost between two of them shows here."""
    assert accounting["dedupe_pairs"]["received"] == accounting["base_qa"]["kept"] - judged_out, accounting
    assert accounting["edits"]["received"] == pairs + accounting["paraphrase"]["kept"], accounting
    assert accounting["dedupe_rows"]["received"] == accounting["edits"]["kept"], accounting


def _quotas(answered: Sequence[Answered]) -> list[dict[str, Any]]:
    """What each section was worth asking, what was wanted of it and what was kept."""
    return [
        {
            "section": result.section.title,
            "id": result.section.id,
            "source": result.section.source,
            "lines": [result.section.first_line, result.section.last_line],
            "worth": worth(result.section),
            "wanted": result.quota,
            "kept": len(result.pairs),
        }
        for result in answered
    ]


def _through(received: int, kept: int, rejected: int) -> dict[str, int]:
    """The tally of a stage that asks nobody."""
    return Tally(received, received, 0, kept, rejected).to_json()


def coverage(sections: Sequence[Section], rows: Sequence[Row]) -> dict[str, Any]:
    """Share of the sentences, list items and table rows that the evidence of at least one row covers."""
    evidence: dict[str, set[str]] = {}
    for row in rows:
        evidence.setdefault(row.section_id, set()).update(row.evidence)
    by_section = []
    total = total_covered = 0
    for section in sections:
        said = units(section)
        places = [(at, at + len(text)) for text in evidence.get(section.id, ()) if (at := section.text.find(text)) >= 0]
        covered = sum(any(unit.start < end and start < unit.end for start, end in places) for unit in said)
        total, total_covered = total + len(said), total_covered + covered
        if said:
            by_section.append({"section": section.title, "id": section.id, "units": len(said), "covered": covered})
    return {"overall": round(total_covered / total, 4) if total else 0.0, "by_section": by_section}


def _unjudged(judged: Sequence[Judged]) -> int:
    """How many doubtful pairs are kept without a verdict."""
    return sum(verdict.supported is None for verdict in judged)


def _unjudged_warning(count: int) -> list[str]:
    return [f"{count} doubtful pairs were kept without a verdict; --reask short asks the judge again."] if count else []
