"""The journal: every teacher call of a workspace, committed before its reply is used.

One SQLite file in WAL mode with synchronous=FULL, so that acknowledged calls survive kill -9 and power loss
(https://www.sqlite.org/pragma.html#pragma_synchronous). It never holds a key.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wukong_pipe.errors import WorkspaceError


@dataclass(frozen=True, slots=True)
class Call:
    """One call that brought an answer, readable or not: the key hashes its meaning, all else stands
    beside."""

    key: str
    base_url: str
    model: str
    attempt: int
    run: str
    stage: str
    prompt: str
    request: bytes
    """The hashed canonical JSON: model, messages, schema, parameters."""
    reply: bytes
    """The HTTP body as it came; not text, for a teacher may send what is not valid UTF-8."""
    status: int
    rung: int
    tokens_in: int | None
    tokens_out: int | None
    seconds: float
    created: str
    error: str = ""
    """The provider's words where it refused this request for good; empty where `reply` is a completion."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One HTTP call that brought no answer and was retried or ended the run; it may have been billed."""

    key: str
    base_url: str
    model: str
    run: str
    stage: str
    prompt: str
    status: int | None
    """None where the connection failed, was cut or ran past its deadline."""
    rung: int
    seconds: float
    created: str
    error: str


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value, for hashing; ASCII, so that lone surrogates have bytes too."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def call_key(request: bytes, attempt: int) -> str:
    """The key of attempt number `attempt` of a request in canonical JSON."""
    return hashlib.sha256(request + b"\n" + str(attempt).encode("ascii")).hexdigest()


def now() -> str:
    """The present in UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


# --- migrations: each runs once, in this order; PRAGMA user_version counts those that ran -------------------


def m001_calls(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE calls (key TEXT PRIMARY KEY, base_url TEXT NOT NULL, model TEXT NOT NULL,"
        " attempt INTEGER NOT NULL, run TEXT NOT NULL, stage TEXT NOT NULL, prompt TEXT NOT NULL,"
        " request BLOB NOT NULL, reply BLOB NOT NULL, status INTEGER NOT NULL, rung INTEGER NOT NULL,"
        " tokens_in INTEGER, tokens_out INTEGER, seconds REAL NOT NULL, created TEXT NOT NULL,"
        " error TEXT NOT NULL)"
    )


def m002_failures(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE failures (id INTEGER PRIMARY KEY, key TEXT NOT NULL, base_url TEXT NOT NULL,"
        " model TEXT NOT NULL, run TEXT NOT NULL, stage TEXT NOT NULL, prompt TEXT NOT NULL, status INTEGER,"
        " rung INTEGER NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL, error TEXT NOT NULL)"
    )


def m003_refused_rungs(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE refused_rungs (base_url TEXT NOT NULL, model TEXT NOT NULL, rung INTEGER NOT NULL,"
        " created TEXT NOT NULL, PRIMARY KEY (base_url, model, rung))"
    )


MIGRATIONS = (m001_calls, m002_failures, m003_refused_rungs)

_CALL_COLUMNS = ", ".join(field.name for field in fields(Call))
_FAILURE_COLUMNS = ", ".join(field.name for field in fields(Failure))


class Journal:
    """The journal of one workspace, a context manager. Any method raises WorkspaceError on damage or a full
    disk."""

    def __init__(self, path: Path) -> None:
        """Open `path`, or make it, and bring its tables up to date.

        Raises:
            WorkspaceError: the file is no journal, is damaged, comes from a newer version, or cannot be
            written.
        """
        self.path = path
        with self._telling():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit: transactions are opened by hand, one a call. A reader may hold the file for a
            # moment.
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._migrate()
            except BaseException:
                self._db.close()
                raise

    def _migrate(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise WorkspaceError(f"{self.path} was written by a newer wukong-pipe; update this one.")
        for migration in MIGRATIONS[version:]:
            migration(self._db)
        self._db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what SQLite and the file system report into a sentence for the user."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise WorkspaceError(f"The journal {self.path} cannot be used: {error}.") from error
        except sqlite3.DatabaseError as error:
            raise WorkspaceError(
                f"The journal {self.path} is damaged ({error}); restore a copy of it, or move it away "
                "and buy its replies again."
            ) from error
        except OSError as error:
            raise WorkspaceError(f"The journal {self.path} cannot be used: {error.strerror}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    # --- calls ----------------------------------------------------------------------------------------------

    def get(self, key: str) -> Call | None:
        """The call with that key, if it was ever made."""
        with self._telling():
            row = self._db.execute(f"SELECT {_CALL_COLUMNS} FROM calls WHERE key = ?", (key,)).fetchone()
        return None if row is None else Call(*row)

    def record(self, call: Call) -> None:
        """Commit `call`: once this returns, it is on the disk. A key is written once and never replaced."""
        self._insert("INSERT INTO calls", _CALL_COLUMNS, astuple(call))

    def calls(self) -> Iterator[Call]:
        """Every call, oldest first."""
        with self._telling():
            for row in self._db.execute(f"SELECT {_CALL_COLUMNS} FROM calls ORDER BY rowid"):
                yield Call(*row)

    def record_failure(self, failure: Failure) -> None:
        """Commit a call that brought no answer."""
        self._insert("INSERT INTO failures", _FAILURE_COLUMNS, astuple(failure))

    def failures(self) -> Iterator[Failure]:
        """Every call that brought no answer, oldest first."""
        with self._telling():
            for row in self._db.execute(f"SELECT {_FAILURE_COLUMNS} FROM failures ORDER BY id"):
                yield Failure(*row)

    def _insert(self, statement: str, columns: str, values: tuple[Any, ...]) -> None:
        marks = ", ".join("?" for _ in values)
        # A provider's words may hold lone surrogates, which SQLite text cannot.
        values = tuple(v.encode("utf-8", "backslashreplace").decode() if isinstance(v, str) else v for v in values)
        with self._telling():
            self._db.execute(f"{statement} ({columns}) VALUES ({marks})", values)

    # --- the support ladder ---------------------------------------------------------------------------------

    def rung(self, base_url: str, model: str) -> int:
        """The first rung of the support ladder that this server has not refused for this model."""
        with self._telling():
            (rung,) = self._db.execute(
                "SELECT coalesce(max(rung) + 1, 0) FROM refused_rungs WHERE base_url = ? AND model = ?",
                (base_url, model),
            ).fetchone()
        return int(rung)

    def refuse_rung(self, base_url: str, model: str, rung: int) -> None:
        """Remember that the server refused this rung, so that the next build starts below it."""
        self._insert(
            "INSERT OR IGNORE INTO refused_rungs",
            "base_url, model, rung, created",
            (base_url, model, rung, now()),
        )
