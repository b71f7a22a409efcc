"""The provider on loopback keeps to what OpenAI documents: asked here through OpenAI's own client."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from openai.types import Batch
from openai.types.chat import ChatCompletion

from tests.support.batches import BatchBehaviour, BatchProvider, batch_provider
from tests.support.provider import Limits, Provider, Response, completion, provider, refusal

CLIENT = openai.OpenAI(base_url="http://127.0.0.1", api_key="none", max_retries=0, timeout=10)


@pytest.fixture(autouse=True, scope="module")
def _connections_are_closed_at_the_end() -> Iterator[None]:
    yield
    CLIENT.close()


def client(server: Provider) -> openai.OpenAI:
    return CLIENT.with_options(base_url=server.base_url)


def ask(server: Provider, text: str = "hello", *, retries: int = 0, **parameters: Any) -> str | None:
    api = client(server).with_options(max_retries=retries)
    messages: Any = [{"role": "user", "content": text}]
    answer: ChatCompletion = api.chat.completions.create(model="m", messages=messages, **parameters)
    return answer.choices[0].message.content


def port(server: Provider) -> int:
    return urlsplit(server.base_url).port or 0


def line(name: str, **changes: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": name}]}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}


def lines(count: int) -> bytes:
    return jsonl(line(f"line-{number}") for number in range(count))


def jsonl(rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def make(server: BatchProvider, content: bytes, metadata: dict[str, str] | None = None) -> Batch:
    api = client(server)
    file = api.files.create(file=("requests.jsonl", content), purpose="batch")
    return api.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata=metadata
    )


def finish(server: BatchProvider, batch: Batch) -> Batch:
    for _ in range(20):
        batch = client(server).batches.retrieve(batch.id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
    raise AssertionError(f"still {batch.status} after 20 polls")


def rows(server: BatchProvider, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    text = client(server).files.content(file_id).text
    return [json.loads(row) for row in text.split("\n") if row]


def counts(batch: Batch) -> tuple[int, int, int]:
    assert batch.request_counts is not None
    return (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed)


def echo(request: dict[str, Any]) -> Response:
    return completion("re: " + request["messages"][0]["content"], usage=(10, 2))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it did not come true in 10 s"
        time.sleep(0.005)


# Files and batches


def test_a_file_comes_back_byte_for_byte_until_it_is_deleted() -> None:
    content = '{"悟空": "a\u2028b"}\r\n\r\n--x\n\0 no newline at the end'.encode()
    with batch_provider(echo) as server:
        api = client(server)
        file = api.files.create(file=("悟空.jsonl", content), purpose="batch")
        assert (file.bytes, file.filename, file.purpose) == (len(content), "悟空.jsonl", "batch")
        assert api.files.retrieve(file.id) == file
        assert api.files.content(file.id).content == content
        assert api.files.delete(file.id).deleted
        with pytest.raises(openai.NotFoundError):
            api.files.content(file.id)


def test_a_batch_moves_on_with_every_poll_of_it_and_not_with_its_listing() -> None:
    with batch_provider(echo, BatchBehaviour(steps=4)) as server:
        batch = make(server, lines(8), {"build": "7f"})
        assert (batch.status, counts(batch), batch.metadata) == ("validating", (0, 0, 0), {"build": "7f"})
        seen = []
        for _ in range(4):
            batch = client(server).batches.retrieve(batch.id)
            seen.append((batch.status, counts(batch)))
            assert [listed.status for listed in client(server).batches.list()] == [batch.status]
        assert seen == [
            ("in_progress", (8, 2, 0)),
            ("in_progress", (8, 4, 0)),
            ("finalizing", (8, 8, 0)),
            ("completed", (8, 8, 0)),
        ]
        assert batch.completed_at is not None
        assert client(server).batches.retrieve(batch.id) == batch


def test_a_batch_can_move_on_by_the_clock() -> None:
    with batch_provider(echo, BatchBehaviour(step_seconds=0.2)) as server:
        batch = make(server, lines(2))
        assert client(server).batches.retrieve(batch.id).status == "validating"
        time.sleep(0.65)
        assert [listed.status for listed in client(server).batches.list()] == ["completed"]


def test_every_line_is_answered_once_by_the_script_and_in_an_order_of_the_servers() -> None:
    with batch_provider(echo) as server:
        batch = finish(server, make(server, lines(20)))
        found = rows(server, batch.output_file_id)
        names = [row["custom_id"] for row in found]
        assert batch.error_file_id is None
        assert sorted(names) == sorted(f"line-{number}" for number in range(20))
        assert names != [f"line-{number}" for number in range(20)]
        for row in found:
            assert row["error"] is None
            assert row["response"]["status_code"] == 200
            assert row["response"]["body"]["choices"][0]["message"]["content"] == f"re: {row['custom_id']}"
        assert len({row["id"] for row in found}) == len({row["response"]["request_id"] for row in found}) == 20
        assert server.requests == []


def test_two_servers_shuffle_alike() -> None:
    orders = []
    for _ in range(2):
        with batch_provider(echo) as server:
            orders.append(rows(server, finish(server, make(server, lines(20))).output_file_id))
    assert orders[0] == orders[1]


def test_an_answer_stands_unescaped_in_the_output() -> None:
    with batch_provider(lambda _: completion("one\u2028two 悟空")) as server:
        batch = finish(server, make(server, lines(1)))
        assert "one\u2028two 悟空" in client(server).files.content(batch.output_file_id or "").text


def test_a_line_the_script_refuses_stands_in_the_error_file_as_it_was_refused() -> None:
    def script(request: dict[str, Any]) -> Response:
        if request["messages"][0]["content"] == "line-1":
            return refusal(400, "too long", code="context_length_exceeded")
        return Response(cut=True) if request["messages"][0]["content"] == "line-2" else echo(request)

    with batch_provider(script) as server:
        batch = finish(server, make(server, lines(4)))
        assert counts(batch) == (4, 2, 2)
        assert {row["custom_id"] for row in rows(server, batch.output_file_id)} == {"line-0", "line-3"}
        refused, timed_out = sorted(rows(server, batch.error_file_id), key=lambda row: str(row["custom_id"]))
        assert refused["response"]["status_code"] == 400
        assert refused["response"]["body"] == {"error": {"message": "too long", "code": "context_length_exceeded"}}
        assert refused["error"] is None
        assert (timed_out["response"], timed_out["error"]["code"]) == (None, "request_timeout")


def test_a_batch_without_a_success_is_completed_and_has_no_output_file() -> None:
    with batch_provider(lambda _: refusal(400, "no")) as server:
        batch = finish(server, make(server, lines(3)))
        assert (batch.status, batch.output_file_id, counts(batch)) == ("completed", None, (3, 0, 3))
        assert len(rows(server, batch.error_file_id)) == 3


def test_an_expired_batch_keeps_what_was_answered_and_charges_no_more() -> None:
    with batch_provider(echo, BatchBehaviour(expire_after=3)) as server:
        batch = finish(server, make(server, lines(5)))
        assert (batch.status, counts(batch), server.bill) == ("expired", (5, 3, 2), (30, 6))
        assert {row["custom_id"] for row in rows(server, batch.output_file_id)} == {"line-0", "line-1", "line-2"}
        undone = rows(server, batch.error_file_id)
        assert {(row["custom_id"], row["response"], row["error"]["code"]) for row in undone} == {
            ("line-3", None, "batch_expired"),
            ("line-4", None, "batch_expired"),
        }


def test_a_cancelled_batch_keeps_what_was_answered_and_charges_no_more() -> None:
    with batch_provider(echo) as server:
        api = client(server)
        batch = make(server, lines(6))
        assert api.batches.retrieve(batch.id).status == "in_progress"
        assert api.batches.cancel(batch.id).status == "cancelling"
        batch = finish(server, batch)
        assert (batch.status, counts(batch), server.bill) == ("cancelled", (6, 2, 4), (20, 4))
        assert len(rows(server, batch.output_file_id)) == 2
        assert {row["error"]["code"] for row in rows(server, batch.error_file_id)} == {"batch_cancelled"}
        with pytest.raises(openai.ConflictError, match="Cannot cancel a batch with status 'cancelled'"):
            api.batches.cancel(batch.id)


def test_a_batch_that_fails_says_why_and_costs_nothing() -> None:
    failure = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
    with batch_provider(echo, BatchBehaviour(fail=failure), BatchBehaviour()) as server:
        batch = finish(server, make(server, lines(2)))
        assert batch.errors is not None
        assert [(e.code, e.message, e.line, e.param) for e in batch.errors.data or []] == [
            (*failure.values(), None, None)
        ]
        assert (batch.status, batch.output_file_id, batch.error_file_id) == ("failed", None, None)
        assert (server.bill, server.lines) == ((0, 0), [])
        assert finish(server, make(server, lines(2))).status == "completed"


@pytest.mark.parametrize(
    ("content", "code", "at"),
    [
        (b"\n", "empty_file", None),
        (lines(1) + b"{nonsense\n", "invalid_json_line", 2),
        (b"\xef\xbb\xbf" + lines(1), "invalid_json_line", 1),
        (lines(2) + lines(1), "duplicate_custom_id", 3),
        (jsonl([line("a"), line("b", custom_id=None)]), "missing_required_parameter", 2),
        (jsonl([line("a", url="/v1/embeddings")]), "invalid_url", 1),
        (jsonl([line("a"), line("b", body={"model": "other"})]), "mismatched_model", 2),
    ],
)
def test_a_batch_of_a_bad_file_fails_and_names_the_line(content: bytes, code: str, at: int | None) -> None:
    with batch_provider(echo) as server:
        batch = finish(server, make(server, content))
        assert batch.status == "failed"
        assert batch.errors is not None
        assert [(error.code, error.line) for error in batch.errors.data or []] == [(code, at)]


def test_a_result_can_be_lost_or_stand_twice() -> None:
    with batch_provider(echo, BatchBehaviour(lose=1), BatchBehaviour(duplicate=1)) as server:
        short, long = (finish(server, make(server, lines(5))) for _ in range(2))
        assert counts(short) == counts(long) == (5, 5, 0)
        assert len({row["custom_id"] for row in rows(server, short.output_file_id)}) == 4
        names = [row["custom_id"] for row in rows(server, long.output_file_id)]
        assert (len(names), len(set(names))) == (6, 5)
        assert server.bill == (100, 20)


def test_a_file_over_a_limit_is_not_taken() -> None:
    with batch_provider(echo, BatchBehaviour(most_requests=3, most_bytes=1000)) as server:
        files = client(server).files
        files.create(file=("a.jsonl", lines(3)), purpose="batch")
        with pytest.raises(openai.BadRequestError, match="more than the 3 requests"):
            files.create(file=("a.jsonl", lines(4)), purpose="batch")
        with pytest.raises(openai.APIStatusError) as caught:
            files.create(file=("a.jsonl", b" " * 1001), purpose="batch")
        assert caught.value.status_code == 413
        assert len(server.files) == 1


def test_a_provider_may_have_files_without_batches_or_neither() -> None:
    with batch_provider(echo, BatchBehaviour(absent=True)) as server:
        with pytest.raises(openai.NotFoundError):
            make(server, lines(1))
        with pytest.raises(openai.NotFoundError):
            client(server).batches.list()
        assert len(server.files) == 1
    with provider(echo) as plain, pytest.raises(openai.NotFoundError):
        client(plain).files.create(file=("a.jsonl", lines(1)), purpose="batch")


@pytest.mark.parametrize(
    ("creation", "error"), [("500", openai.InternalServerError), ("cut", openai.APIConnectionError)]
)
def test_a_batch_whose_making_seemed_to_fail_is_found_in_the_list(creation: Any, error: type[Exception]) -> None:
    with batch_provider(echo, BatchBehaviour(creation=creation), BatchBehaviour()) as server:
        with pytest.raises(error):
            make(server, lines(1), {"input": "abc"})
        (lost,) = client(server).batches.list()
        assert (lost.status, lost.metadata) == ("validating", {"input": "abc"})
        assert make(server, lines(1)).id != lost.id


def test_batches_are_listed_newest_first_and_a_page_at_a_time() -> None:
    with batch_provider(echo) as server:
        api = client(server)
        file = api.files.create(file=("a.jsonl", lines(1)), purpose="batch").id
        made = [
            api.batches.create(input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h").id
            for _ in range(45)
        ]
        page = api.batches.list()
        assert [batch.id for batch in page.data] == made[:-21:-1]
        assert page.has_more
        assert [len(page.data) for page in api.batches.list(limit=15).iter_pages()] == [15, 15, 15]
        assert [batch.id for batch in api.batches.list()] == made[::-1]
        assert not api.batches.list(limit=45).has_more
        assert [batch.id for batch in api.batches.list(after=made[1], limit=1)] == [made[0]]
        with pytest.raises(openai.BadRequestError):
            api.batches.list(limit=101)


@pytest.mark.parametrize(
    "change",
    [
        {"input_file_id": "file-none"},
        {"endpoint": "/v1/embeddings"},
        {"completion_window": "1h"},
        {"metadata": {"k": "x" * 513}},
        {"metadata": {"k" * 65: "x"}},
        {"metadata": {str(n): "x" for n in range(17)}},
    ],
)
def test_what_openai_does_not_take_makes_no_batch(change: dict[str, Any]) -> None:
    with batch_provider(echo) as server:
        file = client(server).files.create(file=("a.jsonl", lines(1)), purpose="batch")
        order = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        with pytest.raises(openai.BadRequestError):
            client(server).batches.create(**{**order, **change})
        assert server.batches == {}


# The bill


def test_the_bill_is_what_the_answers_say_they_used() -> None:
    script = [
        completion("a", usage=(10, 2)),
        refusal(500, "oh"),
        completion("b", usage=None),
        completion("c", "length"),
    ]
    with provider(script) as server:
        ask(server)
        with pytest.raises(openai.InternalServerError):
            ask(server)
        ask(server)
        assert server.bill == (10, 2)
        ask(server)
        assert server.bill == (110, 22)


def test_an_answer_that_never_arrives_is_charged_all_the_same() -> None:
    script = [
        replace(completion("a", usage=(10, 2)), cut=True),
        replace(refusal(504, "the gateway gave up"), billed=(7, 3)),
    ]
    with provider(script) as server:
        with pytest.raises(openai.APIConnectionError):
            ask(server)
        assert server.bill == (10, 2)
        with pytest.raises(openai.InternalServerError):
            ask(server)
        assert server.bill == (17, 5)


def test_a_batch_is_charged_once_however_often_it_is_looked_at() -> None:
    with batch_provider(echo) as server:
        batch = finish(server, make(server, lines(4)))
        finish(server, batch)
        rows(server, batch.output_file_id)
        assert (server.bill, len(server.lines)) == ((40, 8), 4)


def test_requests_that_differ_only_in_how_json_is_asked_for_are_one() -> None:
    with batch_provider(echo) as server:
        ask(server, "line-0")
        ask(server, "line-0", response_format={"type": "json_object"})
        ask(server, "line-0", temperature=0.5)
        finish(server, make(server, lines(2)))
        assert (len(server.requests), len(server.lines), server.unique) == (3, 2, 3)


# Limits


def test_requests_over_the_rate_get_openais_429_and_reach_no_script() -> None:
    with provider(echo, limits=Limits(rpm=60, burst=4)) as server:
        for _ in range(4):
            ask(server)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(server)
        headers = caught.value.response.headers
        assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "requests")
        assert headers["retry-after"] == "1"
        assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("60", "0")
        assert headers["x-ratelimit-reset-requests"].endswith(("ms", "s"))
        assert (server.limited, len(server.requests), server.bill) == (1, 5, (40, 8))
        time.sleep(1)
        assert ask(server) == "re: hello"


def test_tokens_over_the_rate_get_a_429_and_the_largest_request_still_passes_a_full_bucket() -> None:
    with provider(echo, limits=Limits(tpm=60_000)) as server:
        ask(server, max_tokens=5000)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(server, max_tokens=10)
        assert caught.value.type == "tokens"
        assert 3 <= int(caught.value.response.headers["retry-after"]) <= 5
        assert caught.value.response.headers["x-ratelimit-remaining-tokens"] == "0"


def test_requests_over_the_number_at_once_get_a_429() -> None:
    with provider(lambda _: replace(completion("slow"), delay=0.5), limits=Limits(at_once=2)) as server:

        async def five() -> list[Any]:
            messages: Any = [{"role": "user", "content": "hello"}]
            async with openai.AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0) as api:
                calls = (api.chat.completions.create(model="m", messages=messages) for _ in range(5))
                return await asyncio.gather(*calls, return_exceptions=True)

        answers = asyncio.run(five())
        assert sum(isinstance(answer, openai.RateLimitError) for answer in answers) == server.limited == 3
        assert server.most_at_once == 2
        assert ask(server) == "slow"


@pytest.mark.parametrize(("form", "header"), [("seconds", "retry-after"), ("ms", "retry-after-ms"), ("none", None)])
def test_a_429_says_in_the_chosen_form_when_to_come_again(form: Any, header: str | None) -> None:
    with provider(echo, limits=Limits(rpm=60, retry_after=form)) as server:
        ask(server)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(server)
        found = {name: int(value) for name, value in caught.value.response.headers.items() if "retry-after" in name}
        assert list(found) == ([header] if header else [])
        assert all(0 < value <= {"seconds": 1, "ms": 1000}[form] for value in found.values())


def test_a_client_that_waits_as_it_is_told_gets_through() -> None:
    with provider(echo, limits=Limits(rpm=300, burst=0.2, retry_after="ms")) as server:
        started = time.monotonic()
        for _ in range(4):
            ask(server, retries=5)
        assert server.limited > 0
        assert time.monotonic() - started >= 0.6


# Crowds and deaths


def test_256_connections_are_served_at_one_time() -> None:
    body = json.dumps(line("x")["body"]).encode()
    request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    request += b"content-length: %d\r\n\r\n" % len(body) + body

    async def crowd(at: int) -> list[bytes]:
        streams = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", at) for _ in range(256)))
        for _, writer in streams:
            writer.write(request)
        answers = await asyncio.gather(*(reader.read() for reader, _ in streams))
        for _, writer in streams:
            writer.close()
        return answers

    with provider(lambda _: replace(completion("here"), delay=1.5)) as server:
        answers = asyncio.run(crowd(port(server)))
        assert [answer.startswith(b"HTTP/1.1 200 ") for answer in answers] == [True] * 256
        assert (server.most_at_once, server.in_flight) == (256, 0)


DIES = """
import socket, sys, time
body = b'{"messages": [{"content": "x"}]}'
head = b"POST /v1/chat/completions HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(body)
waits, sends, idles = (socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(3))
waits.sendall(head + body)
sends.sendall(head + body[:9])
idles.sendall(b"GET /v1/models HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n")
time.sleep(60)
"""


def test_a_client_that_is_killed_is_charged_and_troubles_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with provider(lambda request: replace(echo(request), delay=0.4)) as server:
        with subprocess.Popen([sys.executable, "-c", DIES, str(port(server))]) as dying:
            until(lambda: server.in_flight == 1)
            time.sleep(0.1)  # The answer to `idles` lies unread: its connection ends in a reset.
            dying.send_signal(signal.SIGKILL)
        assert server.bill == (10, 2)
        until(lambda: server.in_flight == 0)
        assert ask(server) == "re: hello"
    assert capfd.readouterr().err == ""


def test_a_mistake_in_a_script_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with provider(lambda request: Response(body=request["no such field"])) as server:
        with pytest.raises(openai.APIConnectionError):
            ask(server)
        assert server.in_flight == 0
    assert "KeyError: 'no such field'" in capfd.readouterr().err
