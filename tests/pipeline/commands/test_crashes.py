"""Builds that are killed at any moment, or whose disk fails at any write: nothing is lost, nothing is paid twice."""

from __future__ import annotations

import errno
import hashlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import files_in
from tests.support.failing_disk import Fault, changes, compiled, compiler, failing
from tests.support.good_teacher import GoodTeacher
from tests.support.killing import Ended, Forge, forge, quiet_environment
from tests.support.provider import Provider, Response, completion, provider

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def forging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Where builds are started; their disk fails when a test asks for it and there is a C compiler."""
    folder = tmp_path_factory.mktemp("forge")
    preload = {"LD_PRELOAD": str(compiled(folder))} if compiler() else {}
    with forge(folder, preload) as running:
        yield running


@pytest.fixture
def corpus(tmp_path: Path, corpora: Path) -> Path:
    """The beginning of a corpus: five sections."""
    path = tmp_path / "apollo.md"
    path.write_text("\n".join((corpora / "apollo.md").read_text("utf-8").splitlines()[:41]) + "\n", "utf-8")
    return path


# --- killed ---------------------------------------------------------------------------------------------------

DELAY = 0.01
"""Seconds that the teacher takes for an answer."""
ASKED = (
    "verifying",
    "questions",
    "questions again",
    "wordings",
    "wordings again",
    "held out",
    "held out again",
    "spellings",
)
STAGES = ("starting", *ASKED, "all answered", "writing")
PAUSES = dict.fromkeys(STAGES, 1.5 * DELAY) | {"starting": 0.05, "all answered": 0.1, "writing": 0.001}
"""For how long, at most, a build that has come to a stage is left alive, in seconds."""


class HaltingTeacher:
    """Gives half of what it knows when asked first, the rest when asked again, and reads all of it a second time.

    An answer depends on the request alone, so that a build that was killed can be compared with one that was not.
    """

    def __init__(self) -> None:
        self.stages: list[str] = []
        """The stage of every request, in order of arrival."""
        self.prompts: list[str] = []
        """What each of them said."""
        self._teacher = GoodTeacher()
        self._known: dict[str, list[Any]] = {}

    def __call__(self, request: dict[str, Any]) -> Response:
        prompt = request["messages"][-1]["content"]
        content = json.loads(self._teacher(request).body)["choices"][0]["message"]["content"]
        ((name, items),) = json.loads(content).items()
        self.prompts.append("\n".join(message["content"] for message in request["messages"]))
        if name not in ("pairs", "questions"):
            self.stages.append("spellings" if name == "facts" else "verifying")
            return Response(body=completion(content).body, delay=DELAY)
        about = re.search(
            r"<source>.*</source>|<evidence>.*</answer>|^(?:问题：|Question: ).*?$", prompt, re.DOTALL | re.MULTILINE
        )
        assert about, prompt
        known = self._known.setdefault(about[0], items)
        left = [item for item in known if f"- {_question(item)}" not in prompt.splitlines()]
        again = len(left) < len(known)
        kind = "held out" if "<evidence>" in about[0] else "wordings"
        self.stages.append(("questions" if name == "pairs" else kind) + " again" * again)
        reply = {name: left if again else left[: len(left) // 2]}
        return Response(body=completion(json.dumps(reply, ensure_ascii=False)).body, delay=DELAY)


def _question(item: Any) -> str:
    return str(item["question"] if isinstance(item, dict) else item)


@dataclass(slots=True)
class Kills:
    """What the kills of one test have hit."""

    stages: Counter[str] = field(default_factory=Counter)
    bound: int = 0
    """Calls that can have been in flight, summed over the kills: at most one a worker, none once files are written.

    An answer that has left the provider is in flight until it stands in the journal.
    """
    unanswered: int = 0
    """Those of them that the provider was still at work on."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One workspace in which a build is started and killed, over and over."""

    forge: Forge
    server: Provider
    teacher: HaltingTeacher
    home: Path
    corpus: Path
    needed: int
    """Requests that a build never killed makes."""
    asked_before: int
    """Requests made before the first build of this workspace."""

    @property
    def dataset(self) -> Path:
        return self.home / "runs" / "book" / "dataset"

    def build(self, concurrency: int = 4) -> list[str]:
        """The arguments of the build."""
        size = ("--limit", "3", "--max-pairs", "4", "--variants", "4", "--run", "book")
        teacher = ("--base-url", self.server.base_url, "--teacher-model", "m", "--concurrency", str(concurrency))
        return ["build", str(self.corpus), *teacher, *size, "--verify", "all"]

    def files(self) -> frozenset[tuple[str, int, int]]:
        """What stands in dataset/, by name, inode and time: another set after any change."""
        found = []
        for path in self.dataset.iterdir() if self.dataset.is_dir() else ():
            try:
                stat = path.stat()
            except FileNotFoundError:  # Renamed between the two looks.
                continue
            found.append((path.name, stat.st_ino, stat.st_mtime_ns))
        return frozenset(found)

    def all_answered(self) -> bool:
        """Whether the provider has answered all that this build needs."""
        return len(set(self.teacher.prompts[self.asked_before :])) == self.needed and not self.server.in_flight

    def kill(self, stage: str, rng: random.Random, kills: Kills) -> bool:
        """Build, and kill it in `stage`; False where the build came to its end before."""
        concurrency, count = rng.randint(1, 8), rng.randint(1, 12 if stage == "writing" else 2)
        asked, before = len(self.teacher.stages), self.files()
        seen = {before}
        running = self.forge.start(self.home, *self.build(concurrency))
        while not running.ended():
            seen.add(self.files())
            if (
                stage == "starting"
                or (stage == "all answered" and self.all_answered())
                or (stage == "writing" and len(seen) > count)
                or self.teacher.stages[asked:].count(stage) >= count
            ):
                break
            time.sleep(0.0002 if stage == "writing" else 0.001)
        time.sleep(rng.uniform(0, PAUSES[stage]))
        unanswered = self.server.in_flight
        running.kill()
        ended = running.wait()
        if ended.code == 0:
            return False
        assert ended.code == -signal.SIGKILL, ended.output
        asked_here = self.teacher.stages[asked:]
        if self.files() != before:
            hit = "writing"
        elif self.all_answered():
            hit = "all answered"
        else:
            hit = asked_here[-1] if asked_here else "starting"
        kills.stages[hit] += 1
        if hit != "writing":
            kills.bound += min(concurrency, len(asked_here))
            kills.unanswered += unanswered
        return True


