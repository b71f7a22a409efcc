"""Calls on their way to a server, or to several that share them."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Response, completion, provider, refusal
from wukong_pipe.cli.main import main
from wukong_pipe.journal.store import Journal
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


def test_a_server_that_fails_at_once_does_not_take_the_calls_of_the_others() -> None:
    with provider(lambda _: refusal(503, "no backend")) as broken, provider(slow) as sound:
        settings = TeacherSettings("m", broken.base_url, more_urls=(sound.base_url,))

        async def one_after_another() -> list[int]:
            connection = HttpConnection(settings)
            body: dict[str, Any] = {"model": "m", "messages": [], "max_tokens": 5}
            answers = [await connection.send(body) for _ in range(5)]
            await connection.close()
            return [answer.status for answer in answers if isinstance(answer, Answer)]

        assert asyncio.run(one_after_another()) == [503, 200, 200, 200, 200]


def test_where_all_are_down_nobody_is_waited_for() -> None:
    (answer,) = sent(TeacherSettings("m", closed_url(), more_urls=(closed_url(),)), 1)
    assert isinstance(answer, NoAnswer)
    assert answer.kind == "unreachable"


@pytest.mark.usefixtures("empty_home")
def test_the_journal_knows_servers_that_share_the_calls_by_the_first(corpora: Path) -> None:
    command = ["build", str(corpora / "apollo.md"), "--teacher-model", "m", "--limit", "2", "--max-pairs", "2"]
    command += ["--variants", "2", "--verify", "none"]
    # One model answers, at two addresses.
    teacher = GoodTeacher()
    with provider(teacher) as one, provider(teacher) as other:
        assert main([*command, "--base-url", f"{one.base_url},{other.base_url}"]) == 0
        bought = len(one.requests) + len(other.requests)
        assert one.requests
        assert other.requests
        assert main([*command, "--base-url", one.base_url]) == 0
        assert len(one.requests) + len(other.requests) == bought
    with Journal(Path("runs/journal.sqlite")) as journal:
        assert {call.base_url for call in journal.calls()} == {one.base_url}
