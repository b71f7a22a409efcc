"""What a rebuild changes beyond the sections that were edited."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from wukong_pipe.errors import DataError
from wukong_pipe.files import read_json, read_numbered
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.language.plurals import counted
from wukong_pipe.records import FILES, Reject, Row
from wukong_pipe.spilled import ById
from wukong_pipe.stages.heldout_wordings import STAGE
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run


def changes_elsewhere(
    run: Run,
    rows: Sequence[Row],
    rejects: Iterable[Reject],
    settings: BuildSettings,
    edited: Collection[str] = frozenset(),
    tested: Iterable[str] = (),
) -> list[str]:
    """Each row of an unchanged section that `rows` change in more than its lines and its fact's id, in a few words: to
    be called before they are written.

    Such rows are tied to the edit by a question that they share: as a duplicate, or through the leak audit.

    Args:
        rejects: where a row that is gone may stand.
        settings: where they ask for another number of wordings of each answer, or of spellings of each fact, than
            those of the last build, that rows take others is no news; and where they have the test's wordings written
            that the last build drew, one sentence tells it.
        edited: ids of the rows that the user's own edits changed or dropped: those are no news.
        tested: ids of the pairs that wordings were written of for the test.
    """
    if not run.manifest.is_file():
        return []
    after = ById(rows, lambda row: row.id)
    of_tests = IdIndex(map(number, tested))
    rejected = IdIndex(number(one.candidate.id) for one in rejects if isinstance(one.candidate, Row))
    try:
        before = read_json(run.manifest).get("settings", {})
        # Read twice rather than held: what was written takes several times the room of what will be.
        written, sections = array("Q"), set[str]()
        for row in _written(run):
            written.append(number(row["id"]))
            sections.add(row["section_id"])
        ids, unchanged = IdIndex(written), sections & {row.section_id for row in rows}
        expected = _expected(before, settings)
        changes, moved = list[str](), 0
        for row in _written(run):
            if row["section_id"] not in unchanged or row["id"] in edited:
                continue
            new = next(iter(after.of(row["id"])), None)
            is_moved = "split" in expected and (_is_held_out(row) or (new is not None and _is_held_out(new.to_json())))
            moved += is_moved
            if new is not None:
                changes.append(_change(row, new, expected))
            elif not is_moved:
                changes.append(f"{_where(row)}: is gone{_why_gone(row, rejected, of_tests)}")
    except (DataError, LookupError, TypeError, AttributeError):
        return []  # Edited by hand beyond recognition, and replaced on demand.
    for row in (row.to_json() for row in rows if row.section_id in unchanged and number(row.id) not in ids):
        if "split" in expected and _is_held_out(row):
            moved += 1
        else:
            changes.append(f"{_where(row)}: is new")
    sentence = [f"{counted(moved, 'row')} of test or validation, whose wordings are chosen otherwise than before"]
    return (sentence if moved else []) + sorted(filter(None, changes))


def _expected(before: Mapping[str, Any], settings: BuildSettings) -> set[str]:
    """The keys of a row whose change is no news after a build with the settings of before."""
    # One more pair of a section may join two facts that the others were of.
    expected = {"lines", "pages", "fact_id"}
    expected |= {"output"} if before.get("answer_variants", 0) != settings.answer_variants else set()
    expected |= {"facts"} if before.get("spellings", 0) != settings.spellings else set()
    expected |= {"split", "level"} if before.get("heldout_wordings", 0) != settings.heldout_wordings else set()
    return expected


def _written(run: Run) -> Iterator[dict[str, Any]]:
    """The rows that stand in a run's dataset."""
    for name in FILES.values():
        if (run.dataset / name).is_file():
            yield from (row for _, row in read_numbered(run.dataset / name))


def _is_held_out(row: Mapping[str, Any]) -> bool:
    """Whether it words the question of a pair that is trained, for test or validation."""
    return bool(row["split"] == "validation" or row["level"] == "wording")


def _why_gone(row: Mapping[str, Any], rejected: IdIndex, tested: IdIndex) -> str:
    """Why a written row is there no more, as far as this build can tell."""
    if number(row["id"]) in rejected:
        return ", see rejected.jsonl"
    if str(row["prompt"]).startswith(f"{STAGE}.") and number(row["pair_id"]) not in tested:
        return ": its pair is no longer tested in other words"
    return ": this build kept no such reply"


def _change(old: dict[str, Any], row: Row, expected: set[str]) -> str:
    """What becomes of a written row that is still there, "" where that is no news."""
    new = row.to_json()
    different = [key for key in new if key not in expected and new[key] != old.get(key)]
    differences = ", ".join(f"{key} {old.get(key)!r} → {new[key]!r}" for key in different)
    return f"{_where(new)}: {differences}" if different else ""


def _where(row: dict[str, Any]) -> str:
    first, last = row["lines"][0], row["lines"][1]
    lines = f"line {first}" if first == last else f"lines {first}-{last}"
    return f"{row['source']}, {lines}, “{row['instruction'][:60]}”"
