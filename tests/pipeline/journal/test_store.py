"""The journal: what was acknowledged is on the disk, whoever dies; the file says what is wrong with it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import CALL_COLUMNS, Call, Prices, Purchase, Tokens, call_key, canonical
from wukong_pipe.journal.store import Journal

URL = "http://x/v1"
CALL = Call(
    key="k",
    base_url=URL,
    model="m",
    attempt=0,
    run="r",
    stage="base_qa",
    prompt="base_qa.zh@1",
    request=b"{}",
    reply=b'{"choices": "\xff\xfe \\ud800"}',
    status=200,
    rung=1,
    tokens_in=None,
    tokens_out=3,
    seconds=0.5,
    created="2026-01-01T00:00:00+00:00",
)
PRICES = Prices(Decimal("0.25"), Decimal("1.5"), "CNY")

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.pipeline.journal.test_store import CALL
from wukong_pipe.journal.store import Journal
with Journal(Path(sys.argv[1])) as journal:
    for number in range(10**9):
        journal.record(replace(CALL, key=f"{sys.argv[2]}-{number}", reply=b"x" * (number % 5000)))
        print(number, flush=True)
"""


def wanted(key: str = "k", run: str = "r", attempt: int = 0, request: bytes = b"{}") -> Purchase:
    return Purchase(key, URL, "m", attempt, run, "base_qa", "base_qa.zh@1", request)


# --- calls ----------------------------------------------------------------------------------------------------


