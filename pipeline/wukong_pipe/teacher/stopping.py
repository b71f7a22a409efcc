"""Stopping a run that costs money: the first signal lets calls in flight finish, the second ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wukong_pipe.signals import on_signals


@contextmanager
def draining(drain: Callable[[], None]) -> Iterator[None]:
    """Within the block, the first Ctrl-C or SIGTERM calls `drain` while an event loop runs.

    Every further one, and the first where no loop runs and so nothing is in flight, is a KeyboardInterrupt.
    """
    drained = False

    def stop() -> None:
        nonlocal drained
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise KeyboardInterrupt from None
        if drained:
            raise KeyboardInterrupt
        drained = True
        # Threadsafe for a signal, too: it wakes the loop from its waiting for the network.
        loop.call_soon_threadsafe(drain)

    with on_signals(stop):
        yield
