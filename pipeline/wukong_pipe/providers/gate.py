"""Who waits to be let through to a server, within one event loop."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from wukong_pipe.providers.sent_calls import Sent
from wukong_pipe.providers.throttle import Throttle


class Gate:
    """A `Throttle` for asyncio: who waits is let through in order, within one event loop."""

    def __init__(self, throttle: Throttle, clock: Callable[[], float] = time.monotonic) -> None:
        self.throttle = throttle
        self._clock = clock
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._end: BaseException | None = None

    async def admit(self, tokens: int) -> Sent:
        """Wait until a call that uses `tokens` at worst may be sent; it is handed back with its outcome to one of the
        four methods below.

        Raises:
            BaseException: the one `stop` was given.
        """
        async with self._turn:
            while True:
                if self._end is not None:
                    raise self._end
                self._news.clear()
                wait = self.throttle.wait(self._clock())
                if wait == 0.0:
                    return self.throttle.send(self._clock(), tokens)
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if wait == math.inf else wait):
                        await self._news.wait()

    def hear(self) -> None:
        """See `Throttle.hear`."""
        self.throttle.hear(self._clock())
        self._news.set()

    def succeeded(self, sent: Sent, tokens: int, retried: bool = False) -> None:
        """See `Throttle.succeeded`."""
        self.throttle.succeeded(self._clock(), sent, tokens, retried)
        self._news.set()

    def failed(self, sent: Sent) -> None:
        """See `Throttle.failed`."""
        self.throttle.failed(self._clock(), sent)
        self._news.set()

    def refused(self, sent: Sent, retry_after: float | None, headers: Mapping[str, str] = {}) -> None:
        """See `Throttle.refused`."""
        self.throttle.refused(self._clock(), sent, retry_after, headers)
        self._news.set()

    def dropped(self, sent: Sent) -> None:
        """See `Throttle.dropped`."""
        self.throttle.dropped(self._clock(), sent)
        self._news.set()

    def stop(self, error: BaseException) -> None:
        """Everyone who waits, or comes later, gets `error` at once."""
        self._end = error
        self._news.set()
