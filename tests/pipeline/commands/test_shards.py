"""A build shared out by hand: `build --shard i/N` on several machines, `journal --merge` between, and one dataset."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.batches import BatchBehaviour, BatchProvider
from tests.support.building import files_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import NO_LIMITS, NO_MODELS, Provider, Response, provider, refusal
from wukong_pipe.cli.main import main
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.client import TeacherSettings

pytestmark = pytest.mark.usefixtures("empty_home")

SIZE = ("--variants", "4", "--max-pairs", "3", "--limit", "9", "--run", "book", "--answer-variants", "1")
ROUNDS = 3
"""The verifier's calibration, pairs, wordings."""


def build(server: Provider, corpus: Path, machine: str, *more: str) -> int:
    place = ["--base-url", server.base_url, "--teacher-model", "m", "--runs-dir", machine]
    return main(["build", str(corpus), *place, *SIZE, *more])


def merge(machine: str, *others: str) -> int:
    return main(["journal", "--merge", *others, "--runs-dir", machine])


def dataset(machine: str) -> dict[str, bytes]:
    return files_in(Path(machine) / "book" / "dataset")


def machines(count: int) -> list[str]:
    return [f"machine-{number}" for number in range(1, count + 1)]


def shared_out(server: Provider, corpus: Path, order: Sequence[int], *more: str) -> None:
    """Let each shard do all its rounds, in this order in each, and unite the journals after each in any order."""
    count = len(order)
    for _ in range(ROUNDS):
        for shard in order:
            assert build(server, corpus, f"machine-{shard}", "--shard", f"{shard}/{count}", *more) == 0
            assert not dataset(f"machine-{shard}")
        asked = len(server.requests)
        for into, *others in itertools.permutations(machines(count)):
            # Each twice, and from machines that hold others' calls already.
            assert merge(into, *others, *others) == 0
        assert len(server.requests) == asked


@pytest.mark.parametrize("order", [(2, 1), (3, 1, 2)], ids=str)
@pytest.mark.parametrize(("name", "verify"), [("apollo.md", "none"), ("blackwukong.md", "all")])
def test_shards_buy_together_what_one_machine_buys_and_write_its_bytes(
    corpora: Path, name: str, verify: str, order: Sequence[int]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / name, "one", "--verify", verify) == 0
        alone, bill = len(server.requests), server.bill
        shared_out(server, corpora / name, order, "--verify", verify)
        assert len(server.requests) == 2 * alone
        assert server.bill == (2 * bill[0], 2 * bill[1])
        for machine in machines(len(order)):
            assert build(server, corpora / name, machine, "--verify", verify) == 0
            assert dataset(machine) == dataset("one")
        assert len(server.requests) == 2 * alone
    for machine in ("one", *machines(len(order))):
        with Journal(Path(machine) / "journal.sqlite") as journal:
            assert len(list(journal.calls())) == len(list(journal.sends())) == alone
            assert {send.outcome for send in journal.sends()} == {"answered"}


# --- what else can be asked of a shard ------------------------------------------------------------------------


def text(*numbers: int) -> str:
    return "".join(f"## Part {n}\n\nThe Kelmar-{n} weighs {400 + n} kilograms. The Sorvan-{n} is {n} m long.\n\n"
                   for n in numbers)  # fmt: skip


@pytest.fixture
def folder(empty_home: Path) -> Path:
    """A folder of two files, of which two sections stand in both."""
    place = empty_home / "docs"
    place.mkdir()
    (place / "a.md").write_text(f"# Book\n\n{text(*range(1, 7))}")
    (place / "b.md").write_text(f"# Book\n\n{text(2, 5, 8, 9)}")
    return place


def test_a_section_that_stands_in_two_files_is_bought_by_one_shard(folder: Path) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, folder, "one") == 0
        alone = len(server.requests)
        shared_out(server, folder, (1, 2, 3))
        assert len(server.requests) == 2 * alone == 2 * server.unique


def test_sections_that_differ_in_blank_lines_alone_are_bought_by_one_shard(folder: Path) -> None:
    """As where a file ends with what stands in the middle of another."""
    for part in (1, 2, 3):
        (folder / f"0-{part}.md").write_text(f"# Book\n\n{text(part).strip()}\n")
    with provider(GoodTeacher()) as server:
        assert build(server, folder, "one") == 0
        alone = len(server.requests)
        shared_out(server, folder, (1, 2, 3))
        assert len(server.requests) == 2 * alone == 2 * server.unique


