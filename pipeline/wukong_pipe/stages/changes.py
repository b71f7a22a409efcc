"""What a rebuild changes beyond the sections that were edited."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from wukong_pipe.errors import DataError
from wukong_pipe.files import read_json, read_numbered
from wukong_pipe.records import FILES, Row
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run


def changes_elsewhere(
    run: Run, rows: Iterable[Row], settings: BuildSettings, edited: Collection[str] = frozenset()
) -> list[str]:
    """Each row of an unchanged section that `rows` change in more than its lines and its fact's id, in a few words: to
    be called before they are written.

    Such rows are tied to the edit by a question that they share: as a duplicate, or through the leak audit.

    Args:
        edited: ids of the rows that the user's own edits changed or dropped: those are no news.
        settings: where they ask for another number of wordings of each answer, or of spellings of each fact, than
            those of the last build, that rows take others is no news.
    """
    if not run.manifest.is_file():
        return []
    after = {row.id: row for row in rows}
    try:
        before = read_json(run.manifest).get("settings", {})
        # Read twice rather than held: what was written takes several times the room of what will be.
        ids, sections = set[str](), set[str]()
        for row in _written(run):
            ids.add(row["id"])
            sections.add(row["section_id"])
        unchanged = sections & {row.section_id for row in after.values()}
        # One more pair of a section may join two facts that the others were of.
        expected = {"lines", "fact_id"}
        expected |= {"output"} if before.get("answer_variants", 0) != settings.answer_variants else set()
        expected |= {"facts"} if before.get("spellings", 0) != settings.spellings else set()
        changes = [
            _change(row, after.get(row["id"]), expected)
            for row in _written(run)
            if row["section_id"] in unchanged and row["id"] not in edited
        ]
    except (DataError, LookupError, TypeError, AttributeError):
        return []  # Edited by hand beyond recognition, and replaced on demand.
    new = [row.to_json() for name, row in after.items() if name not in ids and row.section_id in unchanged]
    return sorted([*filter(None, changes), *(f"{_where(row)}: is new" for row in new)])


def _written(run: Run) -> Iterator[dict[str, Any]]:
    """The rows that stand in a run's dataset."""
    for name in FILES.values():
        if (run.dataset / name).is_file():
            yield from (row for _, row in read_numbered(run.dataset / name))


def _change(old: dict[str, Any], row: Row | None, expected: set[str]) -> str:
    """What becomes of a written row, "" where that is no news."""
    if row is None:
        return f"{_where(old)}: is gone, see rejected.jsonl"
    new = row.to_json()
    different = [key for key in new if key not in expected and new[key] != old.get(key)]
    differences = ", ".join(f"{key} {old.get(key)!r} → {new[key]!r}" for key in different)
    return f"{_where(new)}: {differences}" if different else ""


def _where(row: dict[str, Any]) -> str:
    first, last = row["lines"][0], row["lines"][1]
    lines = f"line {first}" if first == last else f"lines {first}-{last}"
    return f"{row['source']}, {lines}, “{row['instruction'][:60]}”"
