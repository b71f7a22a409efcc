"""The journal's SQLite file: opened so that nothing is lost, brought up to date, its errors put into a sentence.

The file is in WAL mode with synchronous=FULL, so that acknowledged calls survive kill -9 and power loss
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.migrations import MIGRATIONS

UNUSABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_TOOBIG,
}
"""Errors that keep a sound file from being used, or a row out of it (https://www.sqlite.org/rescode.html). Every other
error says that the file is damaged."""


def log_of(path: Path) -> Path:
    """The write-ahead log beside a database."""
    return path.with_name(path.name + "-wal")


def is_filled(path: Path) -> bool:
    """Whether a file is there and holds anything."""
    return path.is_file() and path.stat().st_size > 0


def read_only(path: Path, *, is_in_use: bool = False) -> sqlite3.Connection:
    """A connection that changes neither the file nor its log.

    Args:
        is_in_use: another connection may write meanwhile.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    return sqlite3.connect(read_only_uri(path, is_in_use=is_in_use), uri=True)


def read_only_uri(path: Path, *, is_in_use: bool = False) -> str:
    """The address of a file for a connection, or an ATTACH, that changes neither the file nor its log."""
    # Without a log SQLite must be told that nobody writes, or it would make one.
    how = "" if is_in_use or is_filled(log_of(path)) else "&immutable=1"
    return f"{path.absolute().as_uri()}?mode=ro{how}"


class Database:
    """An open journal file. Any method raises WorkspaceError on damage or a full disk."""

    def __init__(self, path: Path) -> None:
        """Open `path`, or make it, and bring its tables up to date.

        Raises:
            WorkspaceError: the file is no journal, is damaged, comes from a newer version, or cannot be
            written.
        """
        self.path = path
        with self._errors_as_sentences():
            path.parent.mkdir(parents=True, exist_ok=True)
            if is_filled(log_of(path)) and not is_filled(path):
                # SQLite would take an empty file for a new one, and delete its log.
                raise WorkspaceError(self.damage("it is empty, and the log beside it is not"))
            # Autocommit: transactions are opened by hand. A reader may hold the file for a moment.
            self.connection = sqlite3.connect(path, timeout=10, isolation_level=None)
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
                self.connection.execute("PRAGMA synchronous = FULL")
                self._migrate()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the file; what stands in its log moves into it."""
        self.connection.close()

    def rows(self, statement: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows that a statement reads."""
        with self._errors_as_sentences():
            yield from self.connection.execute(statement, values)

    def write(self, statement: str, values: Sequence[Any]) -> int:
        """Run a statement that writes; the number of the row that it wrote."""
        with self._errors_as_sentences():
            return self.connection.execute(statement, [storable(value) for value in values]).lastrowid or 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block is written, or nothing of it."""
        with self._errors_as_sentences():
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                # SQLite rolls back by itself on a full disk, and then has no transaction to end.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def damage(self, what: str) -> str:
        """The sentence for a damaged journal, and its cure."""
        # SQLite's words quote what stands in a broken page, and much of it.
        words = "".join(letter if letter.isprintable() else "?" for letter in what[:200])
        return (
            f"The journal {self.path} is damaged ({words}): `wukong-pipe journal --recover` puts the newest sound "
            "copy in its place."
        )

    def _version(self) -> int:
        (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _migrate(self) -> None:
        if self._version() == len(MIGRATIONS):
            return
        with self.transaction():
            # Asked again: another process may have been quicker.
            version = self._version()
            if version > len(MIGRATIONS):
                raise WorkspaceError(f"{self.path} was written by a newer wukong-pipe: update this one.")
            for migration in MIGRATIONS[version:]:
                migration(self.connection)
            self.connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @contextlib.contextmanager
    def _errors_as_sentences(self) -> Iterator[None]:
        """Turn what SQLite and the file system report into a sentence for the user."""
        try:
            yield
        except sqlite3.Error as error:
            # Text that is not UTF-8 comes without a code. A broken header may say that the file is not to be written.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            writable = all(os.access(place, os.W_OK) for place in (self.path, self.path.parent))
            if code in UNUSABLE or (code == sqlite3.SQLITE_READONLY and not writable):
                raise WorkspaceError(f"The journal {self.path} cannot be used: {error}.") from error
            raise WorkspaceError(self.damage(str(error))) from error
        except OSError as error:
            raise WorkspaceError(f"The journal {self.path} cannot be used: {error.strerror}.") from error


def storable(value: Any) -> Any:
    """The value as SQLite can store it: a provider's words may hold lone surrogates, which its text cannot."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
