"""What can still be read of a damaged journal, in a sound one; nothing of the old one is deleted.

A call is taken only if its seal verifies, so a flipped bit loses one call and never makes a false one. Sends have no
seal: a row of the right types with a known outcome is taken. Where a call was saved and its send was not, the send is
written anew, so that the ledger does not fall below the bill.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, get_args

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.records import (
    CALL_COLUMNS,
    SEND_COLUMNS,
    Call,
    Outcome,
    Send,
    call_key,
)
from wukong_pipe.journal.sqlite_pages import Layout, layouts, log_of, rows
from wukong_pipe.journal.store import Journal, recovered_of

# The types of the tables' columns: i integer, n integer or null, r real, t text, b blob, and 0 where the rowid stands
# in place of the column. No two tables have the same, so a row says of which it is.
OLD_CALL = "tttitttbbiinnrtt"
CALL = OLD_CALL + "ttt"
SEND = "0ttttttitiitttnrtt"
REFUSED_RUNG = "ttit"
ALLOWANCE = "titt"
BATCH = "0tttttitt"
BATCH_ITEM = "iitib"
TYPES: dict[str, tuple[type, ...]] = {
    "i": (int,),
    "n": (int, type(None)),
    # SQLite keeps a real number without a fraction as an integer.
    "r": (float, int),
    "t": (str,),
    "b": (bytes,),
    "0": (type(None),),
}


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was saved, for the screen."""

    calls: int
    sends: int
    """Of all outcomes, those included that were written anew."""
    lost_calls: int
    """Calls that were answered and could not be read: they will be bought again."""
    lost_sends: int
    """Holes in the numbering of sends: what they cost is not known."""
    damaged: Path
    """Where the damaged file is now; its log is beside it."""


def recover(path: Path) -> Recovered:
    """Put a sound journal in the place of a damaged one, with every call, send, allowance, refused rung and batch that
    can still be read; or finish a recovery that was interrupted. The caller holds the workspace's lock.

    A crash at any moment leaves the old journal, or one that `Journal` does not open and that this finishes.

    Raises:
        WorkspaceError: there is no journal, or the new one cannot be written.
    """
    ready = recovered_of(path)
    try:
        if not ready.exists():
            if not path.is_file() and not log_of(path).is_file():
                raise WorkspaceError(f"There is no journal {path}.")
            found = max((_Found(path, layout) for layout in layouts(path)), key=lambda one: one.size)
            found.complete()
            _write(found, ready)
        saved = _counts(ready)
        damaged = _swap(path, ready)
    except (sqlite3.Error, OSError) as error:
        raise WorkspaceError(f"What can be read of {path} cannot be written beside it: {error}.") from error
    return Recovered(*saved, damaged)


