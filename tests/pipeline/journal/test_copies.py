"""Copies of the journal: made while calls are bought, sound, and never in the way of what is bought."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipeline.journal.test_database import PAGE, answer, buy
from tests.support.building import files_in
from wukong_pipe.cli.main import main
from wukong_pipe.errors import Interrupted, StoppedShort, WorkspaceError
from wukong_pipe.journal import copies
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.copies import INTERVAL, copies_of, copy_journal, copying, newer_copy
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import Tokens
from wukong_pipe.journal.store import Journal


@pytest.fixture
def path(empty_home: Path) -> Path:
    """A journal's place, relative as the default's is."""
    assert empty_home.is_dir()
    return Path("runs/journal.sqlite")


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as journal:
        yield journal


def calls_in(copy: Path) -> int:
    """How many calls a copy holds; 0 where it is not there."""
    if not copy.exists():
        return 0
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?immutable=1", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM calls").fetchone()[0])


def sizes(path: Path) -> list[int]:
    return [calls_in(copy) for copy in copies_of(path)]


class Clock:
    """Ten minutes pass whenever the test says so: the wait of `copying`, without a wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._passed, self._asked = threading.Semaphore(0), threading.Semaphore(0)

    def wait(self, ended: threading.Event, seconds: float) -> bool:
        self.seconds.append(seconds)
        self._asked.release()
        while not self._passed.acquire(timeout=0.001):
            if ended.is_set():
                return True
        return False

    def pass_interval(self) -> None:
        """Let the interval end, and return when the copying that follows is done."""
        self._asked.acquire()
        self._passed.release()
        self._asked.acquire()
        self._asked.release()


# --- when -----------------------------------------------------------------------------------------------------


def test_a_copy_is_made_at_the_beginning_every_ten_minutes_of_buying_and_at_the_end(
    journal: Journal, path: Path
) -> None:
    clock, said = Clock(), list[str]()
    buy(journal, range(3))
    with copying(path, said.append, clock.wait):
        assert sizes(path) == [3, 0]
        buy(journal, range(3, 5))
        clock.pass_interval()
        assert sizes(path) == [5, 3]
        clock.pass_interval()
        assert sizes(path) == [5, 3], "nothing was bought"
        buy(journal, range(5, 6))
        clock.pass_interval()
        assert sizes(path) == [6, 5]
        buy(journal, range(6, 8))
    assert sizes(path) == [8, 6]
    assert set(clock.seconds) == {INTERVAL} == {600.0}
    assert said == []


@pytest.mark.parametrize(
    ("end", "copied"),
    [
        (Interrupted("Ctrl-C"), 2),
        (StoppedShort("the ceiling"), 2),
        pytest.param(KeyboardInterrupt(), 0, id="a second Ctrl-C, which ends at once"),
    ],
)
def test_what_a_stopped_build_bought_is_copied(journal: Journal, path: Path, end: BaseException, copied: int) -> None:
    def stopped() -> None:
        with copying(path, print):
            buy(journal, range(2))
            raise end

    with pytest.raises(type(end)):
        stopped()
    assert sizes(path) == [copied, 0]


def test_a_journal_without_calls_is_not_copied(journal: Journal, path: Path) -> None:
    with copying(path, print):
        assert journal.is_empty
    assert not any(copy.exists() for copy in copies_of(path))


def test_a_request_that_may_be_billed_is_bought_too(journal: Journal, path: Path) -> None:
    buy(journal, range(1))
    copy_journal(path)
    journal.open_sends([answer(9)], [journal.booked("run")[0][1]], 0, None)
    copy_journal(path)
    assert sizes(path) == [1, 1]


