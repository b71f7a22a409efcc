"""A build shared out by its owner: the bytes and the bill of a local one, whichever workers die, and one ceiling."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.building import files_in
from tests.support.good_teacher import GoodTeacher
from tests.support.made_texts import NEARLY_TWICE
from tests.support.near_cluster import NearCluster
from tests.support.provider import Provider, Response, provider, refusal
from wukong_pipe.asking.jobs import Desk, mapping
from wukong_pipe.cli.main import main
from wukong_pipe.cluster.crew import Crew
from wukong_pipe.dataset.dedupe import dedupe
from wukong_pipe.dataset.leak_audit import audit
from wukong_pipe.errors import Interrupted
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.requests import Ask

pytestmark = pytest.mark.usefixtures("empty_home")

SIZE = ("--variants", "2", "--max-pairs", "2", "--limit", "3", "--run", "book", "--answer-variants", "1")

MODEL = ("--teacher-model", "m")

Connect = Callable[[NearCluster], NearCluster]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Lets a cluster in this process stand for one of Ray's."""

    def connected(cluster: NearCluster) -> NearCluster:
        monkeypatch.setattr("wukong_pipe.cluster.ray_cluster.connected", cluster.connected)
        return cluster

    return connected


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = partial(TeacherSettings, backoff=0.001)
    monkeypatch.setattr("wukong_pipe.providers.known_providers.TeacherSettings", settings)


def build(server: Provider, corpus: Path, folder: str, *more: str) -> int:
    place = ["--base-url", server.base_url, "--teacher-model", "m", "--runs-dir", folder]
    return main(["build", str(corpus), *place, *SIZE, *more])


def dataset(folder: str) -> dict[str, bytes]:
    return files_in(Path(folder) / "book" / "dataset")


def booked(folder: str) -> tuple[int, int]:
    """Tokens that the ledger holds against a run."""
    with Journal(Path(folder) / "journal.sqlite") as journal:
        sums = [tokens for _, tokens, *_ in journal.booked("book")]
    return sum(tokens.prompt for tokens in sums), sum(tokens.completion for tokens in sums)


def slow(teacher: GoodTeacher, seconds: float = 0.02) -> Callable[[dict[str, Any]], Response]:
    return lambda request: replace(teacher(request), delay=seconds)


@pytest.mark.parametrize("room", [1, 3])
@pytest.mark.parametrize(("name", "verify"), [("apollo.md", "none"), ("blackwukong.md", "all")])
def test_workers_buy_together_what_one_process_buys_and_write_its_bytes(
    corpora: Path, connect: Connect, name: str, verify: str, room: int
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / name, "one", "--verify", verify) == 0
        alone, bill = len(server.requests), server.bill
        cluster = connect(NearCluster(room))
        assert build(server, corpora / name, "cluster", "--verify", verify, "--engine", "ray") == 0
        assert dataset("cluster") == dataset("one")
        assert len(server.requests) == 2 * alone
        assert server.bill == (2 * bill[0], 2 * bill[1])
        assert sum(worker.calls for worker in cluster.hired) == alone
        assert len(cluster.hired) == room
        assert all(worker.calls for worker in cluster.hired)
        # Another pass buys nothing.
        assert build(server, corpora / name, "cluster", "--verify", verify, "--engine", "ray") == 0
        assert len(server.requests) == 2 * alone
    assert dataset("cluster") == dataset("one")