class _Found:
    """The rows of a damaged journal, each once."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.calls: dict[str, tuple[int, Call, str]] = {}
        """By key: its rowid, for the order, and its seal."""
        self.sends: dict[int, Send] = {}
        self.refused: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.allowances: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.batches: dict[int, tuple[Any, ...]] = {}
        self.items: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        # A row takes more than this of the file: a larger number was damaged.
        size = sum(file.stat().st_size for file in (path, log_of(path)) if file.is_file())
        self._numbers = range(1, size // 30)
        for rowid, row in rows(path, layout):
            self._take(rowid, row)

    @property
    def size(self) -> int:
        return len(self.calls) + len(self.sends)

    def _take(self, rowid: int, row: tuple[Any, ...]) -> None:
        """Keep a row if it is one of ours and was not seen before; rows come newest first."""
        if _fits(row, CALL) or _fits(row, OLD_CALL):
            self._take_call(rowid, row)
        elif _fits(row, SEND) and rowid in self._numbers:
            send = Send(*_reals(row[1:], SEND[1:]))
            kept = self.sends.get(rowid)
            # What is settled stays settled, so an open version is the older one wherever it stands.
            if _is_sound(send) and (kept is None or (kept.outcome == "open" and send.outcome != "open")):
                self.sends[rowid] = send
        elif _fits(row, REFUSED_RUNG):
            self.refused.setdefault(row[:3], row)
        elif _fits(row, ALLOWANCE):
            self.allowances.setdefault((row[0], row[2]), row)
        elif _fits(row, BATCH) and rowid in self._numbers:
            self.batches.setdefault(rowid, (rowid, *row[1:]))
        elif _fits(row, BATCH_ITEM) and row[1] in self._numbers and row[2] == call_key(row[4], row[3]):
            self.items.setdefault((row[0], row[2]), row)

    def _take_call(self, rowid: int, row: tuple[Any, ...]) -> None:
        sealed = len(row) == len(CALL)
        columns, seal = (row[:-1], row[-1]) if sealed else (row, "")
        call = Call(*_reals(columns, CALL[: len(columns)]))
        if bool(seal) == sealed and call.is_sealed_by(seal):
            self.calls.setdefault(call.key, (rowid, call, seal))

    def complete(self) -> None:
        """Write anew the sends that must have been, and leave out items of batches that are lost."""
        self.items = {place: item for place, item in self.items.items() if item[0] in self.batches}
        prices: dict[tuple[str, str], tuple[Decimal, Decimal, str]] = {}
        for send in self.sends.values():
            if send.price_in:
                price = (Decimal(send.price_in), Decimal(send.price_out), send.currency)
                prices[send.run, send.model] = max(price, prices.get((send.run, send.model), price))
        # Where the send of a call stands, or should: in a batch it has a number even if it is lost.
        places = {item[2]: item[1] for item in self.items.values() if item[1] not in self.sends}
        for wanted in ("open", "answered"):
            places |= {send.key: number for number, send in self.sends.items() if send.outcome == wanted}
        taken = {*self.sends, *places.values()}
        free = (number for number in count(1) if number not in taken)
        for _, call, _ in self.in_order():
            if call.base_url != "offline":
                number = places.get(call.key) or next(free)
                self.sends[number] = _settled(call, self.sends.get(number), prices)
        for batch, number, key, attempt, request in self.items.values():
            if number not in self.sends and key not in self.calls:
                _, _, base_url, model, run, *_, created, _ = self.batches[batch]
                of = (key, base_url, model, attempt, run, "", "", request)
                call = Call(*of, b"", 0, 0, None, None, 0.0, created)
                self.sends[number] = replace(_settled(call, None, prices), outcome="open", status=None)

    def in_order(self) -> list[tuple[int, Call, str]]:
        """The calls, oldest first."""
        return sorted(self.calls.values(), key=lambda found: found[0])


def _settled(call: Call, send: Send | None, prices: dict[tuple[str, str], tuple[Decimal, Decimal, str]]) -> Send:
    """The send of a call that was saved: as it was found, but not below the call; anew where it was lost."""
    if send is not None:
        tokens_in, tokens_out = (0, 0) if call.error else (call.tokens_in or 0, call.tokens_out or 0)
        return replace(
            send,
            outcome="answered",
            tokens_in=max(send.tokens_in, tokens_in),
            tokens_out=max(send.tokens_out, tokens_out),
        )
    # Without a price, the ledger counts it at that of the next build.
    price_in, price_out, currency = prices.get((call.run, call.model), ("", "", call.currency))
    return Send(
        call.key,
        call.base_url,
        call.model,
        call.run,
        call.stage,
        call.prompt,
        call.rung,
        "answered",
        *((0, 0) if call.error else _tokens(call)),
        str(price_in),
        str(price_out),
        currency,
        call.status,
        call.seconds,
        call.created,
        call.error,
    )


def _tokens(call: Call) -> tuple[int, int]:
    """What a call used. A token is at least a byte, and the request says how long the reply may be."""
    limit = None
    with contextlib.suppress(ValueError, TypeError, KeyError):
        limit = json.loads(call.request)["parameters"]["max_tokens"]
    most = limit if isinstance(limit, int) else len(call.reply)
    return (
        len(call.request) if call.tokens_in is None else call.tokens_in,
        most if call.tokens_out is None else call.tokens_out,
    )


def _fits(row: tuple[Any, ...], types: str) -> bool:
    return len(row) == len(types) and all(
        isinstance(value, TYPES[kind]) for value, kind in zip(row, types, strict=True)
    )


def _is_sound(send: Send) -> bool:
    """Whether a row that looks like a send can be one: sends have no seal."""
    try:
        datetime.fromisoformat(send.created)
        prices = [Decimal(price or 0) for price in (send.price_in, send.price_out)]
    except (ValueError, ArithmeticError):
        return False
    return (
        send.outcome in get_args(Outcome)
        and min(send.tokens_in, send.tokens_out, send.rung) >= 0
        and all(price.is_finite() for price in prices)
        and bool(send.price_in) == bool(send.price_out)
        and not any(isinstance(value, str) and "\0" in value for value in astuple(send))
    )


def _reals(row: tuple[Any, ...], types: str) -> Iterator[Any]:
    """The row's values; SQLite keeps a real number without a fraction as an integer."""
    return (float(value) if kind == "r" else value for value, kind in zip(row, types, strict=True))


