"""What may import what: help is quick, imports between rooms run one way, and the trainer leans on the leaves alone."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PIPELINE, TRAINER = ROOT / "pipeline" / "wukong_pipe", ROOT / "trainer" / "wukong_trainer"
LEAVES = {
    f"wukong_pipe.{name}"
    for name in ("bounded", "errors", "files", "language", "printable", "reasons", "signals", "workspace")
}
"""What both packages stand on."""
FACE = TRAINER / "__init__.py"
"""Names `train` and `evaluate`, which need what the pipeline knows of a run: they stand in its `library`."""
HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "openai",
    "trl",
    "peft",
    "bitsandbytes",
    "scipy",
    "numpy",
    "matplotlib",
    "ray",
}


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


def test_the_list_of_commands_loads_none_of_them() -> None:
    script = "import sys; from wukong_pipe.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    # Settings in the environment are checked against the options of all commands.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("WUKONG_")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=plain)
    loaded = {name for name in done.stderr.split() if name.startswith(("wukong_pipe.", "wukong_trainer."))}
    assert "wukong_pipe.cli.main" in loaded
    assert not {name for name in loaded if name.startswith(("wukong_trainer.", "wukong_pipe.commands."))}


def test_the_packages_load_nothing_before_they_are_asked_for_something() -> None:
    script = "import sys, wukong_pipe, wukong_trainer; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith(("wukong_pipe", "wukong_trainer"))}
    assert loaded == {"wukong_pipe", "wukong_trainer"}
    assert {name.split(".")[0] for name in done.stdout.split()} & HEAVY == set()


@pytest.mark.parametrize(("package", "face"), [("wukong_pipe", PIPELINE / "__init__.py"), ("wukong_trainer", FACE)])
def test_each_public_name_stands_where_the_types_say(package: str, face: Path) -> None:
    module = importlib.import_module(package)
    assert module._PLACES.keys() == {*module.__all__} <= {*dir(module)}
    assert set(module._PLACES.values()) == {name for name in imported_by(face) if name.startswith("wukong_")}
    for name in module.__all__:
        assert getattr(module, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        module.trian  # noqa: B018


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


ROOMS = {
    "wukong_pipe": {
        "conversion": "",
        "corpus": "conversion",
        "dataset": "",
        "journal": "",
        "checks": "corpus",
        "teacher": "corpus journal",
        "providers": "journal teacher",
        "verify": "corpus teacher",
        "embedded": "corpus teacher",
        "stages": "checks corpus dataset teacher verify",
        "asking": "dataset stages teacher verify",
        "edits": "checks dataset stages teacher",
        "account": "asking checks corpus dataset edits journal stages teacher verify",
        "pipeline": "account asking corpus dataset edits stages teacher",
        "cluster": "asking providers stages teacher verify",
        "review": "checks corpus edits stages",
        "review_page": "checks corpus edits review wukong_trainer",
        "commands": (
            "account asking checks cluster corpus dataset edits embedded journal pipeline providers review review_page "
            "stages teacher verify wukong_trainer"
        ),
        "screens": "account commands corpus journal pipeline teacher wukong_trainer",
        "library": "account commands corpus pipeline screens stages wukong_trainer",
        "cli": "commands corpus dataset journal library pipeline screens stages teacher wukong_trainer",
    },
    "wukong_trainer": {
        "hardware": "",
        "recipe": "",
        "scoring": "",
        "data": "recipe",
        "models": "recipe scoring",
        "llama_server": "models",
        "inference": "data models recipe",
        "evaluation": "data hardware inference models scoring",
        "report": "data evaluation hardware scoring",
        "training": "data hardware inference models recipe scoring",
        "use": "data evaluation inference models recipe scoring",
    },
}
"""Each room of a package, and the rooms that it imports; every room stands below those that it imports, and all may
import what is no room here: the leaves."""


def room(module: str) -> str:
    """The folder or file of a package that a module stands in: "corpus" of wukong_pipe.corpus.split."""
    return [*module.split("."), ""][1]


def rooms_imported(package: str, name: str) -> set[str]:
    """The rooms that a room imports; of another package, the package."""
    home = PIPELINE.parent if package == "wukong_pipe" else TRAINER.parent
    files = [*(home / package / name).rglob("*.py")] or [home / package / f"{name}.py"]
    found = set()
    for module in set().union(*map(imported_by, files)):
        if module.startswith("wukong_"):
            found.add(room(module) if module.split(".")[0] == package else module.split(".")[0])
    return found & {*ROOMS[package], "wukong_trainer"} - {name}


@pytest.mark.parametrize(("package", "name"), [(package, name) for package, rooms in ROOMS.items() for name in rooms])
def test_a_room_imports_the_rooms_above_it_in_the_table(package: str, name: str) -> None:
    rooms = list(ROOMS[package])
    imported = rooms_imported(package, name)
    assert imported == {*ROOMS[package][name].split()}
    assert imported - {"wukong_trainer"} <= {*rooms[: rooms.index(name)]}


def test_the_table_names_every_room_but_the_leaves() -> None:
    others = {"__init__", "extras", "hub_upload", "ids", "records", "schema", "secrets", "spilled"}
    leaves = {room(module) for module in LEAVES} | others
    for package, folder in (("wukong_pipe", PIPELINE), ("wukong_trainer", TRAINER)):
        there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
        assert there - leaves - {"recipes"} == {*ROOMS[package]}


@pytest.mark.parametrize("path", sorted({*TRAINER.rglob("*.py")} - {FACE}), ids=lambda path: path.name)
def test_the_trainer_imports_only_the_leaves_of_the_pipeline(path: Path) -> None:
    ours = {f"wukong_pipe.{room(name)}" for name in imported_by(path) if name.split(".")[0] == "wukong_pipe"}
    assert ours <= LEAVES


def test_the_leaves_import_nothing_but_leaves() -> None:
    for leaf in LEAVES:
        name = room(leaf)
        for path in [*(PIPELINE / name).rglob("*.py")] or [PIPELINE / f"{name}.py"]:
            ours = {module for module in imported_by(path) if module.startswith("wukong_")}
            assert {f"wukong_pipe.{room(module)}" for module in ours} <= LEAVES, path


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
