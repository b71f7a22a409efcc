"""Merge of two journals: rows that one holds and the other lacks, read one by one, so that damage costs no others."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import Any, Literal, get_args

from wukong_pipe.journal.check import selectable
from wukong_pipe.journal.database import Database, is_filled, log_of, read_only
from wukong_pipe.journal.records import SEND_COLUMNS, Call, Outcome, Send, call_key

_DAMAGE = (sqlite3.Error, TypeError, ValueError)
"""What reading a damaged file raises: its text may not be UTF-8, and that of its schema neither."""
_TYPES = {"TEXT": str, "INTEGER": int, "REAL": float, "BLOB": bytes}
_LEAST_ROW = 20
"""Bytes that a row takes at least: a larger row number than the file has room for is damage."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a journal got from another: Merged(calls=120, added=100, twice=0)."""

    calls: int = 0
    """Calls that the other one holds."""
    added: int = 0
    """Those of them that were lacking."""
    twice: int = 0
    """Calls that were bought for both journals, and so were paid for twice."""


def merge(source: Path, into: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> Merged:
    """Add to the journal `into` all that it lacks and that plain SQL still reads from the journal `source`, which may
    be damaged, or in use. Either all of it is added, or nothing.

    A call is added only if its seal proves it, so a flipped bit never makes a false one. Where both journals hold a
    request, a batch or an allowance, the later state of it counts. Of a call that was bought for both, the earlier
    answer counts, and what both cost. So the order of merges does not matter, and to merge the same file twice adds
    nothing more.

    Args:
        progress: called with the calls looked at and how many there are.

    Raises:
        WorkspaceError: `into` is damaged, or cannot be written.
    """
    if not is_filled(source):
        # SQLite would take an empty file for a new one, and delete its log.
        return Merged()
    target, is_in_use = Database(into), log_of(source).exists()
    with (
        contextlib.closing(target),
        target.transaction(),
        contextlib.closing(read_only(source, is_in_use=is_in_use)) as db,
    ):
        # One state of a journal that is in use.
        db.execute("BEGIN")
        merging = _Merging(source, db, target)
        merged, calls = merging.add_calls(progress)
        merging.add_batches(merging.add_sends())
        merging.add_allowances_and_rungs()
        merging.book_without_send(calls)
        merging.open_what_lacks_an_answer()
    return merged


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
        with contextlib.suppress(*_DAMAGE):
            names = selectable(self._db, table, [name for name, *_ in columns])
            for number in range(1, self._last_row(table) + 1):
                with contextlib.suppress(*_DAMAGE):
                    row = self._db.execute(f"SELECT {names} FROM {table} WHERE rowid = ?", (number,)).fetchone()
                    if row and all(
                        isinstance(value, _TYPES[kind]) or (value is None and not needed)
                        for value, (_, kind, needed) in zip(row, columns, strict=True)
                    ):
                        yield row

    def _last_row(self, table: str) -> int:
        """The number of the last row that there may be."""
        with contextlib.suppress(*_DAMAGE):
            # A damaged page may hide the last row, or give it any number.
            (last,) = self._db.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()
            return min(self._most_rows, int(last))
        return self._most_rows

    def _insert(self, table: str, row: tuple[Any, ...], otherwise: Literal["IGNORE", "REPLACE"] = "IGNORE") -> int:
        return self._target.write(f"INSERT OR {otherwise} INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    def add_calls(self, progress: Callable[[int, int], None]) -> tuple[Merged, list[Call]]:
        """Add the calls that are lacking; what came of it, and these."""
        count, twice, added = 0, 0, list[Call]()
        total = self._last_row("calls")
        for *values, seal in self._rows("calls"):
            call = Call(*values)
            if not call.is_sealed_by(seal):
                continue
            count += 1
            progress(count, total)
            held = next(self._target.rows("SELECT created, seal FROM calls WHERE key = ?", (call.key,)), None)
            if held is None:
                added.append(call)
            elif held != (call.created, seal):
                # What a template answers costs nothing, and is the same whenever it is asked.
                twice += call.base_url != "offline"
            if held is None or (call.created, seal) < held:
                self._insert("calls", (*values, seal), "REPLACE")
        return Merged(count, len(added), twice), added

    def add_sends(self) -> dict[int, int]:
        """Add the requests that are lacking, and settle those that were open; their numbers here, by those there."""
        here = defaultdict[tuple[Any, ...], dict[int, float]](dict)
        for number, *values in self._target.rows(f"SELECT id, {SEND_COLUMNS} FROM sends ORDER BY id"):
            send = Send(*values)
            here[_identity(send)][number] = send.seconds
        numbers: dict[int, int] = {}
        # First those that took a time, by which each is known: what is left over may be an earlier state of one.
        for timed in (True, False):
            for there, *values in self._rows("sends"):
                send = Send(*values)
                if not _is_possible(send) or bool(send.seconds) is not timed:
                    continue
                same = here[_identity(send)]
                if (number := _same_send(there, send, same)) is None:
                    numbers[there] = self._insert("sends", (None, *values))
                    continue
                numbers[there] = number
                del same[number]
                self._target.write(
                    "UPDATE sends SET outcome = ?, tokens_in = ?, tokens_out = ?, status = ?, seconds = ?, error = ?"
                    " WHERE id = ? AND outcome = 'open'",
                    (send.outcome, send.tokens_in, send.tokens_out, send.status, send.seconds, send.error, number),
                )
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


def _same_send(there: int, send: Send, same: Mapping[int, float]) -> int | None:
    """The number of a request here, None where it is not here.

    Args:
        there: its number there.
        same: number here → seconds of the requests here that may be it. One that took another time is another one, for
            two machines may ask the same in the same second.
    """
    alike = [number for number, seconds in same.items() if seconds == send.seconds]
    alike = alike or [number for number, seconds in same.items() if not (seconds and send.seconds)]
    # The journals may have numbered their requests apart, and a request may have left twice in a second.
    return there if there in alike else next(iter(alike), None)


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
