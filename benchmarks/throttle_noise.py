"""How much longer does a build take where a server refuses a share of the calls by chance, or takes 40 at a time?

    python -m benchmarks.throttle_noise [--calls 800] [--repeats 2] [--curator PYTHON]

asks a server on loopback, a process of its own that answers after half a second, 64 calls at a time. What it refuses
gets 429 with Retry-After: 1. "This pipeline" is the whole path of a build's calls, as in throughput.py. With --curator,
the Python of an environment with bespokelabs-curator, that asks the same server, in turn with ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LATENCY, SLOTS = 0.5, 64
TOO_LONG = 300.0
"""Seconds after which a client is stopped."""
LOADS = {"none": (0.0, 0), "1 %": (0.01, 0), "5 %": (0.05, 0), "20 %": (0.2, 0), "40 at a time": (0.0, 40)}
"""What is refused: a share of the calls by chance, and all above so many at a time (0: none)."""


class Server:
    """Answers every POST with one completion; counts what it refuses."""

    def __init__(self, noise: float, at_a_time: int) -> None:
        self.noise, self.at_a_time = noise, at_a_time
        self.chance = random.Random(1)
        self.working = self.answered = self.refused = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request after another."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                await reader.readexactly(length)
                writer.write(await self.answer())
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            writer.close()

    async def answer(self) -> bytes:
        """What goes out, refused at once or answered after LATENCY."""
        if self.chance.random() < self.noise or (self.at_a_time and self.working >= self.at_a_time):
            self.refused += 1
            return response("429 Too Many Requests", {"error": {"message": "Too many requests"}}, "retry-after: 1\r\n")
        self.working += 1
        await asyncio.sleep(LATENCY)
        self.working -= 1
        self.answered += 1
        pairs = [{"question": "How heavy is it?", "answer": "417 kilograms", "evidence": ["417"], "kind": "base"}]
        message = {"role": "assistant", "content": json.dumps({"pairs": pairs})}
        usage = {"prompt_tokens": 1100, "completion_tokens": 400, "total_tokens": 1500}
        body = {"id": "1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o-mini", "usage": usage}
        return response("200 OK", {**body, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


def response(status: str, body: object, headers: str = "") -> bytes:
    data = json.dumps(body).encode("ascii")
    head = f"HTTP/1.1 {status}\r\n{headers}content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode("ascii") + data


async def serve(load: str) -> None:
    """Answer until stdin ends; the first line on stdout is the base URL, the second what was answered and refused."""
    server = Server(*LOADS[load])
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([server.answered, server.refused]), flush=True)
    os._exit(0)


# --- the clients, each a process of its own ------------------------------------------------------------------


def ours(parent: str, url: str, calls: int) -> None:
    """As a build asks; the imports are not measured."""
    import openai
    from benchmarks.throughput import requests, settings

    from wukong_pipe.journal.store import Journal
    from wukong_pipe.providers.live import OpenAIBackend
    from wukong_pipe.teacher.journalled import JournalledTeacher
    from wukong_pipe.teacher.ledger import Ledger
    from wukong_pipe.teacher.pool import in_pool

    assert openai
    said: list[str] = []

    async def run() -> int:
        with tempfile.TemporaryDirectory(dir=parent) as folder, Journal(Path(folder) / "journal.sqlite") as journal:
            async with OpenAIBackend(settings(url), journal, Ledger(journal, "run"), said.append) as backend:
                teacher = JournalledTeacher(journal, backend, "run")
                replies = await in_pool(requests(calls), lambda one: teacher.ask(one, 0), SLOTS)
        return sum(reply.value is not None for reply in replies)

    start = time.perf_counter()
    kept = asyncio.run(run())
    print(json.dumps([time.perf_counter() - start, kept]), flush=True)
    for line in said:
        print(line, file=sys.stderr)


CURATOR = """
import json, sys, time
import tiktoken
# Its table of tokens would be downloaded; bytes do to count them, and no limit of tokens is near.
table = {bytes([byte]): byte for byte in range(256)}
encoding = tiktoken.Encoding("bytes", pat_str="(?s).", mergeable_ranks=table, special_tokens={})
tiktoken.get_encoding = tiktoken.encoding_for_model = lambda *_: encoding
url, calls, slots = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
from bespokelabs import curator
llm = curator.LLM(
    model_name="gpt-4o-mini", backend="openai",
    backend_params={"base_url": url, "api_key": "none", "max_concurrent_requests": slots,
                    "max_requests_per_minute": 1000000, "max_tokens_per_minute": 1000000000,
                    "require_all_responses": False},
)
prompts = [f"{number}. " + "How heavy is the Kelmar? " * 100 for number in range(calls)]
start = time.perf_counter()
answers = llm(prompts)
rows = getattr(answers, "dataset", answers)
print(json.dumps([time.perf_counter() - start, len(rows)]), flush=True)
"""


def run_once(command: list[str], load: str, environment: dict[str, str]) -> tuple[float, int, int, str]:
    """Seconds, answers kept, calls refused, and what the client said last."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.throttle_noise", "--serve", load],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            done = subprocess.run(
                [*command[:-1], url, command[-1], str(SLOTS)],
                capture_output=True,
                text=True,
                env={**os.environ, **environment},
                timeout=TOO_LONG,
                check=False,
            )
            lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
            seconds, kept = json.loads(lines[-1]) if lines else (float("nan"), 0)
            said = done.stderr
        except subprocess.TimeoutExpired:
            seconds, kept, said = TOO_LONG, 0, "stopped"
        server.stdin.close()
        _, refused = json.loads(server.stdout.readline())
    return seconds, kept, refused, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=800)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--curator", default="", metavar="PYTHON")
    parser.add_argument("--folder", default=".", help="where the journal stands; a disk that others write to slows it")
    parser.add_argument("--loads", nargs="*", default=list(LOADS))
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    parser.add_argument("--ours", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    if options.ours:
        ours(options.folder, options.ours[0], int(options.ours[1]))
        return
    clients = {
        "this pipeline": [
            sys.executable,
            "-m",
            "benchmarks.throttle_noise",
            "--folder",
            options.folder,
            "--ours",
            str(options.calls),
        ]
    }
    if options.curator:
        clients["curator"] = [options.curator, "-c", CURATOR, str(options.calls)]
    print("| refused | client | wall | calls refused | answers kept |\n|---|---|---:|---:|---:|")
    for load in options.loads:
        runs: dict[str, list[tuple[float, int, int, str]]] = {name: [] for name in clients}
        for _ in range(options.repeats):
            for name, command in clients.items():
                with tempfile.TemporaryDirectory() as home:
                    quiet = {"HOME": home, "CURATOR_CACHE_DIR": home, "TELEMETRY_ENABLED": "0"}
                    quiet["BESPOKE_CURATOR_TRACKER_DISABLED"] = "1"
                    runs[name].append(run_once(command, load, quiet if name == "curator" else {}))
                print(name, load, runs[name][-1][:3], runs[name][-1][3][-600:], file=sys.stderr, flush=True)
        for name, taken in runs.items():
            walls = ", ".join(f"{seconds:.1f} s" for seconds, *_ in taken)
            refused = ", ".join(str(one[2]) for one in taken)
            kept = statistics.median(one[1] for one in taken)
            print(f"| {load} | {name} | {walls} | {refused} | {kept:.0f} |", flush=True)


if __name__ == "__main__":
    main()
