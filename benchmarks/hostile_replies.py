"""What becomes of memory, time and the dataset when a teacher's replies are far too large?

    python -m benchmarks.hostile_replies

builds against a real HTTP server on loopback, each case in a process of its own whose peak memory is read from the
system, and then once more, which must ask for nothing; writes `benchmarks/hostile_replies.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.faults import packed
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Response, completion

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Replies that are far too large

`python -m benchmarks.hostile_replies`: builds with `--variants 1` against a server on loopback, on two cores; peak
memory is the largest resident set of the process. The second build is the same command again.

"""
COLUMNS = ["replies", "sections", "first build", "seconds", "peak, MiB", "pairs kept", "rejected.jsonl, MB",
           "journal, MB", "second build", "asked", "peak, MiB"]  # fmt: skip
BLANKS = b" " * 2**22
GOOD = GoodTeacher()
Answer = Callable[[dict[str, Any]], Response | None]
"""What is sent for a request; None: blanks for as long as somebody reads them."""


def good(body: dict[str, Any]) -> Response:
    return GOOD(body)


def endless(body: dict[str, Any]) -> Response | None:  # noqa: ARG001
    return None


def bomb(body: dict[str, Any]) -> Response:
    return packed(GOOD(body), 10**9)


def content_of(response: Response) -> Any:
    return json.loads(json.loads(response.body)["choices"][0]["message"]["content"])


def long_answer(body: dict[str, Any]) -> Response:
    """A good pair, and one whose answer takes a megabyte."""
    reply = content_of(GOOD(body))
    if pairs := reply.get("pairs"):
        reply = {"pairs": [*pairs, {**pairs[0], "answer": "9" * 1_000_000}]}
    return completion(json.dumps(reply))


def long_thoughts(body: dict[str, Any]) -> Response:
    """A megabyte of thoughts before the answer."""
    return completion(f"<think>{'I wonder. ' * 100_000}</think>{json.dumps(content_of(GOOD(body)))}")


def long_prose(body: dict[str, Any]) -> Response:
    """A megabyte without an answer: as JSON spells it, a Chinese letter takes six bytes."""
    return completion("对不起。" * 42_000) if "<source>" in body["messages"][-1]["content"] else GOOD(body)


def deep(body: dict[str, Any]) -> Response:
    """Evidence 700 lists deep."""
    reply = content_of(GOOD(body))
    for pair in reply.get("pairs", []):
        pair["evidence"] = json.loads("[" * 700 + "]" * 700)
    return completion(json.dumps(reply))


CASES: list[tuple[str, int, Answer]] = [
    ("as they should be", 1, good),
    ("blanks without end", 1, endless),
    ("a megabyte that unpacks to a gigabyte", 1, bomb),
    ("evidence 700 lists deep", 1, deep),
    ("as they should be", 1000, good),
    ("1 MB each, a pair with an endless answer among them", 1000, long_answer),
    ("1 MB each, thoughts before the answer", 1000, long_thoughts),
    ("1 MB each, no answer at all (and asked three times)", 333, long_prose),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="Play the cases whose name holds this; write nothing.")
    only = parser.parse_args().only
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for name, sections, answer in (case for case in CASES if only in case[0]):
        with tempfile.TemporaryDirectory() as folder:
            lines.append("| " + " | ".join([name, f"{sections:,}", *measured(Path(folder), sections, answer)]) + " |")
        print(lines[-1], flush=True)
    if not only:
        PAGE.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


def measured(folder: Path, sections: int, answer: Answer) -> list[str]:
    """The cells of one case."""
    # Each weight is another: two sections of the same fact would be one.
    facts = (f"## Crate {n}\n\nCrate {n} weighs {417 + n} kilograms.\n" for n in range(sections))
    (folder / "crates.md").write_text("# Crates\n\n" + "\n".join(facts))
    with serving(answer) as server:
        first = build(folder, server.server_address[1])
        asked = server.asked
        second = build(folder, server.server_address[1])
        again = server.asked - asked
        server.shutdown()
    dataset = folder / "runs" / "crates" / "dataset"
    kept = json.loads((dataset / "manifest.json").read_text())["accounting"]["base_qa"]["kept"]
    sizes = [(path.stat().st_size / 1e6) for path in (dataset / "rejected.jsonl", folder / "runs" / "journal.sqlite")]
    shown = [f"exit {first.code}", f"{first.seconds:.0f}", f"{first.peak:,.0f}", f"{kept:,}"]
    return [*shown, *(f"{size:,.1f}" for size in sizes), f"exit {second.code}", f"{again:,}", f"{second.peak:,.0f}"]


@dataclass(frozen=True)
class MeasuredBuild:
    """How a build ended."""

    code: int
    seconds: float
    peak: float
    """MiB."""


def build(folder: Path, port: int) -> MeasuredBuild:
    arguments = ["build", "crates.md", "--base-url", f"http://127.0.0.1:{port}/v1", "--teacher-model", "m"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "WUKONG_"))}
    started = time.monotonic()
    if not (process := os.fork()):
        os.chdir(folder)
        sink = os.open("screen.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        command = [sys.executable, "-m", "wukong_pipe.cli", *arguments, "--variants", "1"]
        os.execve(sys.executable, command, environment)
    _, status, usage = os.wait4(process, 0)
    return MeasuredBuild(os.waitstatus_to_exitcode(status), time.monotonic() - started, usage.ru_maxrss / 1024)


class serving(ThreadingHTTPServer):  # noqa: N801 - a context manager
    """A server that answers each request by `answer`."""

    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up, as ours does on an endless answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.asked = answer, 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: serving

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked += 1
        response = self.server.answer(body)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        for name, value in (response.headers if response else {}).items():
            self.send_header(name, value)
        if response is not None:
            self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        try:
            while response is None:
                self.wfile.write(BLANKS)
            self.wfile.write(response.body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    main()
