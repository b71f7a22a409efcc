"""A pool of workers: the order of the results, the size, and the end after an error."""

from __future__ import annotations

import asyncio

import pytest

from wukong_pipe.errors import StoppedShort
from wukong_pipe.teacher.pool import in_pool


def test_a_pool_keeps_the_order_and_never_exceeds_its_size() -> None:
    at_work = most = finished = 0

    async def worker(number: int) -> int:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.001 * (number % 3))
        at_work -= 1
        return number * number

    def done() -> None:
        nonlocal finished
        finished += 1

    assert asyncio.run(in_pool(range(40), worker, 7, done)) == [number**2 for number in range(40)]
    assert (most, finished) == (7, 40)
    assert asyncio.run(in_pool([], worker, 7)) == []


def test_after_the_first_exception_nothing_new_starts_and_what_runs_ends_in_peace() -> None:
    started: list[int] = []
    ended: list[int] = []
    told: list[Exception] = []

    async def worker(number: int) -> None:
        started.append(number)
        if number == 1:
            raise StoppedShort("first")
        await asyncio.sleep(0.05)
        ended.append(number)
        raise StoppedShort("second")

    with pytest.raises(StoppedShort, match="first"):
        asyncio.run(in_pool(range(100), worker, 3, stop=told.append))
    assert started == [0, 1]
    assert ended == [0]
    assert [str(error) for error in told] == ["first"]


def test_a_cancelled_pool_waits_for_none_of_its_workers() -> None:
    ended = []

    async def worker(number: int) -> None:
        # Longer than any run of the tests: a pool that waits for its workers never comes back.
        await asyncio.sleep(1e6)
        ended.append(number)

    async def run() -> None:
        pool = asyncio.create_task(in_pool(range(9), worker, 3))
        await asyncio.sleep(0.01)
        pool.cancel()
        await pool

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert ended == []
