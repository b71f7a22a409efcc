"""A worker by itself: what it runs, and errors that travel."""

from __future__ import annotations

import pytest

from wukong_pipe.cluster.worker import code, sendable
from wukong_pipe.errors import CeilingReached, ShardEnded


def test_the_hash_of_the_code_is_one_number_for_one_code() -> None:
    assert code() == code()
    assert len(code()) == 64


def test_an_error_travels_as_it_is() -> None:
    error = CeilingReached("The ceiling of 3 calls is reached.")
    assert sendable(error) is error


@pytest.mark.parametrize("error", [ShardEnded("over", waits_for=[2], is_last=False), ValueError(lambda: 0)], ids=type)
def test_an_error_that_cannot_travel_is_told_in_words(error: Exception) -> None:
    told = sendable(error)
    assert type(told) is RuntimeError
    assert type(error).__name__ in str(told)
