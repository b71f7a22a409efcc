"""How much of a server's rate does a build use, what does a call cost in CPU time, and would another transport help?

    python benchmarks/throughput.py [--calls 2000] [--repeats 5] [--only NAME]

asks a server on loopback, a process of its own that answers every call after the same time. Each client is a process of
its own, too, and the clients take turns. "This pipeline" is the whole path of a build's calls: journal and ledger on
the disk, throttle, retries, parsing. The others are loops that send the same bytes and read the replies.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from wukong_pipe.journal.store import Journal
from wukong_pipe.pipeline import load_prompts
from wukong_pipe.providers import connection, live
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.request import JSON_SCHEMA, wire_body
from wukong_pipe.records import Section
from wukong_pipe.stages.base_qa import request
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import Ledger
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.requests import Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI

LATENCY = 0.5
"""Seconds from the last byte of a request to the first of its answer."""
SLOTS = 64
"""Calls at a time."""
ALONE = 40
"""Calls of the loop that makes one after another; its time for all of them is reckoned from these."""
BOOK = (Path(__file__).parents[1] / "corpora" / "blackwukong.md").read_text("utf-8")

# --- what is asked and answered -----------------------------------------------------------------------------


def settings(url: str) -> TeacherSettings:
    return TeacherSettings(model="m", base_url=url, api_key="no-key-needed", concurrency=SLOTS)


def requests(count: int) -> list[Request]:
    """Different requests of a build, about 3 KB of prompt each."""
    prompts = load_prompts(BuildSettings())["base_qa"]
    texts = (f"{number}. {BOOK[97 * number % (len(BOOK) - 600) :][:600]}" for number in range(count))
    return [request(Section("book.md", ("书", "章"), 1, text, "zh"), 8, (), prompts) for text in texts]


def reply() -> bytes:
    """An answer with about 1.2 KB of Chinese in it."""
    pairs = [
        {
            "question": f"《黑神话：悟空》第{chapter}回的首领是谁？他用什么兵器？",
            "answer": f"第{chapter}回的首领是黄风大圣，他的兵器是三股钢叉，住在黄风岭。",
            "evidence": ["黄风大圣是第二回的首领。", "三股钢叉是他的兵器。"],
            "kind": "base",
        }
        for chapter in ("一", "二", "三", "四")
    ]
    message = {"role": "assistant", "content": json.dumps({"pairs": pairs}, ensure_ascii=False)}
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1100, "completion_tokens": 400, "total_tokens": 1500},
    }
    return json.dumps(completion, ensure_ascii=False).encode("utf-8")


# --- the server ---------------------------------------------------------------------------------------------


class Answering(asyncio.Protocol):
    """Just enough of HTTP/1.1 to cost less than any client: one request at a time with a content-length."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, length = head.lower().partition(b"content-length: ")
        if len(body) >= int(length.split(b"\r\n")[0]):
            self._received = b""
            asyncio.get_running_loop().call_later(LATENCY, self._transport.write, self._answer)