def _write(found: _Found, ready: Path) -> None:
    """Write what was found into a new journal, check it, and only then let it be `ready`."""
    new = ready.with_name(ready.name + ".new")
    for leftover in (new, log_of(new), new.with_name(new.name + "-shm")):
        leftover.unlink(missing_ok=True)
    with Journal(new):
        pass
    tables = {
        f"sends (id, {SEND_COLUMNS})": [(number, *astuple(send)) for number, send in sorted(found.sends.items())],
        f"calls ({CALL_COLUMNS}, seal)": [(*astuple(call), seal) for _, call, seal in found.in_order()],
        "refused_rungs (base_url, model, rung, created)": list(found.refused.values()),
        "allowances (run, attempts, subject, created)": list(found.allowances.values()),
        "batches (id, mark, base_url, model, run, remote, ended, created, file)": list(found.batches.values()),
        "batch_items (batch, send, key, attempt, request)": list(found.items.values()),
    }
    with contextlib.closing(sqlite3.connect(new)) as db:
        with db:
            for table, values in tables.items():
                marks = ", ".join("?" for _ in table.split(","))
                db.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values)
        if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise WorkspaceError(f"{new} was not written as it should be; try again, perhaps on another disk.")
    with Journal(new) as journal:
        if sum(1 for _ in journal.calls()) != len(found.calls):
            raise WorkspaceError(f"{new} was not written as it should be; try again, perhaps on another disk.")
    # Closing it has moved all of its log into the file.
    _sync(new)
    new.rename(ready)
    _sync(ready.parent)


def _counts(ready: Path) -> tuple[int, int, int, int]:
    """Of a new journal: calls, sends, calls that are missing and holes in the numbering of sends."""
    with contextlib.closing(sqlite3.connect(f"{ready.absolute().as_uri()}?immutable=1", uri=True)) as db:
        counts = db.execute(
            "SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM sends),"
            " (SELECT count(*) FROM sends WHERE outcome = 'answered' AND key NOT IN (SELECT key FROM calls)),"
            " (SELECT coalesce(max(id), 0) - count(*) FROM sends)"
        ).fetchone()
    calls, sends, lost_calls, lost_sends = counts
    return calls, sends, lost_calls, lost_sends


def _swap(path: Path, ready: Path) -> Path:
    """Move the damaged file and what is beside it away, and the new one into its place."""
    number = 1
    while (damaged := _damaged(path, number)).exists() or (log_of(damaged).exists() and log_of(path).exists()):
        number += 1
    if not path.exists() and not log_of(path).exists():
        # Interrupted after both had been moved.
        damaged = _damaged(path, max(1, number - 1))
    # The log goes first: if it stayed behind alone, SQLite would take it for that of the new file.
    for end in ("-wal", "-shm", ""):
        old = path.with_name(path.name + end)
        if old.exists():
            old.rename(damaged.with_name(damaged.name + end))
    _sync(path.parent)
    ready.rename(path)
    _sync(path.parent)
    return damaged


def _damaged(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged" + (f"-{number}" if number > 1 else ""))


def _sync(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
