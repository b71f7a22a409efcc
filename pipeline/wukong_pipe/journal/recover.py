"""Recovery of a damaged journal: the newest sound copy takes its place, with all more that can still be read, and
nothing of the old one is deleted."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import half_of
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.copies import copies_of, discard, make_empty, publish, sync
from wukong_pipe.journal.database import log_of
from wukong_pipe.journal.losses import Loss, losses
from wukong_pipe.journal.merge import merge
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.store import Journal
from wukong_pipe.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Recovered:
    """What stands in the place of a damaged journal, and what it lacks."""

    copy: Path | None
    """The sound copy that was taken, None where there was none; what was restored has become `copy-1` since."""
    made: str | None
    """When that copy was made, UTC, ISO 8601."""
    copied: int
    """Calls of the copy."""
    added: int
    """Calls that the copy lacks, and that could still be read from the journal or the other copy."""
    damaged: Path | None
    """Where the damaged file is now, its log beside it; None where there was no file."""
    losses: tuple[Loss, ...]
    """The runs that lack calls, as far as their files say."""


def recover(workspace: Workspace) -> Recovered:
    """Put the newest sound copy of a workspace's journal in its place, with all more that plain SQL still reads from
    the damaged journal and the other copy; where no copy is sound, that alone. The caller holds the workspace's lock.

    A crash at any moment loses nothing: what was recovered is the newest copy before the damaged file is moved away,
    and no build buys calls while a copy holds some that the journal lacks.

    Raises:
        WorkspaceError: there is nothing to recover from, a newer version wrote the copy, or the disk cannot be written.
    """
    path = workspace.journal
    newest, copy = copies_of(path)[0], _sound_copy(path)
    half = half_of(newest)
    try:
        made = datetime.fromtimestamp(copy.stat().st_mtime if copy else 0, UTC)
        make_empty(half)
        if copy:
            shutil.copyfile(copy, half)
        added = sum(merge(file, half).added for file in (path, *copies_of(path)) if file != copy)
        with Journal(half) as journal:
            if journal.is_empty:
                raise _nothing_to_read(path)
            copied = sum(1 for _ in journal.calls()) - added
            lost = tuple(losses(workspace, journal, made))
        if copy:
            # A recovery that is interrupted after this is finished from `half`, and says the same of its age.
            os.utime(half, (made.timestamp(), made.timestamp()))
        if copy != newest and newest.exists():
            # It is damaged, and `publish` replaces it. It stays in its place until then: it may hold what nothing else
            # does.
            shutil.copy2(newest, _aside(newest, _free_number(newest)))
        publish(half, path)
        damaged = _move_away(path)
        shutil.copyfile(newest, half)
        if damaged is not None:
            shutil.copymode(damaged, half)
        sync(half)
        half.replace(path)
        sync(path.parent)
    except OSError as error:
        raise WorkspaceError(f"The journal {path} cannot be restored: {error}.") from error
    finally:
        with contextlib.suppress(OSError):
            discard(half)
    when = made.isoformat(timespec="seconds") if copy else None
    return Recovered(copy, when, copied, added, damaged, lost)


def add_from_copies(workspace: Workspace) -> int:
    """Add to a workspace's sound journal all that it lacks and its copies hold; how many calls. The caller holds the
    workspace's lock.

    Raises:
        WorkspaceError: the journal cannot be written.
    """
    return sum(merge(copy, workspace.journal).added for copy in copies_of(workspace.journal))


def _sound_copy(path: Path) -> Path | None:
    """The newest sound copy of a journal.

    Raises:
        WorkspaceError: a newer version wrote it, or there is neither a copy nor a journal.
    """
    copies = copies_of(path)
    for copy in copies:
        if (version := sound_version(copy)) is not None:
            if version > len(MIGRATIONS):
                raise WorkspaceError(f"{copy} was written by a newer wukong-pipe: update this one.")
            return copy
    if not any(file.exists() for file in (path, log_of(path), *copies)):
        raise WorkspaceError(f"There is no journal {path}.")
    return None


def _nothing_to_read(path: Path) -> WorkspaceError:
    copies = " or ".join(copy.name for copy in copies_of(path))
    return WorkspaceError(
        f"There is no sound copy of {path} ({copies}), and no call can be read from it: put a copy back from a backup "
        "of yours, or move the journal and its copies away to pay for its calls again."
    )


def _move_away(path: Path) -> Path | None:
    """Give a damaged file and what is beside it another name, a new one; None where there is no file."""
    number = _free_number(path)
    damaged = _aside(path, number) if path.exists() else None
    # The log goes first: if it stayed behind alone, SQLite would take it for that of the restored file.
    for end in ("-wal", "-shm", ""):
        old = path.with_name(path.name + end)
        if old.exists():
            old.replace(_aside(path, number, end))
    sync(path.parent)
    return damaged


def _free_number(path: Path) -> int:
    """The first number under which no damaged file is kept."""
    number = 1
    while any(_aside(path, number, end).exists() for end in ("", "-wal")):
        number += 1
    return number


def _aside(path: Path, number: int, end: str = "") -> Path:
    return path.with_name(f"{path.name}.damaged-{number}{end}")
