"""A worker and a job as their owner sees them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from wukong_pipe.asking.jobs import Desk
from wukong_pipe.cluster.messages import Done, Kit, Opened, Order, Report, Role, Work
from wukong_pipe.providers.connection import Answer, NoAnswer
from wukong_pipe.teacher.attempts import ATTEMPTS
from wukong_pipe.teacher.requests import Ask, Reply


class WorkerLost(Exception):
    """A worker, its node, or the way to it is gone; the words say what is known of the cause."""


class Station(Protocol):
    """A worker, wherever it runs. Each method raises WorkerLost where it is gone."""

    async def open(self) -> Opened:
        """See `Worker`, as the others."""
        ...

    async def take(self, orders: Sequence[Order]) -> None: ...

    async def fetch(self) -> list[Report]: ...

    async def kill(self) -> None:
        """See to it that it does nothing more."""
        ...


@dataclass(slots=True, eq=False)
class Job:
    """A job that is not done."""

    work: Work
    desk: Desk
    losses: int = 0
    """Workers that died over it."""
    trouble: Exception | None = None
    """What first kept it from a reply."""
    _result: asyncio.Future[Any] | None = None
    _granted: Counter[str] = field(default_factory=Counter)
    _bought: set[str] = field(default_factory=set)
    """The journal's keys of what was bought for it."""

    def begin(self, member: Member, kit: Kit) -> asyncio.Future[Any]:
        """Order it of a worker; what comes of it."""
        if member.kit is not kit:
            member.order(kit)
            member.kit = kit
        member.jobs[self.work.number] = self
        # By a worker that died over it.
        member.order(replace(self.work, granted={**self._granted}))
        self._result = asyncio.get_running_loop().create_future()
        return self._result

    def ask(self, role: Role) -> Ask:
        """Who answers its requests."""
        if role == "teacher":
            return self.desk.ask
        # One verifier reads all languages.
        return next(iter(self.desk.verification.verifiers.values())).ask

    def noted(self, reply: Reply) -> Reply:
        """The reply; new is what was bought for this job, be it for a worker that died over it."""
        if reply.is_new:
            self._bought.add(reply.call)
        return replace(reply, is_new=reply.call in self._bought)

    def grant(self, subject: str) -> None:
        """See `Attempts`."""
        self.desk.attempts.grant(subject)
        self._granted[subject] += ATTEMPTS

    def finish(self, done: Done) -> None:
        """It is done."""
        self.desk.attempts.reask.note(done.met)
        self.desk.verification.tally.add(done.verdicts)
        self.desk.verification.sample.add(done.sampled)
        self._settle(lambda result: result.set_result(done.result))

    def fail(self, error: Exception) -> None:
        """It ends with an error: that of the owner, where one kept it from a reply."""
        self._settle(lambda result: result.set_exception(self.trouble or error))

    def lose(self, error: WorkerLost) -> None:
        """The worker that had it in hand died."""
        self.losses += 1
        if self._result is not None and not self._result.done():
            self._result.set_exception(error)

    def _settle(self, settle: Callable[[asyncio.Future[Any]], None]) -> None:
        # A run that was ended at once waits for nothing.
        if self._result is not None and not self._result.done():
            settle(self._result)


@dataclass(slots=True, eq=False)
class Member:
    """A worker that is ready, and what it has in hand."""

    station: Station
    node: str
    kit: Kit | None = None
    """That was sent last."""
    jobs: dict[int, Job] = field(default_factory=dict)
    _orders: list[Order] = field(default_factory=list)
    """That are about to be sent."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _errands: dict[int, asyncio.Future[Answer | NoAnswer]] = field(default_factory=dict)

    def order(self, order: Order) -> None:
        """Send it what it is to do; of one that is gone, nothing comes of it."""
        self._orders.append(order)
        self._news.set()

    async def expect(self, errand: int) -> Answer | NoAnswer:
        """What comes of a call that it was ordered to send."""
        self._errands[errand] = asyncio.get_running_loop().create_future()
        return await self._errands[errand]

    def settle(self, errand: int, answer: Answer | NoAnswer | Exception) -> None:
        """A call has ended."""
        expected = self._errands.pop(errand)
        # A run that was ended at once waits for nothing.
        if expected.done():
            return
        if isinstance(answer, Exception):
            expected.set_exception(answer)
        else:
            expected.set_result(answer)

    async def work(self, heed: Callable[[Report], None]) -> None:
        """Send its orders and fetch its reports, until it dies.

        Raises:
            WorkerLost: in the end.
        """

        async def feed() -> None:
            while True:
                await self._news.wait()
                self._news.clear()
                # One after another, so that they arrive in order; what gathers meanwhile goes together.
                orders, self._orders = self._orders, []
                await self.station.take(orders)

        async def fetch() -> None:
            while True:
                for report in await self.station.fetch():
                    heed(report)

        both = [asyncio.create_task(feed()), asyncio.create_task(fetch())]
        try:
            await asyncio.gather(*both)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    def lose(self, error: WorkerLost) -> None:
        """It is gone: its jobs go to others, and nobody knows of its calls whether they were paid for."""
        for number in [*self._errands]:
            self.settle(number, NoAnswer("retry", f"the worker that sent it is gone ({self.node})"))
        for job in self.jobs.values():
            job.lose(error)
        self.jobs.clear()

    def fail(self, why: Exception) -> None:
        """Nothing can go on, here neither."""
        for job in self.jobs.values():
            job.fail(why)
        self.jobs.clear()
