"""A build against an OpenAI-compatible server that nobody here wrote: `transformers serve` on a tiny student.

It ignores `response_format` and its student answers nonsense, which is what a wrong teacher looks like.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.trainer.conftest import SMALL, SYSTEM, pairs
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import make_student

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("empty_home")]


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    silence_libraries()
    folder = tmp_path_factory.mktemp("served") / "student"
    return str(make_student(folder, ["天命人是什么？"], pairs(), SYSTEM, size=SMALL))


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A `transformers serve` of our own on a free port, stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "transformers"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    log = tmp_path_factory.mktemp("log") / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        for _ in range(240):
            assert server.poll() is None, log.read_text("utf-8", "replace")
            try:
                httpx2.get(f"http://127.0.0.1:{port}/health", trust_env=False, timeout=2)
                break
            except httpx2.TransportError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def test_nonsense_is_kept_out_accounted_for_and_ends_with_exit_code_3(
    base_url: str, student: str, corpora: Path, empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--limit", "3", "--max-tokens", "60"]
    arguments = ["build", str(corpora / "blackwukong.md"), "--base-url", base_url, "--teacher-model", student, *size]
    assert main(arguments) == 3
    assert "Traceback" not in capsys.readouterr().err
    run = empty_home / "runs" / "blackwukong"
    assert not (run / "dataset" / "train.jsonl").exists()
    accounting = read_json(run / "dataset" / "manifest.json")["accounting"]["base_qa"]
    assert accounting["kept"] == 0
    assert accounting["asked"] == accounting["received"] + accounting["short"]
    assert accounting["received"] == accounting["kept"] + accounting["rejected"]
    rejects = read_jsonl(run / "dataset" / "rejected.jsonl")
    replies = [reject for reject in rejects if reject["stage"] == "reply"]
    assert len(replies) == read_json(run / "build.json")["calls_made"] == 9
    assert all(reject["reason"] for reject in replies)
    assert main(arguments) == 3
    assert read_json(run / "build.json")["calls_made"] == 0
