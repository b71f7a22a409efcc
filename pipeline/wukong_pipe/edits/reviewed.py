"""What a user has decided about the pairs of a built dataset: `train --accepted-only` trains what is right, and the
report counts it.

Reviewed(pairs={"3f2a…", …}, rows={"9b1c…"}, accepted=64, mended=5, dropped=2, rescued=1, is_built=True)
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wukong_pipe.edits.edits_file import decisions_hash, read_edits
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import read_numbered, read_object
from wukong_pipe.records import FILES
from wukong_pipe.workspace import MANIFEST, Run


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The decisions in force on the pairs of a dataset, counted by what became of each pair."""

    pairs: frozenset[str]
    """Ids of the pairs that are right, as they were or as they were mended."""
    rows: frozenset[str]
    """Ids of the rows that were rescued."""
    accepted: int
    mended: int
    dropped: int
    rescued: int
    is_built: bool
    """Whether the dataset is as these decisions want it."""

    @property
    def counts(self) -> dict[str, int]:
        """Empty where nothing was reviewed."""
        names = ("accepted", "mended", "dropped", "rescued")
        counts = {name: int(getattr(self, name)) for name in names}
        return counts if any(counts.values()) else {}

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of the dataset is accepted."""
        return row.get("pair_id") in self.pairs or row.get("id") in self.rows


def reviewed(run: Run) -> Reviewed:
    """The decisions in edits.jsonl on the pairs of the run's dataset.

    Raises:
        DataError: a file of the run cannot be read.
    """
    decisions = read_object(run.manifest, MANIFEST).get("edits", {}) if run.manifest.is_file() else {}
    edits = read_edits(run.edits)
    pairs = _pairs_of(run) if edits else {}
    changed = {edit.id for edit in edits if edit.changes}
    noted = decisions.get("rescued")
    came_in = noted if isinstance(noted, dict) else {}
    rescued = {edit.id for edit in edits if edit.rescue and edit.id in came_in}
    on_pairs = [edit for edit in edits if edit.id in pairs]
    right = [edit for edit in on_pairs if edit.ok]
    mended = sum(edit.mends or pairs[edit.id] in changed for edit in right)
    return Reviewed(
        pairs=frozenset(edit.id for edit in right),
        rows=frozenset(str(came_in[name]) for name in rescued),
        accepted=len(right) - mended,
        mended=mended,
        dropped=sum(edit.drop for edit in on_pairs),
        rescued=len(rescued),
        is_built=decisions_hash(edits) == decisions.get("decisions", ""),
    )


def accepted_rows(run: Run) -> Reviewed:
    """The same, for a training on what is accepted alone.

    Raises:
        WorkspaceError: nothing is accepted, or the dataset is not built with what was decided.
        DataError: see `reviewed`.
    """
    found = reviewed(run)
    if not found.is_built:
        raise WorkspaceError(
            f"{run.edits} holds decisions that {run.dataset} was not built with: build again, which makes no call that "
            "was made before, and then train."
        )
    if not found.pairs and not found.rows:
        raise WorkspaceError(
            f"No pair of {run.dataset} is accepted in {run.edits}: read some with `wukong-pipe review --run "
            f"{shlex.quote(run.name)}`, or leave out --accepted-only."
        )
    return found


def _pairs_of(run: Run) -> dict[str, str]:
    """The ids of all pairs that the dataset has, or would have but for the edits, each with the id of the row that asks
    in its own words; "" where that is left out for what another one says."""
    pairs: dict[str, str] = {}
    for row in _rows_of(run):
        if "pair_id" in row:
            own = str(row["id"]) if row.get("variant") == "base" else ""
            pairs[str(row["pair_id"])] = own or pairs.get(str(row["pair_id"]), "")
    return pairs


def _rows_of(run: Run) -> Iterator[Mapping[str, Any]]:
    for name in FILES.values():
        if (run.dataset / name).is_file():
            yield from (row for _, row in read_numbered(run.dataset / name))
    path = run.dataset / "rejected.jsonl"
    if path.is_file():
        for _, reject in read_numbered(path):
            if reject.get("stage") == "edit" and isinstance(reject.get("candidate"), dict):
                yield reject["candidate"]