async def serve() -> None:
    """Answer until killed; the first line on stdout is the base URL."""
    body = reply()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    server = await asyncio.get_running_loop().create_server(
        lambda: Answering(head.encode("ascii") + body), "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


# --- the clients --------------------------------------------------------------------------------------------

Client = Callable[[str, list[Request]], Awaitable[None]]


async def pipeline(url: str, asked: list[Request]) -> None:
    """As a build asks."""
    with tempfile.TemporaryDirectory(dir=".") as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        async with live.OpenAIBackend(settings(url), journal, Ledger(journal, "run")) as backend:
            teacher = JournalledTeacher(journal, backend, "run")
            replies = await in_pool(asked, lambda one: teacher.ask(one, 0), SLOTS)
        assert all(reply.value is not None for reply in replies)


async def pipeline_on_aiohttp(url: str, asked: list[Request]) -> None:
    """The same on the SDK's other transport."""
    with mock.patch.object(connection, "new_client", lambda settings: sdk_client(settings.base_url, on_aiohttp=True)):
        await pipeline(url, asked)


def sdk_client(url: str, on_aiohttp: bool) -> AsyncOpenAI:
    import openai

    transport = openai.DefaultAioHttpClient() if on_aiohttp else openai.DefaultAsyncHttpxClient(trust_env=False)
    return openai.AsyncOpenAI(api_key="no-key-needed", base_url=url, max_retries=0, http_client=transport)


@asynccontextmanager
async def sdk(url: str, on_aiohttp: bool) -> AsyncIterator[Callable[[Request], Awaitable[None]]]:
    """A call of the SDK, parsed as it parses."""
    async with sdk_client(url, on_aiohttp) as client:

        async def ask(one: Request) -> None:
            completion = await client.chat.completions.create(
                **wire_body(settings(url), one, JSON_SCHEMA, "max_tokens")
            )
            assert completion.choices[0].message.content

        yield ask


async def sdk_on_httpx2(url: str, asked: list[Request]) -> None:
    async with sdk(url, on_aiohttp=False) as ask:
        await in_pool(asked, ask, SLOTS)


async def sdk_on_aiohttp(url: str, asked: list[Request]) -> None:
    async with sdk(url, on_aiohttp=True) as ask:
        await in_pool(asked, ask, SLOTS)


async def one_after_another(url: str, asked: list[Request]) -> None:
    async with sdk(url, on_aiohttp=False) as ask:
        await in_pool(asked, ask, 1)


async def bare_aiohttp(url: str, asked: list[Request]) -> None:
    """The least a Python client can do: post JSON, parse JSON."""
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def ask(one: Request) -> None:
            body = wire_body(settings(url), one, JSON_SCHEMA, "max_tokens")
            async with session.post(f"{url}/chat/completions", json=body) as response:
                assert (await response.json())["choices"][0]["message"]["content"]

        await in_pool(asked, ask, SLOTS)


CLIENTS: dict[str, tuple[str, Client]] = {
    "bare": ("bare aiohttp", bare_aiohttp),
    "sdk": ("SDK, httpx2 (its default)", sdk_on_httpx2),
    "sdk-aiohttp": ("SDK, aiohttp", sdk_on_aiohttp),
    "ours": ("this pipeline, httpx2", pipeline),
    "ours-aiohttp": ("this pipeline, aiohttp", pipeline_on_aiohttp),
    "alone": (f"SDK, one call after another, reckoned from {ALONE}", one_after_another),
}


def measure(name: str, url: str, calls: int) -> None:
    """One run of one client in this process: wall seconds, and CPU seconds in and outside the kernel."""
    import openai  # Not measured: every client but the bare one pays it once.

    assert openai
    asked = requests(calls)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    asyncio.run(CLIENTS[name][1](url, asked))  # type: ignore[arg-type]
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([wall, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime]))


# --- the table ----------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", choices=["", *CLIENTS])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    if options.measure:
        measure(options.only, options.measure, options.calls)
        return
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            compare(url, options.calls, options.repeats, [options.only] if options.only else list(CLIENTS))
        finally:
            server.kill()


def compare(url: str, calls: int, repeats: int, names: list[str]) -> None:
    """Run the clients in turn, again and again, and print the medians."""
    try:
        import aiohttp  # noqa: F401
    except ImportError:
        names = [name for name in names if name not in {"bare", "sdk-aiohttp", "ours-aiohttp"}]
        print("Without aiohttp (pip install aiohttp) its three clients are left out.")
    runs: dict[str, list[list[float]]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            number = min(ALONE, calls) if name == "alone" else calls
            command = [sys.executable, __file__, "--only", name, "--measure", url, "--calls", str(number)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, "OPENAI_LOG": ""})
            seconds = [calls / number * one for one in json.loads(done.stdout)]
            runs[name].append(seconds)
            print(name, [round(one, 2) for one in seconds], file=sys.stderr, flush=True)
    ideal = calls * LATENCY / SLOTS
    print("| client | wall (least to most) | of the ideal | CPU per call (user + system) |")
    print("|---|---:|---:|---:|")
    for name in names:
        wall, user, system = map(statistics.median, zip(*runs[name], strict=True))
        least, most = min(run[0] for run in runs[name]), max(run[0] for run in runs[name])
        print(
            f"| {CLIENTS[name][0]} | {wall:.2f} s ({least:.2f} to {most:.2f}) | {ideal / wall:.1%} |"
            f" {1000 * (user + system) / calls:.2f} ms ({1000 * user / calls:.2f} + {1000 * system / calls:.2f}) |"
        )


if __name__ == "__main__":
    main()