@pytest.mark.parametrize("kills", [0, 6])
def test_workers_look_for_near_repeats_and_leaks_in_parts_of_the_rows(
    corpora: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    Path("book.md").write_text((corpora / "apollo.md").read_text("utf-8") + NEARLY_TWICE, "utf-8")
    command = ["build", "book.md", "--teacher", "offline", "--run", "book"]
    assert main([*command, "--runs-dir", "one"]) == 0
    monkeypatch.setattr("wukong_pipe.stages.families.dedupe", partial(dedupe, part_size=20))
    monkeypatch.setattr("wukong_pipe.dataset.holdout.audit", partial(audit, part_size=50))
    cluster = connect(NearCluster(3, kills, pause=0.01))
    assert main([*command, "--runs-dir", "cluster", "--engine", "ray"]) == 0
    assert dataset("cluster") == dataset("one")
    assert b'"near-question"' in dataset("cluster")["rejected.jsonl"]
    assert all(worker.parts for worker in cluster.hired) or kills
    assert sum(worker.parts for worker in cluster.hired) > 20


def test_a_crew_that_is_stopped_begins_nothing() -> None:
    cluster = NearCluster()
    crew = Crew(cluster.hire, cluster.room, pytest.fail)
    crew.stop(Interrupted("Enough."))
    desk = Desk(cast(Ask, None), "m", BuildSettings(), {})
    with asyncio.Runner() as loop, pytest.raises(Interrupted, match="Enough"):
        mapping(crew, desk, loop)(len, ["a", "b"])
    assert not cluster.hired


@pytest.mark.parametrize("seed", range(3))
def test_workers_that_die_cost_their_calls_in_flight_and_nothing_else(
    corpora: Path, connect: Connect, seed: int
) -> None:
    check_kills(corpora, connect, kills=6, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_fifty_workers_die(corpora: Path, connect: Connect, seed: int) -> None:
    check_kills(corpora, connect, kills=50, seed=seed)


def check_kills(corpora: Path, connect: Connect, kills: int, seed: int) -> None:
    """Build again and again until so many workers were killed at random times."""
    with provider(slow(GoodTeacher())) as server:
        assert build(server, corpora / "apollo.md", "one") == 0
        alone, bill = len(server.requests), server.bill
        cluster = connect(NearCluster(3, kills, seed=seed))
        folders: list[str] = []
        while cluster.kills:
            folders.append(f"cluster-{len(folders)}")
            while (code := build(server, corpora / "apollo.md", folders[-1], "--engine", "ray")) == 3:
                # So many deaths over one job are taken for its own doing: the same command goes on.
                pass
            assert code == 0
            assert dataset(folders[-1]) == dataset("one")
        assert server.unique == alone
        twice = len(server.requests) - alone * (1 + len(folders))
        assert twice <= cluster.bound
        known = [sum(tokens) for tokens in zip(*map(booked, folders), strict=True)]
        assert known[0] >= server.bill[0] - bill[0]
        assert known[1] >= server.bill[1] - bill[1]


def test_one_ceiling_holds_for_all_workers(corpora: Path, connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    with provider(slow(GoodTeacher())) as server:
        connect(NearCluster(3, kills=3))
        assert build(server, corpora / "apollo.md", "cluster", "--engine", "ray", "--max-calls", "12") == 3
        assert len(server.requests) <= 12
    assert "The ceiling of 12 calls is reached" in capsys.readouterr().err


def test_the_limits_of_the_provider_are_shared(corpora: Path, connect: Connect) -> None:
    with provider(slow(GoodTeacher())) as server:
        connect(NearCluster(3))
        assert build(server, corpora / "apollo.md", "cluster", "--engine", "ray", "--concurrency", "2") == 0
        assert server.most_at_once == 2


def test_ctrl_c_lets_the_calls_of_all_workers_finish(
    corpora: Path, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, answered = GoodTeacher(), 0

    def script(request: dict[str, Any]) -> Response:
        nonlocal answered
        answered += 1
        if answered == 9:
            os.kill(os.getpid(), signal.SIGINT)
        return replace(teacher(request), delay=0.05)

    with provider(script) as server:
        connect(NearCluster(3))
        assert build(server, corpora / "apollo.md", "cluster", "--engine", "ray") == 130
        stopped = len(server.requests)
        with Journal(Path("cluster/journal.sqlite")) as journal:
            assert {send.outcome for send in journal.sends()} == {"answered"}
        assert "calls in flight are finished and kept" in capsys.readouterr().err
        assert build(server, corpora / "apollo.md", "cluster", "--engine", "ray") == 0
        assert stopped < len(server.requests) == server.unique


def test_a_refused_request_is_a_refusal_wherever_it_was_sent_from(corpora: Path, connect: Connect) -> None:
    """The words of the provider, its 429 and its support ladder are read by the owner."""
    teacher, seen = GoodTeacher(), 0

    def script(request: dict[str, Any]) -> Response:
        nonlocal seen
        seen += 1
        if "response_format" in request:
            return refusal(400, "response_format json_schema is not supported", param="response_format")
        return refusal(429, "slow down", {"retry-after": "0"}) if seen == 7 else teacher(request)

    with provider(script) as server:
        connect(NearCluster(2))
        assert build(server, corpora / "apollo.md", "cluster", "--engine", "ray") == 0
        assert build(server, corpora / "apollo.md", "one") == 0
    assert dataset("cluster") == dataset("one")


def test_a_call_that_cannot_be_sent_ends_the_build_as_it_does_here(
    corpora: Path, connect: Connect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "nonsense://nowhere")
    for more in ((), ("--engine", "ray")):
        connect(NearCluster(2))
        assert main(["build", str(corpora / "apollo.md"), "--base-url", "http://10.0.0.1:1/v1", *MODEL, *more]) == 1
        assert "The proxy settings in the environment" in capsys.readouterr().err


def test_a_node_that_runs_other_code_is_named(
    corpora: Path, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        cluster = connect(NearCluster(2))
        cluster.change = lambda opened: replace(opened, code="other")
        assert build(server, corpora / "apollo.md", "cluster", "--engine", "ray") == 1
        assert not server.requests
    assert "The node node-0 has another wukong-pipe than this machine" in capsys.readouterr().err


def test_a_node_that_runs_other_code_and_comes_late_is_given_nothing(
    corpora: Path, connect: Connect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wukong_pipe.cluster.crew.PULSE", 0.01)
    cluster = NearCluster(2)
    cluster.change = lambda opened: replace(opened, code="other") if opened.node == "node-2" else opened

    teacher = slow(GoodTeacher(), 0.1)

    def answer(request: dict[str, Any]) -> Response:
        cluster.size = 3
        return teacher(request)

    with provider(answer) as server:
        assert build(server, corpora / "apollo.md", "one") == 0
        cluster.size = 2
        connect(cluster)
        assert build(server, corpora / "apollo.md", "cluster", "--engine", "ray") == 0
    assert capsys.readouterr().err.count("The node node-2 has another wukong-pipe than this machine") == 1
    assert [worker.calls > 0 for worker in cluster.hired] == [True, True, False]
    assert dataset("cluster") == dataset("one")


def test_what_is_asked_again_is_granted_once_though_workers_die(corpora: Path, connect: Connect) -> None:
    with provider(slow(GoodTeacher())) as server:
        # One answer of these cannot be reworded.
        more = ("--max-pairs", "3", "--limit", "5")
        for folder in ("one", "cluster"):
            assert build(server, corpora / "apollo.md", folder, *more) == 0
        alone = len(server.requests)
        assert build(server, corpora / "apollo.md", "one", *more, "--reask", "rejected") == 0
        asked = len(server.requests) - alone
        assert asked
        cluster = connect(NearCluster(2, kills=2, pause=0.02))
        assert build(server, corpora / "apollo.md", "cluster", *more, "--reask", "rejected", "--engine", "ray") == 0
        assert asked <= len(server.requests) - alone - asked <= asked + cluster.bound
    assert dataset("cluster") == dataset("one")


@pytest.mark.parametrize(
    "more",
    [("--ray-address", "10.0.0.1:6379"), ("--engine", "ray", "--batch"), ("--engine", "ray", "--shard", "1/2")],
    ids=" ".join,
)
def test_what_does_not_go_together_is_refused(corpora: Path, more: tuple[str, ...]) -> None:
    assert main(["build", str(corpora / "apollo.md"), *more]) == 2
