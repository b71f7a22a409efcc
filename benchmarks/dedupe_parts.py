"""What does dedupe take where its rows are split into parts, in one process and in others, and does it find the same?

    python benchmarks/dedupe_parts.py [--questions 10000000] [--engines whole 1 workers-2 ray-2] [--part-size 50000]

makes the questions of `benchmarks/dedupe.py`, which stand on the disk; then dedupe runs as in a build, in a process of
its own for each engine: `whole` puts all rows into one part, `1` does the parts one after the other, `workers-2` has
two processes for them as `build --workers 2` has, `ray-2` a Ray cluster of two nodes of a CPU each on this machine.
All must remove the same rows for the same reasons.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import multiprocessing
import resource
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Generic, TypeVar, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.dedupe import resident, rows_of
from benchmarks.dedupe_questions import Question, Tally, judged, questions_in
from benchmarks.ray_build import cluster

from wukong_pipe.asking.jobs import Desk, mapping
from wukong_pipe.cluster.crew import Crew
from wukong_pipe.cluster.ray_cluster import connected
from wukong_pipe.dataset.dedupe import dedupe
from wukong_pipe.dataset.parts import PART_SIZE, Mapped
from wukong_pipe.spilled import Spilled
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.workers import at_work
from wukong_pipe.teacher.requests import Ask

HEAD = """| engine | questions | parts | wall | owner's CPU | parts' CPU | owner's memory | of it the data |\
 a worker's memory | planted found | twins merged | others |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""
Part = TypeVar("Part")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Measured(Generic[Part, Result]):
    """A function that also tells the CPU seconds it took and the MiB its process had at the peak."""

    function: Callable[[Part], Result]

    def __call__(self, part: Part) -> tuple[Result, float, int]:
        cpu = time.process_time()
        result = self.function(part)
        return result, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


@dataclass(slots=True)
class Run:
    """What one engine took, and what it removed."""

    wall: float = 0.0
    cpu: float = 0.0
    parts: int = 0
    parts_cpu: float = 0.0
    peak: int = 0
    data: int = 0
    part_peak: int = 0
    removals: str = ""
    """A hash of all that is told of them."""
    tally: Tally | None = None

    def noting(self, mapped: Mapped) -> Mapped:
        """The same, noting what the parts take."""

        def noted(function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterable[Result]:
            self.parts = len(parts)
            for result, cpu, peak in mapped(Measured(function), parts):
                self.parts_cpu += cpu
                self.part_peak = max(self.part_peak, peak)
                yield result

        return noted


@contextlib.contextmanager
def engine_of(name: str) -> Iterator[Mapped]:
    """Who does the parts."""
    kind, _, count = name.partition("-")
    if kind == "workers":
        with at_work(int(count), print) as workers:
            yield workers.map
    elif kind == "ray":
        # The address stands behind the option for it.
        with cluster(int(count)) as options, connected(options[-1]) as nodes, asyncio.Runner() as loop:
            crew = Crew(nodes.hire, nodes.room, lambda line: print(line, file=sys.stderr))
            try:
                yield mapping(crew, Desk(cast(Ask, None), "nobody", BuildSettings(), {}), loop)
            finally:
                loop.run(crew.close())
    else:
        yield map


def measure(
    name: str,
    made: Sequence[Question],
    names: frozenset[str],
    part_size: int,
    results: Connection,
    is_first: bool,
) -> None:
    """Dedupe by one engine, in a process that was forked for it."""
    run, rows = Run(data=resident()), rows_of(made)
    with engine_of(name) as mapped:
        Path("/proc/self/clear_refs").write_text("5")
        wall, cpu = time.perf_counter(), time.process_time()
        found = dedupe(rows, names, run.noting(mapped), len(rows) if name == "whole" else part_size)
        run.wall, run.cpu = time.perf_counter() - wall, time.process_time() - cpu
        run.peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) >> 10
    told, removed = hashlib.sha256(), array("I")
    for gone in found.removals:
        told.update(repr((gone.row.id, gone.kept.id, gone.similarity, gone.kind)).encode())
        removed.append(int(gone.row.id))
    run.removals = told.hexdigest()
    if is_first:
        run.tally = judged(made, removed)
    results.send(run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--engines", nargs="+", default=["whole", "1", "workers-2", "ray-2"])
    parser.add_argument("--part-size", type=int, default=PART_SIZE)
    options = parser.parse_args()
    print(HEAD, flush=True)
    first: Run | None = None
    with tempfile.TemporaryDirectory(dir=".") as folder:
        made, names = questions_in(Spilled[Question](Path(folder)), options.questions)
        for name in options.engines:
            ours, theirs = multiprocessing.Pipe(duplex=False)
            # Forked: the questions' file has no name, and what their places take is there once.
            process = multiprocessing.get_context("fork").Process(
                target=measure, args=(name, made, names, options.part_size, theirs, first is None)
            )
            process.start()
            theirs.close()
            run: Run = ours.recv()
            process.join()
            first = first or run
            assert run.removals == first.removals
            assert first.tally is not None
            is_here = name in {"whole", "1"}
            print(
                f"| {name} | {options.questions:,} | {run.parts} | {run.wall:.0f} s |"
                f" {run.cpu - run.parts_cpu * is_here:.0f} s | {run.parts_cpu:.0f} s | {run.peak:,} MiB |"
                f" {run.data:,} MiB | {'' if is_here else f'{run.part_peak:,} MiB'} | {first.tally.found_of_planted} |"
                f" {first.tally.twins_lost:,} of {first.tally.twins:,} | {first.tally.others:,} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
