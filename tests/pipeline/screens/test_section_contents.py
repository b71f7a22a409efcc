"""What is known of a section is read from the run and its sources, wherever these stand now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.inspected import BOOK, as_json, change_rows, shown
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json
from wukong_pipe.screens.section_contents import contents_of, matching, section_overviews
from wukong_pipe.workspace import Run, Workspace

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_section_is_named_by_its_number_its_id_its_title_or_a_part_of_it() -> None:
    sections = section_overviews(Workspace(Path("runs")).last_run())
    for wanted in ("3", sections[2].id, "书 › 二十", "二十", "十"):
        assert matching(sections, wanted) == [sections[2]]
    assert matching(sections, "二") == [sections[1]]


def test_the_json_of_a_section_holds_its_text_and_where_the_evidence_stands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = as_json(capsys, "1")
    spans = [one["text"][begin:end] for begin, end in one["evidence"]]
    assert spans == ["石甲的兵器是乙刀。", "石丙的住处是丁山。"]
    assert {row["id"] for pair in one["pairs"] for row in pair["rows"]}
    assert one["problem"] == ""


def test_evidence_that_stands_twice_is_marked_in_the_rows_own_lines() -> None:
    Path("twice.md").write_text("# 书\n\n石甲的兵器是乙刀。\n\n石甲的兵器是乙刀。\n", "utf-8")
    assert main(["build", "twice.md", "--teacher", "offline", "--variants", "2", "--min-fill", "0"]) == 0
    run = Workspace(Path("runs")).last_run()
    change_rows(run, "train.jsonl", lines=[5, 5], evidence=["石甲的兵器是乙刀。"])
    contents = contents_of(run, section_overviews(run)[0], None, "utf-8")
    assert contents.section
    assert [contents.section.lines_of(*span) for span in contents.evidence] == [(5, 5)]


def test_the_source_is_found_from_another_folder_and_where_it_was_moved(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "elsewhere").mkdir()
    monkeypatch.chdir(workspace / "elsewhere")
    assert "⟦石甲" in shown(capsys, "1", "--runs-dir", "../runs")
    (workspace / "book.md").rename("book.md")
    missing = shown(capsys, "1", "--runs-dir", "../runs")
    assert "book.md does not exist. Its text can be shown where --source names the file" in missing
    assert "“石甲的兵器是乙刀。”" in missing
    for place in (".", "book.md"):
        assert "⟦石甲" in shown(capsys, "1", "--runs-dir", "../runs", "--source", place)


def test_a_changed_source_shows_the_sections_that_have_not_changed_with_the_lines_of_the_build(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "book.md").write_text(BOOK.replace("# 书\n", "# 书\n\n\n").replace("己马", "白马"), "utf-8")
    same = shown(capsys, "1")
    assert "book.md has changed since the build, but not in this section." in same
    assert "5 │ ⟦石甲" in same
    other = shown(capsys, "二")
    assert "book.md has changed since the build, and this section with it" in other
    assert "⟦" not in other
    assert "“石戊的坐骑是己马。”" in other
    assert "白马" not in other


def test_a_source_in_another_encoding_is_read_as_it_was_built(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "gb.md").write_bytes(BOOK.encode("gb18030"))
    build = ["build", "gb.md", "--teacher", "offline", "--variants", "2", "--min-fill", "0", "--encoding", "gb18030"]
    assert main(build) == 0
    capsys.readouterr()
    assert "is not utf-8 but looks like gb18030" in shown(capsys, "1")
    assert "⟦石甲" in shown(capsys, "1", "--encoding", "gb18030")


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["inspect", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


def test_what_cannot_be_shown_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str], run: Run) -> None:
    assert "No section is called “不在”: `wukong-pipe inspect` lists them." in failed(capsys, "不在")
    assert "There is no run “none” in runs; there are " in failed(capsys, "--run", "none")
    (run.folder.parent / "none").mkdir()
    assert "The run “none” has no dataset" in failed(capsys, "--run", "none")
    path = run.dataset / "train.jsonl"
    path.write_text('{"instruction": "?"}\n')
    assert "train.jsonl, line 1 has no “id”; restore it or build again." in failed(capsys)
    path.unlink()
    manifest = read_json(run.manifest)
    run.manifest.write_text(json.dumps(manifest | {"quota": [{"section": "书"}]}))
    assert "is not as this version writes it: build again" in failed(capsys)
