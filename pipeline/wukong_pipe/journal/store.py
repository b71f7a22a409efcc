"""The journal: every teacher call of a workspace, committed before its reply is used, and what each may have cost.

One SQLite file in WAL mode with synchronous=FULL, so that acknowledged calls survive kill -9 and power loss
(https://www.sqlite.org/pragma.html#pragma_synchronous). It never holds a key.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import (
    BATCH_COLUMNS,
    CALL_COLUMNS,
    SEND_COLUMNS,
    Batch,
    Call,
    Outcome,
    Prices,
    Purchase,
    Send,
    Tokens,
    now,
)
from wukong_pipe.journal.sqlite_pages import is_log_broken, log_of

ELSEWHERE = {
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
"""What keeps a sound file from being used (https://www.sqlite.org/rescode.html), or a row out of it; all else says that
it is damaged."""


def recovered_of(path: Path) -> Path:
    """Where the saved calls of a damaged journal stand until they take its place."""
    return path.with_name(path.name + ".recovered")


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
            self._refuse_to_lose()
            # Autocommit: transactions are opened by hand. A reader may hold the file for a moment.
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._migrate()
            except BaseException:
                self._db.close()
                raise

    def _refuse_to_lose(self) -> None:
        """SQLite takes damage in the log for its end and an empty file for a new one, and deletes what is behind it."""
        if recovered_of(self.path).exists():
            raise WorkspaceError(
                f"Saving the calls of {self.path} was interrupted: `wukong-pipe journal --recover` finishes it."
            )
        log = log_of(self.path)
        if not log.is_file() or not log.stat().st_size:
            return
        if not self.path.is_file() or not self.path.stat().st_size:
            raise WorkspaceError(self._damaged("it is empty, and the log beside it is not"))
        if is_log_broken(self.path):
            raise WorkspaceError(self._damaged("calls stand behind a broken place of the log beside it"))

    def _version(self) -> int:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _migrate(self) -> None:
        if self._version() == len(MIGRATIONS):
            return
        with self._transaction():
            version = self._version()
            if version > len(MIGRATIONS):
                raise WorkspaceError(f"{self.path} was written by a newer wukong-pipe: update this one.")
            for migration in MIGRATIONS[version:]:
                migration(self._db)
            self._db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of the block or nothing of it."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # SQLite rolls back by itself on a full disk, and then has no transaction to end.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what SQLite and the file system report into a sentence for the user."""
        try:
            yield
        except sqlite3.Error as error:
            # Text that is not UTF-8 comes without a code. A broken header may say that the file is not to be written.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            writable = all(os.access(place, os.W_OK) for place in (self.path, self.path.parent))
            if code in ELSEWHERE or (code == sqlite3.SQLITE_READONLY and not writable):
                raise WorkspaceError(f"The journal {self.path} cannot be used: {error}.") from error
            raise WorkspaceError(self._damaged(str(error))) from error
        except OSError as error:
            raise WorkspaceError(f"The journal {self.path} cannot be used: {error.strerror}.") from error

    def _damaged(self, what: str) -> str:
        # SQLite's words quote what stands in a broken page, and much of it.
        words = "".join(letter if letter.isprintable() else "?" for letter in what[:200])
        return (
            f"The journal {self.path} is damaged ({words}): `wukong-pipe journal --recover` saves every call "
            "that can still be read."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        with self._telling():
            yield from self._db.execute(statement, values)

    def _execute(self, statement: str, values: Sequence[Any]) -> int:
        """Run a writing statement; the row's number."""
        with self._telling():
            return self._db.execute(statement, [_storable(value) for value in values]).lastrowid or 0

    # --- calls ----------------------------------------------------------------------------------------------

    def get(self, key: str) -> Call | None:
        """The call with that key, if it was ever made."""
        for row in self._rows(f"SELECT {CALL_COLUMNS}, seal FROM calls WHERE key = ?", (key,)):
            call = self._sealed(row)
            # A broken index leads to another row, and SQLite does not look at its key again.
            if call.key != key:
                raise WorkspaceError(self._damaged(f"its index leads from {key} to {call.key}"))
            return call
        return None

    def holds(self, key: str) -> bool:
        """Whether the call with that key was ever made."""
        return any(self._rows("SELECT 1 FROM calls WHERE key = ?", (_storable(key),)))

    def calls(self) -> Iterator[Call]:
        """Every call, oldest first."""
        for row in self._rows(f"SELECT {CALL_COLUMNS}, seal FROM calls ORDER BY rowid"):
            yield self._sealed(row)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever asked, as in a new journal, or in one that was emptied."""
        ((count,),) = self._rows("SELECT EXISTS (SELECT 1 FROM calls) + EXISTS (SELECT 1 FROM sends)")
        return not count

    def counts(self, base_url: str) -> list[tuple[str, str, str, int]]:
        """How many calls of a teacher stand here: (run, model, prompt, calls)."""
        return list(
            self._rows(
                "SELECT run, model, prompt, count(*) FROM calls WHERE base_url = ?"
                " GROUP BY run, model, prompt ORDER BY min(rowid)",
                (base_url,),
            )
        )

    def _sealed(self, row: tuple[Any, ...]) -> Call:
        call = Call(*row[:-1])
        if not call.is_sealed_by(row[-1]):
            raise WorkspaceError(self._damaged(f"the call {call.key} is not what was written"))
        return call

    def record(self, call: Call, send: int | None = None, booked: Tokens | None = None) -> None:
        """Commit `call`, and `booked` as what its `send` cost: once this returns, both are on the disk.

        A key is written once and never replaced.
        """
        call = Call(*map(_storable, call.values()))
        values = (*call.values(), call.seal())
        marks = ", ".join("?" for _ in values)
        with self._telling(), self._transaction():
            self._db.execute(f"INSERT INTO calls ({CALL_COLUMNS}, seal) VALUES ({marks})", values)
            if send is not None and booked is not None:
                self._settle(send, "answered", booked, call.status, call.seconds, call.error)

    # --- the ledger -----------------------------------------------------------------------------------------

    def open_sends(
        self, purchases: Sequence[Purchase], reserved: Sequence[Tokens], rung: int, prices: Prices | None
    ) -> list[int]:
        """Book what requests that are about to leave may cost; the numbers by which they are settled."""
        labels = ("", "", "") if prices is None else (str(prices.prompt), str(prices.completion), prices.currency)
        marks = ", ".join("?" for _ in SEND_COLUMNS.split(","))
        numbers = []
        with self._telling(), self._transaction():
            for wanted, tokens in zip(purchases, reserved, strict=True):
                send = Send(
                    wanted.key,
                    wanted.base_url,
                    wanted.model,
                    wanted.run,
                    wanted.stage,
                    wanted.prompt,
                    rung,
                    "open",
                    tokens.prompt,
                    tokens.completion,
                    *labels,
                    None,
                    0.0,
                    now(),
                    "",
                )
                numbers.append(
                    self._execute(f"INSERT INTO sends ({SEND_COLUMNS}) VALUES ({marks})", astuple(send)),
                )
        return numbers

    def close_send(
        self, send: int, outcome: Outcome, booked: Tokens, status: int | None, seconds: float, error: str
    ) -> None:
        """Settle a request that brought no answer."""
        with self._telling():
            self._settle(send, outcome, booked, status, seconds, error)

    def _settle(
        self, send: int, outcome: Outcome, booked: Tokens, status: int | None, seconds: float, error: str
    ) -> None:
        self._db.execute(
            "UPDATE sends SET outcome = ?, tokens_in = ?, tokens_out = ?, status = ?, seconds = ?, error = ?"
            " WHERE id = ?",
            (outcome, booked.prompt, booked.completion, status, seconds, _storable(error), send),
        )

    def sends(self) -> Iterator[Send]:
        """Every request that left for a teacher, oldest first."""
        for row in self._rows(f"SELECT {SEND_COLUMNS} FROM sends ORDER BY id"):
            yield Send(*row)

    def sends_with_batches(self) -> Iterator[tuple[Send, str]]:
        """Every request, each with the provider's id of the open batch that it is in (the mark of one whose id is not
        known, empty for none)."""
        columns = ", ".join(f"s.{name.strip()}" for name in SEND_COLUMNS.split(","))
        for row in self._rows(
            f"SELECT {columns}, coalesce(nullif(b.remote, ''), b.mark, '') FROM sends s"
            " LEFT JOIN batch_items i ON i.send = s.id LEFT JOIN batches b ON b.id = i.batch AND b.ended = 0"
            " ORDER BY s.id"
        ):
            yield Send(*row[:-1]), row[-1]

    def booked(self, run: str) -> list[tuple[int, Tokens, str, str]]:
        """What a run's requests that may be billed are booked at: (number, tokens, price_in, price_out) by price."""
        found: dict[tuple[str, str], tuple[int, Tokens]] = {}
        # Not summed by SQLite, whose integers overflow: a provider may say any number.
        rows = self._rows(
            "SELECT tokens_in, tokens_out, price_in, price_out FROM sends WHERE run = ? AND outcome != 'unbilled'",
            (run,),
        )
        for tokens_in, tokens_out, *prices in rows:
            count, tokens = found.get((prices[0], prices[1]), (0, Tokens()))
            found[prices[0], prices[1]] = count + 1, tokens + Tokens(tokens_in, tokens_out)
        return [(count, tokens, *prices) for prices, (count, tokens) in found.items()]

    # --- allowances: attempts beyond the usual, which --reask granted ---------------------------------------

    def allowance(self, run: str, subject: str) -> int:
        """How many more attempts than usual were granted to a section or pair of this run."""
        rows = self._rows("SELECT attempts FROM allowances WHERE run = ? AND subject = ?", (run, subject))
        return next((int(attempts) for (attempts,) in rows), 0)

    def allow(self, run: str, subject: str, attempts: int) -> None:
        """Grant so many more attempts, so that every later build asks as far as this one."""
        self._execute(
            "INSERT INTO allowances (run, subject, attempts, created) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (run, subject) DO UPDATE SET attempts = attempts + excluded.attempts",
            (run, subject, attempts, now()),
        )

    # --- the support ladder ---------------------------------------------------------------------------------

    def rung(self, base_url: str, model: str) -> int:
        """The first rung of the support ladder that this server has not refused for this model."""
        rows = self._rows(
            "SELECT coalesce(max(rung) + 1, 0) FROM refused_rungs WHERE base_url = ? AND model = ?", (base_url, model)
        )
        return next(int(rung) for (rung,) in rows)

    def refuse_rung(self, base_url: str, model: str, rung: int) -> None:
        """Remember that the server refused this rung, so that the next build starts below it."""
        self._execute(
            "INSERT OR IGNORE INTO refused_rungs (base_url, model, rung, created) VALUES (?, ?, ?, ?)",
            (base_url, model, rung, now()),
        )

    # --- batches --------------------------------------------------------------------------------------------

    def open_batch(self, mark: str, wanted: Sequence[tuple[Purchase, int]]) -> int:
        """Write down a batch that is about to be sent: its requests, each with the number of its send."""
        first = wanted[0][0]
        with self._telling(), self._transaction():
            batch = self._execute(
                "INSERT INTO batches (mark, base_url, model, run, remote, ended, created, file)"
                " VALUES (?, ?, ?, ?, '', 0, ?, '')",
                (mark, first.base_url, first.model, first.run, now()),
            )
            self._db.executemany(
                "INSERT INTO batch_items (batch, send, key, attempt, request) VALUES (?, ?, ?, ?, ?)",
                [(batch, send, item.key, item.attempt, item.request) for item, send in wanted],
            )
        return batch

    def file_batch(self, batch: int, file: str) -> None:
        """Note the provider's id of a batch's file: from here on the batch may exist."""
        self._execute("UPDATE batches SET file = ? WHERE id = ?", (file, batch))

    def name_batch(self, batch: int, remote: str) -> None:
        """Note the provider's id of a batch."""
        self._execute("UPDATE batches SET remote = ? WHERE id = ?", (remote, batch))

    def end_batch(self, batch: int) -> None:
        """Note that all of a batch is settled."""
        self._execute("UPDATE batches SET ended = 1 WHERE id = ?", (batch,))

    def open_batches(self, base_url: str, model: str) -> list[Batch]:
        """The batches of this teacher that may still bring answers, oldest first."""
        rows = self._rows(
            f"SELECT {BATCH_COLUMNS} FROM batches WHERE ended = 0 AND base_url = ? AND model = ? ORDER BY id",
            (base_url, model),
        )
        return [Batch(*row) for row in rows]

    def open_batch_of(self, key: str) -> Batch | None:
        """The batch that may still bring the answer to this key."""
        columns = ", ".join(f"b.{name}" for name in BATCH_COLUMNS.split(", "))
        rows = self._rows(
            f"SELECT {columns} FROM batches b JOIN batch_items i ON i.batch = b.id WHERE b.ended = 0 AND i.key = ?",
            (key,),
        )
        return next((Batch(*row) for row in rows), None)

    def batch_sent(self, batch: int) -> tuple[int, str]:
        """The rung that a batch's requests were sent on, and when it was written down."""
        rows = self._rows(
            "SELECT s.rung, b.created FROM batches b JOIN batch_items i ON i.batch = b.id JOIN sends s ON s.id = i.send"
            " WHERE b.id = ? LIMIT 1",
            (batch,),
        )
        return next((int(rung), str(created)) for rung, created in rows)

    def batch_items(self, batch: int) -> list[tuple[Purchase, int, Tokens, Prices | None]]:
        """The requests of a batch that have no answer yet: what was to be bought, its send, what is booked for it."""
        rows = self._rows(
            "SELECT i.key, s.base_url, s.model, i.attempt, s.run, s.stage, s.prompt, i.request, i.send, s.tokens_in,"
            " s.tokens_out, s.price_in, s.price_out, s.currency FROM batch_items i JOIN sends s ON s.id = i.send"
            " WHERE i.batch = ? AND s.outcome = 'open' ORDER BY i.send",
            (batch,),
        )
        return [
            (
                Purchase(*row[:8]),
                row[8],
                Tokens(*row[9:11]),
                Prices(Decimal(row[11]), Decimal(row[12]), row[13]) if row[11] else None,
            )
            for row in rows
        ]


def _storable(value: Any) -> Any:
    """A provider's words may hold lone surrogates, which SQLite text cannot."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
