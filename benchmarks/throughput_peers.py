"""How fast does a build ask, beside curator and data-designer, which ask for training data, too?

    python -m benchmarks.throughput_peers --curator PYTHON --data-designer PYTHON [--repeats 5]

PYTHON is the interpreter of an environment in which that tool is installed. All ask one server on loopback, a process
of its own, that answers each call 0.5 s after its last byte: 64 at a time, in turn, each a process of its own with a
new home. Of wukong-pipe it is the command that a user runs, on a folder for which it makes some 800 calls: as it is,
with a second reading, and without one. The others make 800 calls with the prompts of the build without one, one column
of text for each row, and get the same replies. The first turn is not counted: it fills the disk's cache and the
server's memory. The call phase, from the first request to the last answer, is the server's record.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LATENCY = 0.5
"""Seconds from the last byte of a request to the first of its answer."""
SLOTS = 64
"""Calls at a time."""
CALLS = 800
"""Calls of each peer."""
BUILDS = {"--verify none": (8, 30_000), "": (4, 13_500)}
"""The options of each measured build; how many files and bytes its folder has, so that it makes some 800 calls."""

CURATOR = """
import json, sys
from bespokelabs import curator

url, slots = sys.argv[1], int(sys.argv[2])
texts = [json.loads(line)["text"] for line in open("prompts.jsonl", encoding="utf-8")]
free = {"max_requests_per_minute": 10**6, "max_tokens_per_minute": 10**12, "max_concurrent_requests": slots}
server = {"base_url": url, "api_key": "no-key-needed"}
made = curator.LLM(model_name="m", backend="openai", backend_params={**server, **free})(texts)
assert len(made.dataset) == len(texts) and all(made.dataset["response"])
"""
DATA_DESIGNER = """
import sys
import data_designer.config as dd
from data_designer.interface import DataDesigner

url, slots = sys.argv[1], int(sys.argv[2])
provider = dd.ModelProvider(name="loopback", endpoint=url, api_key="no-key-needed")
parallel = dd.ChatCompletionInferenceParams(max_parallel_requests=slots)
model = dd.ModelConfig(
    alias="m", model="m", provider="loopback", inference_parameters=parallel, skip_health_check=True
)
config = dd.DataDesignerConfigBuilder(model_configs=[model])
config.with_seed_dataset(dd.LocalFileSeedSource(path="prompts.jsonl"))
config.add_column(dd.LLMTextColumnConfig(name="reply", model_alias="m", prompt="{{ text }}"))
designer = DataDesigner(artifact_path="artifacts", model_providers=[provider])
designer.set_run_config(dd.RunConfig(otel_metrics_port=None))
count = sum(1 for _ in open("prompts.jsonl", encoding="utf-8"))
made = designer.create(config, num_records=count).load_dataset()
assert len(made) == count and all(made["reply"])
"""

# --- the server ---------------------------------------------------------------------------------------------


class Record:
    """What was asked and answered since it was last read, and every prompt that the teacher knows."""

    def __init__(self) -> None:
        from tests.support.good_teacher import GoodTeacher

        self.calls: list[tuple[float, float]] = []
        """When each request was received and when it was answered."""
        self._replies: dict[str, bytes] = {}
        self._teacher = GoodTeacher()

    def reply(self, body: dict[str, Any]) -> bytes:
        """A prompt that was answered before costs the server nothing, however its messages are cut."""
        contents = [message["content"] for message in body["messages"]]
        # data-designer sends a list of parts.
        prompt = "\n\n".join(said if isinstance(said, str) else said[0]["text"] for said in contents)
        if prompt not in self._replies:
            self._replies[prompt] = self._teacher(body).body
        return self._replies[prompt]

    def read(self) -> bytes:
        calls, self.calls = self.calls, []
        return json.dumps({"calls": calls, "prompts": list(self._replies)}).encode("utf-8")


class Answering(asyncio.Protocol):
    """Just enough of HTTP/1.1 to cost less than any client: one request at a time."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length: ")
        if not found or len(body) < int(length.split(b"\r\n")[0] or 0):
            return
        self._received, now = b"", time.monotonic()
        if head.startswith(b"GET /record"):
            self._send(200, self._record.read())
        elif not head.startswith(b"POST"):
            self._send(404, b"{}")
        elif (asked := json.loads(body))["messages"]:
            due = asyncio.get_running_loop().time() + LATENCY
            asyncio.get_running_loop().call_at(due, self._answer, now, self._record.reply(asked))
        else:  # So curator asks for limits, before its first call.
            self._send(400, b'{"error": {"message": "no messages"}}')

    def _answer(self, received: float, reply: bytes) -> None:
        self._send(200, reply)
        self._record.calls.append((received, time.monotonic()))

    def _send(self, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode("ascii") + body)


