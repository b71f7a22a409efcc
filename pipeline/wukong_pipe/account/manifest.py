"""The account of a build: rejected.jsonl, and manifest.json with its sums, coverage and quotas; no row vanishes.

{"accounting": {"base_qa": {"asked": 40, "received": 38, "short": 2, "kept": 35, "rejected": 3}, …},
 "coverage": {"overall": 0.93, "by_section": […]},
 "quota": [{"section": "武器", "wanted": 8, "kept": 7, "not_asked": "", …},
           {"section": "封面", "wanted": 0, "kept": 0, "not_asked": "only-image", …}], …}
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, groupby, zip_longest
from typing import Any

from wukong_pipe.account.estimate import estimate
from wukong_pipe.asking.waves import Asking, Lists
from wukong_pipe.corpus.sources import Source
from wukong_pipe.corpus.units import units, why_not_asked
from wukong_pipe.dataset.dedupe import Removal
from wukong_pipe.dataset.holdout import Holdout
from wukong_pipe.dataset.holdout_size import HoldoutSize
from wukong_pipe.edits.applying import Edited
from wukong_pipe.edits.rescue import Rescued
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, QAPair, Reject, Row, Section, Stage, Tally
from wukong_pipe.stages.base_qa import Pairs
from wukong_pipe.stages.families import AllWordings
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import facts_hash
from wukong_pipe.stages.verification import Verification
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.journalled import Used
from wukong_pipe.teacher.prompt_files import Prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What each stage made of what the one before it kept, in the order of the stages."""

    sections: Sequence[Section]
    worths: Sequence[int]
    """How many pairs each section is worth asking for."""
    harvests: Sequence[Pairs]
    candidates: Sequence[QAPair]
    """All pairs that the checks and the verifier kept."""
    pairs: Sequence[QAPair]
    """These, each question once."""
    duplicate_pairs: Sequence[Removal]
    wordings: AllWordings
    rejects: Sequence[Reject]
    """What of the teacher's replies was not kept, each with its id."""
    rescued: Rescued
    families: Sequence[Row]
    """Each pair's own row and its other wordings, and what the user let in."""
    edited: Edited
    unique: Sequence[Row]
    duplicate_rows: Sequence[Removal]
    held: Holdout
    verification: Verification
    holdout_size: HoldoutSize
    tested: float | None
    """The share of pairs that wordings are written of for the test; None where none are."""


def manifest(
    results: Results,
    rows: Sequence[Row],
    sources: Sequence[Source],
    settings: BuildSettings,
    asking: Asking,
    prompts: Prompts,
    lists: Lists,
) -> dict[str, Any]:
    """What a dataset is a function of, what it cost and how good it is; the dataset's writer adds its files.

    Args:
        lists: makes a list on disk: what is said of each section of a large corpus is not held.

    Raises:
        AssertionError: a row vanished between two stages.
    """
    edited, held = results.edited, results.held
    return {
        "format": 1,
        **_inputs(sources, settings, asking, prompts),
        "calls": {
            stage: {"estimated": estimated.to_json(), "used": _used(stage, asking).to_json()}
            for stage, estimated in estimate(results.sections, settings, prompts, results.tested).items()
        },
        "edits": _edits(edited, results.rescued, rows),
        "accounting": accounting(results, settings),
        "spellings": facts_hash(rows),
        "citations_mended": sum(pairs.mended for pairs in results.harvests),
        **_verified(results.verification, asking, rows),
        "coverage": coverage(results.sections, rows, lists),
        "quota": lists(_quotas(results.sections, results.worths, results.harvests)),
        "holdout": results.holdout_size.to_json(),
        "audit": {
            "dropped": len(held.dropped),
            "of_held_forms": len(held.of_held_forms),
            "untrained": len(held.untrained),
            "highest_similarity": round(held.highest_similarity, 4),
        },
    }


def _source(source: Source) -> dict[str, Any]:
    about = {"name": source.name, "hash": source.hash, "characters": source.characters}
    return about | ({"converter": source.converter} if source.converter else {})


