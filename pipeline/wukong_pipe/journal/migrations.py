"""The journal's tables, as the steps that made them: each runs once, in this order, and is never edited."""

from __future__ import annotations

import sqlite3


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


def m004_sends(db: sqlite3.Connection) -> None:
    """Failures become one kind of a send: what each HTTP request may have cost, from before it leaves.

    What calls without usage cost before there was a ledger is booked at their request's bytes and the usual
    max_tokens; what failures did is not known and booked at nothing.
    """
    db.execute(
        "CREATE TABLE sends (id INTEGER PRIMARY KEY, key TEXT NOT NULL, base_url TEXT NOT NULL, model TEXT NOT NULL,"
        " run TEXT NOT NULL, stage TEXT NOT NULL, prompt TEXT NOT NULL, rung INTEGER NOT NULL,"
        " outcome TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, price_in TEXT NOT NULL,"
        " price_out TEXT NOT NULL, currency TEXT NOT NULL, status INTEGER, seconds REAL NOT NULL,"
        " created TEXT NOT NULL, error TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX sends_of_run ON sends (run)")
    same = "key, base_url, model, run, stage, prompt, rung"
    rest = "price_in, price_out, currency, status, seconds, created, error"
    db.execute(
        f"INSERT INTO sends ({same}, outcome, tokens_in, tokens_out, {rest})"
        f" SELECT {same}, 'answered', CASE error WHEN '' THEN coalesce(tokens_in, length(request)) ELSE 0 END,"
        " CASE error WHEN '' THEN coalesce(tokens_out, 8192) ELSE 0 END, '', '', '', status, seconds,"
        " created, error FROM calls WHERE base_url != 'offline' ORDER BY rowid"
    )
    db.execute(
        f"INSERT INTO sends ({same}, outcome, tokens_in, tokens_out, {rest})"
        f" SELECT {same}, CASE WHEN status BETWEEN 400 AND 499 THEN 'unbilled' ELSE 'unknown' END, 0, 0, '', '', '',"
        " status, seconds, created, error FROM failures ORDER BY id"
    )
    db.execute("DROP TABLE failures")


def m005_cost_and_seal(db: sqlite3.Connection) -> None:
    """Calls from before have neither."""
    for column in ("cost", "currency", "seal"):
        db.execute(f"ALTER TABLE calls ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")


def m006_allowances(db: sqlite3.Connection) -> None:
    """The columns' types differ from those of refused_rungs, so that a row without its table can be told."""
    db.execute(
        "CREATE TABLE allowances (run TEXT NOT NULL, attempts INTEGER NOT NULL, subject TEXT NOT NULL,"
        " created TEXT NOT NULL, PRIMARY KEY (run, subject))"
    )


def m007_batches(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE batches (id INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE, base_url TEXT NOT NULL,"
        " model TEXT NOT NULL, run TEXT NOT NULL, remote TEXT NOT NULL, ended INTEGER NOT NULL, created TEXT NOT NULL,"
        " file TEXT NOT NULL)"
    )
    db.execute(
        "CREATE TABLE batch_items (batch INTEGER NOT NULL REFERENCES batches (id), send INTEGER NOT NULL,"
        " key TEXT NOT NULL, attempt INTEGER NOT NULL, request BLOB NOT NULL, PRIMARY KEY (batch, key))"
    )


MIGRATIONS = (
    m001_calls,
    m002_failures,
    m003_refused_rungs,
    m004_sends,
    m005_cost_and_seal,
    m006_allowances,
    m007_batches,
)