async def serve(home: Path) -> None:
    """Write the folders, then answer until killed; the first line on stdout is the address.

    What needs this project's code is done here: a child's peak memory starts at its parent's, which must be small.
    """
    from benchmarks.folder import make_folder

    for number, (files, size) in enumerate(BUILDS.values()):
        make_folder(home / f"docs{number}", files, size)
    record = Record()
    server = await asyncio.get_running_loop().create_server(lambda: Answering(record), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


# --- the clients --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a client: what the kernel says of its processes, and what the server saw of it."""

    wall: float
    cpu: float
    peak: float
    """Most memory of its largest process, in MiB."""
    start: float
    """Seconds until its first request was received."""
    calls: int
    rate: float
    """Calls a second, from the first request to the last answer."""
    most: int
    """Calls at a time."""


def environment(home: Path, tokens: str) -> dict[str, str]:
    """A new home with empty caches; nothing is told to anybody, and what tries to finds no way out."""
    return {
        **os.environ,
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "TELEMETRY_ENABLED": "false",  # curator
        "CURATOR_VIEWER": "0",
        "CURATOR_CACHE_DIR": str(home / "curator"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NEMO_TELEMETRY_ENABLED": "false",  # data-designer
        "DATA_DESIGNER_HOME": str(home / "data-designer"),
        "TIKTOKEN_CACHE_DIR": tokens,
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }


def run(command: list[str], home: Path, tokens: str, url: str) -> tuple[Ran, list[str]]:
    """The client's figures, and all prompts that the server knows by now."""
    with (home / "log").open("w") as log:
        start = time.monotonic()
        child = subprocess.Popen(command, cwd=home, env=environment(home, tokens), stdout=log, stderr=log)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    with urllib.request.urlopen(f"{url}/record") as answer:
        record = json.loads(answer.read())
    calls = record["calls"]
    # A build that stays short of a quota exits with 3 and has written its dataset, too.
    if child.returncode not in {0, 3} or not calls:
        raise SystemExit((home / "log").read_text("utf-8"))
    first, last = min(begun for begun, _ in calls), max(ended for _, ended in calls)
    steps = sorted([(begun, 1) for begun, _ in calls] + [(ended, -1) for _, ended in calls])
    most = max(itertools.accumulate(step for _, step in steps))
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return Ran(wall, cpu, peak, first - start, len(calls), len(calls) / (last - first), most), record["prompts"]


def printed(python: str, program: str) -> str:
    command = [python, "-c", f"import importlib.metadata as m; {program}"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def build(docs: Path, options: str, url: str) -> list[str]:
    place = ["--base-url", f"{url}/v1", "--teacher-model", "m", "--concurrency", str(SLOTS)]
    return [sys.executable, "-m", "wukong_pipe.cli", "build", str(docs), *place, *options.split()]


# --- the table ----------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curator", default="", metavar="PYTHON")
    parser.add_argument("--data-designer", default="", metavar="PYTHON")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    peers = {
        "bespokelabs-curator": (options.curator, CURATOR),
        "data-designer": (options.data_designer, DATA_DESIGNER),
    }
    for name in [name for name, (python, _) in peers.items() if not python]:
        del peers[name]
        print(f"{name} is left out: no Python was given that has it.")
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "benchmarks.throughput_peers", "--serve", name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                compare(server.stdout.readline().strip(), Path(name), options.repeats, peers)
            finally:
                server.kill()


def compare(url: str, home: Path, repeats: int, peers: dict[str, tuple[str, str]]) -> None:
    """Run the clients in turn, again and again, and print the medians."""
    ours = f"wukong-pipe {importlib.metadata.version('wukong-pipe')}, `build"
    commands = {
        f"{ours} {options}".rstrip() + "`": build(home / f"docs{number}", options, url)
        for number, options in enumerate(BUILDS)
    }
    for name, (python, program) in peers.items():
        version = printed(python, f"print(m.version('{name}'))")
        (home / f"{name}.py").write_text(program, "utf-8")
        commands[f"{name} {version}"] = [python, str(home / f"{name}.py"), f"{url}/v1", str(SLOTS)]
    # Both peers count tokens with a vocabulary that curator's litellm brings along; data-designer would fetch it.
    brought = "print(m.distribution('litellm').locate_file('litellm/litellm_core_utils/tokenizers'))"
    tokens = printed(peers["bespokelabs-curator"][0], brought) if "bespokelabs-curator" in peers else ""
    runs: dict[str, list[Ran]] = {name: [] for name in commands}
    prompts: list[str] = []
    for turn in range(repeats + 1):
        for name, command in commands.items():
            with tempfile.TemporaryDirectory(dir=home) as folder:
                rows = (json.dumps({"text": text}) + "\n" for text in itertools.islice(itertools.cycle(prompts), CALLS))
                (Path(folder) / "prompts.jsonl").write_text("".join(rows), "utf-8")
                ran, known = run(command, Path(folder), tokens, url)
            prompts = prompts or known
            if turn:
                runs[name].append(ran)
            print(turn, name, ran, file=sys.stderr, flush=True)
    print(
        f"| client | calls | most at a time | calls a second in the call phase (ideal {SLOTS / LATENCY:.0f}) |"
        " wall | CPU, user and system | peak memory | start to first request |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, all_of_it in runs.items():
        cells = (
            spread((ran.calls for ran in all_of_it), "", 0),
            spread((ran.most for ran in all_of_it), "", 0),
            spread((ran.rate for ran in all_of_it), "", 1),
            spread((ran.wall for ran in all_of_it), " s", 1),
            spread((ran.cpu for ran in all_of_it), " s", 1),
            spread((ran.peak for ran in all_of_it), " MiB", 0),
            spread((ran.start for ran in all_of_it), " s", 1),
        )
        print(f"| {name} | {' | '.join(cells)} |")


def spread(values: Iterable[float], unit: str, digits: int) -> str:
    """The median, and from least to most where that says more."""
    known = list(values)
    middle, least, most = (f"{one:.{digits}f}" for one in (statistics.median(known), min(known), max(known)))
    return f"{middle}{unit}" if least == most else f"{middle}{unit} ({least} to {most})"


if __name__ == "__main__":
    main()
