"""Copies of the journal, made while calls are bought: `journal --recover` puts the newest sound one back.

Two are kept beside the journal, `journal.sqlite.copy-1` (the newest) and `journal.sqlite.copy-2`, each one file that
only its owner may read. A copy takes its place only after every page and call of it was checked, so damage never
spreads to the copies.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import half_of
from wukong_pipe.journal.check import sealed_columns, sound_version
from wukong_pipe.journal.database import is_filled, read_only, read_only_uri
from wukong_pipe.journal.records import Call

INTERVAL = 600.0
"""Seconds between two copies while calls are bought."""


def copies_of(path: Path) -> tuple[Path, Path]:
    """Where the newest copy of a journal stands, and the one before it."""
    return path.with_name(path.name + ".copy-1"), path.with_name(path.name + ".copy-2")


@contextlib.contextmanager
def copying(
    path: Path,
    say: Callable[[str], None],
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
) -> Iterator[None]:
    """Copy an open journal at the beginning of the block, every ten minutes in it and at its end.

    Nothing is copied where nothing was bought since the newest copy. A copy that fails is told, and the block goes on.

    Args:
        path: the journal, which stays open in the block.
        say: takes the warning.
        wait: waits for an event or so many seconds, and returns whether the event came; by a monotonic clock.
    """
    ended = threading.Event()

    def copy() -> None:
        try:
            copy_journal(path)
        except WorkspaceError as error:
            say(f"{error} The older copies are kept, and the work goes on.")

    def repeat() -> None:
        while not wait(ended, INTERVAL):
            copy()

    copy()
    # In a thread with a connection of its own: in WAL mode who reads never makes a writer wait, so the calls that are
    # bought meanwhile are committed as ever.
    thread = threading.Thread(target=repeat, name="journal copies", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # A second Ctrl-C ends the work at once: the next build begins with a copy of what this one bought.
        if not isinstance(sys.exception(), KeyboardInterrupt):
            thread.join()
            copy()


def copy_journal(path: Path) -> None:
    """Make the newest copy of an open journal, unless the last one holds all that was bought.

    Raises:
        WorkspaceError: there is no room for it, it cannot be written, or it is not sound.
    """
    newest, _ = copies_of(path)
    half = half_of(newest)
    try:
        with contextlib.closing(read_only(path, is_in_use=True)) as journal:
            if _last_bought(journal) == _last_bought_in(newest):
                return
            # A copy must not take the last room on the disk: the journal needs it for what is bought meanwhile.
            if shutil.disk_usage(path.parent).free < 2 * path.stat().st_size:
                raise WorkspaceError(f"The journal {path} was not copied: the disk is almost full.")
            make_empty(half)
            with contextlib.closing(sqlite3.connect(half)) as copy:
                # Nothing is lost with a half-written copy, so it needs no log; `publish` syncs it whole.
                copy.execute("PRAGMA journal_mode = OFF")
                copy.execute("PRAGMA synchronous = OFF")
                journal.backup(copy)
        if sound_version(half) is None:
            raise WorkspaceError(f"The journal {path} was not copied: its copy is not sound. Is the disk failing?")
        publish(half, path)
    except (sqlite3.Error, OSError) as error:
        raise WorkspaceError(f"The journal {path} was not copied: {error}.") from error
    finally:
        # What is left of a copy that failed takes room that the journal may need.
        with contextlib.suppress(OSError):
            discard(half)


def newer_copy(path: Path) -> Path | None:
    """The newest copy that holds a paid call, or a request for one, that the journal lacks, as when the journal was
    deleted, emptied or made anew; None where there is none. What cannot be read of a copy is not looked for."""
    return next((copy for copy in copies_of(path) if is_filled(copy) and _has_more(copy, path)), None)


def _has_more(copy: Path, path: Path) -> bool:
    """Whether a copy holds what was bought and the journal lacks."""
    with contextlib.suppress(sqlite3.Error, TypeError, ValueError), contextlib.closing(read_only(copy)) as db:
        columns, tables = sealed_columns(db), set[str]()
        if is_filled(path):
            db.execute("ATTACH ? AS journal", (read_only_uri(path),))
            tables = {name for (name,) in db.execute("SELECT name FROM journal.sqlite_master")}
        # A process that was killed at once leaves a journal without tables.
        calls, sends = (
            f"SELECT key FROM journal.{table}" if table in tables else "SELECT '' WHERE false"
            for table in ("calls", "sends")
        )
        # The inner SELECT reads the index of the keys alone, a small part of the file.
        lacking = f"rowid IN (SELECT rowid FROM main.calls WHERE key NOT IN ({calls}))"
        for row in db.execute(f"SELECT {columns} FROM main.calls WHERE {lacking} AND base_url != 'offline'"):
            # What `merge` would refuse must not stop a build.
            if Call(*row[:-1]).is_sealed_by(row[-1]):
                return True
        # Few requests are without a call, and only these are looked for where there is no index.
        lacking = f"key NOT IN ({calls}) AND key NOT IN ({sends})"
        return db.execute(f"SELECT 1 FROM main.sends WHERE {lacking} LIMIT 1").fetchone() is not None
    return False


def make_empty(path: Path) -> None:
    """Make an empty file that only its owner may read, in the place of what a killed process left."""
    discard(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def discard(path: Path) -> None:
    """Remove a half-written file and what SQLite made beside it."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def publish(half: Path, path: Path) -> None:
    """Let a finished file become the newest copy of the journal `path`. The newest so far becomes the older one, but
    never where it was damaged since: the older one may be the last that is sound."""
    newest, older = copies_of(path)
    sync(half)
    # A crash between the two leaves the older copy and no newest one.
    if sound_version(newest) is not None:
        newest.replace(older)
    half.replace(newest)
    sync(path.parent)


def sync(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _last_bought(db: sqlite3.Connection) -> tuple[int, int]:
    """The number of the last call and of the last request; 0 where there is none."""
    call, request = db.execute(
        "SELECT (SELECT coalesce(max(rowid), 0) FROM calls), (SELECT coalesce(max(id), 0) FROM sends)"
    ).fetchone()
    return call, request


def _last_bought_in(copy: Path) -> tuple[int, int]:
    """Those of a copy; zeros where it is not there or cannot be read."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(read_only(copy)) as db:
        return _last_bought(db)
    return 0, 0
