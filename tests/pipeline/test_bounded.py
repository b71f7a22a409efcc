"""Files of any depth, size and bytes are told in one sentence that names them, whatever command reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.building import files_in
from wukong_pipe import bounded
from wukong_pipe.cli.main import main
from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.workspace import Workspace

BOOK = "# T\n\nThe Kelmar weighs 417 kilograms. The Sorvan weighs 318 kilograms.\n"
BUILD = ["build", "k.md", "--teacher", "offline", "--variants", "1"]
DEEP = "nested more than 64 levels deep"


@pytest.fixture
def workspace(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a run, in which the test stands."""
    (empty_home / "k.md").write_text(BOOK)
    assert main(BUILD) == 0
    capsys.readouterr()
    return empty_home


def nested(levels: int) -> str:
    """An object with lists in lists."""
    return f'{{"sources": {"[" * levels}{"]" * levels}}}\n'


@pytest.mark.parametrize("levels", [100, 700, 900, 100_000])
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("k/dataset/manifest.json", ["inspect"]),
        ("k/dataset/manifest.json", BUILD),
        ("k/dataset/manifest.json", ["report"]),
        ("k/dataset/train.jsonl", ["inspect"]),
        ("k/dataset/rejected.jsonl", ["inspect", "1"]),
        ("k/build.json", ["inspect", "1"]),
        ("k/edits.jsonl", BUILD),
        ("k/train/log.jsonl", ["report"]),
        ("k/eval/metrics.json", ["report"]),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_a_file_that_is_nested_too_deeply_is_one_sentence(
    name: str, command: list[str], levels: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("runs", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nested(levels))
    assert main(command) == 1
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert shown.splitlines()[-1].startswith(f"Error: {path}")
    assert DEEP in shown


@pytest.mark.parametrize("name", ["dataset/manifest.json", "adapter/wukong.json", "eval/metrics.json"])
@pytest.mark.usefixtures("workspace")
def test_of_a_run_with_such_a_file_the_others_are_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("runs/k", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nested(900))
    assert main(["runs"]) == 0
    shown = capsys.readouterr()
    assert "* k" in " ".join(shown.out.split())
    assert f"{path} cannot be read ({DEEP})" in shown.err


@pytest.mark.parametrize(
    "value", ["[]", "5", "null", '{"sources": 5, "splits": []}', '{"sources": [5], "splits": {"a": "b"}}']
)
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("k/dataset/manifest.json", ["inspect"]),
        ("k/dataset/manifest.json", BUILD),
        ("k/dataset/manifest.json", ["report"]),
        ("k/build.json", ["inspect", "1"]),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_a_file_that_holds_other_things_than_were_written_is_one_sentence(
    name: str, command: list[str], value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("runs", name).write_text(value)
    assert main(command) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"Error: runs/{name} ")
    assert main(["runs"]) == 0


@pytest.mark.usefixtures("workspace")
def test_settings_that_are_nested_too_deeply_are_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("wukong.toml").write_text(f"[build]\nvariants = {'[' * 5000}{']' * 5000}\n")
    assert main(["runs"]) == 1
    assert capsys.readouterr().err == "Error: wukong.toml is not valid TOML: it is nested too deeply.\n"


@pytest.mark.parametrize("marker", [b"\xff\xfe\x00k", b"../outside/k", b"/etc", b"", b".", b"k\x1b[2J", b"gone"])
def test_a_note_of_the_last_run_that_names_none_here_is_one_sentence(
    workspace: Path, marker: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = workspace / "outside" / "k" / "dataset"
    outside.mkdir(parents=True)
    (outside / "manifest.json").write_text(Path("runs/k/dataset/manifest.json").read_text())
    Path("runs/.last").write_bytes(marker)
    before = files_in(workspace)
    assert main(["inspect"]) == 1
    assert capsys.readouterr().err.startswith("Error: There is no run in runs:")
    assert main(["runs"]) == 0
    assert files_in(workspace) == before


@pytest.mark.parametrize(
    "name", ["x y", " ", "", "-rf", "--help", "$(id)", "a;b", "../x", "a/b", ".x", "x\n", "*", "甲“乙"]
)
def test_what_a_shell_or_a_folder_might_take_for_another_thing_is_no_run_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(WorkspaceError, match="is no run name: use letters, digits, dots, dashes and underscores"):
        Workspace(tmp_path).run(name)


@pytest.mark.parametrize("name", ["k", "黑神话", "हिन्दी", "v1.2_b-3", "7"])
def test_letters_of_any_script_digits_dots_dashes_and_underscores_name_a_run(tmp_path: Path, name: str) -> None:
    assert Workspace(tmp_path).run(name).name == name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my notes.md", "my-notes"),
        ("黑神话：悟空.md", "黑神话-悟空"),
        ("-rf.md", "rf"),
        ("($).md", "run"),
        ("长" * 80 + ".md", "长" * 40),
    ],
)
def test_a_run_is_named_after_its_file_with_dashes_for_what_no_name_may_hold(
    tmp_path: Path, file: str, name: str
) -> None:
    assert Workspace(tmp_path / "runs").run_after(tmp_path / file).name == name


def test_a_run_whose_name_is_none_any_more_is_still_found(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    (tmp_path / "my notes").mkdir()
    workspace.remember(workspace.existing_run("my notes"))
    assert workspace.last_run() == workspace.existing_run("my notes") == workspace.run_after(Path("my notes.md"))
    assert workspace.run("my notes") == workspace.last_run()


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("command", [["inspect"], BUILD])
def test_a_name_too_long_for_a_folder_is_no_run_name(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--run", "x" * 300]) == 1
    assert "is no run name" in capsys.readouterr().err


def test_a_file_and_a_line_that_are_too_long_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n' + json.dumps({"a": "x" * 3 * bounded.MIB}) + "\n")
    assert len(read_jsonl(path)) == 2
    assert list(bounded.lines(path)) == path.read_bytes().splitlines(keepends=True)
    with pytest.raises(DataError, match=r"rows\.jsonl, line 2 is longer than 1 MiB"):
        list(bounded.lines(path, bounded.MIB))
    with pytest.raises(DataError, match=r"rows\.jsonl is longer than 1 MiB"):
        bounded.read_bytes(path, bounded.MIB)


def test_an_endless_file_is_not_read_to_its_end(capsys: pytest.CaptureFixture[str], empty_home: Path) -> None:
    (empty_home / "zeros.md").symlink_to("/dev/zero")
    assert main(["build", "zeros.md", "--teacher", "offline"]) == 1
    assert "zeros.md is longer than 256 MiB" in capsys.readouterr().err


def test_a_number_of_any_length_is_told_in_few_words(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("1" * 5000)
    with pytest.raises(DataError, match=r"a\.json cannot be read \(a number of more digits"):
        read_json(path)


def test_64_levels_are_read() -> None:
    assert bounded.parse("[" * 64 + "]" * 64)
    with pytest.raises(bounded.TooDeepError):
        bounded.parse("[" * 65 + "]" * 65)
