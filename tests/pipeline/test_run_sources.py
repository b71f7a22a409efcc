"""The sources of a run, read again where its last build found them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wukong_pipe.errors import DataError
from wukong_pipe.run_sources import source_texts
from wukong_pipe.workspace import Workspace, write_json


def test_they_are_given_by_name_as_they_are_now_and_those_that_are_gone_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text("# 甲\n\n正文。\n", "utf-8")
    run = Workspace(tmp_path / "runs").run("r")
    assert list(source_texts(run)) == []
    (tmp_path / "now_a_folder.md").mkdir()
    for name in ("a.md", "b.md"):
        (tmp_path / "now_a_folder.md" / name).write_text("正文。\n", "utf-8")
    places = {f"part/{name}": str(tmp_path / name) for name in ("here.md", "gone.md", "now_a_folder.md")}
    write_json(run.folder / "build.json", {"sources": places})
    assert list(source_texts(run)) == [("part/here.md", "# 甲\n\n正文。\n")]


def test_notes_that_are_no_json_are_an_error(tmp_path: Path) -> None:
    run = Workspace(tmp_path / "runs").run("r")
    run.folder.mkdir(parents=True)
    (run.folder / "build.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match="is not valid JSON"):
        list(source_texts(run))
