"""Processes that check what replies hold and look for near repeats, so that a build uses more than one core; with one
worker there are none.

What they do is a pure function of its arguments: the dataset is the same with any number of workers.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from wukong_pipe.corpus.sources import Source

Checked = TypeVar("Checked")
Part = TypeVar("Part")
Result = TypeVar("Result")

SMALL = 250_000
"""Characters of sources up to which one process is quicker: to start others takes about a second of each."""
FEW = 3
"""So few items of a reply are checked sooner than sent to another process."""


@dataclass(slots=True, eq=False)
class Workers:
    """Who checks the items of replies, and works on parts of the rows: this process, or others."""

    count: int = 1
    pool: ProcessPoolExecutor | None = None
    """None where this process does it."""
    say: Callable[[str], None] = lambda line: None
    """Told when this process has to do it after all."""
    _have_begun: bool = False

    async def check(self, checks: Callable[..., list[Checked]], items: Sequence[Any], *arguments: Any) -> list[Checked]:
        """What a function of a module, called with the items and these arguments, finds."""
        if self.pool is not None and len(items) > FEW:
            try:
                return await asyncio.wrap_future(self._submitted(self.pool, checks, items, *arguments))
            except BrokenProcessPool:
                self._go_on_here()
        return checks(items, *arguments)

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
        """See `Mapped`; a single part is done here."""
        if self.pool is None or len(parts) < 2:
            yield from map(function, parts)
            return
        begun = deque[tuple[int, Future[Result]]]()

        def first() -> Result:
            at, future = begun.popleft()
            try:
                return future.result()
            except BrokenProcessPool:
                self._go_on_here()
                # Made again: parts that are under way are not held.
                return function(parts[at])

        for at, part in enumerate(parts):
            # One more than there are workers: who is done need not wait for this process to make the next.
            if len(begun) > self.count:
                yield first()
            begun.append((at, self._begun(function, part)))
        while begun:
            yield first()

    def _begun(self, function: Callable[[Part], Result], part: Part) -> Future[Result]:
        if self.pool is not None:
            try:
                return self._submitted(self.pool, function, part)
            except BrokenProcessPool:
                self._go_on_here()
        done = Future[Result]()
        done.set_result(function(part))
        return done

    def _submitted(self, pool: ProcessPoolExecutor, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """What a process of the pool will make of it."""
        if not self._have_begun:
            # The pool starts a process after it has begun to watch the others, and sees the end of one that it does not
            # watch yet no sooner than the next result: that of a process at work for an hour, perhaps. So all are
            # started together, and a first result comes when they are.
            for _ in range(self.count):
                _sent(pool, _is_there)
            self._have_begun = True
        return _sent(pool, function, *arguments)

    def _go_on_here(self) -> None:
        if self.pool is not None:
            self.pool = None
            self.say(
                "A process that worked for this one was ended from outside, perhaps for want of memory: this one does "
                "all of the work from here on, to the same result."
            )


HERE = Workers()
"""This process checks everything."""


def count_for(sources: Sequence[Source], wanted: int | None) -> int:
    """How many workers a build has: as many as are wanted, else one a core; where there is little to do, one."""
    if wanted is not None:
        return wanted
    if sum(source.characters for source in sources) <= SMALL:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def at_work(count: int, say: Callable[[str], None]) -> Iterator[Workers]:
    """That many workers, which end with the block, and with this process however it ends.

    Args:
        say: told when one was ended from outside.
    """
    if count == 1:
        yield HERE
        return
    # Never by fork: a forked process would hold this one's locks and connections.
    spawn = multiprocessing.get_context("spawn")
    # Nothing is ever sent: each worker waits for `held` to be closed, and the kernel closes it with this process.
    closing, held = spawn.Pipe(duplex=False)
    with closing, held, ProcessPoolExecutor(count, mp_context=spawn, initializer=_begin, initargs=(closing,)) as pool:
        try:
            yield Workers(count, pool, say)
        finally:
            # The pool itself would wait for the parts under way, and for ever for a worker that it lost sight of.
            held.close()
            pool.shutdown(cancel_futures=True)


def _is_there() -> None:
    """A worker's first task."""


def _sent(pool: ProcessPoolExecutor, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
    """What a process of the pool will make of it; one that is started for it hears no Ctrl-C, not even while it still
    imports."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # In here: a Ctrl-C that was on its way is raised by this very call, once it is done.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        return pool.submit(function, *arguments)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(closing: Connection) -> None:
    """End as soon as the process that started this one has done with its workers; Ctrl-C is left to that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_when_closed, args=(closing,), daemon=True).start()


def _end_when_closed(closing: Connection) -> None:
    closing.poll(None)
    os._exit(1)
