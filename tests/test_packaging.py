"""What is installed: the wheel holds every module, prompt and recipe, and no package of a common name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The wheel built from a copy of the tree."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pipeline", "trainer", "prompts", "corpora", "docs"):
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
    ("folder", "package"),
    [
        ("pipeline/wukong_pipe", "wukong_pipe"),
        ("trainer/wukong_trainer", "wukong_trainer"),
        ("prompts", "wukong_pipe/prompts"),
        ("corpora", "wukong_pipe/corpora"),
    ],
)
def test_the_wheel_holds_every_file_of_its_packages(wheel: zipfile.Path, folder: str, package: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert files
    assert {f"{package}/{path.relative_to(ROOT / folder).as_posix()}" for path in files} <= names_in(wheel)


def test_the_wheel_claims_no_package_but_its_own(wheel: zipfile.Path) -> None:
    assert {name.split("/")[0] for name in names_in(wheel)} == {"wukong_pipe", "wukong_trainer"}


def test_the_command_is_installed(wheel: zipfile.Path) -> None:
    (entry,) = [name for name in wheel.root.namelist() if name.endswith("entry_points.txt")]
    assert "wukong-pipe = wukong_pipe.cli.main:main" in wheel.root.read(entry).decode()
