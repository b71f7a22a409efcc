"""Journal first: what is bought once, under which key, and what a stopped run leaves."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.asking import GOOD, ask_all, request, settings
from tests.support.provider import Provider, Response, completion, provider
from wukong_pipe.errors import Interrupted
from wukong_pipe.journal.records import Tokens
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.live import OpenAIBackend
from wukong_pipe.teacher.journalled import JournalledTeacher, OfflineBackend
from wukong_pipe.teacher.ledger import Ledger
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.requests import Reply, Request

# --- what is bought, and what is sent -----------------------------------------------------------------------


def test_the_second_ask_is_read_from_the_journal_and_makes_no_request(tmp_path: Path) -> None:
    with provider([completion(GOOD, usage=(11, 5))]) as server:
        (first,), bought = ask_all(tmp_path, settings(server.base_url), ["ask"])
        (again,), read = ask_all(tmp_path, settings(server.base_url), ["ask"])
    assert first == again
    assert (first.value, first.problem, first.raw) == (json.loads(GOOD), None, GOOD)
    assert len(server.requests) == 1
    assert (bought.bought, bought.from_journal, bought.used["base_qa"].tokens) == (1, 0, Tokens(11, 5))
    assert (read.bought, read.from_journal, read.used["base_qa"].tokens) == (0, 1, Tokens(11, 5))


def test_a_build_that_finds_all_in_the_journal_does_not_import_openai(tmp_path: Path) -> None:
    code = (
        "import sys, wukong_pipe.providers.known_providers; from pathlib import Path; from tests.support import asking;"
        "replies, _ = asking.ask_all(Path(sys.argv[1]), asking.settings(sys.argv[2]), ['ask']);"
        "print(replies[0].raw, 'openai' in sys.modules)"
    )
    with provider([completion(GOOD)]) as server:
        ask_all(tmp_path, settings(server.base_url), ["ask"])
    command = [sys.executable, "-c", code, str(tmp_path), server.base_url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{GOOD} False\n"


def test_only_what_was_set_is_sent_and_max_tokens_always(tmp_path: Path) -> None:
    with provider([completion(GOOD), completion(GOOD)]) as server:
        ask_all(tmp_path, settings(server.base_url), ["plain"])
        options = {"temperature": 0.2, "max_tokens": 99, "extra_body": {"enable_thinking": False}}
        ask_all(tmp_path, settings(server.base_url, **options), ["more"])
    plain, more = server.requests
    assert set(plain) == {"model", "messages", "max_tokens", "response_format"}
    assert (more["temperature"], more["max_tokens"], more["enable_thinking"]) == (0.2, 99, False)


def test_each_parameter_attempt_model_and_server_has_its_own_answer(tmp_path: Path) -> None:
    with provider(lambda _: completion(GOOD)) as server:
        base = settings(server.base_url)
        for other in (
            base,
            replace(base, temperature=0.5),
            replace(base, max_tokens=7),
            replace(base, model="n"),
        ):
            ask_all(tmp_path, other, ["ask"])
        ask_all(tmp_path, base, ["ask"], attempt=1)
        ask_all(tmp_path, replace(base, deadline=4.0, retries=1, concurrency=1, api_key="another-key"), ["ask"])
    assert len(server.requests) == 5


def test_the_same_question_asked_twice_at_once_is_bought_once(tmp_path: Path) -> None:
    async def run(server: Provider) -> None:
        with Journal(tmp_path / "journal.sqlite") as journal:
            async with OpenAIBackend(settings(server.base_url), journal, Ledger(journal, "run")) as backend:
                asker = JournalledTeacher(journal, backend, "run")
                await asyncio.gather(*(asker.ask(request(), 0) for _ in range(5)))

    with provider(lambda _: replace(completion(GOOD), delay=0.05)) as server:
        asyncio.run(run(server))
    assert len(server.requests) == 1


def test_one_backend_serves_two_event_loops(tmp_path: Path) -> None:
    with provider(lambda _: completion(GOOD)) as server, Journal(tmp_path / "journal.sqlite") as journal:
        backend = OpenAIBackend(settings(server.base_url), journal, Ledger(journal, "run"))

        async def ask(text: str) -> Reply:
            async with backend:
                return await JournalledTeacher(journal, backend, "run").ask(request(text), 0)

        assert [asyncio.run(ask(text)).problem for text in ("one", "two")] == [None, None]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (completion("no JSON here"), "no JSON object in the reply"),
        (completion(None, reasoning_content=GOOD), "reasoning_content"),
        (completion(GOOD, "length"), "max_tokens"),
        (Response(200, b"<html>busy</html>", {"content-type": "text/html"}), "the body is not JSON"),
        (Response(200, b""), "the body is not JSON"),
        (completion("\\ud800 \ud800"), "no JSON object"),
    ],
)
def test_a_reply_nobody_can_use_was_paid_for_and_is_not_bought_again(
    tmp_path: Path, answer: Response, problem: str
) -> None:
    with provider(lambda _: answer) as server:
        (first,), _ = ask_all(tmp_path, settings(server.base_url), ["ask"])
        (again,), _ = ask_all(tmp_path, settings(server.base_url), ["ask"])
    assert problem in str(first.problem)
    assert first.value is None
    assert first == again
    assert first.raw.encode("utf-8").decode("utf-8") == first.raw
    assert len(server.requests) == 1


def test_the_embedded_teacher_goes_through_the_journal_as_well(tmp_path: Path) -> None:
    asked: list[int] = []

    def answer(_: Request, attempt: int) -> str:
        asked.append(attempt)
        return GOOD

    async def run() -> list[Reply]:
        with Journal(tmp_path / "journal.sqlite") as journal:
            asker = JournalledTeacher(journal, OfflineBackend("offline@1", answer, journal), "run")
            return [await asker.ask(request(), attempt) for attempt in (0, 1, 0)]

    replies = asyncio.run(run())
    assert asked == [0, 1]
    assert replies[0] == replies[2]
    assert replies[0].value == json.loads(GOOD)
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert {(call.base_url, call.model, call.run) for call in journal.calls()} == {("offline", "offline@1", "run")}


def test_calls_in_flight_reach_the_journal_when_the_run_is_stopped_and_none_follows_them(tmp_path: Path) -> None:
    async def run(server: Provider) -> None:
        with Journal(tmp_path / "journal.sqlite") as journal:
            async with OpenAIBackend(settings(server.base_url), journal, Ledger(journal, "run")) as backend:
                asker = JournalledTeacher(journal, backend, "run")
                await asker.ask(request("warm"), 0)
                asyncio.get_running_loop().call_later(0.1, asker.stop, Interrupted("stop"))

                async def twice(text: str) -> None:
                    for attempt in range(2):
                        await asker.ask(request(text), attempt)

                await in_pool(["a", "b", "c", "d"], twice, 2)

    with (
        provider(lambda _: replace(completion(GOOD), delay=0.3)) as server,
        pytest.raises(Interrupted),
    ):
        asyncio.run(run(server))
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert len(list(journal.calls())) == 3
    assert len(server.requests) == 3


def test_a_run_that_is_stopped_while_it_waits_for_a_retry_does_not_wait_on(tmp_path: Path) -> None:
    async def run(server: Provider) -> None:
        with Journal(tmp_path / "journal.sqlite") as journal:
            slow = settings(server.base_url, backoff=1e6)
            async with OpenAIBackend(slow, journal, Ledger(journal, "run")) as backend:
                asker = JournalledTeacher(journal, backend, "run")
                asyncio.get_running_loop().call_later(0.2, asker.stop, Interrupted("stop"))
                # The wait for the retry is a minute.
                await asyncio.wait_for(asker.ask(request(), 0), 30)

    with provider(lambda _: Response(500, b"no")) as server, pytest.raises(Interrupted):
        asyncio.run(run(server))
