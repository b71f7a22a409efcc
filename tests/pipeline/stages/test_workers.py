"""Processes that check replies: the same dataset with any number of them, and none is left behind."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.support.made_texts import NEARLY_TWICE
from wukong_pipe.cli.main import main
from wukong_pipe.corpus.sources import Source
from wukong_pipe.dataset.dedupe import dedupe
from wukong_pipe.dataset.leak_audit import audit
from wukong_pipe.spilled import made
from wukong_pipe.stages.workers import FEW, HERE, SMALL, at_work, count_for

MANY = range(FEW + 1)
STARTS_WORKERS = """
import asyncio, os, sys, time
from wukong_pipe.stages.workers import at_work
from tests.pipeline.stages.test_workers import MANY, pid_of

async def ask(workers):
    print(*set(await workers.check(pid_of, MANY)), flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    with at_work(2, print) as workers:
        asyncio.run(ask(workers))
"""

IS_INTERRUPTED = """
import os, signal, time
from pathlib import Path
from wukong_pipe.spilled import made
from wukong_pipe.stages.workers import at_work
from tests.pipeline.stages.test_workers import never_done

def part(at):
    if at == 2:
        {wait}
        os.killpg(0, signal.SIGINT)
    return "begun"

if __name__ == "__main__":
    with at_work(2, print) as workers:
        [*workers.map(never_done, made(9, part))]
"""
HAS_A_DEAF_WORKER = """
from wukong_pipe.stages.workers import at_work
from tests.pipeline.stages.test_workers import end_or_stay

if __name__ == "__main__":
    with at_work(2, lambda line: None) as workers:
        print(*workers.map(end_or_stay, range(2)))
"""


def pid_of(items: Sequence[int]) -> list[int]:
    return [os.getpid() for _ in items]


def pid_and_double(part: int) -> tuple[int, int]:
    return os.getpid(), 2 * part


def end_others_and_double(part: int) -> int:
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * part


def never_done(note: str) -> None:
    Path(note).touch()
    time.sleep(600)


def end_or_stay(part: int) -> int:
    """The first part ends its process; the second heeds nobody who wants to end its own."""
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if part:
            time.sleep(600)
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def end_others(items: Sequence[int], here: int) -> list[int]:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return [*items]


def built(folder: Path, corpus: Path, workers: int) -> dict[str, bytes]:
    options = ["--teacher", "offline", "--variants", "5", "--runs-dir", str(folder), "--run", "run"]
    assert main(["build", str(corpus), *options, "--workers", str(workers)]) == 0
    return {path.name: path.read_bytes() for path in (folder / "run" / "dataset").iterdir()}


def test_the_dataset_is_the_same_bytes_with_one_and_with_two(
    tmp_path: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tmp_path / "book.md"
    corpus.write_text((corpora / "apollo.md").read_text("utf-8") + NEARLY_TWICE, "utf-8")
    one = built(tmp_path / "1", corpus, 1)
    monkeypatch.setattr("wukong_pipe.stages.families.dedupe", partial(dedupe, part_size=20))
    monkeypatch.setattr("wukong_pipe.dataset.holdout.audit", partial(audit, part_size=50))
    two = built(tmp_path / "2", corpus, 2)
    assert one == two
    assert b'"near-question"' in two["rejected.jsonl"]


def test_what_is_much_is_checked_elsewhere_and_a_few_items_here() -> None:
    with at_work(2, print) as workers:
        assert os.getpid() not in asyncio.run(workers.check(pid_of, MANY))
        assert set(asyncio.run(workers.check(pid_of, range(FEW)))) == {os.getpid()}
    assert set(asyncio.run(HERE.check(pid_of, MANY))) == {os.getpid()}


def test_what_a_worker_did_that_is_ended_is_done_here_and_told_once() -> None:
    told: list[str] = []
    with at_work(2, told.append) as workers:

        async def check_twice() -> list[list[int]]:
            return await asyncio.gather(*(workers.check(end_others, MANY, os.getpid()) for _ in range(2)))

        assert asyncio.run(check_twice()) == [[*MANY], [*MANY]]
        assert set(asyncio.run(workers.check(pid_of, MANY))) == {os.getpid()}
    (note,) = told
    assert "was ended from outside" in note


def test_parts_are_done_elsewhere_in_order_and_as_many_are_held_as_there_are_workers_and_one() -> None:
    begun: list[int] = []

    def part(at: int) -> int:
        begun.append(at)
        return at

    with at_work(2, print) as workers:
        for done, (pid, doubled) in enumerate(workers.map(pid_and_double, made(9, part))):
            assert pid != os.getpid()
            assert doubled == 2 * done
            assert len(begun) <= done + 1 + workers.count + 1
        assert begun == [*range(9)]
        assert [*workers.map(pid_and_double, [4])] == [(os.getpid(), 8)]
        assert [*workers.map(end_others_and_double, range(9))] == [2 * part for part in range(9)]
        assert [*workers.map(pid_and_double, range(2))] == [(os.getpid(), 0), (os.getpid(), 2)]
    assert [*HERE.map(pid_and_double, range(2))] == [(os.getpid(), 0), (os.getpid(), 2)]


def ended(script: str, folder: Path) -> tuple[str, str]:
    """What a script prints that must come to its end, to both streams."""
    (folder / "script.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(folder / "script.py")]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    return done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("wait", ["time.sleep(0.2)", "while not Path('begun').exists(): time.sleep(0.01)"])
def test_ctrl_c_waits_for_no_part_and_is_heard_by_the_build_alone(tmp_path: Path, wait: str) -> None:
    """While the workers still import, and while they are at work."""
    _, told = ended(IS_INTERRUPTED.format(wait=wait), tmp_path)
    assert told.count("Traceback") == 1
    assert told.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.slow
def test_a_worker_that_cannot_be_ended_from_outside_holds_nobody_up(tmp_path: Path) -> None:
    assert ended(HAS_A_DEAF_WORKER, tmp_path) == ("0 1\n", "")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_build(ending: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(STARTS_WORKERS)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as build:
        assert build.stdout is not None
        workers = list(map(int, build.stdout.readline().split()))
        build.send_signal(ending)
    until = time.monotonic() + 30
    while any(map(_is_running, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert workers
    assert not any(map(_is_running, workers))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_small_build_starts_none_and_what_is_said_counts() -> None:
    small, large = (Source.of("a.md", Path("a.md"), partial(str.ljust, "#", length)) for length in (9, SMALL + 1))
    assert count_for([small], None) == 1
    assert count_for([small], 3) == 3
    assert count_for([small, large], None) == len(
        getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    )
