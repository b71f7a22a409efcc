"""The READMEs are true: a newcomer's commands, run as they stand there, in one folder, one after the other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Ran:
    """A folder in which the commands were run, and what each printed."""

    folder: Path
    output: dict[str, str]


def commands(readme: str) -> list[str]:
    """The lines after a `$` in the console blocks."""
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / readme).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return re.findall(r"^\$ (.+)$", "\n".join(blocks), re.MULTILINE)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(ROOT / "corpora", folder / "corpora")
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    output = {}
    for command in commands("README.md"):
        if not command.startswith("make "):
            done = subprocess.run(
                command, shell=True, cwd=folder, env=os.environ | path, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            output[command] = done.stdout + done.stderr
    return Ran(folder, output)


def test_both_readmes_show_the_same_commands_and_the_two_that_do_everything() -> None:
    assert commands("README.md") == commands("README.zh-CN.md")
    assert {"make demo", "make test"} <= set(commands("README.md"))


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_a_readme_shows_a_row_a_verdict_and_a_report_first_and_is_short(readme: str) -> None:
    lines = (ROOT / readme).read_text("utf-8").splitlines()
    assert len(lines) <= 120
    for shown in ('{"instruction": ', " verdict", "![", "](docs/assets/report."):
        assert shown in "\n".join(lines[:30]), shown


def test_every_command_of_the_readme_runs_and_shows_no_traceback(ran: Ran) -> None:
    assert len(ran.output) >= 5
    for command, output in ran.output.items():
        assert "Traceback" not in output, command


def test_the_terminal_is_free_of_library_noise(ran: Ran) -> None:
    for command, output in ran.output.items():
        for noise in ("Warning", "warn(", "it/s]", "examples/s", "kernels"):
            assert noise not in output, f"{command}: {noise}\n{output}"


def test_the_files_the_readme_promises_are_there(ran: Ran) -> None:
    run = ran.folder / "runs" / "apollo"
    for name in ("dataset/train.jsonl", "dataset/rejected.jsonl", "dataset/manifest.json", "dataset/README.md",
                 "adapter/adapter_model.safetensors", "train/recipe.toml", "train/log.jsonl",
                 "eval/answers.jsonl", "eval/metrics.json", "report.html"):  # fmt: skip
        assert (run / name).is_file(), name
    assert (ran.folder / "runs" / "journal.sqlite").is_file()


def test_the_evaluation_names_a_verdict_and_leakage(ran: Ran) -> None:
    output = ran.output["wukong-pipe eval"]
    assert re.search("better|worse|no evidence|too few sections", output)
    assert "Leakage: none" in output


def test_the_files_that_the_readmes_link_to_exist() -> None:
    for readme in ("README.md", "README.zh-CN.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / readme).read_text("utf-8")):
            assert "://" in link or (ROOT / link).exists(), link


def test_contributing_names_every_file_and_room_of_both_houses() -> None:
    table = re.findall(
        r"^\| in `(\S+)` \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
    )
    assert [folder for folder, _ in table] == ["pipeline/wukong_pipe", "trainer/wukong_trainer"]
    for folder, rows in table:
        there = {f"{path.name}/" for path in (ROOT / folder).iterdir() if path.is_dir() and path.name != "__pycache__"}
        there |= {path.name for path in (ROOT / folder).glob("[a-z]*.py")}
        assert set(re.findall(r"`([\w.]+/?)`", rows)) == there
