"""Signals: the first drains, the second interrupts, and outside the block all is as it was."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from wukong_pipe.signals import SIGNALS
from wukong_pipe.teacher.stopping import draining


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_drains_and_the_second_interrupts(number: signal.Signals) -> None:
    drained: list[str] = []

    async def run() -> None:
        send(number)
        await asyncio.sleep(0.05)
        assert drained == ["drained"]
        send(number)
        await asyncio.sleep(60)

    with draining(lambda: drained.append("drained")), pytest.raises(KeyboardInterrupt):
        asyncio.run(run())
    assert drained == ["drained"]


@pytest.mark.parametrize("number", SIGNALS)
def test_where_nothing_is_in_flight_the_first_signal_interrupts(number: signal.Signals) -> None:
    with draining(lambda: pytest.fail("nothing to drain")), pytest.raises(KeyboardInterrupt):
        send(number)


def test_what_is_in_flight_between_two_runs_of_the_loop_is_drained_as_within_one() -> None:
    drained: list[str] = []
    with draining(lambda: drained.append("drained"), lambda: True):
        send(signal.SIGINT)
        assert drained == ["drained"]
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
    assert drained == ["drained"]


def test_afterwards_signals_mean_what_they_meant_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with draining(lambda: None):
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_thread_that_gets_no_signals_is_left_alone() -> None:
    entered: list[bool] = []

    def run() -> None:
        with draining(lambda: None):
            entered.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert entered == [True]
