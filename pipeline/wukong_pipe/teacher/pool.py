"""Many questions at a time: `in_pool` runs a worker over all items, with a fixed number of them at work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def in_pool(
    items: Sequence[T],
    worker: Callable[[T], Awaitable[R]],
    size: int,
    done: Callable[[], None] = lambda: None,
    stop: Callable[[Exception], None] = lambda error: None,
    keep: Callable[[int, R], None] | None = None,
) -> list[R]:
    """Results of `worker` for all items, in the items' order, with at most `size` at work at any time.

    After the first exception nothing new starts and `stop` is told of it, so that what runs buys nothing more; its
    calls in flight reach the journal before the exception goes on. A cancelled pool ends at once. Never a task an
    item: thousands of waiting requests time out unsent.

    Args:
        keep: given each result and the place of its item, as it comes; then the list that is returned is empty.
    """
    results: dict[int, R] = {}
    keep = keep or results.__setitem__
    queue = iter(enumerate(items))
    first: Exception | None = None

    async def work() -> None:
        nonlocal first
        for index, item in queue:
            if first is not None:
                return
            try:
                keep(index, await worker(item))
                done()
            except Exception as error:
                if first is None:
                    first = error
                    stop(error)
                return
            # What is read from the journal never waits: signals and other workers must have their turn.
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(work()) for _ in range(min(size, len(items)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if first is not None:
        raise first
    return [results[index] for index in sorted(results)]