def test_each_round_says_what_comes_next(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    with provider(GoodTeacher()) as server:
        for _ in range(2):
            assert build(server, folder, "machine-1", "--shard", "1/2") == 0
            said.append(capsys.readouterr().out)
            assert build(server, folder, "machine-2", "--shard", "2/2") == 0
            capsys.readouterr()
            assert merge("machine-1", "machine-2") == merge("machine-2", "machine-1") == 0
        capsys.readouterr()
        assert build(server, folder, "machine-1", "--shard", "1/2", "--json") == 0
        facts = json.loads(capsys.readouterr().out)
    assert "Before it goes on, its journal needs the pairs of 2/2." in said[0]
    assert "no dataset yet" in said[0]
    assert "Next: when 2/2 have bought theirs, add the journals to one machine's" in said[1]
    assert facts["is_last"]
    assert facts["waits_for"] == []
    assert facts["build"]["calls_made"] == 0
    assert facts["next"].startswith("Shard 1/2 has bought all that is its own. Next: add the journals")


def test_a_ceiling_is_the_shards_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, folder, "machine-1", "--shard", "1/2") == 0
        assert build(server, folder, "machine-2", "--shard", "2/2", "--max-calls", "1") == 3
        assert "The ceiling of 1 calls is reached" in capsys.readouterr().err
        assert build(server, folder, "machine-2", "--shard", "2/2", "--max-calls", "40") == 0
        second = len(server.requests)
        assert merge("machine-2", "machine-1") == 0
        with Journal(Path("machine-2/journal.sqlite")) as journal:
            own = sum(count for count, *_ in journal.booked("book:2/2"))
            assert 0 < own < second == sum(count for count, *_ in journal.booked("book"))
        # What the other shard bought leaves room; what this one bought in its first round does not.
        assert build(server, folder, "machine-2", "--shard", "2/2", "--max-calls", str(own + 2)) == 3
        assert len(server.requests) == second + 2
        assert build(server, folder, "machine-2", "--max-calls", str(second + 2)) == 3
    capsys.readouterr()
    assert main(["journal", "--runs-dir", "machine-2", "--run", "book", "--json"]) == 0
    runs = {line["run"] for line in json.loads(capsys.readouterr().out)["lines"]}
    assert runs == {"book:1/2", "book:2/2"}


def test_the_dry_runs_of_all_shards_add_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def price(*more: str) -> dict[str, Any]:
        assert main(["build", str(folder), "--dry-run", "--json", *more]) == 0
        facts: dict[str, Any] = json.loads(capsys.readouterr().out)
        return facts

    whole, parts = price(), [price("--shard", f"{number}/3") for number in (1, 2, 3)]
    for amount in ("sections", "pairs"):
        assert sum(part[amount] for part in parts) == whole[amount]
    assert all(part["sections"] for part in parts)
    assert sum(part["stages"]["base_qa"]["calls"] for part in parts) == whole["stages"]["base_qa"]["calls"]
    # What is held out is chosen among all sections.
    assert [part["holdout"] for part in parts] == [whole["holdout"]] * 3


def test_a_dataset_that_is_there_stays_as_it_is(folder: Path) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, folder, "machine-1") == 0
        (Path("machine-1") / "book" / "dataset" / "train.jsonl").write_text("mine\n")
        before = dataset("machine-1")
        (folder / "c.md").write_text(f"# More\n\n{text(20, 21, 22)}")
        assert build(server, folder, "machine-1", "--shard", "1/2") == 0
    assert dataset("machine-1") == before


def test_the_only_shard_is_the_whole_build(folder: Path) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, folder, "one") == 0
        assert build(server, folder, "machine-1", "--shard", "1/1") == 0
    assert dataset("machine-1") == dataset("one")


def test_a_shard_that_is_stopped_goes_on_with_the_same_command(folder: Path) -> None:
    teacher, answered = GoodTeacher(), 0

    def script(request: dict[str, Any]) -> Response:
        nonlocal answered
        answered += 1
        if answered == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return replace(teacher(request), delay=0.05)

    with provider(script) as server:
        assert build(server, folder, "machine-1", "--shard", "1/2", "--concurrency", "1") == 130
        stopped = len(server.requests)
        assert build(server, folder, "machine-1", "--shard", "1/2") == 0
        assert stopped < len(server.requests) == server.unique


def test_while_a_request_of_its_own_is_unanswered_a_shard_does_not_go_on(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = partial(TeacherSettings, retries=1, backoff=0.001)
    monkeypatch.setattr("wukong_pipe.providers.known_providers.TeacherSettings", impatient)
    teacher, is_down = GoodTeacher(), True

    def script(request: dict[str, Any]) -> Response:
        said = request["messages"][-1]["content"]
        return refusal(500, "overloaded") if is_down and "Kelmar-8 weighs" in said else teacher(request)

    with provider(script) as server:
        for number in (1, 2):
            build(server, folder, f"machine-{number}", "--shard", f"{number}/2")
        told = capsys.readouterr()
        assert told.err.count("The server did not answer 1 request of shard") == 1
        assert told.out.count("has bought what it can for now") == 1
        is_down = False
        shared_out(server, folder, (1, 2))


@pytest.mark.parametrize("words", ["0/2", "3/2", "2", "a/b", "1/0", "1/-2", "1/2/3"])
def test_what_is_no_shard_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "docs", "--shard", words]) == 2
    assert "give its number and how many there are, as 2/3" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--reask", "short"], ["--push-to-hub", "me/docs"]], ids=" ".join)
def test_what_needs_the_whole_is_refused_of_a_shard(folder: Path, more: list[str]) -> None:
    assert main(["build", str(folder), "--shard", "1/2", *more]) == 2


def test_through_a_batch_api_each_shard_has_its_own_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wukong_pipe.providers.batch_api.POLL", 0.02)
    with BatchProvider(GoodTeacher(), [BatchBehaviour()], NO_MODELS, NO_LIMITS).running() as server:
        assert isinstance(server, BatchProvider)
        assert build(server, folder, "one") == 0
        alone = len(server.requests)
        shared_out(server, folder, (2, 1), "--batch")
        assert len(server.requests) == len(server.lines) == alone
        assert build(server, folder, "machine-1") == 0
        assert len(server.requests) == alone
    assert dataset("machine-1") == dataset("one")