def test_a_recorded_call_is_read_back_byte_for_byte(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.record(CALL)
        assert journal.get("k") == CALL
        assert journal.get("other") is None


def test_a_second_open_finds_everything(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "journal.sqlite"
    with Journal(path) as journal:
        journal.record(replace(CALL, cost="0.0045", currency="CNY"))
        journal.refuse_rung(URL, "m", 0)
    with Journal(path) as journal:
        assert list(journal.calls()) == [replace(CALL, cost="0.0045", currency="CNY")]
        assert journal.rung(URL, "m") == 1


def test_a_key_is_written_once_and_never_replaced(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.record(CALL)
        with pytest.raises(WorkspaceError):
            journal.record(replace(CALL, reply=b"other"))
        assert journal.get("k") == CALL


def test_words_that_are_no_unicode_are_kept_as_escapes_and_sealed_so(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.record(replace(CALL, error="half \ud800 a pair"))
        assert journal.get("k") == replace(CALL, error="half \\ud800 a pair")


@pytest.mark.parametrize("column", [name for name in CALL_COLUMNS.split(", ") if name != "key"])
def test_a_call_that_was_changed_on_the_disk_is_no_call(tmp_path: Path, column: str) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.record(CALL)
    with sqlite3.connect(path) as db:
        value = b"changed" if column in ("request", "reply") else 7
        assert db.execute(f"UPDATE calls SET {column} = ?", (value,)).rowcount == 1
    db.close()
    with Journal(path) as journal:
        with pytest.raises(WorkspaceError, match="--recover"):
            journal.get("k")
        with pytest.raises(WorkspaceError, match="--recover"):
            list(journal.calls())


def test_every_acknowledged_call_survives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    acknowledged = 0
    for life in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(life)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        last = -1
        for line in writer.stdout:
            last = int(line)
            if last == 40 + 13 * life:
                os.kill(writer.pid, signal.SIGKILL)
                break
        # What was printed between the last line read and the kill was acknowledged, too.
        rest = [line for line in writer.stdout.read().split("\n")[:-1] if line]
        assert writer.wait() == -signal.SIGKILL
        writer.stdout.close()
        acknowledged += (int(rest[-1]) if rest else last) + 1
    with Journal(path) as journal:
        kept = list(journal.calls())
    # At most one call a life was committed and not yet acknowledged.
    assert acknowledged <= len(kept) <= acknowledged + 3
    for life in range(3):
        numbers = [int(call.key.split("-")[1]) for call in kept if call.key.startswith(f"{life}-")]
        assert numbers == list(range(len(numbers)))


def cut_logs(folder: Path, cuts: int) -> None:
    """Cut the log of a journal of known commits at random places and open what is left."""
    path, cut = folder / "journal.sqlite", folder / "cut.sqlite"
    log, cut_log = folder / "journal.sqlite-wal", folder / "cut.sqlite-wal"
    chance = random.Random(cuts)
    ends = []
    with Journal(path) as journal:
        for number in range(60):
            (send,) = journal.open_sends([wanted(f"k{number}")], [Tokens(9, 9)], 0, None)
            reply = chance.randbytes(chance.choice([20, 2000, 9000]))
            journal.record(replace(CALL, key=f"k{number}", reply=reply), send, Tokens(1, 1))
            ends.append(log.stat().st_size)
            if number == 19:
                # The first ones are in the file. A log that begins anew does not get shorter: its end is where a
                # commit of it ends, so all of it goes.
                journal._db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                ends = [0] * len(ends)
        calls = list(journal.calls())
        shutil.copy(path, folder / "kept.sqlite")
        shutil.copy(log, folder / "kept.sqlite-wal")
    assert ends == sorted(ends)
    whole = (folder / "kept.sqlite-wal").read_bytes()
    assert len(whole) == ends[-1] > 40 * 4096
    # Around the ends of commits the answer changes.
    edges = [end + change for end in ends[20:] for change in (-1, 0)]
    places = [chance.choice(edges) if chance.random() < 0.3 else chance.randrange(len(whole)) for _ in range(cuts)]
    for place in places:
        shutil.copy(folder / "kept.sqlite", cut)
        cut_log.write_bytes(whole[:place])
        (folder / "cut.sqlite-shm").unlink(missing_ok=True)
        committed = sum(1 for end in ends if end <= place)
        with Journal(cut) as journal:
            assert list(journal.calls()) == calls[:committed]
            sends = list(journal.sends())
            assert [send.key for send in sends if send.outcome == "answered"] == [
                call.key for call in calls[:committed]
            ]
            # Of the next call, its send may have been booked.
            assert [send.outcome for send in sends[committed:]] in ([], ["open"])


def test_a_log_cut_anywhere_opens_with_every_commit_before_the_cut(tmp_path: Path) -> None:
    cut_logs(tmp_path, 40)


@pytest.mark.long
def test_a_log_cut_at_500_places_opens_with_every_commit_before_the_cut(tmp_path: Path) -> None:
    cut_logs(tmp_path, 500)


# --- the file -------------------------------------------------------------------------------------------------


def test_it_writes_ahead_and_syncs_every_commit(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert journal._db.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert journal._db.connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_journal_of_the_first_version_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    request = canonical({"model": "m"})
    old = replace(CALL, key=call_key(request, 0), request=request)
    values = [getattr(old, name) for name in CALL_COLUMNS.split(", ")][:16]
    with monkeypatch.context() as earlier:
        earlier.setattr("wukong_pipe.journal.database.MIGRATIONS", MIGRATIONS[:3])
        with Journal(path) as journal:
            journal._db.connection.execute(f"INSERT INTO calls VALUES ({', '.join('?' * 16)})", values)
            for status in (None, 500, 429):
                failure = ("k", URL, "m", "r", "base_qa", "p", status, 0, 1.5, "2026-01-01T00:00:00+00:00", "cut")
                journal._db.connection.execute(f"INSERT INTO failures VALUES (NULL, {', '.join('?' * 11)})", failure)
    with Journal(path) as journal:
        assert journal.get(old.key) == old
        assert journal.rung(URL, "m") == 0
        sends = [(send.outcome, send.status, send.tokens_in, send.tokens_out) for send in journal.sends()]
    assert sends == [
        ("answered", 200, len(request), 3),
        ("unknown", None, 0, 0),
        ("unknown", 500, 0, 0),
        ("unbilled", 429, 0, 0),
    ]


def test_a_journal_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(WorkspaceError, match="newer wukong-pipe"):
        Journal(path)


def test_a_damaged_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(WorkspaceError, match=r"journal\.sqlite is damaged.*--recover") as caught:
        Journal(path)
    assert "\n" not in str(caught.value)


def test_damage_behind_the_header_is_told_when_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        for number in range(200):
            journal.record(replace(CALL, key=f"k{number}", reply=b"x" * 3000))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xde\xad" * 40_000)
    with pytest.raises(WorkspaceError, match="damaged"), Journal(path) as journal:
        list(journal.calls())


def test_a_folder_that_cannot_be_made_is_told_and_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="cannot be used"):
        Journal(tmp_path / "file" / "journal.sqlite")


def test_a_row_that_sqlite_finds_too_large_is_told_and_is_no_damage(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal._db.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
        with pytest.raises(WorkspaceError, match="cannot be used: string or blob too big"):
            journal.record(replace(CALL, reply=b"x" * 100_000))


def test_a_full_disk_is_told_keeps_what_was_written_and_is_no_damage(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.record(CALL)
        (pages,) = journal._db.connection.execute("PRAGMA page_count").fetchone()
        journal._db.connection.execute(f"PRAGMA max_page_count = {pages}")
        (send,) = journal.open_sends([wanted("large")], [Tokens(9, 9)], 0, None)
        with pytest.raises(WorkspaceError, match="cannot be used: database or disk is full"):
            journal.record(replace(CALL, key="large", reply=b"x" * 100_000), send, Tokens(1, 1))
        assert list(journal.calls()) == [CALL]
        assert [entry.outcome for entry in journal.sends()] == ["open"]


# --- the ledger's rows ----------------------------------------------------------------------------------------


def test_a_send_is_booked_before_it_leaves_and_settled_with_its_call(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        one, two = journal.open_sends([wanted("k"), wanted("l")], [Tokens(9, 8), Tokens(7, 6)], 2, PRICES)
        first, second = journal.sends()
        assert (first.key, first.outcome, first.rung, first.tokens_in, first.tokens_out) == ("k", "open", 2, 9, 8)
        assert (second.price_in, second.price_out, second.currency) == ("0.25", "1.5", "CNY")
        journal.record(CALL, one, Tokens(4, 3))
        journal.close_send(two, "unknown", Tokens(7, 6), None, 1.5, "cut \ud800")
        first, second = journal.sends()
    assert (first.outcome, first.tokens_in, first.tokens_out, first.status) == ("answered", 4, 3, 200)
    assert (second.outcome, second.tokens_in, second.status, second.error) == ("unknown", 7, None, "cut \\ud800")


def test_a_call_and_its_settlement_are_committed_together_or_not_at_all(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        (send,) = journal.open_sends([wanted()], [Tokens(9, 8)], 0, None)
        journal.record(CALL)
        with pytest.raises(WorkspaceError):
            journal.record(CALL, send, Tokens(1, 1))
        assert [entry.outcome for entry in journal.sends()] == ["open"]


def test_what_a_run_is_booked_at_comes_by_price_and_of_that_run_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.open_sends([wanted("a"), wanted("b")], [Tokens(1, 2), Tokens(3, 4)], 0, PRICES)
        journal.open_sends([wanted("c")], [Tokens(10, 10)], 0, None)
        journal.open_sends([wanted("d", run="other")], [Tokens(99, 99)], 0, PRICES)
        assert sorted(journal.booked("r")) == [(1, Tokens(10, 10), "", ""), (2, Tokens(4, 6), "0.25", "1.5")]


def test_usage_of_any_size_can_be_summed(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        most = Tokens(2**63 - 1, 2**63 - 1)
        journal.open_sends([wanted("a"), wanted("b")], [most, most], 0, None)
        assert journal.booked("r") == [(2, most + most, "", "")]


# --- allowances, rungs, batches -------------------------------------------------------------------------------


def test_allowances_add_up_for_their_run_and_subject_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert journal.allowance("r", "section") == 0
        journal.allow("r", "section", 3)
        journal.allow("r", "section", 3)
        assert journal.allowance("r", "section") == 6
        assert journal.allowance("r", "other") == journal.allowance("s", "section") == 0


def test_a_refused_rung_is_remembered_for_its_server_and_model_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert journal.rung("a", "m") == 0
        journal.refuse_rung("a", "m", 0)
        journal.refuse_rung("a", "m", 0)
        assert (journal.rung("a", "m"), journal.rung("a", "n"), journal.rung("b", "m")) == (1, 0, 0)
        journal.refuse_rung("a", "m", 1)
        assert journal.rung("a", "m") == 2


def test_a_batch_is_open_until_it_ended_and_brings_back_what_has_no_answer(tmp_path: Path) -> None:
    items = [wanted("k", attempt=1, request=b"one"), wanted("l", request=b"two")]
    with Journal(tmp_path / "journal.sqlite") as journal:
        sends = journal.open_sends(items, [Tokens(1, 2), Tokens(3, 4)], 0, None)
        batch = journal.open_batch("mark", list(zip(items, sends, strict=True)))
    with Journal(tmp_path / "journal.sqlite") as journal:
        (found,) = journal.open_batches(URL, "m")
        assert (found.id, found.mark, found.run, found.remote) == (batch, "mark", "r", "")
        assert journal.open_batches(URL, "other") == []
        assert journal.batch_items(batch) == [
            (items[0], sends[0], Tokens(1, 2), None),
            (items[1], sends[1], Tokens(3, 4), None),
        ]
        journal.name_batch(batch, "batch-1")
        journal.record(CALL, sends[0], Tokens(1, 1))
        assert journal.batch_items(batch) == [(items[1], sends[1], Tokens(3, 4), None)]
        assert journal.open_batches(URL, "m")[0].remote == "batch-1"
        journal.end_batch(batch)
        assert journal.open_batches(URL, "m") == []


# --- keys -----------------------------------------------------------------------------------------------------


def test_the_key_follows_meaning_and_attempt_not_the_order_of_names() -> None:
    one, same = canonical({"model": "m", "temperature": 0.1}), canonical({"temperature": 0.1, "model": "m"})
    assert call_key(one, 0) == call_key(same, 0)
    assert len({call_key(one, 0), call_key(one, 1), call_key(canonical({"model": "n"}), 0)}) == 3
    assert len(call_key(one, 0)) == 64
