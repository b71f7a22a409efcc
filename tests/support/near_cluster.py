"""A cluster in this process: workers as Ray's actors are, but that they can be killed at once and cost nothing."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from wukong_pipe.cluster.members import WorkerLost
from wukong_pipe.cluster.messages import Errand, Opened, Order, Report, Work
from wukong_pipe.cluster.worker import Worker
from wukong_pipe.dataset.leak_audit import Trained
from wukong_pipe.dataset.near_repeats import Groups

T = TypeVar("T")


class NearWorker:
    """A `Station` in this process; what is sent to it and from it is pickled, as on a network."""

    def __init__(self, name: str, change: Callable[[Opened], Opened]) -> None:
        self.calls = 0
        """That it was ordered to send."""
        self.parts = 0
        """Of the rows, that it was given."""
        self.is_dead = False
        self._name, self._change = name, change
        self._worker = Worker()
        self._death = asyncio.Event()

    async def open(self) -> Opened:
        opened = await self._alive(self._worker.open())
        return self._change(replace(opened, node=self._name))

    async def take(self, orders: Sequence[Order]) -> None:
        self.calls += sum(isinstance(order, Errand) for order in orders)
        self.parts += sum(isinstance(order, Work) and isinstance(order.data[-1], Groups | Trained) for order in orders)
        await self._alive(self._worker.take(_sent(orders)))

    async def fetch(self) -> list[Report]:
        return _sent(await self._alive(self._worker.fetch()))

    async def kill(self) -> None:
        self.is_dead = True
        self._death.set()
        await self._worker.close()

    @property
    def in_flight(self) -> int:
        """Jobs and calls that it is at work on: at least as many as its calls."""
        return len(self._worker.tasks)

    async def _alive(self, method: Coroutine[Any, Any, T]) -> T:
        call, death = asyncio.create_task(method), asyncio.create_task(self._death.wait())
        await asyncio.wait({call, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if self.is_dead:
            call.cancel()
            raise WorkerLost("it was killed")
        return await call


def _sent(message: T) -> T:
    copy: T = pickle.loads(pickle.dumps(message))
    return copy


class NearCluster:
    """Stands for `RayCluster`; kills workers at random as often as it is told."""

    def __init__(self, room: int = 2, kills: int = 0, pause: float = 0.05, seed: int = 0) -> None:
        """
        Args:
            pause: the longest time between two kills, in seconds.
        """
        self.size, self.kills, self.bound = room, kills, 0
        """How many workers there may be; kills that are still to come; calls that they may have hit."""
        self.hired: list[NearWorker] = []
        self.change: Callable[[Opened], Opened] = lambda opened: opened
        self._pause, self._random = pause, Random(seed)
        self._killing: asyncio.Task[None] | None = None

    def hire(self) -> NearWorker:
        if self._killing is None:
            self._killing = asyncio.create_task(self._kill())
        self.hired.append(NearWorker(f"node-{len(self.hired)}", self.change))
        return self.hired[-1]

    def room(self) -> int:
        return self.size

    async def _kill(self) -> None:
        while self.kills:
            await asyncio.sleep(self._random.uniform(0, self._pause))
            if busy := [worker for worker in self.hired if not worker.is_dead and worker.in_flight]:
                victim = self._random.choice(busy)
                self.bound += victim.in_flight
                self.kills -= 1
                await victim.kill()

    @contextmanager
    def connected(self, address: str = "") -> Iterator[NearCluster]:  # noqa: ARG002
        # Each build has an event loop of its own.
        self._killing = None
        yield self
