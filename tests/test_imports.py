"""What may import what: help is quick, and the trainer leans on the leaves alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PIPELINE, TRAINER = ROOT / "pipeline" / "wukong_pipe", ROOT / "trainer" / "wukong_trainer"
LANGUAGE = {f"wukong_pipe.language.{path.stem}" for path in (PIPELINE / "language").glob("*.py")}
LEAVES = LANGUAGE | {f"wukong_pipe.{name}" for name in ("bounded", "errors", "printable", "workspace")}
HEAVY = {"torch", "transformers", "datasets", "openai", "trl", "peft", "bitsandbytes", "scipy", "numpy", "matplotlib"}


def imported_by(path: Path) -> set[str]:
    """The modules that a file imports anywhere, by full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            module = node.module or ""
            found |= {f"{module}.{name.name}" for name in node.names} if _is_package(module) else {module}
    return found


def _is_package(module: str) -> bool:
    return any(
        (folder / module.replace(".", "/") / "__init__.py").exists() for folder in (PIPELINE.parent, TRAINER.parent)
    )


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["train", "--help"]])
def test_help_loads_none_of_the_heavy_libraries(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wukong_pipe.cli", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.split("\n")}
    assert "click" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["report"], ["eval", "--history"]], ids=" ".join)
def test_what_only_reads_a_run_needs_neither_torch_nor_the_libraries_of_training(
    empty_home: Path, arguments: list[str]
) -> None:
    (empty_home / "book.md").write_text("# Book\n\nThe dome is a roof of glass. The ring is a band of gold.\n")
    command = [sys.executable, "-c", WITHOUT_TRAINING]
    for words in (["build", "book.md", "--teacher", "offline"], arguments):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


WITHOUT_TRAINING = """
import sys

class Absent:
    @staticmethod
    def find_spec(name, *_):
        if name.split(".")[0] in {"torch", "transformers", "datasets", "trl", "peft", "bitsandbytes", "pyarrow"}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent)
from wukong_pipe.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""The command line where those cannot be imported, as without the extra `train`."""


@pytest.mark.parametrize("path", sorted(TRAINER.rglob("*.py")), ids=lambda path: path.name)
def test_the_trainer_imports_only_the_leaves_of_the_pipeline(path: Path) -> None:
    ours = {name for name in imported_by(path) if name.split(".")[0] == "wukong_pipe"}
    assert ours <= LEAVES


@pytest.mark.parametrize("name", ["errors", "printable"])
def test_the_leaves_import_nothing_of_ours(name: str) -> None:
    assert not {module for module in imported_by(PIPELINE / f"{name}.py") if module.startswith("wukong_")}


@pytest.mark.parametrize("name", sorted(LANGUAGE))
def test_the_room_of_language_imports_only_itself(name: str) -> None:
    path = PIPELINE / "language" / f"{name.rpartition('.')[2]}.py"
    assert {module for module in imported_by(path) if module.startswith("wukong_")} <= LANGUAGE


def test_nothing_imports_in_a_circle() -> None:
    graph = {
        ".".join(path.relative_to(folder.parent).with_suffix("").parts): imported_by(path)
        for folder in (PIPELINE, TRAINER)
        for path in folder.rglob("*.py")
    }
    done: set[str] = set()

    def walk(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " → ".join([*above, module])
        if module not in done:
            for name in sorted(graph[module] & set(graph)):
                walk(name, (*above, module))
            done.add(module)

    for module in graph:
        walk(module, ())
    assert done == set(graph)
