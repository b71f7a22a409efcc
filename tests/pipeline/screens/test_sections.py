"""`wukong-pipe inspect`: sections in numbers; one with its evidence, pairs and rejects; nothing that moves a cursor."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from wukong_pipe.cli.main import main
from wukong_pipe.screens.section_contents import contents_of, matching, section_overviews
from wukong_pipe.screens.sections import overview_table, show_section
from wukong_pipe.workspace import Run, Workspace, jsonl, read_json, read_jsonl

pytestmark = pytest.mark.usefixtures("workspace")

BOOK = (
    "# 书\n\n## 一\n\n石甲的兵器是乙刀。石丙的住处是丁山。\n\n"
    "## 二\n\n石戊的坐骑是己马。\n\n## 二十\n\n石庚的师父是辛翁。\n"
)


@pytest.fixture
def workspace(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a built dataset in runs/book, in which the test stands."""
    (empty_home / "book.md").write_text(BOOK, "utf-8")
    assert main(["build", "book.md", "--teacher", "offline", "--variants", "5", "--min-fill", "0"]) == 0
    capsys.readouterr()
    return empty_home


@pytest.fixture
def run() -> Run:
    return Workspace(Path("runs")).last_run()


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["inspect", *arguments]) == 0
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(shown(capsys, *arguments, "--json"))


def change_rows(run: Run, name: str, **fields: Any) -> None:
    """Give all rows of a file these fields."""
    path = run.dataset / name
    path.write_text(jsonl(row | fields for row in read_jsonl(path)), "utf-8")


# --- all sections ----------------------------------------------------------------------------------------------


def test_every_section_that_was_asked_about_has_a_line_that_agrees_with_the_dataset(
    capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    sections = as_json(capsys)["sections"]
    assert [(one["number"], one["title"], one["lines"]) for one in sections] == [
        (1, "书 › 一", [3, 5]),
        (2, "书 › 二", [7, 9]),
        (3, "书 › 二十", [11, 13]),
    ]
    manifest = read_json(run.manifest)
    for split, rows in manifest["splits"].items():
        assert sum(one["rows"][split] for one in sections) == rows
    assert sum(one["kept"] for one in sections) == manifest["accounting"]["base_qa"]["kept"]
    assert sum(one["rejects"] for one in sections) == len(read_jsonl(run.dataset / "rejected.jsonl"))
    assert [one["units"] for one in sections] == [2, 1, 1]
    table = shown(capsys).splitlines()
    assert len(table) == 1 + len(sections)
    assert "书 › 一" in table[1]
    assert "book.md:3-5" in table[1]


def test_a_section_is_named_by_its_number_its_id_its_title_or_a_part_of_it() -> None:
    sections = section_overviews(Workspace(Path("runs")).last_run())
    for wanted in ("3", sections[2].id, "书 › 二十", "二十", "十"):
        assert matching(sections, wanted) == [sections[2]]
    assert matching(sections, "二") == [sections[1]]


def test_words_of_several_titles_list_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["number"] for one in as_json(capsys, "书")["sections"]] == [1, 2, 3]
    assert len(shown(capsys, "书 ›").splitlines()) == 4


# --- one section -----------------------------------------------------------------------------------------------


