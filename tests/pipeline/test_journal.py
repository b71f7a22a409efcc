"""The journal: what was acknowledged is on the disk, whoever dies; the file says what is wrong with it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from wukong_pipe import journal as journal_module
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal import Call, Failure, Journal, call_key, canonical

CALL = Call(
    key="k",
    base_url="http://x/v1",
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

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.pipeline.test_journal import CALL
from wukong_pipe.journal import Journal
with Journal(Path(sys.argv[1])) as journal:
    for number in range(10**9):
        journal.record(replace(CALL, key=f"{sys.argv[2]}-{number}", reply=b"x" * (number % 5000)))
        print(number, flush=True)
"""


def test_a_recorded_call_is_read_back_byte_for_byte(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.record(CALL)
        assert journal.get("k") == CALL
        assert journal.get("other") is None


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


def test_a_second_open_finds_everything_and_migrates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "journal.sqlite"
    with Journal(path) as journal:
        journal.record(CALL)
        journal.refuse_rung("http://x/v1", "m", 0)
    with Journal(path) as journal:
        assert list(journal.calls()) == [CALL]
        assert journal.rung("http://x/v1", "m") == 1


def test_a_journal_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    with monkeypatch.context() as earlier:
        earlier.setattr(journal_module, "MIGRATIONS", journal_module.MIGRATIONS[:1])
        with Journal(path) as journal:
            journal.record(CALL)
    with Journal(path) as journal:
        assert journal.get("k") == CALL
        assert journal.rung("http://x/v1", "m") == 0
        assert list(journal.failures()) == []


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
    with pytest.raises(WorkspaceError, match=r"journal\.sqlite is damaged") as caught:
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


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="cannot be used"):
        Journal(tmp_path / "file" / "journal.sqlite")


def test_a_refused_rung_is_remembered_for_its_server_and_model_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert journal.rung("a", "m") == 0
        journal.refuse_rung("a", "m", 0)
        journal.refuse_rung("a", "m", 0)
        assert (journal.rung("a", "m"), journal.rung("a", "n"), journal.rung("b", "m")) == (1, 0, 0)
        journal.refuse_rung("a", "m", 1)
        assert journal.rung("a", "m") == 2


def test_failures_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    failure = Failure("k", "http://x", "m", "r", "base_qa", "p", None, 0, 1.5, "2026-01-01T00:00:00+00:00", "cut")
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.record_failure(failure)
        journal.record_failure(replace(failure, status=500))
        assert [entry.status for entry in journal.failures()] == [None, 500]
        assert list(journal.calls()) == []


def test_it_writes_ahead_and_syncs_every_commit(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_the_key_follows_meaning_and_attempt_not_the_order_of_names() -> None:
    one, same = canonical({"model": "m", "temperature": 0.1}), canonical({"temperature": 0.1, "model": "m"})
    assert call_key(one, 0) == call_key(same, 0)
    assert len({call_key(one, 0), call_key(one, 1), call_key(canonical({"model": "n"}), 0)}) == 3
    assert len(call_key(one, 0)) == 64
