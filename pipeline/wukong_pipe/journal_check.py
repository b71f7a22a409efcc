"""Whether a journal is sound, found out without a write: what is not damaged must not be recovered."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from wukong_pipe.journal import recovered_of
from wukong_pipe.journal_migrations import MIGRATIONS
from wukong_pipe.journal_records import CALL_COLUMNS, Call
from wukong_pipe.sqlite_pages import is_log_broken, log_of


def is_sound(path: Path) -> bool:
    """Whether every page, index and call of a journal is as this version wrote it, and no recovery was interrupted.

    Leaves the file and its log as they are; the caller holds the workspace's lock.
    """
    if recovered_of(path).exists() or not path.is_file() or not path.stat().st_size or is_log_broken(path):
        return False
    log, index = log_of(path), path.with_name(path.name + "-shm")
    # Without a log SQLite is told that nobody writes, or it would make one.
    how = "mode=ro" if log.is_file() and log.stat().st_size else "immutable=1"
    had_index = index.exists()
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as db:
            return (
                db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                and db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
                and all(
                    Call(*row[:-1]).is_sealed_by(row[-1])
                    for row in db.execute(f"SELECT {CALL_COLUMNS}, seal FROM calls")
                )
            )
    except (sqlite3.Error, TypeError, ValueError):
        # What is no number or text where one should stand is damage, too.
        return False
    finally:
        if not had_index:
            with contextlib.suppress(OSError):
                index.unlink()
