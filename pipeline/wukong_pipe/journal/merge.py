"""Merge of two journals: rows that one holds and the other lacks, read one by one, so that damage costs no others."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import Any, get_args

from wukong_pipe.journal.check import selectable
from wukong_pipe.journal.database import Database, is_filled, log_of, read_only
from wukong_pipe.journal.records import SEND_COLUMNS, Call, Outcome, Send, call_key

_DAMAGE = (sqlite3.Error, TypeError, ValueError)
"""What reading a damaged file raises: its text may not be UTF-8, and that of its schema neither."""
_TYPES = {"TEXT": str, "INTEGER": int, "REAL": float, "BLOB": bytes}
_LEAST_ROW = 20
"""Bytes that a row takes at least: a larger row number than the file has room for is damage."""


def merge(source: Path, into: Path) -> int:
    """Add to the journal `into` all that it lacks and that plain SQL still reads from the journal `source`, which may
    be damaged; how many calls were added. Either all of it is added, or nothing.

    A call is added only if its seal proves it, so a flipped bit never makes a false one. Where both journals hold a
    request, a batch or an allowance, the later state of it counts. To merge the same file twice adds nothing more.

    Raises:
        WorkspaceError: `into` is damaged, or cannot be written.
    """
    if not is_filled(source):
        # SQLite would take an empty file for a new one, and delete its log.
        return 0
    target = Database(into)
    with contextlib.closing(target), target.transaction(), contextlib.closing(read_only(source)) as db:
        merging = _Merging(source, db, target)
        calls = merging.add_calls()
        merging.add_batches(merging.add_sends())
        merging.add_allowances_and_rungs()
        merging.book_without_send(calls)
        merging.open_what_lacks_an_answer()
    return len(calls)


class _Merging:
    """One merge, a method for each table."""

    def __init__(self, source: Path, db: sqlite3.Connection, target: Database) -> None:
        self._db, self._target = db, target
        files = (file for file in (source, log_of(source)) if file.exists())
        self._most_rows = sum(file.stat().st_size for file in files) // _LEAST_ROW

    def _rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a table that can be read and hold what the columns of ours may hold, in the order of ours."""
        columns = [
            (name, kind, needed) for _, name, kind, needed, *_ in self._target.rows(f"PRAGMA table_info({table})")
        ]
        last = self._most_rows
        with contextlib.suppress(*_DAMAGE):
            names = selectable(self._db, table, [name for name, *_ in columns])
            with contextlib.suppress(*_DAMAGE):
                # A damaged page may hide the last row, or give it any number.
                last = min(last, self._db.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0] or 0)
            for number in range(1, last + 1):
                with contextlib.suppress(*_DAMAGE):
                    row = self._db.execute(f"SELECT {names} FROM {table} WHERE rowid = ?", (number,)).fetchone()
                    if row and all(
                        isinstance(value, _TYPES[kind]) or (value is None and not needed)
                        for value, (_, kind, needed) in zip(row, columns, strict=True)
                    ):
                        yield row

    def _insert(self, table: str, row: tuple[Any, ...]) -> int:
        return self._target.write(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    def add_calls(self) -> list[Call]:
        """Add the calls that are lacking; these."""
        held = {key for (key,) in self._target.rows("SELECT key FROM calls")}
        added = []
        for *values, seal in self._rows("calls"):
            call = Call(*values)
            if call.key not in held and call.is_sealed_by(seal):
                self._insert("calls", (*values, seal))
                held.add(call.key)
                added.append(call)
        return added

    def add_sends(self) -> dict[int, int]:
        """Add the requests that are lacking, and settle those that were open; their numbers here, by those there."""
        here = defaultdict[tuple[Any, ...], list[int]](list)
        for number, *values in self._target.rows(f"SELECT id, {SEND_COLUMNS} FROM sends ORDER BY id"):
            here[_identity(Send(*values))].append(number)
        numbers: dict[int, int] = {}
        for there, *values in self._rows("sends"):
            send = Send(*values)
            if not _is_possible(send):
                continue
            # The journals may have numbered their requests apart, and a request may have left twice in a second.
            if same := here[_identity(send)]:
                numbers[there] = there if there in same else same[0]
                same.remove(numbers[there])
                self._target.write(
                    "UPDATE sends SET outcome = ?, tokens_in = ?, tokens_out = ?, status = ?, seconds = ?, error = ?"
                    " WHERE id = ? AND outcome = 'open'",
                    (send.outcome, send.tokens_in, send.tokens_out, send.status, send.seconds, send.error,
                     numbers[there]),
                )  # fmt: skip
            else:
                numbers[there] = self._insert("sends", (None, *values))
        return numbers

    def add_batches(self, sends: dict[int, int]) -> None:
        """Add the batches that are lacking and their requests, and what has become known of the others.

        Args:
            sends: the numbers of requests here, by their numbers there.
        """
        numbers: dict[int, int] = {}
        for there, mark, base_url, model, run, remote, ended, created, file in self._rows("batches"):
            self._target.write(
                "INSERT INTO batches (mark, base_url, model, run, remote, ended, created, file)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mark) DO UPDATE SET ended = max(ended, excluded.ended),"
                " remote = coalesce(nullif(remote, ''), excluded.remote),"
                " file = coalesce(nullif(file, ''), excluded.file)",
                (mark, base_url, model, run, remote, ended, created, file),
            )
            ((numbers[there],),) = self._target.rows("SELECT id FROM batches WHERE mark = ?", (mark,))
        for batch, send, key, attempt, request in self._rows("batch_items"):
            # The key vouches for the rest of the row, and must be that of its request's row.
            if batch in numbers and send in sends and key == call_key(request, attempt):
                self._target.write(
                    "INSERT OR IGNORE INTO batch_items SELECT ?, id, key, ?, ? FROM sends WHERE id = ? AND key = ?",
                    (numbers[batch], attempt, request, sends[send], key),
                )

    def add_allowances_and_rungs(self) -> None:
        """Add what was granted to sections and pairs, and what servers refused."""
        for row in self._rows("allowances"):
            self._target.write(
                "INSERT INTO allowances VALUES (?, ?, ?, ?)"
                " ON CONFLICT (run, subject) DO UPDATE SET attempts = max(attempts, excluded.attempts)",
                row,
            )
        for row in self._rows("refused_rungs"):
            self._insert("refused_rungs", row)

    def book_without_send(self, calls: list[Call]) -> None:
        """Book the calls whose requests could not be read, so that the ledger does not fall below the bill."""
        # A request that is still open is booked at the most it can cost.
        booked = {key for (key,) in self._target.rows("SELECT key FROM sends WHERE outcome IN ('open', 'answered')")}
        for call in calls:
            if call.base_url != "offline" and call.key not in booked:
                self._insert("sends", (None, *_send_of(call)))

    def open_what_lacks_an_answer(self) -> None:
        """Open the batches again that brought answers which are lost: the provider has them still, and was paid. What
        is answered is not waited for: a call is written once."""
        in_batch = "id IN (SELECT send FROM batch_items)"
        for then, now, held in (("open", "answered", "IN"), ("answered", "open", "NOT IN")):
            self._target.write(
                f"UPDATE sends SET outcome = ? WHERE outcome = ? AND {in_batch} AND key {held} (SELECT key FROM calls)",
                (now, then),
            )
        self._target.write(
            "UPDATE batches SET ended = 0 WHERE id IN (SELECT i.batch FROM batch_items i"
            " JOIN sends s ON s.id = i.send AND s.outcome = 'open')",
            (),
        )


def _identity(send: Send) -> tuple[Any, ...]:
    """What tells one request from another, whatever became of it."""
    return send.key, send.base_url, send.model, send.run, send.stage, send.prompt, send.rung, send.created


def _is_possible(send: Send) -> bool:
    """Whether a request can have been written so: damage may have left any text and number."""
    try:
        prices = Decimal(send.price_in or 0), Decimal(send.price_out or 0)
    except InvalidOperation:
        return False
    return (
        send.outcome in get_args(Outcome)
        and min(send.tokens_in, send.tokens_out) >= 0
        and bool(send.price_in) == bool(send.price_out)
        and all(price.is_finite() and price >= 0 for price in prices)
    )


def _send_of(call: Call) -> tuple[Any, ...]:
    """The row of the request that a call answered, but for its number: booked at the call's cost."""
    # A token is at least a byte. Without a price the ledger counts them at that of the next build.
    tokens_in = len(call.request) if call.tokens_in is None else call.tokens_in
    tokens_out = len(call.reply) if call.tokens_out is None else call.tokens_out
    if call.error:
        tokens_in = tokens_out = 0
    price = ""
    if call.cost:
        # One price for all of its tokens, so that together they cost what was booked, and never less.
        with localcontext(rounding=ROUND_CEILING):
            price = f"{Decimal(call.cost) * 1_000_000 / max(1, tokens_in + tokens_out):f}"
    purchase = (call.key, call.base_url, call.model, call.run, call.stage, call.prompt, call.rung)
    booked = ("answered", tokens_in, tokens_out, price, price, call.currency)
    return (*purchase, *booked, call.status, call.seconds, call.created, call.error)
