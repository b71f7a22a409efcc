"""What a rebuild changes beyond the sections that were edited."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from wukong_pipe.dataset import FILES
from wukong_pipe.errors import DataError
from wukong_pipe.records import Row
from wukong_pipe.workspace import Run, read_json, read_jsonl


def written_rows(run: Run) -> dict[str, dict[str, Any]]:
    """The rows that stand in a run's dataset, by id; none where there is no whole one."""
    if not run.manifest.is_file():
        return {}
    try:
        files = [run.dataset / name for name in FILES.values() if (run.dataset / name).is_file()]
        return {row["id"]: row for file in files for row in read_jsonl(file)}
    except (DataError, KeyError):
        return {}  # Edited by hand beyond recognition, and replaced on demand.


def answers_wanted(run: Run) -> int:
    """How many other wordings of each answer the run's dataset was built with; none where there is no whole one."""
    with contextlib.suppress(DataError, KeyError, TypeError):
        return int(read_json(run.manifest)["settings"].get("answer_variants", 0)) if run.manifest.is_file() else 0
    return 0


def changes_elsewhere(
    before: Mapping[str, dict[str, Any]], rows: Iterable[Row], *, other_answers: bool = False
) -> list[str]:
    """Each row of an unchanged section that a rebuild changes in more than its lines, in a few words.

    Such rows are tied to the edit by a question that they share: as a duplicate, or through the leak audit.

    Args:
        other_answers: the user wants another number of wordings of each answer: that rows take others is no news.
    """
    expected = {"lines", "output"} if other_answers else {"lines"}
    after = {row.id: row for row in rows}
    unchanged = {row["section_id"] for row in before.values()} & {row.section_id for row in after.values()}
    found = []
    for name in before.keys() | after.keys():
        old, new = before.get(name), after[name].to_json() if name in after else None
        row = new or old
        if row is None or row["section_id"] not in unchanged:
            continue
        where = f"{row['source']}, lines {row['lines'][0]}-{row['lines'][1]}, “{row['instruction'][:60]}”"
        if old is None:
            found.append(f"{where}: is new")
        elif new is None:
            found.append(f"{where}: is gone, see rejected.jsonl")
        elif different := [key for key in new if key not in expected and new[key] != old.get(key)]:
            found.append(f"{where}: {', '.join(f'{key} {old.get(key)!r} → {new[key]!r}' for key in different)}")
    return sorted(found)
