"""How long does the page of a large dataset take to appear, to go on and to search, and what memory does it take?

    python -m benchmarks.review [--rows 20000] [--times 30] [--work DIR]

builds the Apollo corpus from the kept replies of its teacher, multiplies the rows under new ids, serves them with
`wukong-pipe review`, and uses the page in a real Chromium. A time goes from the key to the frame in which what it asked
for is painted. What is there under --work is not built again.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median

from tests.support import kept_run
from tests.support.chromium import Chromium, chromium
from tests.support.review_server import ReviewServer, reviewing

from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.review.library import Library
from wukong_pipe.workspace import Run

PAINTED = """new Promise((done) => {
  const begin = performance.now();
  document.addEventListener("htmx:afterSettle", () => requestAnimationFrame(() => {
    const painted = new MessageChannel();
    painted.port1.onmessage = () => done(performance.now() - begin);
    painted.port2.postMessage(0);
  }), { once: true });
  %s
})"""
KEY = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: '%s', bubbles: true }));"
SEARCH = """const field = document.querySelector("[name=words]");
  field.value = %r; field.dispatchEvent(new Event("input", { bubbles: true }));"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
WORDS = ("the", "兵器", "17", "no such words", "Ba", "获得", "when", "1", "programme", "。")


@dataclass(frozen=True, slots=True)
class Times:
    """What was measured of one thing, in milliseconds."""

    what: str
    aim: int | None
    walls: list[float]
    cpu: float
    """Of the server, for each."""
    browser: float
    """CPU of the browser, for each."""

    def row(self) -> str:
        aim = f"{self.aim:,}" if self.aim else ""
        wall = " | ".join(f"{value:,.0f}" for value in (min(self.walls), median(self.walls), max(self.walls)))
        return f"| {self.what} | {aim} | {wall} | {self.cpu:,.0f} | {self.browser:,.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000, help="how many rows the dataset has")
    parser.add_argument("--times", type=int, default=30, help="how often each is measured")
    parser.add_argument("--work", type=Path, help="where the run is kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = (given.work or Path(scratch) / "work").resolve()
        if not (home / "runs").is_dir():
            build(home, given.rows)
        begin = time.monotonic()
        with reviewing(home, "--run", "apollo") as server:
            started = time.monotonic() - begin
            with chromium(Path(scratch) / "profile") as tab:
                measured = list(used(tab, server, given.times))
            report(home, started, measured, server)


def build(home: Path, rows: int) -> None:
    """A dataset of at least so many rows, each with a number in its question that no other of the pair's copies has."""
    home.mkdir(parents=True)
    run = kept_run.lay(home)
    files = {path: read_jsonl(path) for path in run.dataset.glob("t*.jsonl")}
    for copy in range(1, ceil(rows / sum(map(len, files.values())))):
        for path, lines in files.items():
            lines += [
                line
                | {"id": f"{line['id']}{copy}", "pair_id": f"{line['pair_id']}{copy}"}
                | {"instruction": f"{line['instruction']} ({copy})"}
                for line in read_jsonl(path)
            ]
    for path, lines in files.items():
        write_text(path, jsonl(lines))


def used(tab: Chromium, server: ReviewServer, times: int) -> Iterable[Times]:
    """What a person does on the page, each thing some times."""
    # The doubts of all pairs are worked out beside the first requests.
    yield measure(
        "first paint, as soon as the server is up", 1000, 1, server, partial(first_paint, tab, server.address)
    )
    settle(server)
    yield measure("first paint", 1000, times, server, partial(first_paint, tab, server.origin))
    for what, key in {"next pair (`j`)": "j", "accept, and the next pair (`a`)": "a", "undo (`u`)": "u"}.items():
        yield measure(what, 50, times, server, partial(painted, tab, itertools.repeat(KEY % key)))
    words = itertools.cycle(SEARCH % words for words in WORDS)
    yield measure("search, of it 100 ms wait for the next letter", 200, times, server, partial(painted, tab, words))


def painted(tab: Chromium, scripts: Iterator[str]) -> float:
    """From a script to the frame in which what it asked for is painted."""
    return float(tab.run(PAINTED % next(scripts)))


def first_paint(tab: Chromium, address: str) -> float:
    tab.open(address)
    tab.until("performance.getEntriesByName('first-contentful-paint').length > 0")
    return float(tab.run(FIRST_PAINT))


def measure(what: str, aim: int, times: int, server: ReviewServer, once: Callable[[], float]) -> Times:
    server_before, all_before = cpu_seconds(server.process.pid), cpu_below(os.getpid())
    walls = [once() for _ in range(times)]
    of_server = cpu_seconds(server.process.pid) - server_before
    of_browser = cpu_below(os.getpid()) - all_before - of_server
    return Times(what, aim, walls, 1000 * of_server / times, 1000 * of_browser / times)


def settle(server: ReviewServer) -> None:
    """Wait until the server does nothing but answer."""
    before = -1.0
    while cpu_seconds(server.process.pid) - before > 0.05:
        before = cpu_seconds(server.process.pid)
        time.sleep(2)


def cpu_seconds(pid: int) -> float:
    """What a process has used, in and outside the kernel."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def cpu_below(pid: int) -> float:
    """What the processes below one have used."""
    parents = {int(path.name): _stat(int(path.name))[1:2] for path in Path("/proc").glob("[0-9]*")}
    children = [child for child, parent in parents.items() if parent == [str(pid)]]
    return sum(cpu_seconds(child) + cpu_below(child) for child in children)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def report(home: Path, started: float, measured: list[Times], server: ReviewServer) -> None:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines())
    library = Library(Run(home / "runs" / "apollo"))
    rows = sum(len(pair.rows) for pair in library.pairs)
    peak, now = (int(status[name].split()[0]) / 1024 for name in ("VmHWM", "VmRSS"))
    sections = len({pair.section_id for pair in library.pairs})
    print(f"{rows:,} rows, {len(library.pairs):,} pairs, {sections:,} sections; load {os.getloadavg()[0]:.1f} on")
    print(
        f"{os.cpu_count()} cores. The server is up after {started:.1f} s; it takes {now:.0f} MiB, at most {peak:.0f}.\n"
    )
    print("| ms | aim | least | median | most | CPU of server | of browser |\n|---|---:|---:|---:|---:|---:|---:|")
    for times in measured:
        print(times.row())


if __name__ == "__main__":
    main()
