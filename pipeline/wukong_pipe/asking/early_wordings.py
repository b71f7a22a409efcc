"""Wordings that free slots ask for while the last pairs are on their way, before dedupe and the hold-out plan decide.

While three sections of ninety still wait for a slow reply, the slots that have nothing left to ask take pairs of
sections that are finished. Nothing of the dataset depends on it: what the decision keeps finds its wordings done or
under way, what it drops has cost calls, which are counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from wukong_pipe.asking.jobs import Desk, Executor, wordings_of
from wukong_pipe.asking.wording_jobs import Kind, WordingJob
from wukong_pipe.stages.base_qa import Pairs
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.tab import Tab, TabClosed

FORESEEN = 200
"""Finished sections, the last ones, whose pairs may be asked about early: a build of millions keeps no more of them."""
ENOUGH_SECTIONS = 6
"""Of fewer sections one that brings no pairs may change what is held out of all the others."""
MOST_BESIDE = 10_000
"""Of so many pairs it takes so long to decide which stay that calls in flight might run past their deadline: from here
on they are waited for first."""


@dataclass(slots=True)
class _Early:
    """A job that was begun early."""

    job: WordingJob
    desk: Desk
    tabs: Sequence[Tab]
    task: asyncio.Task[Harvest[Any, Any]]
    is_wanted: bool = False

    def drop(self) -> None:
        """It asks nothing more, and counts as asked in vain."""
        self.is_wanted = False
        for tab in self.tabs:
            tab.close()


class EarlyWordings:
    """The jobs that were begun early, and those that may be.

    None is begun but beside a request that is being bought: a build that finds its pairs in the journal buys nothing
    that it did not buy before.
    """

    def __init__(
        self,
        desk: Desk,
        executor: Executor,
        askers: Sequence[JournalledTeacher],
        slots: int,
        jobs_of: Callable[[Pairs], Iterable[WordingJob]],
        stop: Callable[[Exception], None],
    ) -> None:
        """
        Args:
            slots: jobs at a time, the sections' among them; 0 for none early.
            jobs_of: the jobs that a finished section is expected to bring.
            stop: told of the first error, so that nobody buys more.
        """
        self._desk, self._executor, self._askers = desk, executor, askers
        self._slots, self._jobs_of, self._stop = slots, jobs_of, stop
        self._finished: deque[Pairs] = deque(maxlen=FORESEEN)
        self._next: Iterator[WordingJob] = iter(())
        self._begun: dict[tuple[Kind, str], _Early] = {}
        self._at_work = 0
        self._sections = slots
        for asker in askers if slots else ():
            asker.on_purchase = self._begin_some

    def finish(self, pairs: Pairs) -> None:
        """The pairs of a section are there."""
        if pairs.is_settled:
            self._finished.append(pairs)

    def wait_for(self, sections: int) -> None:
        """So many sections are not finished; without any nothing more is begun."""
        self._sections = sections
        self._begin_some()

    def keep(self, jobs: Iterable[WordingJob]) -> None:
        """It is known what is wanted: the others ask nothing more."""
        for job in jobs if self._begun else ():
            if early := self._begun.get(job.name):
                early.is_wanted = True
        for early in self._begun.values():
            if not early.is_wanted:
                early.drop()

    async def run(self, job: WordingJob) -> Harvest[Any, Any]:
        """What a wanted job brings, whether it was begun early or not."""
        early = self._begun.get(job.name)
        if early is not None and not early.job.is_same(job):
            early.drop()
            early = None
        if early is None:
            return await self._executor.do(wordings_of, self._desk, job)
        harvest = await early.task
        if not all(tab.is_whole for tab in early.tabs):
            # Another build would begin with the request that brought no answer, and so does this one.
            return await self._executor.do(wordings_of, self._desk, job)
        for tab in early.tabs:
            tab.settle()
        self._desk.verification.take_over(early.desk.verification)
        return harvest

    async def drain(self) -> None:
        """Begin nothing more, and wait until what was begun has ended: its calls in flight reach the journal."""
        self._sections = 0
        await asyncio.gather(*(early.task for early in self._begun.values()), return_exceptions=True)

    async def end(self) -> None:
        """Wait until what was dropped has ended, and count it."""
        await self.drain()
        for early in self._begun.values():
            for asker, tab in zip(self._askers, early.tabs, strict=True):
                asker.in_vain += 0 if early.is_wanted else tab.bought
        self._begun.clear()

    @contextmanager
    def ending_with_errors(self, run: Callable[[Coroutine[Any, Any, None]], None]) -> Iterator[None]:
        """After an error of the block nothing more is bought, and calls in flight reach the journal.

        Args:
            run: runs a coroutine in the event loop of the teachers, which may stand still.
        """
        try:
            yield
        except Exception as error:
            self._stop(error)
            run(self.drain())
            raise

    def _begin_some(self) -> None:
        """Begin what free slots and the teachers have room for."""
        try:
            self._begin_free()
        except Exception as error:
            # Who calls this asks for something else, and must not lose it.
            self._stop(error)

    def _begin_free(self) -> None:
        free = self._slots - self._sections - self._at_work if self._sections else 0
        if free <= 0 or not any(asker.buying for asker in self._askers):
            return
        for _ in range(min(free, *(asker.room for asker in self._askers))):
            job = next(self._next, None)
            while job is None and self._finished:
                self._next = iter(self._jobs_of(self._finished.popleft()))
                job = next(self._next, None)
            if job is None:
                return
            if job.name not in self._begun:
                self._begin(job)

    def _begin(self, job: WordingJob) -> None:
        tabs = [Tab(asker) for asker in self._askers]
        # The teacher is the first of the askers, the verifier the last: one may be both.
        verification = self._desk.verification.on_tab(tabs[-1].ask)
        desk = replace(self._desk, ask=tabs[0].ask, verification=verification)
        self._at_work += 1
        task = asyncio.create_task(self._executor.do(wordings_of, desk, job))
        task.add_done_callback(self._ended)
        self._begun[job.name] = _Early(job, desk, tabs, task)

    def _ended(self, task: asyncio.Task[Harvest[Any, Any]]) -> None:
        self._at_work -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(error, Exception) and not isinstance(error, TabClosed):
                self._stop(error)
            return
        self._begin_some()
