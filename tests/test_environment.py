"""The suite says the same whatever the shell that it is started from says to programs."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
TOLD = {
    "COLUMNS": "20",
    "FORCE_COLOR": "1",
    "TERM": "xterm-256color",
    "LC_ALL": "C",
    "TZ": "Asia/Shanghai",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "HF_HUB_OFFLINE": "1",
    "AI_AGENT": "somebody",
    "OPENAI_API_KEY": "sk-of-somebody",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "WUKONG_BUILD_VARIANTS": "1",
    "WUKONG_NO_SUCH_OPTION": "1",
    "ACCELERATE_MIXED_PRECISION": "fp16",
}
"""Each of them changes what the programs under test, or the libraries below them, do or print."""
TESTS = (
    "tests/pipeline/dataset/test_hub.py::test_the_command_creates_a_private_dataset_and_commits_just_the_files_on_the_list",
    "tests/pipeline/cli/test_main.py::test_a_build_says_what_it_made_and_what_comes_next",
    "tests/pipeline/cli/test_main.py::test_the_teachers_own_variables_come_last",
    "tests/pipeline/screens/test_evaluation.py",
)


def test_tests_depend_on_no_variable_of_the_environment_and_on_no_token_or_cache_at_home(tmp_path: Path) -> None:
    token = tmp_path / ".cache" / "huggingface" / "token"
    token.parent.mkdir(parents=True)
    token.write_text("hf_of_somebody")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS],
        cwd=ROOT,
        env=os.environ | TOLD | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_tests_depend_on_no_terminal_that_they_are_started_from() -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-s",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/pipeline/cli/test_recipes.py",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    assert process.returncode == 0, shown.decode()


def read(terminal: int) -> bytes:
    """What was written to it next; b"" once nobody can write any more."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
