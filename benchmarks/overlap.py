"""How much of a provider's slots does a build use, where some answers come late?

    python -m benchmarks.overlap [--corpus corpora/apollo.md] [--slots 8] [--seconds 2] [--python PYTHON]

A build in a process of its own, against a server on loopback. Each answer takes its own time, drawn by the hash of the
request from a log-normal distribution (a median of `--seconds`, one in twenty takes over five times as long): the same
for every build. The share is that of the slots' time, from the first request to the last answer, in which an answer was
on its way, by the server's log. `--python` runs the build of another installation, to compare.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Response, provider

from wukong_pipe.files import read_json
from wukong_pipe.workspace import Workspace

SPREAD = 1.0
"""The standard deviation of the logarithm of an answer's seconds."""


class LateTeacher:
    """A good teacher that takes as long as the request's hash says, and the log of it."""

    def __init__(self, seconds: float) -> None:
        self.seconds: list[float] = []
        self._median = seconds
        self._teacher = GoodTeacher()

    def __call__(self, request: dict[str, Any]) -> Response:
        draw = random.Random(json.dumps(request["messages"]))
        self.seconds.append(self._median * math.exp(SPREAD * draw.gauss(0, 1)))
        return replace(self._teacher(request), delay=self.seconds[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path(__file__).parents[1] / "corpora" / "apollo.md")
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    teacher = LateTeacher(given.seconds)
    with provider(teacher) as server, tempfile.TemporaryDirectory() as folder:
        options = ["--base-url", server.base_url, "--teacher-model", "m", "--concurrency", str(given.slots)]
        size = ["--variants", "4", "--max-pairs", "3", "--verify", "none", "--run", "book", "--runs-dir", folder]
        command = [given.python, "-m", "wukong_pipe.cli", "build", str(given.corpus.resolve()), *options, *size]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        note = read_json(Workspace(Path(folder)).run("book").folder / "build.json")
        ends = [at + seconds for at, seconds in zip(server.times, teacher.seconds, strict=True)]
    wall, used = max(ends) - server.times[0], sum(teacher.seconds)
    print("| calls | not needed | wall | slots in use |")
    print("|---:|---:|---:|---:|")
    in_vain = note.get("calls_in_vain", 0)
    print(f"| {len(ends)} | {in_vain} | {wall:.1f} s | {used / given.slots / wall:.1%} |")


if __name__ == "__main__":
    main()
