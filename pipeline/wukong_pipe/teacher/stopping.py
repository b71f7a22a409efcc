"""Stopping a run that costs money: the first signal lets calls in flight finish, the second ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wukong_pipe.signals import on_signals


@contextmanager
def draining(drain: Callable[[], None], is_in_flight: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Within the block, the first Ctrl-C or SIGTERM calls `drain` while an event loop runs, or between two runs of it
    while something is in flight.

    Every further one, and the first where nothing is in flight, is a KeyboardInterrupt.
    """
    drained = False

    def stop() -> None:
        nonlocal drained
        if drained:
            raise KeyboardInterrupt
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            if not is_in_flight():
                raise KeyboardInterrupt from None
            drained = True
            drain()
            return
        drained = True
        # Threadsafe for a signal, too: it wakes the loop from its waiting for the network.
        loop.call_soon_threadsafe(drain)

    with on_signals(stop):
        yield
