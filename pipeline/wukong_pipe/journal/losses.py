"""Calls that datasets were made from and that the journal lacks, as far as the runs' files say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from wukong_pipe.errors import DataError
from wukong_pipe.files import read_numbered, read_object
from wukong_pipe.journal.store import Journal
from wukong_pipe.records import FILES
from wukong_pipe.workspace import MANIFEST, NOTE, Run, Workspace


@dataclass(frozen=True, slots=True)
class Loss:
    """The paid calls of one run that a journal lacks, as far as the run's files say."""

    run: str
    calls: int
    """Calls that the rows and rejects of its dataset came in."""
    bought_since: int
    """Calls that its last build bought, where that build ended after the copy was made; the copy may hold some."""


def losses(workspace: Workspace, journal: Journal, made: datetime) -> Iterator[Loss]:
    """What each run of a workspace lacks in a journal that was restored from a copy.

    Args:
        made: when the copy was made.
    """
    for folder in sorted(workspace.folder.iterdir()):
        run = Run(folder)
        loss = Loss(run.name, calls_lost(run, journal), _bought_since(run, made))
        if loss.calls or loss.bought_since:
            yield loss


def calls_paid_for(run: Run) -> int:
    """How many calls of a language model a run's dataset was made from, as far as its manifest can be read."""
    with contextlib.suppress(DataError, LookupError, TypeError, AttributeError, OSError):
        manifest = read_object(run.manifest, MANIFEST)
        if manifest["teacher"]["language_model"]:
            return int(sum(stage["used"]["calls"] for stage in manifest["calls"].values()))
    return 0


def calls_lost(run: Run, journal: Journal) -> int:
    """How many paid calls that a run's rows and rejects came in a journal lacks."""
    if not calls_paid_for(run):
        return 0
    calls: set[str] = set()
    for name in (*FILES.values(), "rejected.jsonl"):
        with contextlib.suppress(DataError, OSError):
            calls.update(str(row.get("call") or "") for _, row in read_numbered(run.dataset / name))
    return sum(not journal.holds(call) for call in calls - {""})


def _bought_since(run: Run, made: datetime) -> int:
    """How many calls a run's last build bought, where it ended after `made` and says so."""
    path = run.folder / "build.json"
    with contextlib.suppress(DataError, LookupError, TypeError, ValueError, OSError):
        note = read_object(path, NOTE)
        # Calls of the embedded teacher have no tokens and cost nothing.
        if note["tokens_in"] and path.stat().st_mtime > made.timestamp():
            return int(note["calls_made"])
    return 0
