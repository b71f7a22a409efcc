"""What is installed: the wheel holds every module, prompt and recipe, and no package of a common name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The wheel built from a copy of the tree."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pipeline", "trainer", "prompts", "corpora"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(tree)],
        check=True,
        capture_output=True,
    )
    (file,) = (tree / "dist").glob("*.whl")
    return zipfile.Path(file)


def names_in(wheel: zipfile.Path) -> set[str]:
    return {name for name in wheel.root.namelist() if ".dist-info/" not in name}


@pytest.mark.parametrize(
    ("folder", "package", "pattern"),
    [
        ("pipeline/wukong_pipe", "wukong_pipe", "*.py"),
        ("trainer/wukong_trainer", "wukong_trainer", "*.py"),
        ("prompts", "wukong_pipe/prompts", "*.md"),
        ("corpora", "wukong_pipe/corpora", "*.md"),
        ("trainer/wukong_trainer/recipes", "wukong_trainer/recipes", "*.toml"),
        ("trainer/wukong_trainer", "wukong_trainer", "*.j2"),
        ("trainer/wukong_trainer", "wukong_trainer", "*.css"),
        ("trainer/wukong_trainer", "wukong_trainer", "*.js"),
        ("trainer/wukong_trainer", "wukong_trainer", "*.jsonl"),
        ("trainer/wukong_trainer", "wukong_trainer", "*.toml"),
        ("pipeline/wukong_pipe", "wukong_pipe", "py.typed"),
        ("trainer/wukong_trainer", "wukong_trainer", "py.typed"),
    ],
)
def test_the_wheel_holds_every_file_of_its_packages(
    wheel: zipfile.Path, folder: str, package: str, pattern: str
) -> None:
    expected = {f"{package}/{path.name}" for path in (ROOT / folder).glob(pattern)}
    assert expected
    assert expected <= names_in(wheel)


def test_the_wheel_claims_no_package_but_its_own(wheel: zipfile.Path) -> None:
    assert {name.split("/")[0] for name in names_in(wheel)} == {"wukong_pipe", "wukong_trainer"}


def test_the_command_is_installed(wheel: zipfile.Path) -> None:
    (entry,) = [name for name in wheel.root.namelist() if name.endswith("entry_points.txt")]
    assert "wukong-pipe = wukong_pipe.cli:main" in wheel.root.read(entry).decode()