def test_calls_are_bought_while_the_journal_is_copied(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is checked before it takes its place: meanwhile the journal takes calls, and none waits for the copy."""
    buy(journal, range(3))
    checking, bought = threading.Event(), threading.Event()

    def slow(copy: Path) -> int | None:
        checking.set()
        assert bought.wait(60)
        return sound_version(copy)

    monkeypatch.setattr(copies, "sound_version", slow)
    thread = threading.Thread(target=copy_journal, args=(path,))
    thread.start()
    assert checking.wait(60)
    buy(journal, range(3, 6))
    bought.set()
    thread.join()
    assert sizes(path) == [3, 0]
    assert sum(1 for _ in journal.calls()) == 6


# --- what -----------------------------------------------------------------------------------------------------


def test_a_copy_is_one_sound_file_with_all_that_is_committed_and_its_owner_alone_reads_it(
    journal: Journal, path: Path
) -> None:
    buy(journal, range(5))
    journal.refuse_rung("http://x/v1", "m", 0)
    copy_journal(path)
    newest, _ = copies_of(path)
    assert sound_version(newest) == len(MIGRATIONS)
    assert stat.S_IMODE(newest.stat().st_mode) == 0o600
    assert [name for name in files_in(path.parent) if "copy" in name] == [newest.name]
    shutil.copy(newest, "other.sqlite")
    with Journal(Path("other.sqlite")) as copied:
        assert list(copied.calls()) == list(journal.calls())
        assert list(copied.sends()) == list(journal.sends())
        assert copied.rung("http://x/v1", "m") == 1


def test_a_damaged_journal_does_not_take_the_place_of_a_sound_copy(path: Path) -> None:
    with Journal(path) as journal:
        buy(journal, range(40))
        copy_journal(path)
    with path.open("r+b") as file:
        file.seek(20 * PAGE)
        file.write(bytes(PAGE))
    said = list[str]()
    with Journal(path) as journal:
        buy(journal, range(40, 41))
        with copying(path, said.append):
            pass
    assert said
    assert "is not sound" in said[0]
    assert sizes(path) == [40, 0]
    assert sound_version(copies_of(path)[0]) == len(MIGRATIONS)


def test_what_a_copying_that_was_killed_left_behind_is_written_over(journal: Journal, path: Path) -> None:
    half = path.with_name(".journal.sqlite.copy-1.tmp")
    for end in ("", "-wal", "-shm"):
        half.with_name(half.name + end).write_bytes(b"half a page")
    buy(journal, range(2))
    copy_journal(path)
    assert sizes(path) == [2, 0]
    assert not [name for name in files_in(path.parent) if name.startswith(".")]


def test_a_copying_that_is_killed_between_its_renames_leaves_the_older_copy(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest, older = copies_of(path)
    buy(journal, range(2))
    copy_journal(path)
    buy(journal, range(2, 3))
    replace = Path.replace

    def killed(file: Path, target: Path) -> Path:
        if file.name.endswith(".tmp"):
            raise KeyboardInterrupt
        return replace(file, target)

    with monkeypatch.context() as crash:
        crash.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            copy_journal(path)
    assert not newest.exists()
    assert calls_in(older) == 2
    copy_journal(path)
    assert sizes(path) == [3, 2]


def test_a_damaged_copy_does_not_take_the_place_of_a_sound_one(journal: Journal, path: Path) -> None:
    newest, older = copies_of(path)
    for numbers in (range(2), range(2, 4)):
        buy(journal, numbers)
        copy_journal(path)
    newest.write_bytes(bytes(100) + newest.read_bytes()[100:])
    buy(journal, range(4, 5))
    copy_journal(path)
    assert sizes(path) == [5, 2]
    assert sound_version(newest) == sound_version(older) == len(MIGRATIONS)


# --- what goes wrong ------------------------------------------------------------------------------------------


def test_where_the_disk_is_almost_full_the_room_is_left_to_the_journal(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = list[str]()
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6 - 5000, 5000))
        with copying(path, said.append):
            buy(journal, range(2))
    assert said == [
        "The journal runs/journal.sqlite was not copied: the disk is almost full. The older copies are kept, and the "
        "work goes on."
    ]
    assert sum(1 for _ in journal.calls()) == 2
    assert not [name for name in files_in(path.parent) if "copy" in name]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), sqlite3.OperationalError("disk I/O error")])
def test_a_copy_that_cannot_be_written_is_told_and_leaves_nothing(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    buy(journal, range(1))
    monkeypatch.setattr(os if isinstance(error, OSError) else copies, *_failing(error, fail))
    with pytest.raises(WorkspaceError, match=r"journal\.sqlite was not copied: .*(No space left|disk I/O error)"):
        copy_journal(path)
    assert not [name for name in files_in(path.parent) if "copy" in name]


def _failing(error: Exception, fail: object) -> tuple[str, object]:
    """Where a copy fails: at its sync, or at its check."""
    return ("fsync" if isinstance(error, OSError) else "sound_version", fail)


# --- a copy that holds more than the journal ------------------------------------------------------------------


def test_a_copy_is_newer_where_it_holds_a_call_that_the_journal_lacks(path: Path) -> None:
    newest, older = copies_of(path)
    assert newer_copy(path) is None
    with Journal(path) as journal:
        buy(journal, range(3))
        copy_journal(path)
        assert newer_copy(path) is None
        buy(journal, range(3, 4))
        assert newer_copy(path) is None
    path.rename("away.sqlite")
    assert newer_copy(path) == newest
    newest.rename(older)
    assert newer_copy(path) == older
    with Journal(path) as journal:
        assert newer_copy(path) == older
        buy(journal, range(7, 9))
    assert newer_copy(path) == older
    path.unlink()
    Path("away.sqlite").rename(path)
    assert newer_copy(path) is None


def lose_journal(path: Path) -> None:
    """As a user does who makes a demo before the next build: calls that cost nothing stand in a new journal."""
    path.unlink()
    with Journal(path) as journal:
        journal.record(FREE)


FREE = replace(answer(40), base_url="offline")


def test_a_copy_is_newer_though_the_journal_holds_its_last_call(path: Path) -> None:
    with Journal(path) as journal:
        buy(journal, range(3))
        journal.record(FREE)
        copy_journal(path)
    lose_journal(path)
    assert newer_copy(path) == copies_of(path)[0]


def test_the_older_copy_is_looked_at_where_the_newest_cannot_be_read_or_lacks_the_same(path: Path) -> None:
    newest, older = copies_of(path)
    with Journal(path) as journal:
        for numbers in (range(3), range(3, 4)):
            buy(journal, numbers)
            copy_journal(path)
    lose_journal(path)
    shutil.copy(newest, "kept")
    newest.write_bytes(bytes(100) + newest.read_bytes()[100:])
    assert newer_copy(path) == older
    shutil.copy(path, newest)
    assert newer_copy(path) == older


def test_a_copy_is_newer_than_a_journal_without_tables(path: Path) -> None:
    """As a process leaves it that was killed while it made the journal."""
    with Journal(path) as journal:
        buy(journal, range(1))
        copy_journal(path)
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    assert newer_copy(path) == copies_of(path)[0]
    assert main(["journal", "--recover"]) == 0
    assert newer_copy(path) is None


def test_calls_that_cost_nothing_make_no_copy_newer(path: Path) -> None:
    with Journal(path) as journal:
        journal.record(FREE)
        copy_journal(path)
    path.unlink()
    assert newer_copy(path) is None
    with Journal(path):
        assert newer_copy(path) is None


def test_a_copy_is_newer_where_the_journal_lacks_a_request_that_may_be_billed(path: Path) -> None:
    with Journal(path) as journal:
        journal.open_sends([answer(9)], [Tokens(9000, 700)], 0, None)
        copy_journal(path)
    path.unlink()
    assert newer_copy(path) == copies_of(path)[0]
    with Journal(path):
        assert newer_copy(path) == copies_of(path)[0]
    assert main(["journal", "--recover"]) == 0
    assert newer_copy(path) is None


def test_a_call_that_damage_made_up_makes_no_copy_newer(path: Path) -> None:
    with Journal(path) as journal:
        buy(journal, range(3))
        copy_journal(path)
    with closing(sqlite3.connect(copies_of(path)[0])) as db, db:
        db.execute("UPDATE calls SET key = 'another' WHERE rowid = 2")
    assert newer_copy(path) is None
