"""Recovery: the newest sound copy takes the place of a damaged journal, nothing is deleted, and losses are named."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.pipeline.journal.test_database import answer, buy, purchase
from tests.support.building import files_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Provider, provider
from wukong_pipe.cli.main import main
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import write_json
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.copies import copies_of, copy_journal
from wukong_pipe.journal.database import log_of
from wukong_pipe.journal.losses import Loss
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import Tokens
from wukong_pipe.journal.recover import Recovered, recover
from wukong_pipe.journal.store import Journal
from wukong_pipe.screens.journal import recovery_lines
from wukong_pipe.workspace import Run, Workspace

JOURNAL = Path("runs/journal.sqlite")
NEWEST, OLDER = copies_of(JOURNAL)
WORKSPACE = Workspace(Path("runs"))


@pytest.fixture(autouse=True)
def _stands_in_an_empty_folder(empty_home: Path) -> None:
    (empty_home / "k.md").write_text("# T\n\nThe Kelmar weighs 417 kilograms. The Sorvan weighs 318 kilograms.\n")


def fill(copied: int = 20, later: int = 0) -> bytes:
    """A journal whose first calls were copied, and later ones were not; its bytes."""
    with Journal(JOURNAL) as journal:
        buy(journal, range(copied))
        copy_journal(JOURNAL)
        buy(journal, range(copied, copied + later))
    return JOURNAL.read_bytes()


def beheaded() -> None:
    """Nothing can be read of a journal without its header."""
    JOURNAL.write_bytes(bytes(100) + JOURNAL.read_bytes()[100:])


def calls_in_journal() -> list[str]:
    with Journal(JOURNAL) as journal:
        return [call.key for call in journal.calls()]


# --- what is restored -----------------------------------------------------------------------------------------


def test_the_newest_copy_takes_the_place_of_a_damaged_journal_which_is_kept() -> None:
    fill()
    JOURNAL.chmod(0o640)
    beheaded()
    damaged = JOURNAL.read_bytes()
    log_of(JOURNAL).write_bytes(b"what a killed process left")
    made = NEWEST.stat().st_mtime
    recovered = recover(WORKSPACE)
    assert (recovered.copy, recovered.copied, recovered.added) == (NEWEST, 20, 0)
    assert recovered.made is not None
    assert datetime.fromisoformat(recovered.made).timestamp() == int(made)
    assert recovered.damaged is not None
    assert recovered.damaged.read_bytes() == damaged
    assert log_of(recovered.damaged).read_bytes() == b"what a killed process left"
    assert sound_version(JOURNAL) == len(MIGRATIONS)
    assert JOURNAL.stat().st_mode & 0o777 == 0o640
    with Journal(JOURNAL) as journal:
        assert list(journal.calls()) == [answer(number) for number in range(20)]
        assert sum(send.outcome == "answered" for send in journal.sends()) == 20


def test_later_calls_that_can_still_be_read_are_added_with_what_they_cost() -> None:
    data = fill(copied=20, later=30)
    keys = calls_in_journal()
    lost = answer(45)
    at = data.index(lost.reply[:16])
    JOURNAL.write_bytes(data[:at] + b"\0" * 16 + data[at + 16 :])
    recovered = recover(WORKSPACE)
    assert (recovered.copied, recovered.added) == (20, 29)
    assert calls_in_journal() == [key for key in keys if key != lost.key]
    with Journal(JOURNAL) as journal:
        sends = {send.key: send for send in journal.sends()}
        assert all((sends[call.key].outcome, sends[call.key].tokens_in) == ("answered", call.tokens_in)
                   for call in journal.calls())  # fmt: skip


def test_a_call_without_usage_is_booked_at_the_most_it_can_have_used() -> None:
    fill()
    quiet = replace(answer(30), tokens_in=None, tokens_out=None)
    with Journal(JOURNAL) as journal:
        journal.record(quiet)
        journal.record(replace(answer(31), base_url="offline"))
    NEWEST.replace("kept")
    with Journal(JOURNAL) as journal:
        shutil.copy("kept", NEWEST)
    data = JOURNAL.read_bytes()
    at = data.index(answer(5).reply[:16])
    JOURNAL.write_bytes(data[:at] + b"\0" * 16 + data[at + 16 :])
    assert recover(WORKSPACE).added == 2
    with Journal(JOURNAL) as journal:
        (send,) = [send for send in journal.sends() if send.key == quiet.key]
        assert (send.tokens_in, send.tokens_out) == (len(quiet.request), len(quiet.reply))
        assert not [send for send in journal.sends() if send.key == answer(31).key], "the embedded teacher is free"


def test_batches_requests_on_their_way_and_grants_are_added_too() -> None:
    fill(copied=5)
    with Journal(JOURNAL) as journal:
        wanted = [purchase(number) for number in range(30, 33)]
        sends = journal.open_sends(wanted, [Tokens(9000, 700)] * 3, 0, None)
        batch = journal.open_batch("mark", list(zip(wanted[:2], sends[:2], strict=True)))
        journal.file_batch(batch, "file")
        journal.allow("run", "section", 2)
        journal.refuse_rung("http://x/v1", "m", 0)
        batches, sent = journal.open_batches("http://x/v1", "m"), list(journal.sends())
    data = JOURNAL.read_bytes()
    at = data.index(answer(2).reply[:16])
    JOURNAL.write_bytes(data[:at] + b"\0" * 16 + data[at + 16 :])
    recover(WORKSPACE)
    with Journal(JOURNAL) as journal:
        assert journal.open_batches("http://x/v1", "m") == batches
        assert [item[0] for item in journal.batch_items(batch)] == wanted[:2]
        assert list(journal.sends()) == sent
        assert (journal.allowance("run", "section"), journal.rung("http://x/v1", "m")) == (2, 1)


@pytest.mark.parametrize("seed", range(12))
def test_noise_makes_no_false_call(seed: int) -> None:
    data = bytearray(fill(copied=5, later=25))
    chance = random.Random(seed)
    for _ in range(chance.choice([1, 20, 400])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    JOURNAL.write_bytes(data)
    true = {answer(number).key: answer(number) for number in range(30)}
    recovered = recover(WORKSPACE)
    with Journal(JOURNAL) as journal:
        calls = list(journal.calls())
    assert all(call == true[call.key] for call in calls)
    assert len(calls) == 5 + recovered.added


def test_a_copy_that_is_not_sound_is_passed_over_and_kept_and_what_can_be_read_of_it_is_added() -> None:
    with Journal(JOURNAL) as journal:
        buy(journal, range(10))
        copy_journal(JOURNAL)
        buy(journal, range(10, 20))
        copy_journal(JOURNAL)
    data = NEWEST.read_bytes()
    at = data.index(answer(15).reply[:16])
    unsound = data[:at] + b"\0" * 16 + data[at + 16 :]
    NEWEST.write_bytes(unsound)
    beheaded()
    recovered = recover(WORKSPACE)
    assert (recovered.copy, recovered.copied, recovered.added) == (OLDER, 10, 9)
    assert calls_in_journal() == [answer(number).key for number in range(20) if number != 15]
    assert Path("runs/journal.sqlite.copy-1.damaged-1").read_bytes() == unsound
    assert sound_version(NEWEST) == sound_version(OLDER) == len(MIGRATIONS)


def test_a_copy_of_an_older_version_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("wukong_pipe.journal.database.MIGRATIONS", MIGRATIONS[:5])
        with Journal(JOURNAL) as journal:
            buy(journal, range(3))
            copy_journal(JOURNAL)
    beheaded()
    assert recover(WORKSPACE).copied == 3
    assert sound_version(JOURNAL) == len(MIGRATIONS)


@pytest.mark.parametrize("loss", [lambda: JOURNAL.unlink(), lambda: JOURNAL.write_bytes(b"")])
def test_a_journal_that_is_gone_or_empty_is_restored_and_a_log_without_it_is_moved_away(
    loss: Callable[[], object],
) -> None:
    """A log that stayed behind would be taken for the restored file's."""
    fill()
    log_of(JOURNAL).write_bytes(b"log")
    loss()
    recover(WORKSPACE)
    assert len(calls_in_journal()) == 20
    assert log_of(Path("runs/journal.sqlite.damaged-1")).read_bytes() == b"log"


