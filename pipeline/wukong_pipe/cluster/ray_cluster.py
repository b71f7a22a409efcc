"""Ray: a cluster that is there, or one on this machine alone; workers as actors of it.

Imported only where it is used. Ray itself runs no call a second time: workers are never restarted and their tasks never
retried, for only the owner's journal knows what was bought.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from wukong_pipe.cluster.members import WorkerLost
from wukong_pipe.cluster.messages import Opened, Order, Report
from wukong_pipe.cluster.worker import Worker
from wukong_pipe.errors import StoppedShort, WorkspaceError
from wukong_pipe.extras import check_installed

if TYPE_CHECKING:
    from ray import ObjectRef

HERE = "local"
"""The address of a cluster that begins and ends with the build."""
OBJECTS = 80 * 1024 * 1024
"""Bytes that such a cluster keeps in shared memory: messages are small, and Ray takes no less than 75 MiB."""


class RayWorker:
    """A `Station` that is an actor."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def open(self) -> Opened:
        """See `Worker`, as the others."""
        opened: Opened = await _of(self._actor.open.remote())
        return opened

    async def take(self, orders: Sequence[Order]) -> None:
        await _of(self._actor.take.remote(orders))

    async def fetch(self) -> list[Report]:
        reports: list[Report] = await _of(self._actor.fetch.remote())
        return reports

    async def kill(self) -> None:
        import ray

        # The cluster may be gone.
        with contextlib.suppress(Exception):
            ray.kill(self._actor)


async def _of(ref: ObjectRef[Any]) -> Any:
    """What a call of an actor's method returned.

    Raises:
        WorkerLost: the actor is gone.
        WorkspaceError: its node lacks this package.
    """
    from ray.exceptions import RayError, RayTaskError

    try:
        return await ref
    except RayTaskError:
        raise
    except RayError as error:
        words = str(error)
        if "No module named" in words:
            raise WorkspaceError(
                "A node of the cluster lacks wukong-pipe or a library that it needs "
                f"({words.strip().splitlines()[-1]}): install the same on all nodes."
            ) from None
        raise WorkerLost(_cause(words)) from None


def _cause(words: str) -> str:
    """Ray's reason, without the numbers of actor and process."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return next((line for line in lines if "because" in line), lines[0] if lines else "no reason given")


class RayCluster:
    """A cluster that this process is connected to."""

    def __init__(self) -> None:
        import ray

        self._worker = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Worker)

    def hire(self) -> RayWorker:
        """Begin a worker as soon as a CPU is free, on the node that has most of them."""
        return RayWorker(self._worker.options(scheduling_strategy="SPREAD").remote())

    def room(self) -> int:
        """A worker for each CPU, on all nodes together.

        Raises:
            StoppedShort: the cluster is gone.
        """
        import ray
        from ray.exceptions import RayError

        try:
            return int(ray.cluster_resources().get("CPU", 0))
        except (RayError, ConnectionError) as error:
            raise StoppedShort(f"The Ray cluster is gone: {_cause(str(error))}. What was bought is kept.") from None


@contextlib.contextmanager
def connected(address: str = "") -> Iterator[RayCluster]:
    """Connect to the cluster at an address, as "10.0.0.1:6379"; by default to the one that this process belongs to
    ($RAY_ADDRESS), or to a new one on this machine alone.

    Raises:
        MissingDependency: Ray is not installed.
        WorkspaceError: nothing answers there, or what cannot be used.
    """
    check_installed(["ray"], "ray")
    address = address or os.environ.get("RAY_ADDRESS", "") or HERE
    _check_answers(address)
    # Read when Ray is imported: it would tell its makers of the cluster's use, and users what will change.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    alone: dict[str, Any] = {}
    if address == HERE:
        # macOS has no affinities.
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        alone = {"num_cpus": cpus, "object_store_memory": OBJECTS, "include_dashboard": False}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **alone)
    except Exception as error:  # Ray raises many kinds, bare ones among them.
        raise WorkspaceError(f"The Ray cluster at {address} cannot be used: {_cause(str(error))}") from None
    try:
        yield RayCluster()
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Find out at once what Ray finds out after minutes.

    Raises:
        WorkspaceError: nothing answers at the address.
    """
    if address in {HERE, "auto"}:
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        raise WorkspaceError(
            f"{address!r} is no address of a Ray cluster: give the host and port of its head, as 10.0.0.1:6379, on a "
            "machine that belongs to the cluster."
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise WorkspaceError(
            f"No Ray cluster answers at {address} ({error.strerror or error}): `ray start --head --port {port}` on "
            f"{host} begins one."
        ) from None