def test_a_section_is_shown_with_its_lines_evidence_pairs_and_wordings(
    capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    lines = shown(capsys, "1").splitlines()
    assert lines[0].startswith("书 › 一  book.md:3-5")
    assert "3 │ ## 一" in lines
    assert "5 │ ⟦石甲的兵器是乙刀。⟧⟦石丙的住处是丁山。⟧" in lines
    assert any(line.startswith("1. 乙刀  line 5") for line in lines)
    rows = [row for name in ("train.jsonl", "test.jsonl") for row in read_jsonl(run.dataset / name)]
    assert {row["kind"] for row in rows} == {"base", "paraphrase"}
    for number, name in enumerate(("一", "二", "二十"), start=1):
        lines = shown(capsys, str(number)).splitlines()
        for row in (row for row in rows if row["heading_path"] == ["书", name]):
            where = f"{row['split']} {row['level']}".strip()
            (line,) = (line for line in lines if line.endswith(row["id"]))
            assert line.strip().startswith(where)
            assert row["instruction"] in line


def test_wordings_of_an_answer_are_listed_once_and_named_beside_the_rows_that_take_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--teacher", "offline", "--variants", "5", "--holdout", "0", "--answer-variants", "1"]
    assert main(["build", "book.md", *options]) == 0
    capsys.readouterr()
    pair = as_json(capsys, "1")["pairs"][0]
    assert pair["answers"] == [pair["answer"], "石甲的兵器是乙刀。"]
    assert {row["output"] for row in pair["rows"]} == set(pair["answers"])
    lines = shown(capsys, "1").splitlines()
    assert sum(line.strip() == "(2) → 石甲的兵器是乙刀。" for line in lines) == 1
    for row in pair["rows"]:
        (line,) = (line for line in lines if line.endswith(row["id"]))
        assert ("→ (2)" in line) == (row["output"] != pair["answer"])


def test_the_json_of_a_section_holds_its_text_and_where_the_evidence_stands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = as_json(capsys, "1")
    spans = [one["text"][begin:end] for begin, end in one["evidence"]]
    assert spans == ["石甲的兵器是乙刀。", "石丙的住处是丁山。"]
    assert {row["id"] for pair in one["pairs"] for row in pair["rows"]}
    assert one["problem"] == ""


def test_a_reject_is_shown_with_stage_reason_and_what_it_was(capsys: pytest.CaptureFixture[str], run: Run) -> None:
    section = section_overviews(run)[1]
    reject = {
        "stage": "base_qa", "reason": "number 42 is not in the source", "candidate": {"question": "石戊几岁？"},
        "reply": "…", "section_id": section.id,
    }  # fmt: skip
    unread = {"stage": "reply", "reason": "no JSON", "candidate": {}, "reply": "对不起", "section_id": section.id}
    (run.dataset / "rejected.jsonl").write_text(jsonl([reject, unread, reject | {"section_id": "another"}]), "utf-8")
    lines = [line.strip() for line in shown(capsys, "2").splitlines()]
    at = lines.index("2 rejected:")
    assert lines[at + 1 :] == ["base_qa  number 42 is not in the source", "石戊几岁？", "reply  no JSON", "对不起"]
    assert as_json(capsys, "2")["rejected"] == [reject, unread]


def test_evidence_that_stands_twice_is_marked_in_the_rows_own_lines() -> None:
    Path("twice.md").write_text("# 书\n\n石甲的兵器是乙刀。\n\n石甲的兵器是乙刀。\n", "utf-8")
    assert main(["build", "twice.md", "--teacher", "offline", "--variants", "2", "--min-fill", "0"]) == 0
    run = Workspace(Path("runs")).last_run()
    change_rows(run, "train.jsonl", lines=[5, 5], evidence=["石甲的兵器是乙刀。"])
    contents = contents_of(run, section_overviews(run)[0], None, "utf-8")
    assert contents.section
    assert [contents.section.lines_of(*span) for span in contents.evidence] == [(5, 5)]


def test_on_a_terminal_evidence_is_coloured_and_without_colours_marked(run: Run) -> None:
    contents = contents_of(run, section_overviews(run)[0], None, "utf-8")

    def printed(**settings: Any) -> str:
        console = Console(file=io.StringIO(), force_terminal=True, soft_wrap=True, highlight=False, **settings)
        show_section(contents, console)
        file = console.file
        assert isinstance(file, io.StringIO)
        return file.getvalue()

    assert "\x1b[30;43m石甲的兵器是乙刀。\x1b[0m" in printed(color_system="standard")
    for settings in ({"color_system": None}, {"color_system": "standard", "no_color": True}):
        assert "⟦石甲的兵器是乙刀。⟧" in printed(**settings)


# --- the source ------------------------------------------------------------------------------------------------


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


# --- what must not reach a terminal ----------------------------------------------------------------------------

BAD = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\ud83d\x00\r\x08"


def test_no_field_of_a_row_or_reject_brings_a_control_character_or_markup_to_the_terminal(
    capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    section = section_overviews(run)[0].id
    bad = BAD.replace("\ud83d", "") + "[bold red]x[/]"
    change_rows(run, "train.jsonl", instruction=bad, output=bad, level=bad)
    reject = {"stage": bad, "reason": bad, "candidate": {"question": bad}, "reply": bad, "section_id": section}
    other = reject | {"candidate": {}}
    (run.dataset / "rejected.jsonl").write_text(jsonl([reject, other]), "utf-8")
    text = shown(capsys, "1")
    assert "[bold red]x[/]" in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_a_title_with_control_characters_is_spelt_out_in_the_table(run: Run) -> None:
    overview = replace(section_overviews(run)[0], title="甲\x1b[2J")
    console = Console(file=io.StringIO(), width=160)
    console.print(overview_table([overview]))
    file = console.file
    assert isinstance(file, io.StringIO)
    assert "甲\\x1b[2J" in file.getvalue()


# --- what cannot be shown --------------------------------------------------------------------------------------


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
