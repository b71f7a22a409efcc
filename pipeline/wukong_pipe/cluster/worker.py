"""A worker: does jobs with the code of a local build, and asks the owner for every reply that they need.

It holds nothing that another worker could not do again: what was bought is in the owner's journal before a job sees it.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import traceback
from collections.abc import Coroutine, Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import count
from typing import Any, assert_never

from wukong_pipe.asking.jobs import Desk
from wukong_pipe.cluster.messages import (
    Brought,
    Done,
    Errand,
    Failed,
    Given,
    Granted,
    Kit,
    Opened,
    Order,
    Report,
    Role,
    Servers,
    Wanted,
    Work,
)
from wukong_pipe.providers.connection import HttpConnection
from wukong_pipe.stages.verification import Verification
from wukong_pipe.teacher.attempts import Attempts
from wukong_pipe.teacher.requests import Ask, Reply, Request


class Worker:
    """Takes orders and has reports fetched; as an actor of Ray's, or in the owner's process."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        """Jobs and calls that it is at work on."""
        self._reports: list[Report] = []
        self._news = asyncio.Event()
        self._numbers = count()
        self._awaited: dict[int, asyncio.Future[Reply]] = {}
        self._connections: list[HttpConnection] = []
        self._kit: Kit | None = None

    async def open(self) -> Opened:
        """What it is; before anything is sent to it that other code might not understand."""
        return Opened(socket.gethostname(), code())

    async def take(self, orders: Sequence[Order]) -> None:
        """Begin what is ordered."""
        for order in orders:
            match order:
                case Servers():
                    self._connections = [HttpConnection(settings) for settings in order.settings]
                    for connection in self._connections:
                        connection.open()
                case Kit():
                    self._kit = order
                case Work():
                    self._begin(self._work(order, self._kit_here()))
                case Errand():
                    self._begin(self._errand(order))
                case Given():
                    self._give(order)
                case _:
                    assert_never(order)

    async def fetch(self) -> list[Report]:
        """All reports since the last time, as soon as there is one."""
        await self._news.wait()
        self._news.clear()
        reports, self._reports = self._reports, []
        return reports

    async def close(self) -> None:
        """Do nothing more."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for connection in self._connections:
            await connection.close()

    def _report(self, report: Report) -> None:
        self._reports.append(report)
        self._news.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        # The event loop itself holds a task only weakly.
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _kit_here(self) -> Kit:
        assert self._kit is not None, "a kit goes ahead of work"
        return self._kit

    async def _errand(self, errand: Errand) -> None:
        try:
            self._report(Brought(errand.number, await self._connections[errand.server].send(errand.body)))
        except Exception as error:
            self._report(Brought(errand.number, sendable(error)))

    def _give(self, given: Given) -> None:
        awaited = self._awaited.pop(given.number)
        if awaited.done():  # The job has ended without it.
            return
        if isinstance(given.reply, Exception):
            awaited.set_exception(given.reply)
        else:
            awaited.set_result(given.reply)

    async def _work(self, work: Work, kit: Kit) -> None:
        desk = self._desk(work, kit)
        try:
            result = await work.job(desk, *work.data)
        except Exception as error:
            self._report(Failed(work.number, sendable(error)))
        else:
            read = desk.verification
            self._report(Done(work.number, result, read.tally, read.sample, desk.attempts.reask.met))

    def _desk(self, work: Work, kit: Kit) -> Desk:
        """A desk whose teacher and verifier are asked by way of the owner."""
        granted = {**kit.granted}
        for subject, more in work.granted.items():
            granted[subject] = granted.get(subject, 0) + more

        def grant(subject: str) -> None:
            self._report(Granted(work.number, subject))

        attempts = Attempts(
            granted=lambda subject: granted.get(subject, 0), grant=grant, reask=kit.reask, min_fill=kit.min_fill
        )
        verification = Verification.by(self._ask(work, "verifier"), kit.readers, kit.prompts, kit.settings)
        return Desk(self._ask(work, "teacher"), kit.model, kit.settings, kit.prompts, attempts, verification)

    def _ask(self, work: Work, role: Role) -> Ask:
        async def ask(request: Request, attempt: int) -> Reply:
            number = next(self._numbers)
            self._awaited[number] = asyncio.get_running_loop().create_future()
            self._report(Wanted(number, work.number, role, request, attempt))
            return await self._awaited[number]

        return ask


def sendable(error: Exception) -> Exception:
    """The error itself where it can be sent, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error


def code() -> str:
    """A hash of this package's code, word lists and prompts: a worker that runs others would make another dataset."""
    hasher = sha256()

    def walk(folder: Traversable) -> None:
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            # As of a package that is installed for good, the prompts stand in a folder of the other.
            if entry.is_dir() and entry.name not in {"__pycache__", "prompts", "corpora"}:
                walk(entry)
            elif entry.name.endswith((".py", ".toml", ".txt", ".md")):
                hasher.update(f"{entry.name}\0".encode())
                hasher.update(sha256(entry.read_bytes()).digest())

    for package in ("wukong_pipe", "wukong_pipe.prompts"):
        walk(files(package))
    return hasher.hexdigest()
