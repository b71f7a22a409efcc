"""`journal --merge`: the calls of other machines' journals, each once, in any order, and nothing of a damaged one."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.journal.test_database import answer, buy, purchase, tried
from tests.support.building import files_in
from tests.support.killing import forge
from wukong_pipe.cli.main import main
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.database import log_of
from wukong_pipe.journal.merge import merge
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import Tokens, call_key
from wukong_pipe.journal.store import Journal

OWN = Path("runs/journal.sqlite")


@pytest.fixture(autouse=True)
def _all_within_one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """What two journals then hold of one call is the same, as in copies of one journal."""
    monkeypatch.setattr("wukong_pipe.journal.store.now", lambda: "2026-01-01T00:00:00+00:00")


def journal(machine: str, numbers: range) -> Path:
    """A machine's runs folder, with the calls of these numbers."""
    with Journal(Path(machine) / "journal.sqlite") as its:
        buy(its, numbers)
    return Path(machine)


# --- what comes of it -----------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "open", "fail", "settle", "allow", "refuse", "batch", "collect"]),
        st.integers(0, 3),
        st.sampled_from([1.5, 2.5]),
        st.sampled_from(["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"]),
    ),
    max_size=6,
)
"""What happens to a journal: (kind, number of the request, seconds it took, when)."""


def play(path: Path, events: Sequence[tuple[str, int, float, str]], machine: str) -> None:
    """Let these events happen to a journal."""
    with Journal(path) as its:
        for kind, number, seconds, created in events:
            wanted = [purchase(number)]
            waiting = [place for place, send in enumerate(its.sends(), 1) if send.outcome == "open"]
            if kind == "buy" and not its.holds(wanted[0].key):
                (send,) = its.open_sends(wanted, [Tokens(9000, 700)], 0, None)
                call = replace(answer(number), seconds=seconds, created=created, reply=machine.encode())
                its.record(call, send, Tokens(500, 90))
            elif kind in ("open", "fail"):
                (send,) = its.open_sends(wanted, [Tokens(9000, 700)], 0, None)
                if kind == "fail":
                    its.close_send(send, "unknown", Tokens(9000, 700), 500, seconds + 10, "down")
            elif kind == "settle" and waiting and its.batch_items(1) == []:
                its.close_send(waiting[0], "unbilled", Tokens(), 429, seconds + 20, "busy")
            elif kind == "allow":
                its.allow("run", "section", 3)
            elif kind == "refuse":
                its.refuse_rung("http://x/v1", "m", number)
            elif kind == "batch":
                request = b'{"batch":"%s%d"}' % (machine.encode(), number)
                item = replace(wanted[0], request=request, key=call_key(request, 0))
                if not its.holds(item.key) and its.open_batch_of(item.key) is None:
                    (send,) = its.open_sends([item], [Tokens(9000, 700)], 0, None)
                    its.open_batch(f"mark-{machine}-{number}", [(item, send)])
            elif kind == "collect":
                for batch in its.open_batches("http://x/v1", "m"):
                    for item, send, *_ in its.batch_items(batch.id):
                        call = replace(answer(0), key=item.key, request=item.request, seconds=0.0, created=created)
                        its.record(call, send, Tokens(500, 90))
                    its.end_batch(batch.id)


