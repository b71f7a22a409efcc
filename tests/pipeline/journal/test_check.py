"""`journal --recover` as users type it: with the runs folder of the default, a sound journal is left alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipeline.journal.test_store import CALL
from tests.support.building import calls_of, files_in
from wukong_pipe.cli.main import main
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.copies import copy_journal
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import call_key
from wukong_pipe.journal.store import Journal

BOOK = "# T\n\nThe Kelmar weighs 417 kilograms.\n"
BUILD = ["build", "k.md", "--teacher", "offline", "--variants", "1"]
JOURNAL = Path("runs/journal.sqlite")


@pytest.fixture
def workspace(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a run, in which the test stands."""
    (empty_home / "k.md").write_text(BOOK)
    assert main(BUILD) == 0
    capsys.readouterr()
    return empty_home


def test_recovering_a_sound_journal_changes_nothing_and_says_so(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_in(workspace)
    assert main(["journal", "--recover"]) == 0
    assert "runs/journal.sqlite is sound: there is nothing to recover" in capsys.readouterr().out
    assert main(["journal", "--recover", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"sound": True, "added": 0}
    assert files_in(workspace) == before
    assert main(BUILD) == 0


def test_a_damaged_journal_is_recovered_where_the_runs_folder_is_the_default(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = calls_of(workspace)
    copy_journal(JOURNAL)
    data = JOURNAL.read_bytes()
    JOURNAL.write_bytes(bytes(100) + data[100:])
    assert main(["journal", "--recover"]) == 0
    assert f"with {len(calls)} calls" in " ".join(capsys.readouterr().out.split())
    assert calls_of(workspace) == calls
    assert main(BUILD) == 0


def test_a_damaged_journal_without_a_copy_is_told_and_left_as_it_is(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    JOURNAL.write_bytes(bytes(100) + JOURNAL.read_bytes()[100:])
    before = files_in(workspace)
    assert main(["journal", "--recover"]) == 1
    assert "There is no sound copy of runs/journal.sqlite" in capsys.readouterr().err
    assert files_in(workspace) == before


def test_a_journal_whose_last_calls_stand_in_its_log_is_sound(tmp_path: Path) -> None:
    """As a killed process leaves it."""
    path = tmp_path / "sound" / "journal.sqlite"
    with Journal(path) as journal:
        journal.record(CALL)
        left = files_in(path.parent)
    assert left["journal.sqlite-wal"]
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        (killed / name).write_bytes(left[name])
    before = files_in(killed)
    assert sound_version(killed / "journal.sqlite") == len(MIGRATIONS)
    assert files_in(killed) == before


def test_a_sound_journal_of_a_newer_version_is_left_to_that_version(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(JOURNAL) as db:
        db.execute("CREATE TABLE verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL)")
        db.execute("INSERT INTO verdicts VALUES ('k', 'paid for')")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    before = files_in(workspace)
    assert main(["journal", "--recover"]) == 1
    assert "runs/journal.sqlite is sound, and a newer wukong-pipe wrote it" in capsys.readouterr().err
    assert files_in(workspace) == before


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_a_sound_journal_of_an_older_version_is_left_to_the_next_build(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    JOURNAL.unlink()
    request = b"{}"
    old = replace(CALL, key=call_key(request, 0), request=request)
    with monkeypatch.context() as earlier:
        earlier.setattr("wukong_pipe.journal.database.MIGRATIONS", MIGRATIONS[:version])
        with Journal(JOURNAL) as journal:
            columns = [
                name for _, name, *_ in journal._db.connection.execute("PRAGMA table_info(calls)") if name != "seal"
            ]
            if columns:
                names, marks = ", ".join(columns), ", ".join("?" * len(columns))
                values = [getattr(old, name) for name in columns]
                journal._db.connection.execute(f"INSERT INTO calls ({names}) VALUES ({marks})", values)
    before = files_in(workspace)
    assert main(["journal", "--recover"]) == 0
    assert "is sound: there is nothing to recover. An older version wrote it" in capsys.readouterr().out
    assert files_in(workspace) == before
    assert main(BUILD) == 0
    assert sound_version(JOURNAL) == len(MIGRATIONS)
    with Journal(JOURNAL) as journal:
        assert journal.get(old.key) == (old if columns else None)


def versioned(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 2}")
    db.close()


def without_calls(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE calls")
    db.close()


def changed(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE calls SET reply = x'00'")
    db.close()


def misplaced(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xde\xad" * 40_000)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(changed, id="a call that was changed"),
        pytest.param(versioned, id="an older version than its tables are of"),
        pytest.param(without_calls, id="no table of calls"),
        pytest.param(misplaced, id="pages that were written over"),
        pytest.param(lambda path: path.write_bytes(b"no database" * 500), id="another file"),
        pytest.param(lambda path: path.write_bytes(b""), id="an empty file"),
        pytest.param(lambda path: path.unlink(), id="no file"),
    ],
)
def test_a_damaged_journal_is_not_sound(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.record(CALL)
    assert sound_version(path) == len(MIGRATIONS)
    harm(path)
    assert sound_version(path) is None
