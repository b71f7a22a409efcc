"""Stopping a run that costs money: the first signal lets calls in flight finish, the second ends at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def draining(drain: Callable[[], None]) -> Iterator[None]:
    """Within the block, the first Ctrl-C or SIGTERM calls `drain` while an event loop runs.

    Every further one, and the first where no loop runs and so nothing is in flight, is a KeyboardInterrupt.
    """
    drained = False

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
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

    if threading.current_thread() is not threading.main_thread():  # Only the main thread gets signals.
        yield
        return
    # A signal that is ignored, as in a script's background jobs, stays so.
    heeded = [number for number in SIGNALS if signal.getsignal(number) not in {signal.SIG_IGN, None}]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