def _inputs(sources: Sequence[Source], settings: BuildSettings, asking: Asking, prompts: Prompts) -> dict[str, Any]:
    """What the dataset is a function of."""
    # The prompts stand below by their hashes; where their folder is does not matter. The format changes no row.
    shown = {key: value for key, value in asdict(settings).items() if key not in {"prompts", "format"}}
    teacher = asking.teacher
    return {
        "sources": [_source(source) for source in sources],
        "teacher": {
            "model": teacher.model,
            "language_model": teacher.is_language_model,
            "parameters": dict(teacher.parameters),
        },
        "prompts": sorted(prompt.name for by_lang in prompts.values() for prompt in by_lang.values()),
        "settings": shown,
    }


def _edits(edited: Edited, rescued: Rescued, rows: Sequence[Row]) -> dict[str, Any]:
    """What the user's edits did; where they changed facts, both versions, and how many test questions have the new;
    and which row each rescued reject became."""
    edited_rows = {one.row_id for one in edited.facts}
    tested = {row.id for row in rows if row.split == "test" and row.id in edited_rows} if edited_rows else set()
    changed: Counter[tuple[str, Facts, Facts]] = Counter()
    for one in edited.facts:
        changed[one.edit_id, one.old, one.new] += one.row_id in tested
    facts = [{"id": name, "old": old, "new": new, "test": count} for (name, old, new), count in changed.items()]
    counts = {"applied": edited.applied, "taken_out": len(edited.taken), "unused": [one.id for one in edited.unused]}
    more = {"facts": facts, "rescued": rescued.ids, "decisions": edited.decisions}
    return counts | {name: value for name, value in more.items() if value}


def _used(stage: str, asking: Asking) -> Used:
    """The answers of a stage that the build used: only one of those asked answers a stage."""
    return next((asker.used[stage] for asker in asking.askers if stage in asker.used), Used())


def _verified(verification: Verification, asking: Asking, rows: Sequence[Row]) -> dict[str, Any]:
    """Who read a second time, what it proved able to tell apart, and the verdicts; nothing where nobody did."""
    if not verification.readers or asking.verifier is None:
        return {}
    rate = {"error_rate": [round(bound, 4) for bound in bounds]} if (bounds := verification.error_rate) else {}
    return {
        "verify": {
            "model": asking.verifier.model,
            "calibration": {lang: reader.to_json() for lang, reader in sorted(verification.readers.items())},
            **verification.tally.to_json(),
            # Hold-out may take a wording that nobody read, where the pair cannot spare the one that was.
            "unread": Counter(row.split for row in rows if row.split != "train" and row.verified == "unasked"),
            "sample": {**verification.sample.to_json(), **rate},
        }
    }


def accounting(results: Results, settings: BuildSettings) -> dict[str, dict[str, int]]:
    """The tally of each stage, in the order of the stages, after checking that nothing vanished between them.

    Raises:
        AssertionError: a stage received other than what the one before it kept.
    """
    edited, held = results.edited, results.held
    tallies = {"base_qa": _sum(results.harvests)}
    tallies["paraphrase"] = _sum(results.wordings.questions)
    if settings.heldout_wordings:
        tallies["heldout_wordings"] = _sum(results.wordings.tests)
    if settings.answer_variants:
        tallies["answers"] = _sum(results.wordings.answers)
    if settings.spellings:
        tallies["spellings"] = _sum(results.wordings.spellings)
        spelt = [one for part in results.wordings.spellings for one in part.kept]
        kept, refused = sum(len(one.spellings) for one in spelt), sum(one.refused for one in spelt)
        tallies["check_spellings"] = _through(kept + refused, kept, refused)
    tallies["dedupe_pairs"] = _through(len(results.candidates), len(results.pairs), len(results.duplicate_pairs))
    tallies["edits"] = _through(len(results.families), len(edited.rows), len(edited.taken))
    tallies["dedupe_rows"] = _through(len(edited.rows), len(results.unique), len(results.duplicate_rows))
    of_held_forms = len(held.of_held_forms)
    tallies["held_forms"] = _through(len(results.unique), len(results.unique) - of_held_forms, of_held_forms)
    tallies["audit"] = _through(tallies["held_forms"]["kept"], len(held.rows), len(held.dropped) + len(held.untrained))

    assert tallies["dedupe_pairs"]["received"] == tallies["base_qa"]["kept"], tallies
    of_questions = [tallies[stage]["kept"] for stage in ("paraphrase", "heldout_wordings") if stage in tallies]
    rescued = len(results.rescued.ids)
    assert tallies["edits"]["received"] == len(results.pairs) + sum(of_questions) + rescued, tallies
    assert tallies["dedupe_rows"]["received"] == tallies["edits"]["kept"], tallies
    return tallies


