"""Builds on real Ray clusters of several nodes on this machine: the same bytes, whatever dies."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.pipeline.cluster.test_crew import SIZE, booked, build, dataset, slow
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import provider
from wukong_pipe.cli.main import main
from wukong_pipe.cluster.ray_cluster import OBJECTS
from wukong_pipe.journal.store import Journal

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = [pytest.mark.usefixtures("empty_home"), pytest.mark.slow]
NODES = 2


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """A head without a CPU, on which the owner stands, and nodes of a CPU each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    size = {"object_store_memory": OBJECTS, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **size})
    for _ in range(NODES):
        add_node(cluster)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


def add_node(cluster: Cluster) -> None:
    """Ray gives a node half a minute to begin, which is short where much else runs."""
    for _ in range(4):
        with contextlib.suppress(Exception):
            cluster.add_node(num_cpus=1, object_store_memory=OBJECTS)
            return
    raise AssertionError("no node can be added")


def on(cluster: Cluster) -> tuple[str, ...]:
    return ("--engine", "ray", "--ray-address", cluster.address)


def test_a_build_on_two_nodes_writes_the_bytes_of_a_local_one(
    corpora: Path, nodes: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / "blackwukong.md", "one", "--verify", "all") == 0
        alone, bill = len(server.requests), server.bill
        capfd.readouterr()
        assert build(server, corpora / "blackwukong.md", "cluster", "--verify", "all", *on(nodes)) == 0
        said = capfd.readouterr()
        assert dataset("cluster") == dataset("one")
        assert len(server.requests) == 2 * alone == 2 * server.unique
        assert server.bill == (2 * bill[0], 2 * bill[1])
    # One screen for all nodes, and nothing of Ray's own on it.
    # On a busy machine all is done before the second worker has begun.
    assert re.search("; (1 worker|2 workers) on ", said.err)
    assert "ray" not in (said.out + said.err).casefold().replace("array", "")


def test_a_node_that_dies_costs_its_calls_in_flight_and_a_new_one_takes_its_place(
    corpora: Path, nodes: Cluster
) -> None:
    at_once = 4
    with provider(slow(GoodTeacher(), 0.3)) as server:
        assert build(server, corpora / "apollo.md", "one") == 0
        alone, bill = len(server.requests), server.bill
        command = owner(server.base_url, corpora / "apollo.md", "--concurrency", str(at_once), *on(nodes))
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
            until(lambda: len(server.requests) >= alone + 4 or running.poll() is not None)
            nodes.remove_node(random.choice([*nodes.worker_nodes]), allow_graceful=False)
            add_node(nodes)
            _, said = running.communicate()
        assert running.returncode == 0, said
        assert dataset("cluster") == dataset("one")
        assert len(server.requests) - 2 * alone <= at_once
        spent = server.bill[0] - bill[0], server.bill[1] - bill[1]
        assert all(known >= paid for known, paid in zip(booked("cluster"), spent, strict=True))


def test_an_owner_that_dies_goes_on_with_the_same_command(corpora: Path, nodes: Cluster) -> None:
    at_once = 4
    with provider(slow(GoodTeacher(), 0.3)) as server:
        assert build(server, corpora / "apollo.md", "one") == 0
        alone, bill = len(server.requests), server.bill
        command = owner(server.base_url, corpora / "apollo.md", "--concurrency", str(at_once), *on(nodes))
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
            until(lambda: len(server.requests) >= alone + 6 or running.poll() is not None)
            running.kill()
        assert running.returncode == -9
        assert build(server, corpora / "apollo.md", "cluster", *on(nodes)) == 0
        assert dataset("cluster") == dataset("one")
        assert len(server.requests) - 2 * alone <= at_once
        spent = server.bill[0] - bill[0], server.bill[1] - bill[1]
        assert all(known >= paid for known, paid in zip(booked("cluster"), spent, strict=True))


@pytest.mark.long
@pytest.mark.parametrize("deaths", [50])
def test_nodes_and_owners_die_at_random_times(corpora: Path, nodes: Cluster, deaths: int) -> None:
    at_once, chance, died = 4, random.Random(deaths), 0
    folders: list[str] = []
    with provider(slow(GoodTeacher(), 0.2)) as server:
        assert build(server, corpora / "apollo.md", "one") == 0
        alone, bill = len(server.requests), server.bill
        while died < deaths:
            folders.append(f"cluster-{len(folders)}")
            code = -signal.SIGKILL
            # The same command goes on where its owner was killed.
            while code == -signal.SIGKILL:
                command = owner(server.base_url, corpora / "apollo.md", "--concurrency", str(at_once), *on(nodes))
                with subprocess.Popen([*command, "--runs-dir", folders[-1]], stderr=subprocess.DEVNULL) as running:
                    enough = len(server.requests) + chance.randint(1, 8)
                    until(lambda: len(server.requests) >= enough or running.poll() is not None)  # noqa: B023
                    if running.poll() is None and died < deaths:
                        died += 1
                        if chance.random() < 0.5:
                            running.kill()
                        else:
                            nodes.remove_node(chance.choice([*nodes.worker_nodes]), allow_graceful=False)
                            add_node(nodes)
                code = running.returncode
            assert code == 0
            assert dataset(folders[-1]) == dataset("one")
        assert server.unique == alone
        assert len(server.requests) - alone * (1 + len(folders)) <= at_once * deaths
        known = [sum(tokens) for tokens in zip(*map(booked, folders), strict=True)]
        assert known[0] >= server.bill[0] - bill[0]
        assert known[1] >= server.bill[1] - bill[1]


def test_ctrl_c_lets_the_calls_of_all_nodes_finish(corpora: Path, nodes: Cluster) -> None:
    with provider(slow(GoodTeacher(), 0.5)) as server:
        command = owner(server.base_url, corpora / "apollo.md", "--concurrency", "4", *on(nodes))
        # A terminal tells the whole group.
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
            until(lambda: len(server.requests) >= 4 or running.poll() is not None)
            os.killpg(running.pid, signal.SIGINT)
            _, said = running.communicate()
        assert running.returncode == 130, said
        asked = len(server.requests)
        with Journal(Path("cluster/journal.sqlite")) as journal:
            assert [send.outcome for send in journal.sends()] == asked * ["answered"]


def owner(base_url: str, corpus: Path, *more: str) -> list[str]:
    """The command of a build in a process of its own."""
    place = ["--base-url", base_url, "--teacher-model", "m", "--runs-dir", "cluster"]
    return [sys.executable, "-m", "wukong_pipe.cli", "build", str(corpus), *place, *SIZE, *more]


def until(is_so: Any, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("address", "words"),
    [("nowhere", "is no address of a Ray cluster"), ("ray://127.0.0.1:10001", "is no address of a Ray cluster")],
)
def test_what_is_no_address_is_named(
    corpora: Path, capsys: pytest.CaptureFixture[str], address: str, words: str
) -> None:
    assert offline(corpora, address) == 1
    assert words in capsys.readouterr().err


def test_an_address_that_does_not_answer_is_named(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        assert offline(corpora, address) == 1
    assert f"No Ray cluster answers at {address}" in capsys.readouterr().err


def test_without_ray_the_extra_is_named(
    corpora: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wukong_pipe.extras.find_spec", lambda name: None)
    assert offline(corpora, "127.0.0.1:6379") == 1
    said = capsys.readouterr().err
    assert "needs ray, which is not installed" in said
    assert "[ray]" in said


def offline(corpora: Path, address: str) -> int:
    command = ["build", str(corpora / "apollo.md"), "--teacher", "offline", "--engine", "ray"]
    return main([*command, "--ray-address", address])