def test_each_damaged_journal_is_kept_under_a_name_of_its_own() -> None:
    fill()
    for number in (1, 2, 3):
        beheaded()
        assert recover(WORKSPACE).damaged == Path(f"runs/journal.sqlite.damaged-{number}")


def test_without_a_sound_copy_what_can_still_be_read_is_the_journal(capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(JOURNAL) as journal:
        buy(journal, range(30))
    data = JOURNAL.read_bytes()
    at = data.index(answer(5).reply[:16])
    JOURNAL.write_bytes(data[:at] + b"\0" * 16 + data[at + 16 :])
    assert main(["journal", "--recover"]) == 0
    assert (
        "No copy of the journal runs/journal.sqlite is sound. The journal now holds what could be read: 29 calls."
        in (" ".join(capsys.readouterr().out.split()))
    )
    assert calls_in_journal() == [answer(number).key for number in range(30) if number != 5]
    with Journal(JOURNAL) as journal:
        assert len(list(journal.sends())) == 30
    assert sound_version(JOURNAL) == sound_version(NEWEST) == len(MIGRATIONS)


def test_a_sound_journal_keeps_all_and_gets_what_its_copies_hold(capsys: pytest.CaptureFixture[str]) -> None:
    fill(copied=3)
    JOURNAL.unlink()
    with Journal(JOURNAL) as journal:
        buy(journal, range(2))
        (send,) = journal.open_sends([purchase(7)], [Tokens(9000, 700)], 0, None)
        journal.file_batch(journal.open_batch("mark", [(purchase(7), send)]), "file")
        journal.allow("run", "section", 3)
    assert main(["journal", "--recover", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"sound": True, "added": 1}
    with Journal(JOURNAL) as journal:
        assert journal.holds(answer(2).key)
        assert [batch.mark for batch in journal.open_batches("http://x/v1", "m")] == ["mark"]
        assert journal.allowance("run", "section") == 3
    assert not list(Path("runs").glob("*damaged*"))
    assert main(["journal", "--recover"]) == 0
    assert "is sound: there is nothing to recover" in capsys.readouterr().out


# --- what is refused ------------------------------------------------------------------------------------------


def test_where_nothing_can_be_read_one_sentence_says_so_and_nothing_changes() -> None:
    fill()
    beheaded()
    shutil.copy(JOURNAL, NEWEST)
    before = files_in(Path("runs"))
    with pytest.raises(WorkspaceError) as caught:
        recover(WORKSPACE)
    assert str(caught.value) == (
        "There is no sound copy of runs/journal.sqlite (journal.sqlite.copy-1 or journal.sqlite.copy-2), and no call "
        "can be read from it: put a copy back from a backup of yours, or move the journal and its copies away to pay "
        "for its calls again."
    )
    assert files_in(Path("runs")) == before


def test_a_copy_of_a_newer_version_is_named() -> None:
    fill()
    with sqlite3.connect(NEWEST) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    beheaded()
    with pytest.raises(WorkspaceError) as caught:
        recover(WORKSPACE)
    assert str(caught.value) == f"{NEWEST} was written by a newer wukong-pipe: update this one."


def test_where_there_is_neither_a_journal_nor_a_copy_there_is_nothing_to_recover() -> None:
    with pytest.raises(WorkspaceError, match=r"^There is no journal runs/journal\.sqlite\.$"):
        recover(WORKSPACE)


def test_a_folder_that_cannot_be_written_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    beheaded()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as read_only:
        read_only.setattr(shutil, "copyfile", refuse)
        with pytest.raises(WorkspaceError, match=r"journal\.sqlite cannot be restored: .*Permission denied"):
            recover(WORKSPACE)
    assert not [name for name in files_in(Path("runs")) if name.startswith(".")]


def recover_killed_at(step: int, monkeypatch: pytest.MonkeyPatch, renames: int) -> None:
    """A recovery that ends before its rename number `step`; of those beyond its `renames` there is none to begin."""
    left, replace_file = step, Path.replace

    def crash(file: Path, target: Path) -> Path:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return replace_file(file, target)

    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", crash)
        if step < renames:
            with pytest.raises(KeyboardInterrupt):
                recover(WORKSPACE)


@pytest.mark.parametrize("step", range(6))
def test_a_recovery_that_is_killed_at_any_rename_is_finished_by_the_next(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = fill(copied=10, later=10)
    at = data.index(answer(3).reply[:16])
    JOURNAL.write_bytes(data[:at] + b"\0" * 16 + data[at + 16 :])
    damaged = JOURNAL.read_bytes()
    os.utime(NEWEST, (1e9, 1e9))
    recover_killed_at(step, monkeypatch, renames=4)
    assert recover(WORKSPACE).made == "2001-09-09T01:46:40+00:00"
    assert len(calls_in_journal()) == 20
    kept = [file.read_bytes() for file in Path("runs").glob("journal.sqlite.damaged-?")]
    assert damaged in kept


@pytest.mark.parametrize("step", range(4))
def test_what_a_damaged_copy_alone_holds_outlives_a_recovery_that_is_killed(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = fill(copied=10)
    at = data.index(answer(3).reply[:16])
    damaged = data[:at] + b"\0" * 16 + data[at + 16 :]
    NEWEST.write_bytes(damaged)
    beheaded()
    recover_killed_at(step, monkeypatch, renames=3)
    recover(WORKSPACE)
    assert len(calls_in_journal()) == 9
    assert Path("runs/journal.sqlite.copy-1.damaged-1").read_bytes() == damaged


# --- as users type it -----------------------------------------------------------------------------------------


def build(server: Provider, *more: str) -> int:
    return main(["build", "k.md", "--base-url", server.base_url, "--teacher-model", "m", "--variants", "1", *more])


def test_a_build_after_a_recovery_asks_for_nothing_that_the_copy_holds(capsys: pytest.CaptureFixture[str]) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        asked = len(server.requests)
        beheaded()
        capsys.readouterr()
        assert build(server) == 1
        assert "runs/journal.sqlite is damaged" in capsys.readouterr().err
        assert main(["journal", "--recover"]) == 0
        told = " ".join(capsys.readouterr().out.split())
        assert "runs/journal.sqlite was restored from runs/journal.sqlite.copy-1, a copy of 20" in told
        assert f"with {asked} calls. Other calls" in told
        assert "As far as the runs' files say, no run lacks a call." in told
        assert build(server) == 0
        assert len(server.requests) == asked


def test_the_runs_that_lose_calls_are_named_with_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        first = len(server.requests)
        NEWEST.replace("first")
        # Another temperature is another question.
        assert build(server, "--run", "second", "--temperature", "0.3") == 0
        assert len(server.requests) == 2 * first
        shutil.copy("first", NEWEST)
        OLDER.unlink(missing_ok=True)
        beheaded()
        # A build that was stopped before it had a dataset.
        stopped = Run(Path("runs/stopped"))
        stopped.folder.mkdir()
        write_json(stopped.folder / "build.json", {"calls_made": 7, "tokens_in": 90})
        os.utime("runs/k/build.json", (0, 0))
        os.utime("runs/second/build.json", (0, 0))
        os.utime(stopped.folder / "build.json", (2**33, 2**33))
        capsys.readouterr()
        assert main(["journal", "--recover", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        (second, stopped_loss) = told["losses"]
        assert (second["run"], second["bought_since"]) == ("second", 0)
        assert 0 < second["calls"] <= first
        assert stopped_loss == {"run": "stopped", "calls": 0, "bought_since": 7}
        assert (told["sound"], told["copy"], told["copied"]) == (False, "runs/journal.sqlite.copy-1", first)
        assert build(server) == 0
        assert len(server.requests) == 2 * first


def test_the_losses_of_a_recovery_are_sentences() -> None:
    losses = (Loss("k", 12, 0), Loss("n", 0, 1234), Loss("o", 1, 2))
    recovered = Recovered(NEWEST, "2026-01-01T00:00:00+00:00", 1500, 3, Path("runs/journal.sqlite.damaged-1"), losses)
    alone = replace(recovered, copy=None, made=None, copied=0, losses=losses[1:2], damaged=None)
    assert list(recovery_lines(JOURNAL, alone)) == [
        "No copy of the journal runs/journal.sqlite is sound. The journal now holds what could be read: 3 calls.",
        "Its other calls are lost: they are paid for again when a build asks for them.",
        "The last build of run n bought 1,234 calls.",
    ]
    assert list(recovery_lines(JOURNAL, recovered)) == [
        "The journal runs/journal.sqlite was restored from runs/journal.sqlite.copy-1, a copy of "
        "2026-01-01T00:00:00+00:00 with 1,500 calls.",
        "Added from the damaged journal and the other copy: 3 calls.",
        "Other calls bought after that are lost: they are paid for again when a build asks for them.",
        "Run k lacks 12 calls that its dataset was made from.",
        "The last build of run n ended after that and bought 1,234 calls.",
        "Run o lacks 1 call that its dataset was made from.",
        "The last build of run o ended after that and bought 2 calls.",
        "The damaged journal is runs/journal.sqlite.damaged-1.",
    ]
