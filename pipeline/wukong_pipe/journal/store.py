"""The journal of a workspace: every call to a teacher, kept before its reply is used, and what each may have cost.

It never holds a key. The tables are those of `migrations.py`, the records those of `records.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.database import Database, storable
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
    run_and_shard,
)


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
        self._db = Database(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    # --- calls ----------------------------------------------------------------------------------------------

    def get(self, key: str) -> Call | None:
        """The call with that key, if it was ever made."""
        for row in self._db.rows(f"SELECT {CALL_COLUMNS}, seal FROM calls WHERE key = ?", (key,)):
            call = self._sealed(row)
            # A broken index leads to another row, and SQLite does not look at its key again.
            if call.key != key:
                raise WorkspaceError(self._db.damage(f"its index leads from {key} to {call.key}"))
            return call
        return None

    def holds(self, key: str) -> bool:
        """Whether the call with that key was ever made."""
        return any(self._db.rows("SELECT 1 FROM calls WHERE key = ?", (storable(key),)))

    def calls(self) -> Iterator[Call]:
        """Every call, oldest first."""
        for row in self._db.rows(f"SELECT {CALL_COLUMNS}, seal FROM calls ORDER BY rowid"):
            yield self._sealed(row)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever asked, as in a new journal, or in one that was emptied."""
        ((count,),) = self._db.rows("SELECT EXISTS (SELECT 1 FROM calls) + EXISTS (SELECT 1 FROM sends)")
        return not count

    def counts(self, base_url: str) -> list[tuple[str, str, str, int]]:
        """How many calls of a teacher stand here: (run, model, prompt, calls)."""
        return list(
            self._db.rows(
                "SELECT run, model, prompt, count(*) FROM calls WHERE base_url = ?"
                " GROUP BY run, model, prompt ORDER BY min(rowid)",
                (base_url,),
            )
        )

    def _sealed(self, row: tuple[Any, ...]) -> Call:
        call = Call(*row[:-1])
        if not call.is_sealed_by(row[-1]):
            raise WorkspaceError(self._db.damage(f"the call {call.key} is not what was written"))
        return call

    def record(self, call: Call, send: int | None = None, booked: Tokens | None = None) -> None:
        """Commit `call`, and `booked` as what its `send` cost: once this returns, both are on the disk.

        A key is written once and never replaced, but by a merge; see `merge`.
        """
        call = Call(*map(storable, call.values()))
        values = (*call.values(), call.seal())
        marks = ", ".join("?" for _ in values)
        with self._db.transaction():
            self._db.write(f"INSERT INTO calls ({CALL_COLUMNS}, seal) VALUES ({marks})", values)
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
        with self._db.transaction():
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
                numbers.append(self._db.write(f"INSERT INTO sends ({SEND_COLUMNS}) VALUES ({marks})", astuple(send)))
        return numbers

    def close_send(
        self, send: int, outcome: Outcome, booked: Tokens, status: int | None, seconds: float, error: str
    ) -> None:
        """Settle a request that brought no answer."""
        self._settle(send, outcome, booked, status, seconds, error)

    def _settle(
        self, send: int, outcome: Outcome, booked: Tokens, status: int | None, seconds: float, error: str
    ) -> None:
        self._db.write(
            "UPDATE sends SET outcome = ?, tokens_in = ?, tokens_out = ?, status = ?, seconds = ?, error = ?"
            " WHERE id = ?",
            (outcome, booked.prompt, booked.completion, status, seconds, error, send),
        )

    def sends(self) -> Iterator[Send]:
        """Every request that left for a teacher, oldest first."""
        for row in self._db.rows(f"SELECT {SEND_COLUMNS} FROM sends ORDER BY id"):
            yield Send(*row)

    def sends_with_batches(self) -> Iterator[tuple[Send, str]]:
        """Every request, each with the provider's id of the open batch that it is in (the mark of one whose id is not
        known, empty for none)."""
        columns = ", ".join(f"s.{name.strip()}" for name in SEND_COLUMNS.split(","))
        for row in self._db.rows(
            f"SELECT {columns}, coalesce(nullif(b.remote, ''), b.mark, '') FROM sends s"
            " LEFT JOIN batch_items i ON i.send = s.id LEFT JOIN batches b ON b.id = i.batch AND b.ended = 0"
            " ORDER BY s.id"
        ):
            yield Send(*row[:-1]), row[-1]

    def booked(self, run: str) -> list[tuple[int, Tokens, str, str]]:
        """What the requests of a run, its shards' too, or of a shard that may be billed are booked at: (number, tokens,
        price_in, price_out) by price."""
        sums: dict[tuple[str, str], tuple[int, Tokens]] = {}
        known = [name for (name,) in self._db.rows("SELECT DISTINCT run FROM sends")]
        runs = [name for name in known if run in (name, run_and_shard(name)[0])]
        # Not summed by SQLite, whose integers overflow: a provider may say any number.
        rows = self._db.rows(
            "SELECT tokens_in, tokens_out, price_in, price_out FROM sends WHERE outcome != 'unbilled'"
            f" AND run IN ({', '.join('?' for _ in runs)})",
            runs,
        )
        for tokens_in, tokens_out, *prices in rows:
            count, tokens = sums.get((prices[0], prices[1]), (0, Tokens()))
            sums[prices[0], prices[1]] = count + 1, tokens + Tokens(tokens_in, tokens_out)
        return [(count, tokens, *prices) for prices, (count, tokens) in sums.items()]

    # --- allowances: attempts beyond the usual, which --reask granted ---------------------------------------

    def allowance(self, run: str, subject: str) -> int:
        """How many more attempts than usual were granted to a section or pair of this run."""
        rows = self._db.rows("SELECT attempts FROM allowances WHERE run = ? AND subject = ?", (run, subject))
        return next((int(attempts) for (attempts,) in rows), 0)

    def allowances(self, run: str) -> dict[str, int]:
        """The same of all subjects of this run that were granted any."""
        return dict(self._db.rows("SELECT subject, attempts FROM allowances WHERE run = ?", (run,)))

    def allow(self, run: str, subject: str, attempts: int) -> None:
        """Grant so many more attempts, so that every later build asks as far as this one."""
        self._db.write(
            "INSERT INTO allowances (run, subject, attempts, created) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (run, subject) DO UPDATE SET attempts = attempts + excluded.attempts",
            (run, subject, attempts, now()),
        )

    # --- the support ladder ---------------------------------------------------------------------------------

    def rung(self, base_url: str, model: str) -> int:
        """The first rung of the support ladder that this server has not refused for this model."""
        rows = self._db.rows(
            "SELECT coalesce(max(rung) + 1, 0) FROM refused_rungs WHERE base_url = ? AND model = ?", (base_url, model)
        )
        return next(int(rung) for (rung,) in rows)

    def refuse_rung(self, base_url: str, model: str, rung: int) -> None:
        """Remember that the server refused this rung, so that the next build starts below it."""
        self._db.write(
            "INSERT OR IGNORE INTO refused_rungs (base_url, model, rung, created) VALUES (?, ?, ?, ?)",
            (base_url, model, rung, now()),
        )

    # --- batches --------------------------------------------------------------------------------------------

    def open_batch(self, mark: str, wanted: Sequence[tuple[Purchase, int]]) -> int:
        """Write down a batch that is about to be sent: its requests, each with the number of its send."""
        first = wanted[0][0]
        with self._db.transaction():
            batch = self._db.write(
                "INSERT INTO batches (mark, base_url, model, run, remote, ended, created, file)"
                " VALUES (?, ?, ?, ?, '', 0, ?, '')",
                (mark, first.base_url, first.model, first.run, now()),
            )
            for item, send in wanted:
                self._db.write(
                    "INSERT INTO batch_items (batch, send, key, attempt, request) VALUES (?, ?, ?, ?, ?)",
                    (batch, send, item.key, item.attempt, item.request),
                )
        return batch

    def file_batch(self, batch: int, file: str) -> None:
        """Note the provider's id of a batch's file: from here on the batch may exist."""
        self._db.write("UPDATE batches SET file = ? WHERE id = ?", (file, batch))

    def name_batch(self, batch: int, remote: str) -> None:
        """Note the provider's id of a batch."""
        self._db.write("UPDATE batches SET remote = ? WHERE id = ?", (remote, batch))

    def end_batch(self, batch: int) -> None:
        """Note that all of a batch is settled."""
        self._db.write("UPDATE batches SET ended = 1 WHERE id = ?", (batch,))

    def open_batches(self, base_url: str, model: str) -> list[Batch]:
        """The batches of this teacher that may still bring answers, oldest first."""
        rows = self._db.rows(
            f"SELECT {BATCH_COLUMNS} FROM batches WHERE ended = 0 AND base_url = ? AND model = ? ORDER BY id",
            (base_url, model),
        )
        return [Batch(*row) for row in rows]

    def open_batch_of(self, key: str) -> Batch | None:
        """The batch that may still bring the answer to this key."""
        columns = ", ".join(f"b.{name}" for name in BATCH_COLUMNS.split(", "))
        rows = self._db.rows(
            f"SELECT {columns} FROM batches b JOIN batch_items i ON i.batch = b.id WHERE b.ended = 0 AND i.key = ?",
            (key,),
        )
        return next((Batch(*row) for row in rows), None)

    def batch_sent(self, batch: int) -> tuple[int, str]:
        """The rung that a batch's requests were sent on, and when it was written down."""
        rows = self._db.rows(
            "SELECT s.rung, b.created FROM batches b JOIN batch_items i ON i.batch = b.id JOIN sends s ON s.id = i.send"
            " WHERE b.id = ? LIMIT 1",
            (batch,),
        )
        return next((int(rung), str(created)) for rung, created in rows)

    def batch_items(self, batch: int) -> list[tuple[Purchase, int, Tokens, Prices | None]]:
        """The requests of a batch that have no answer yet: what was to be bought, its send, what is booked for it."""
        rows = self._db.rows(
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