def content(path: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    """All that stands in a journal, whatever its order, but when it was first noted."""
    tables = {
        "calls": "SELECT * FROM calls",
        "sends": "SELECT * FROM sends",
        "allowances": "SELECT run, subject, attempts FROM allowances",
        "refused_rungs": "SELECT base_url, model, rung FROM refused_rungs",
        "batches": "SELECT mark, base_url, model, run, remote, ended, file FROM batches",
        "batch_items": "SELECT b.mark, i.key, i.attempt, i.request, s.key, s.outcome FROM batch_items i"
        " JOIN batches b ON b.id = i.batch JOIN sends s ON s.id = i.send",
    }
    with closing(sqlite3.connect(path)) as db:
        found = {name: [tuple(row) for row in db.execute(statement)] for name, statement in tables.items()}
    found["sends"] = [row[1:] for row in found["sends"]]
    return {name: Counter(rows) for name, rows in found.items()}


@tried(40)
@given(EVENTS, st.lists(EVENTS, min_size=2, max_size=3))
def test_in_whatever_order_and_however_often_journals_are_merged_the_same_comes_out(
    shared: list[tuple[str, int, float, str]], own: list[list[tuple[str, int, float, str]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "shared.sqlite"
        play(first, shared, "all")
        journals = [Path(folder) / f"{number}.sqlite" for number in range(len(own))]
        for path, events in zip(journals, own, strict=True):
            shutil.copy(first, path)
            play(path, events, path.stem)
        outcomes = []
        for number, order in enumerate(permutations(journals)):
            into = Path(folder) / f"into-{number}.sqlite"
            shutil.copy(order[0], into)
            for path in [*order[1:], *order]:
                merge(path, into)
            outcomes.append(content(into))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    keys = {row[0] for row in outcomes[0]["calls"]}
    assert len(keys) == outcomes[0]["calls"].total()


@pytest.mark.usefixtures("empty_home")
def test_what_was_paid_for_on_two_machines_in_one_second_stays_booked_twice() -> None:
    for machine, seconds in (("runs", 1.0), ("there", 2.0)):
        with Journal(Path(machine) / "journal.sqlite") as its:
            (send,) = its.open_sends([purchase(1)], [Tokens(9000, 700)], 0, None)
            created = f"2026-01-0{seconds:.0f}T00:00:00+00:00"
            its.record(replace(answer(1), seconds=seconds, created=created), send, Tokens(501, 90))
    assert main(["journal", "--merge", "there"]) == 0
    with Journal(OWN) as own:
        assert [call.seconds for call in own.calls()] == [1.0]
        assert [send.seconds for send in own.sends()] == [1.0, 2.0]


# --- the command ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("empty_home")
def test_each_journal_has_its_line_and_no_call_is_counted_twice(capsys: pytest.CaptureFixture[str]) -> None:
    journal("runs", range(3))
    a, b = journal("a", range(2, 8)), journal("b", range(6, 10)) / "journal.sqlite"
    assert main(["journal", "--merge", str(a), str(b)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a/journal.sqlite: 6 calls, 5 added, 1 here already.",
        "b/journal.sqlite: 4 calls, 2 added, 2 here already.",
    ]
    assert main(["journal", "--merge", str(a), str(b), "--json"]) == 0
    merged = json.loads(capsys.readouterr().out)["merged"]
    assert [(one["journal"], one["calls"], one["added"]) for one in merged] == [
        ("a/journal.sqlite", 6, 0),
        ("b/journal.sqlite", 4, 0),
    ]
    with Journal(OWN) as own:
        assert len(list(own.calls())) == len(list(own.sends())) == 10
    with Journal(a / "journal.sqlite") as its:
        assert len(list(its.calls())) == 6


@pytest.mark.usefixtures("empty_home")
def test_the_first_journal_of_a_machine_may_come_from_another() -> None:
    journal("there", range(5))
    assert main(["journal", "--merge", "there"]) == 0
    assert content(OWN) == content(Path("there/journal.sqlite"))


@pytest.mark.usefixtures("empty_home")
def test_a_journal_in_use_is_read_as_it_stands() -> None:
    with Journal(Path("there/journal.sqlite")) as there:
        buy(there, range(4))
        assert main(["journal", "--merge", "there"]) == 0
        buy(there, range(4, 6))
        assert main(["journal", "--merge", "there"]) == 0
    with Journal(OWN) as own:
        assert len(list(own.calls())) == 6


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path.write_bytes(data)


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damage, "bad/journal.sqlite is no sound journal. If it is a damaged one, `wukong-pipe journal --recover "
                 "--runs-dir bad` restores it"),
        (make_newer, "bad/journal.sqlite was written by a newer wukong-pipe: update this one."),
        (lambda path: path.write_text("# Notes\n"), "bad/journal.sqlite is no sound journal."),
        (Path.unlink, "There is no journal bad/journal.sqlite"),
    ],
    ids=["damaged", "newer", "another file", "missing"],
)  # fmt: skip
def test_a_journal_that_cannot_be_trusted_is_refused_and_nothing_changes(
    empty_home: Path, capsys: pytest.CaptureFixture[str], spoil: Any, said: str
) -> None:
    journal("runs", range(3))
    journal("good", range(5, 8))
    spoil(journal("bad", range(10, 60)) / "journal.sqlite")
    before = files_in(empty_home)
    assert main(["journal", "--merge", "good", "bad"]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert "Nothing was changed." in told
    assert "Traceback" not in told
    assert files_in(empty_home) == before


def test_nothing_is_added_to_a_damaged_journal_or_to_itself(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal("runs", range(60))
    journal("good", range(60, 62))
    assert main(["journal", "--merge", "good", "runs"]) == 1
    assert "Nothing was changed." in capsys.readouterr().err
    damage(OWN)
    before = files_in(empty_home)
    assert main(["journal", "--merge", "good"]) == 1
    assert "`wukong-pipe journal --recover --runs-dir runs` restores it" in capsys.readouterr().err
    assert files_in(empty_home) == before


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("words", [["--merge"], ["there"], ["--merge", "--recover", "there"]], ids=" ".join)
def test_merge_takes_journals_and_nothing_else_does(words: list[str]) -> None:
    assert main(["journal", *words]) == 2


@pytest.mark.slow
def test_a_merge_killed_at_any_moment_leaves_the_journal_as_it_was_or_whole_and_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for machine, numbers in {"runs": range(100), "a": range(80, 500), "b": range(450, 900)}.items():
        journal(str(home / machine), numbers)
    own, untouched = home / "runs" / "journal.sqlite", tmp_path / "untouched"
    shutil.copytree(home, untouched)
    (tmp_path / "output.txt").touch()
    chance, seen = random.Random(18), Counter[int]()
    with forge(tmp_path) as forging:
        for number in range(12):
            if _calls(own) > 100:
                shutil.rmtree(home)
                shutil.copytree(untouched, home)
            running = forging.start(home, "journal", "--merge", "a", "b")
            # At any moment of the writing of the one or the other, whose log ends up as large as it is itself.
            least, log = own.stat().st_size, chance.uniform(0, 1) * (home / "a" / "journal.sqlite").stat().st_size
            while not running.ended() and (_size(log_of(own)) < log or (number % 2 and _size(own) == least)):
                time.sleep(0.0005)
            running.kill()
            assert running.wait().code in (-signal.SIGKILL, 0)
            assert sound_version(own) == len(MIGRATIONS)
            seen[_calls(own)] += 1
        assert forging.run(home, "journal", "--merge", "a", "b").code == 0
    assert _calls(own) == 900
    assert seen.keys() <= {100, 500, 900}
    assert seen[100]
    assert seen[500]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _calls(path: Path) -> int:
    """The calls of a journal, each of which has its request."""
    with Journal(path) as its:
        calls = len(list(its.calls()))
        assert len(list(its.sends())) == calls
    return calls
