"""What is read of an answer: 8 MiB of it, unpacked, whatever it is an answer to."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import GOOD, KEY, ask_all, settings
from tests.support.faults import packed
from tests.support.provider import Response, completion, provider
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.bounded_client import BoundedClient
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.teacher.replies import MOST_OF_A_REPLY

LONG = b" " * (MOST_OF_A_REPLY + 1_000_000)


def fetched(url: str, times: int = 1) -> list[Any]:
    """The answers to as many requests, one after another."""

    async def fetch() -> list[Any]:
        async with BoundedClient(trust_env=False) as client:
            return [await client.post(f"{url}/chat/completions", json={}) for _ in range(times)]

    return asyncio.run(fetch())


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(LONG, "identity", id="as it is"),
        pytest.param(gzip.compress(LONG), "gzip", id="gzip"),
        pytest.param(zlib.compress(LONG), "deflate", id="deflate"),
        pytest.param(gzip.compress(gzip.compress(LONG)), "gzip, gzip", id="gzip twice"),
    ],
)
def test_of_a_long_answer_the_beginning_is_read(status: int, body: bytes, encoding: str) -> None:
    with provider(lambda _: Response(status, body, {"content-encoding": encoding})) as server:
        first, second = fetched(server.base_url, times=2)
    assert first.content == second.content == b" " * MOST_OF_A_REPLY
    assert (first.status_code, first.headers["content-type"]) == (status, "application/json")


def test_an_answer_that_is_not_too_long_is_whole_and_its_connection_is_used_again() -> None:
    packed_reply = packed(completion(GOOD), 1_000_000)
    with provider(lambda _: packed_reply) as server:
        answers = fetched(server.base_url, times=3)
        assert len(server._connections) == 1
    assert {answer.content for answer in answers} == {b" " * 1_000_000 + completion(GOOD).body}


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends blanks for as long as somebody reads them."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b" " * 2**20)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def endless() -> Iterator[str]:
    """The server's address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_endless_answer_is_kept_cut_and_booked_at_the_most_it_can_cost(tmp_path: Path) -> None:
    with endless() as url:
        teacher: TeacherSettings = settings(url + "/v1", deadline=60.0, max_tokens=700)
        (reply,), _ = ask_all(tmp_path, teacher, ["ask"])
    assert (reply.value, str(reply.problem)) == (None, "the body is longer than 8 MiB and was cut there")
    with Journal(tmp_path / "journal.sqlite") as journal:
        (call,) = journal.calls()
        (send,) = journal.sends()
    assert call.reply == b" " * MOST_OF_A_REPLY
    assert (call.tokens_in, call.tokens_out, call.error) == (None, None, "")
    assert (send.outcome, send.tokens_out) == ("answered", 700)
    assert send.tokens_in > 100


def test_a_reply_that_is_cut_in_the_middle_of_the_key_does_not_end_in_its_beginning() -> None:
    teacher = settings("http://127.0.0.1:1/v1")
    body = b"x" * (MOST_OF_A_REPLY - 20) + KEY.encode()[:20]
    assert len(teacher.kept(body)) == len(teacher.kept(body + KEY.encode())) == MOST_OF_A_REPLY
    assert b"sk-" not in teacher.kept(body) + teacher.kept(body + KEY.encode())
    assert teacher.kept(b"a " + KEY.encode()) == b"a [key]"
