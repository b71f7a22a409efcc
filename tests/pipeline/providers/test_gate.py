"""Who waits at the gate: let through in order, woken at the end, held while the run pauses."""

from __future__ import annotations

import asyncio
import time

import pytest

from wukong_pipe.providers.gate import Gate
from wukong_pipe.providers.sent_calls import Sent
from wukong_pipe.providers.throttle import Throttle


async def waiting(gate: Gate, count: int) -> list[asyncio.Task[Sent]]:
    """So many who wait at a gate, each begun after the one before."""
    tasks = [asyncio.create_task(gate.admit(100)) for _ in range(count)]
    await asyncio.sleep(0.01)
    return tasks


async def pause(gate: Gate, seconds: float) -> None:
    """Refuse one call after another, so that the whole run is to wait for so many seconds."""
    for _ in range(6):
        gate.refused(await gate.admit(100), seconds)


def passed(tasks: list[asyncio.Task[Sent]]) -> list[bool]:
    return [task.done() for task in tasks]


def test_stop_wakes_all_who_wait_at_once_with_its_error() -> None:
    async def story() -> None:
        gate = Gate(Throttle(most=8))
        await pause(gate, 60.0)
        tasks = await waiting(gate, 200)
        assert not any(passed(tasks))
        start, error = time.monotonic(), RuntimeError("the key is wrong")
        gate.stop(error)
        assert await asyncio.gather(*tasks, return_exceptions=True) == [error] * 200
        assert time.monotonic() - start < 0.5
        with pytest.raises(RuntimeError, match="the key is wrong"):
            await gate.admit(100)

    asyncio.run(story())


def test_the_end_of_a_call_lets_the_next_ones_through_in_order() -> None:
    async def story() -> None:
        gate = Gate(Throttle(most=2))
        tasks = await waiting(gate, 5)
        for number, (ends, expected) in enumerate(
            [
                (gate.failed, [True, True, False, False, False]),
                (gate.dropped, [True, True, True, True, False]),
                (lambda sent: gate.succeeded(sent, 100), [True] * 5),
            ]
        ):
            ends(tasks[number].result())
            await asyncio.sleep(0.01)
            assert passed(tasks) == expected

    asyncio.run(story())


def test_the_gate_opens_when_a_pause_is_over() -> None:
    async def story() -> None:
        gate = Gate(Throttle(most=8))
        start = time.monotonic()
        await pause(gate, 0.6)
        (task,) = await waiting(gate, 1)
        await asyncio.wait_for(task, 5)
        assert 0.6 <= time.monotonic() - start < 2

    asyncio.run(story())


def test_one_who_gives_up_waiting_does_not_stand_in_the_others_way() -> None:
    async def story() -> None:
        gate = Gate(Throttle(most=1))
        sent = await gate.admit(100)
        first, second, third = await waiting(gate, 3)
        first.cancel()
        second.cancel()
        await asyncio.sleep(0.01)
        gate.succeeded(sent, 100)
        await asyncio.wait_for(third, 1)
        assert first.cancelled()
        assert second.cancelled()
        assert gate.throttle.in_flight == 1

    asyncio.run(story())