@pytest.mark.parametrize("times", [20, pytest.param(200, marks=pytest.mark.long)])
def test_a_build_killed_anywhere_ends_in_the_same_bytes_and_pays_twice_only_for_what_was_in_flight(
    forging: Forge, tmp_path: Path, corpus: Path, times: int
) -> None:
    rng = random.Random(times)
    kills = Kills()
    teacher = HaltingTeacher()
    with provider(teacher) as server:
        unkilled = Scene(forging, server, teacher, tmp_path / "unkilled", corpus, 0, 0)
        unkilled.home.mkdir()
        ended = forging.run(unkilled.home, *unkilled.build())
        assert ended.code == 0, ended.output
        needed = teacher.prompts.copy()
        assert set(teacher.stages) == set(ASKED)
        assert len(set(needed)) == len(needed)

        expected = files_in(unkilled.dataset)
        bought_twice = 0
        left_behind: list[str] = []
        while kills.stages.total() < times:
            asked, bound = len(teacher.prompts), kills.bound
            home = tmp_path / f"after-{kills.stages.total()}-kills"
            home.mkdir()
            scene = Scene(forging, server, teacher, home, corpus, len(needed), asked)
            if rng.random() < 0.5:  # There is another dataset already, which the build replaces.
                older = ["build", str(corpus), "--teacher", "offline", "--limit", "2", "--run", "book"]
                assert forging.run(home, *older).code == 0
            moments = sorted([*STAGES, *rng.choices(STAGES, k=3)], key=STAGES.index)[: times - kills.stages.total()]
            while moments and scene.kill(moments.pop(0), rng, kills):
                pass
            ended = forging.run(home, *scene.build())
            assert ended.code == 0, ended.output
            built = files_in(scene.dataset)
            assert {name: built.get(name) for name in expected} == expected
            # What a killed build had bought was copied before the next one bought more.
            usual = {*files_in(unkilled.home / "runs"), "journal.sqlite.copy-2"}
            left_behind += sorted(files_in(home / "runs").keys() - usual)
            assert set(teacher.prompts[asked:]) == set(needed)
            again = len(teacher.prompts) - asked - len(needed)
            assert again <= kills.bound - bound
            bought_twice += again
    print(f"{dict(kills.stages)}; {kills.unanswered} calls unanswered, {bought_twice} bought twice <= {kills.bound}")
    # Of few kills, some may come a moment late for their stage.
    assert len(kills.stages) >= (len(STAGES) if times >= 100 else 5)
    assert left_behind == []


