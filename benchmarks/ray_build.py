"""What does a Ray cluster do for a build, and does it keep to one process's limits?

    python benchmarks/ray_build.py [--nodes 2 4 8] [--limit 12] [--slots 16]

builds a part of a corpus in one process, then on clusters of nodes of a CPU each on this machine (`ray.cluster_utils`),
against a server on loopback that answers each call after half a second. Each is built twice: with an empty journal,
where the calls take the time, and with a full one, where only the checks do; and once more with a server that refuses
what exceeds three quarters of the slots. All datasets must be the same bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.building import files_in  # noqa: E402
from tests.support.good_teacher import GoodTeacher  # noqa: E402
from tests.support.provider import NO_MODELS, Limits, Provider, Response, provider  # noqa: E402

LATENCY = 0.5
"""Seconds that an answer takes."""
OBJECTS = 80 * 1024 * 1024
HEAD = """| engine | calls | call phase | calls a second (of the ideal) | owner's CPU | full journal: wall, its CPU |\
 429s of a stricter server, its call phase |
|---|---:|---:|---:|---:|---:|---:|"""


class Remembering:
    """A good teacher whose second answer to a request costs it nothing: its own work is no part of the figures."""

    def __init__(self) -> None:
        self.delay = 0.0
        self._teacher, self._known = GoodTeacher(), dict[str, Response]()

    def __call__(self, request: dict[str, Any]) -> Response:
        asked = json.dumps(request, sort_keys=True)
        if asked not in self._known:
            self._known[asked] = self._teacher(request)
        return replace(self._known[asked], delay=self.delay)


@dataclass(frozen=True, slots=True)
class Built:
    """One build: what the server saw of it, and what it took."""

    calls: int
    refused: int
    calling: float
    """Seconds from the first request to the last answer."""
    wall: float
    cpu: float
    """Of the process that owns the build."""


@contextlib.contextmanager
def cluster(nodes: int) -> Iterator[list[str]]:
    """The options of a build on so many nodes; of none, in one process."""
    if not nodes:
        yield []
        return
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": OBJECTS, "include_dashboard": False}
    running = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(nodes):
            running.add_node(num_cpus=1, object_store_memory=OBJECTS)
        yield ["--engine", "ray", "--ray-address", running.address]
    finally:
        running.shutdown()


def build(server: Provider, folder: Path, corpus: str, limit: int, slots: int, engine: list[str]) -> Built:
    """A build in a process of its own."""
    before, refused, cpu = len(server.times), server.limited, resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "wukong_pipe.cli", "build", str(ROOT / "corpora" / corpus), "--run", "book"]
    place = ["--base-url", server.base_url, "--teacher-model", "m", "--runs-dir", str(folder)]
    size = ["--limit", str(limit), "--max-pairs", "6", "--variants", "4", "--concurrency", str(slots)]
    start = time.monotonic()
    subprocess.run([*command, *place, *size, *engine], check=True, stdout=subprocess.DEVNULL)
    wall, times = time.monotonic() - start, server.times[before:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
    calling = times[-1] - times[0] + LATENCY if times else 0.0
    return Built(len(times), server.limited - refused, calling, wall, used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="*", default=[2, 4, 8])
    parser.add_argument("--corpus", default="apollo.md")
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("--slots", type=int, default=16)
    options = parser.parse_args()
    size = (options.corpus, options.limit, options.slots)
    teacher = Remembering()
    with tempfile.TemporaryDirectory() as name, provider(teacher) as server:
        expected = Path(name) / "expected"
        build(server, expected, *size, [])
        teacher.delay = LATENCY
        strict = Limits(at_once=options.slots * 3 // 4, retry_after="none")
        print(HEAD)
        for nodes in (0, *options.nodes):
            with cluster(nodes) as engine, Provider(teacher, NO_MODELS, strict).running() as stricter:
                folder = Path(name) / f"nodes-{nodes}"
                first = build(server, folder, *size, engine)
                again = build(server, folder, *size, engine)
                crowded = build(stricter, Path(name) / f"crowded-{nodes}", *size, engine)
            assert again.calls == 0
            assert files_in(folder / "book" / "dataset") == files_in(expected / "book" / "dataset")
            rate = first.calls / first.calling
            print(
                f"| {f'Ray, {nodes} nodes' if nodes else 'one process'} | {first.calls} | {first.calling:.1f} s |"
                f" {rate:.1f} ({rate * LATENCY / options.slots:.0%}) | {first.cpu:.1f} s |"
                f" {again.wall:.1f} s, {again.cpu:.1f} s | {crowded.refused}, {crowded.calling:.1f} s |",
                flush=True,
            )


if __name__ == "__main__":
    main()
