"""Calls on their way to a server, or to several that share them."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

from tests.support.provider import Response, completion, provider
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.connection import Answer, HttpConnection, NoAnswer

SLOW = replace(completion('{"pairs": []}'), delay=0.2)


def sent(settings: TeacherSettings, count: int) -> list[Answer | NoAnswer]:
    """What so many calls at the same time bring."""

    async def all_at_once() -> list[Answer | NoAnswer]:
        connection = HttpConnection(settings)
        try:
            body: dict[str, Any] = {"model": "m", "messages": [], "max_tokens": 5}
            return await asyncio.gather(*(connection.send(body) for _ in range(count)))
        finally:
            await connection.close()

    return asyncio.run(all_at_once())


def closed_url() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def slow(request: dict[str, Any]) -> Response:  # noqa: ARG001
    return SLOW


def test_servers_of_one_model_share_the_calls() -> None:
    with provider(slow) as one, provider(slow) as other:
        answers = sent(TeacherSettings("m", one.base_url, more_urls=(other.base_url,)), 6)
        assert [answer.status for answer in answers if isinstance(answer, Answer)] == 6 * [200]
        assert len(one.requests) == len(other.requests) == 3


def test_a_server_that_is_down_is_passed_over() -> None:
    with provider(slow) as one:
        answers = sent(TeacherSettings("m", closed_url(), more_urls=(one.base_url,)), 4)
        assert all(isinstance(answer, Answer) for answer in answers)
        assert len(one.requests) == 4


def test_where_all_are_down_nobody_is_waited_for() -> None:
    (answer,) = sent(TeacherSettings("m", closed_url(), more_urls=(closed_url(),)), 1)
    assert isinstance(answer, NoAnswer)
    assert answer.kind == "unreachable"
