"""The owner's side of a build on several machines: hands jobs to workers, and answers what these want.

The owner alone has the journal, the ledger and the limits. A worker that dies costs the calls that were in flight
there: they count as sent. Its jobs are given to others, which find in the journal what was bought for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from itertools import count
from typing import Any, TypeVar, TypeVarTuple, assert_never

from wukong_pipe.asking.jobs import Desk
from wukong_pipe.cluster.line import Line
from wukong_pipe.cluster.members import Job, Member, Station, WorkerLost
from wukong_pipe.cluster.messages import (
    Brought,
    Done,
    Errand,
    Failed,
    Given,
    Granted,
    Kit,
    Report,
    Servers,
    Wanted,
    Work,
)
from wukong_pipe.cluster.worker import code, sendable
from wukong_pipe.errors import StoppedShort, WorkspaceError
from wukong_pipe.language.plurals import counted
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.connection import Answer, NoAnswer
from wukong_pipe.teacher.requests import Reply

MOST_LOSSES = 8
"""A job over which so many workers died is given to no other; and so many may die, one after another, before any is
ready."""
PULSE = 5.0
"""Seconds between two looks at how many workers the cluster has room for."""
PATIENCE = 20.0
"""Seconds without a worker after which the user is told."""

Data = TypeVarTuple("Data")
Result = TypeVar("Result")

_asker: ContextVar[Member | None] = ContextVar("asker", default=None)
"""The worker whose wish a call fulfils."""


class Crew:
    """The workers of a build; an `Executor` of its jobs."""

    def __init__(
        self,
        hire: Callable[[], Station],
        room: Callable[[], int],
        say: Callable[[str], None],
    ) -> None:
        """
        Args:
            hire: begins a worker, wherever there is room for it.
            room: how many workers the cluster has room for.
        """
        self._hire, self._room, self._say = hire, room, say
        self._servers: list[TeacherSettings] = []
        self._numbers = count()
        self._members: list[Member] = []
        self._hired = self._lost_in_a_row = 0
        self._open: set[Job] = set()
        self._news = asyncio.Event()
        self._is_begun = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.Task[None]] = set()
        self._kit: Kit | None = None
        self._change = asyncio.Event()
        self._end: Exception | None = None

    @property
    def room(self) -> int:
        """How many workers the cluster has room for, at least one."""
        return max(1, self._room())

    def __str__(self) -> str:
        nodes = {member.node for member in self._members}
        return f"{counted(len(self._members), 'worker')} on {counted(len(nodes), 'node')}"

    def connection(self, settings: TeacherSettings) -> Line:
        """A connection whose calls are sent by the workers that they are made for."""
        self._servers.append(settings)
        return Line(partial(self._send, len(self._servers) - 1))

    # --- jobs -------------------------------------------------------------------------------------------------

    async def do(self, job: Callable[[Desk, *Data], Awaitable[Result]], desk: Desk, *data: *Data) -> Result:
        """See `Executor`.

        Raises:
            StoppedShort: workers die of it.
            WukongError: the run has ended.
        """
        mine = Job(Work(next(self._numbers), job, data), desk)
        self._open.add(mine)
        try:
            while True:
                if self._end is not None:
                    raise self._end
                member = await self._free()
                try:
                    brought: Result = await mine.begin(member, self._kit_of(desk))
                except WorkerLost as error:
                    if mine.losses >= MOST_LOSSES:
                        raise StoppedShort(
                            f"{mine.losses} workers died over the same work, the last with: {error}. What was bought "
                            "is kept; where memory runs out, more of it for each CPU helps."
                        ) from None
                else:
                    return brought
        finally:
            self._open.discard(mine)

    def stop(self, why: Exception) -> None:
        """See `Executor`."""
        self._end = self._end or why
        self._tell()

    async def close(self) -> None:
        """Wait for calls that were made for workers that died, then let all workers go."""
        if not self._open:
            await asyncio.gather(*self._answers, return_exceptions=True)
        for task in (ending := [*self._answers, *self._tasks]):
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _kit_of(self, desk: Desk) -> Kit:
        """What is sent of a desk; the same object for all desks that differ in nothing else."""
        settings, prompts, readers, attempts = desk.settings, desk.prompts, desk.verification.readers, desk.attempts
        kit = self._kit
        if kit is None or not (kit.settings is settings and kit.prompts is prompts and kit.readers is readers):
            # What is granted from now on goes with each job.
            granted = attempts.all_granted() if kit is None else kit.granted
            kit = Kit(desk.model, settings, prompts, readers, granted, attempts.reask, attempts.min_fill)
        self._kit = kit
        return kit

    # --- workers ----------------------------------------------------------------------------------------------

    async def _free(self) -> Member:
        """The worker that has least in hand; waits for one.

        Raises:
            WukongError: the run has ended, or no worker can be had.
        """
        if not self._is_begun:
            self._is_begun = True
            self._begin(self._keep_up())
        while not self._members:
            if self._end is not None:
                raise self._end
            await self._change.wait()
        return min(self._members, key=lambda member: len(member.jobs))

    async def _keep_up(self) -> None:
        """As many workers as there is room for, now and later."""
        alone_since = time.monotonic()
        while True:
            try:
                room = await asyncio.to_thread(lambda: self.room)
                while self._hired < room and self._end is None:
                    station = self._hire()
                    self._hired += 1
                    self._begin(self._employ(station))
            except Exception as error:
                # Else whoever waits for a worker would wait for ever.
                return self._fail(error)
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PULSE):
                    await self._news.wait()
            if self._members:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > PATIENCE:
                self._say("The cluster has no free CPU for a worker yet: waiting for one.")
                alone_since = math.inf

    async def _employ(self, station: Station) -> None:
        """A worker from its beginning to its death."""
        member, lost = None, WorkerLost("the build has ended")
        try:
            member = await self._opened(station)
            await member.work(partial(self._heed, member))
        except WorkerLost as error:
            lost = error
            self._lost_in_a_row += member is None
            if self._lost_in_a_row >= MOST_LOSSES + self._hired:
                self._fail(StoppedShort(f"No worker can be started: {error}. What was bought is kept."))
        except Exception as error:
            self._fail(error)
        finally:
            await station.kill()
            self._hired -= 1
            self._news.set()
            if member is not None:
                self._members.remove(member)
                member.lose(lost)

    async def _opened(self, station: Station) -> Member:
        """The worker, as soon as it is ready.

        Raises:
            WorkerLost: it never is.
            WorkspaceError: it would do other work than this machine.
        """
        opened = await station.open()
        if opened.code != code():
            foreign = (
                f"The node {opened.node} has another wukong-pipe than this machine, and would make another dataset: "
                "install the same one on all nodes."
            )
            if not self._members:
                raise WorkspaceError(foreign)
            self._say(f"{foreign} Nothing is given to it.")
            # It keeps its CPU, so that no other worker begins there, until the build ends.
            await asyncio.Event().wait()
        await station.take([Servers(tuple(self._servers))])
        member = Member(station, opened.node)
        self._members.append(member)
        self._lost_in_a_row = 0
        self._tell()
        return member

    def _fail(self, why: Exception) -> None:
        """Nothing can go on."""
        self.stop(why)
        for member in self._members:
            member.fail(why)

    def _tell(self) -> None:
        """Let those look again who wait for a worker."""
        self._change.set()
        self._change = asyncio.Event()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what workers report ----------------------------------------------------------------------------------

    def _heed(self, member: Member, report: Report) -> None:
        if isinstance(report, Brought):
            member.settle(report.number, report.answer)
            return
        # A run that has failed has no jobs any more.
        if (job := member.jobs.get(report.work)) is None:
            return
        match report:
            case Wanted():
                answer = asyncio.create_task(self._answer(member, job, report))
                self._answers.add(answer)
                answer.add_done_callback(self._answers.discard)
            case Granted():
                # Before the request that it allows: the reports of a worker keep their order.
                job.grant(report.subject)
            case Done():
                del member.jobs[report.work]
                job.finish(report)
            case Failed():
                del member.jobs[report.work]
                job.fail(report.error)
            case _:
                assert_never(report)

    async def _answer(self, member: Member, job: Job, wanted: Wanted) -> None:
        """Give a job the reply that it wants, from the journal or bought. It goes on when the worker dies: what was
        sent elsewhere is paid for, and the next worker will want the same."""
        _asker.set(member)
        reply: Reply | Exception
        try:
            reply = job.noted(await job.ask(wanted.role)(wanted.request, wanted.attempt))
        except Exception as error:
            job.trouble = job.trouble or error
            reply = sendable(error)
        member.order(Given(wanted.number, reply))

    async def _send(self, server: int, body: dict[str, Any]) -> Answer | NoAnswer:
        """Have a call sent by the worker that it is made for, or by another where that one is gone."""
        member = _asker.get()
        if member is None or member not in self._members:
            member = await self._free()
        number = next(self._numbers)
        member.order(Errand(number, server, body))
        return await member.expect(number)
