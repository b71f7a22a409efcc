"""What is installed: the wheel holds every module, prompt and recipe, and no package of a common name."""

from __future__ import annotations

import os
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
    """The wheel, built from the sdist of a copy of the tree: what the sdist lacks, the wheel lacks, too."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pipeline", "trainer", "prompts", "corpora", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", str(tree)],
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


@pytest.fixture(scope="module")
def installed(wheel: zipfile.Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip installed the wheel into, without its dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    subprocess.run([*pip, str(wheel.root.filename)], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        "--version",
        "build book.md --teacher offline",
        "build book.md --dry-run --run prompts",
        "recipes tiny",
        "review --help",
        "demo --help",
        "report",
    ],
)
def test_the_command_runs_outside_of_the_checkout(installed: Path, tmp_path: Path, arguments: str) -> None:
    (tmp_path / "book.md").write_text("# Book\n\nThe dome is a roof of glass. The ring is a band of gold.\n")
    if arguments == "report":
        run_installed(installed, tmp_path, "build book.md --teacher offline")
    run_installed(installed, tmp_path, arguments)


def test_it_finds_its_data_beside_its_code(installed: Path, tmp_path: Path) -> None:
    shown = run_installed(
        installed,
        tmp_path,
        "import wukong_pipe, wukong_trainer; from importlib.resources import files; print(wukong_pipe.__file__,"
        " wukong_trainer.__file__, files('wukong_pipe.corpora') / 'apollo.md', sep='\\n')",
        "-c",
    )
    assert all(line.startswith(str(installed)) for line in shown.splitlines())


def run_installed(installed: Path, folder: Path, arguments: str, how: str = "-m") -> str:
    """What the installed package prints in a folder; it stands before the checkout on Python's path."""
    command = ["wukong_pipe.cli", *arguments.split()] if how == "-m" else [arguments]
    done = subprocess.run(
        [sys.executable, how, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