def _sum(harvests: Sequence[Harvest[Any, Any]]) -> dict[str, int]:
    """Every candidate of a stage that asks, summed over all requests."""
    total = Tally()
    for harvest in harvests:
        total.add(harvest.tally)
    return total.to_json()


def _through(received: int, kept: int, rejected: int) -> dict[str, int]:
    """The tally of a stage that asks nobody."""
    return Tally(received, received, 0, kept, rejected).to_json()


def removed_rows(results: Results, section_of: Callable[[str], Section]) -> Iterator[Reject]:
    """What became a row and is not in the dataset, in the order of the stages; without ids.

    Args:
        section_of: gives the section of an id.
    """

    def removed(stage: Stage, reason: Reason, row: Row) -> Reject:
        return Reject(stage, reason, section_of(row.section_id), row, call=row.call, place=row.id)

    held = results.held
    yield from (removed("edit", taken.reason, taken.row) for taken in results.edited.taken)
    for removal in chain(results.duplicate_pairs, results.duplicate_rows):
        yield removed("dedupe", removal.reason, removal.row)
    yield from (removed("held_form", drop.reason, drop.row) for drop in held.of_held_forms)
    yield from (removed("audit", drop.reason, drop.row) for drop in held.dropped)
    yield from (removed("audit", Reason.of("pair-not-trained"), row) for row in held.untrained)


def _quotas(sections: Sequence[Section], worths: Iterable[int], harvests: Iterable[Pairs]) -> Iterator[dict[str, Any]]:
    """The quota of each section, but a blank one and one that only heads others: those are not missed."""
    wanted, kept, asked = array("I"), array("I"), array("Q")
    for pairs in harvests:
        wanted.append(pairs.wanted)
        kept.append(len(pairs.kept))
        asked.append(number(pairs.section.id))
    places = IdIndex(asked)
    for section, worth, following in zip_longest(sections, worths, sections[1:]):
        reason = None if worth else why_not_asked(section)
        heads_others = following is not None and following.heading_path[:-1] == section.heading_path
        if section.text.strip() and not (heads_others and reason == Reason.of("only-heading")):
            at = max(places.places(number(section.id)), default=None)
            counts = (0, 0) if at is None else (wanted[at], kept[at])
            yield _quota(section, worth, *counts, reason)


def _quota(section: Section, worth: int, wanted: int, kept: int, not_asked: Reason | None) -> dict[str, Any]:
    """What a section was worth asking, what was wanted of it and what was kept; or why it was not asked."""
    return {
        "section": section.title,
        "id": section.id,
        "source": section.source,
        "lines": [section.first_line, section.last_line],
        "worth": worth,
        "wanted": wanted,
        "kept": kept,
        "not_asked": not_asked.code if not_asked else "",
    }


def coverage(sections: Sequence[Section], rows: Sequence[Row], lists: Lists) -> dict[str, Any]:
    """Share of the units worth asking, code included, that the evidence of at least one row covers.

    Args:
        lists: see `manifest`.
    """
    firsts, owners = array("Q"), array("Q")
    # One row of each pair: all of a pair cite the same.
    for _, its in groupby(enumerate(rows), key=lambda numbered: numbered[1].pair_id):
        at, first = next(its)
        firsts.append(at)
        owners.append(number(first.section_id))
    citing = IdIndex(owners)
    by_section = lists(())
    total = total_covered = 0
    for section in sections:
        pieces = [unit for unit in units(section) if unit.facts]
        evidence = {text for at in citing.places(number(section.id)) for text in rows[firsts[at]].evidence}
        places = [(at, at + len(text)) for text in evidence if (at := section.text.find(text)) >= 0]
        covered = sum(any(unit.start < end and start < unit.end for start, end in places) for unit in pieces)
        total, total_covered = total + len(pieces), total_covered + covered
        if pieces:
            by_section.append({"section": section.title, "id": section.id, "units": len(pieces), "covered": covered})
    return {"overall": round(total_covered / total, 4) if total else 0.0, "by_section": by_section}