# --- two at once ----------------------------------------------------------------------------------------------


def test_a_second_build_names_the_first_ones_pid_and_starts_at_once_when_that_is_killed(
    forging: Forge, tmp_path: Path, corpus: Path
) -> None:
    offline = ["build", str(corpus), "--teacher", "offline", "--run", "other"]
    with provider(lambda _: Response(delay=600)) as server:
        command = ["build", str(corpus), "--base-url", server.base_url, "--teacher-model", "m"]
        with subprocess.Popen(
            [sys.executable, "-m", "wukong_pipe.cli", *command], cwd=tmp_path, env=quiet_environment()
        ) as first:
            try:
                deadline = time.monotonic() + 60
                while not server.requests:
                    assert first.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                refused = forging.run(tmp_path, *offline)
                assert refused.code == 1
                assert re.search(rf"\b{first.pid}\b", error_of(refused))
                assert not (tmp_path / "runs" / "other").exists()
            finally:
                first.kill()
        assert first.returncode == -signal.SIGKILL
    started = time.monotonic()
    assert forging.run(tmp_path, *offline).code == 0
    assert time.monotonic() - started < 10
    assert (tmp_path / "runs" / "other" / "dataset" / "manifest.json").is_file()


def error_of(ended: Ended) -> str:
    """The one sentence with which a command failed."""
    assert "Traceback" not in ended.output
    (sentence,) = [line for line in ended.output.splitlines() if line.startswith("Error:")]
    return sentence


# --- a disk that fails ----------------------------------------------------------------------------------------

needs_gcc = pytest.mark.skipif(compiler() is None, reason="the disk that fails is written in C, and there is no gcc")
SMALL = ("--limit", "2", "--max-pairs", "2", "--variants", "2", "--run", "book")
FAULTS = [(error, onwards) for error in (errno.ENOSPC, errno.EIO) for onwards in (False, True)]


@dataclass(frozen=True, slots=True)
class Disk:
    """Where builds meet a disk that fails: one command, run in one folder after another."""

    forge: Forge
    folder: Path
    command: list[str]

    def build(self, home: Path, fault: Fault | None) -> tuple[Ended, list[str]]:
        """How the build ended, and the changes it made or tried to the files below `home`."""
        trace = self.folder / "trace.txt"
        trace.unlink(missing_ok=True)
        ended = self.forge.run(home, *self.command, environment=failing(home, trace, fault))
        return ended, changes(trace)

    def check(self, home: Path, fault: Fault, expected: dict[str, bytes]) -> str:
        """Meet `fault` in `home`, then build again on a disk that is whole; gives the file, "" where none failed."""
        dataset = home / "runs" / "book" / "dataset"
        ended, tried = self.build(home, fault)
        if len(tried) < fault.at:
            assert ended.code == 0, ended.output
            return ""
        told = f"{fault}: {tried[fault.at - 1]}\n{ended.output}"
        if ended.code == 0:
            assert files_in(dataset) == expected, told
        else:
            assert ended.code in (1, 3), told
            assert error_of(ended), told
        if (dataset / "manifest.json").is_file():
            files = files_in(dataset)
            listed = json.loads(files["manifest.json"])["files"]
            assert {name: hashlib.sha256(files[name]).hexdigest() for name in listed} == listed, told
        ended, _ = self.build(home, None)
        assert ended.code == 0, told + ended.output
        assert files_in(dataset) == expected, told
        return tried[fault.at - 1].rpartition("/")[2]


