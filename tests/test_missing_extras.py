"""What works without extras, and what a command says that needs one: the command which installs it, and nothing else.

Installed is everything; what the named extras would not bring cannot be imported.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.installed import modules_missing

COMMAND = """
import sys

absent = set(sys.argv[1].split(","))

class Present:  # A finder that does not see what is absent.
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, *rest):
        return None if name.split(".")[0] in absent else self.finder.find_spec(name, *rest)

for name in absent & {*sys.modules}:
    del sys.modules[name]
sys.meta_path[:] = map(Present, sys.meta_path)
from wukong_pipe.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a run was built without extras."""
    folder = tmp_path_factory.mktemp("without_extras")
    (folder / "book.md").write_text("# Book\n\nThe dome is a roof of glass. The ring is a band of gold.\n")
    done = run(folder, "build book.md --teacher offline")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, command: str, *extras: str) -> subprocess.CompletedProcess[str]:
    """Run a command where these extras alone are installed."""
    absent = ",".join(sorted(modules_missing(*extras)))
    return subprocess.run(
        [sys.executable, "-c", COMMAND, absent, *command.split()], cwd=folder, capture_output=True, text=True
    )


def names(sentence: str, extras: str) -> bool:
    """Whether it ends with what installs these extras; from where depends on where this one came from."""
    return re.search(rf", which is not installed: pip install '[^']+\[{extras}\]'\.$", sentence) is not None


def test_what_the_extras_bring_is_absent_here_and_what_every_installation_has_is_not() -> None:
    assert modules_missing() > {"torch", "transformers", "scipy", "sacrebleu", "jinja2", "starlette", "markitdown"}
    assert not modules_missing() & {"click", "openai", "pydantic", "numpy", "rich", "wukong_pipe", "wukong_trainer"}
    assert not modules_missing("review") & {"starlette", "uvicorn", "jinja2", "markupsafe"}


@pytest.mark.parametrize(
    "command", ["inspect", "runs", "journal", "recipes", "eval --history", "recipes tiny", "completion bash"]
)
def test_what_reads_a_run_needs_no_extra(folder: Path, command: str) -> None:
    done = run(folder, command)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "extras"),
    [
        ("demo", "train"),
        ("train", "train"),
        ("eval", "train"),
        ("report", "report"),
        ("review", "review"),
        ("review --answers", "review,report"),
        ("ask Why?", "train"),
        ("chat", "train"),
        ("export", "train"),
        ("export --gguf q8_0", "train,gguf"),
        ("serve --port 0", "train,serving"),
        ("serve --engine llamacpp", "train,gguf"),
    ],
)
def test_a_command_names_all_the_extras_that_it_needs(folder: Path, command: str, extras: str) -> None:
    done = run(folder, command)
    assert done.returncode == 1
    (sentence,) = [line for line in done.stderr.splitlines() if "Error" in line]
    assert sentence.startswith("Error: This command needs ")
    assert names(sentence, extras), sentence
    assert done.stderr.splitlines()[-1] == sentence


def test_the_demo_says_so_before_it_builds_anything(folder: Path) -> None:
    assert run(folder, "demo --run early").returncode == 1
    assert not (folder / "runs" / "early").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "extras"), [("serve --port 0", "train,serving"), ("export --gguf q8_0", "train,gguf")]
)
def test_where_training_is_installed_the_sentence_is_the_same(folder: Path, command: str, extras: str) -> None:
    done = run(folder, command, "train")
    assert done.returncode == 1
    assert names(done.stderr.splitlines()[-1], extras), done.stderr


@pytest.mark.slow
def test_the_report_needs_its_extra_alone(folder: Path) -> None:
    done = run(folder, "report", "report")
    assert done.returncode == 0, done.stderr
    assert (folder / "runs" / "book" / "report.html").is_file()
