"""Ctrl-C and SIGTERM, handled for the time of a block."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signals(handle: Callable[[], None]) -> Iterator[None]:
    """Within the block each Ctrl-C or SIGTERM calls `handle`; afterwards they do what they did before."""
    if threading.current_thread() is not threading.main_thread():  # Only the main thread gets signals.
        yield
        return
    # A signal that is ignored, as in a script's background jobs, stays so.
    heeded = [number for number in SIGNALS if signal.getsignal(number) not in {signal.SIG_IGN, None}]
    before = {number: signal.signal(number, lambda *_: handle()) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
