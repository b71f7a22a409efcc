"""Whether a journal, or a copy of one, is sound: found out without a write."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from wukong_pipe.journal.database import is_filled, read_only
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import CALL_COLUMNS, Call


def sound_version(path: Path) -> int | None:
    """The version of the tables of a journal whose every page, index and call is as it was written; None where it is
    damaged.

    What a newer version than ours wrote into its calls is not known here: of such a journal only pages and indexes are
    checked. The file and its log stay as they are; the caller holds the workspace's lock.
    """
    if not is_filled(path):
        return None
    index = path.with_name(path.name + "-shm")
    had_index = index.exists()
    try:
        with contextlib.closing(read_only(path)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            is_whole = db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return version if is_whole and (version > len(MIGRATIONS) or _is_ours(db, version)) else None
    except (sqlite3.Error, TypeError, ValueError):
        # What is no number or text where one should stand is damage, too.
        return None
    finally:
        if not had_index:
            with contextlib.suppress(OSError):
                index.unlink()


def _is_ours(db: sqlite3.Connection, version: int) -> bool:
    """Whether the tables are those of this version, and every call is as it was written."""
    if version < len(MIGRATIONS):
        with contextlib.closing(sqlite3.connect(":memory:")) as then:
            for migration in MIGRATIONS[: max(0, version)]:
                migration(then)
            # What bears an older number than its tables would not be brought up to date.
            if _columns(db) != _columns(then):
                return False
    # Version 0 is a new file without tables.
    return version == 0 or all(
        Call(*row[:-1]).is_sealed_by(row[-1]) for row in db.execute(f"SELECT {sealed_columns(db)} FROM calls")
    )


def sealed_columns(db: sqlite3.Connection) -> str:
    """The columns of a call and its seal, for a SELECT from a journal of this version or an older one."""
    return selectable(db, "calls", [*CALL_COLUMNS.split(", "), "seal"])


def selectable(db: sqlite3.Connection, table: str, columns: Sequence[str]) -> str:
    """These columns for a SELECT; empty text stands for those that the table of an older version lacks."""
    there = {name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    return ", ".join(name if name in there else "''" for name in columns)


def _columns(db: sqlite3.Connection) -> set[tuple[str, str]]:
    """Of all tables: (table, column)."""
    return set(db.execute("SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c"))