@pytest.fixture
def disk(forging: Forge, tmp_path: Path, corpus: Path) -> Disk:
    return Disk(forging, tmp_path, ["build", str(corpus), "--teacher", "offline", *SMALL])


@needs_gcc
def test_the_disk_that_fails_sees_what_sqlite_and_the_dataset_write(disk: Disk, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    ended, made = disk.build(home, None)
    assert ended.code == 0
    kinds = {tuple(change.replace("64", "").split(" ", 1)) for change in made}
    for file, operations in {
        "journal.sqlite-wal": ("create", "pwrite", "fdatasync"),
        "manifest.json": ("create", "write", "fsync", "rename"),
    }.items():
        assert set(operations) <= {operation for operation, path in kinds if file in path}


@needs_gcc
@pytest.mark.parametrize("older", [False, True], ids=["fresh", "over an older dataset"])
@pytest.mark.parametrize(("error", "onwards"), FAULTS)
@pytest.mark.parametrize("sample", [3, pytest.param(0, marks=pytest.mark.long)], ids=["some", "every"])
def test_a_disk_that_fails_at_any_change_never_leaves_a_wrong_dataset(
    disk: Disk, tmp_path: Path, older: bool, error: int, onwards: bool, sample: int
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    if older:
        assert disk.forge.run(before, *disk.command, "--variants", "1").code == 0
    whole = tmp_path / "whole"
    shutil.copytree(before, whole)
    ended, made = disk.build(whole, None)
    assert ended.code == 0
    expected = files_in(whole / "runs" / "book" / "dataset")

    # One more than there are: that run must see no failure.
    numbers = some_of(made, sample, f"{older} {error} {onwards}") if sample else range(1, len(made) + 2)
    failed: Counter[str] = Counter()
    for at in numbers:
        home = tmp_path / str(at)
        shutil.copytree(before, home)
        failed[disk.check(home, Fault(at, error, onwards), expected)] += 1
        shutil.rmtree(home)
    if not sample:
        assert failed[""] == 1
    print(f"{failed.total()} runs that failed at {dict(failed)}")


def some_of(made: list[str], count: int, seed: str) -> list[int]:
    """The numbers of `count` changes, each of another kind: most of all changes are to one file of SQLite's."""
    return random.Random(seed).sample([made.index(kind) + 1 for kind in sorted(set(made))], count)


@needs_gcc
@pytest.mark.parametrize(("error", "onwards"), FAULTS)
@pytest.mark.parametrize("sample", [2, pytest.param(25, marks=pytest.mark.long)])
def test_a_disk_that_fails_while_a_server_is_asked_costs_at_most_what_was_in_flight(
    forging: Forge, tmp_path: Path, corpus: Path, error: int, onwards: bool, sample: int
) -> None:
    with provider(GoodTeacher()) as server:
        teacher = ["--base-url", server.base_url, "--teacher-model", "m", "--concurrency", "4"]
        disk = Disk(forging, tmp_path, ["build", str(corpus), *teacher, *SMALL])
        whole = tmp_path / "whole"
        whole.mkdir()
        ended, made = disk.build(whole, None)
        assert ended.code == 0, ended.output
        expected = files_in(whole / "runs" / "book" / "dataset")
        needed = len(server.requests)

        failed: Counter[str] = Counter()
        for at in some_of(made, sample, f"{error} {onwards}"):
            asked = len(server.requests)
            home = tmp_path / str(at)
            home.mkdir()
            failed[disk.check(home, Fault(at, error, onwards), expected)] += 1
            assert needed <= len(server.requests) - asked <= needed + 4
    print(f"{failed.total()} runs that failed at {dict(failed)}")
