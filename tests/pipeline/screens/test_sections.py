"""`wukong-pipe inspect`: sections in numbers; one with its evidence, pairs and rejects; nothing that moves a cursor."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.support.inspected import BOOK, as_json, change_rows, shown
from wukong_pipe.cli.main import main
from wukong_pipe.files import jsonl, read_json, read_jsonl
from wukong_pipe.screens.section_contents import contents_of, section_overviews
from wukong_pipe.screens.sections import overview_table, show_section
from wukong_pipe.workspace import Run

pytestmark = pytest.mark.usefixtures("workspace")

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
    assert {row["variant"] for row in rows} == {"base", "paraphrase"}
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


@pytest.mark.parametrize(
    ("stage", "candidate", "expected"),
    [
        ("base_qa", {"question": "石戊几岁？", "answer": "42岁"}, ["石戊几岁？ → 42岁"]),
        (
            "paraphrase",
            {"base": "石戊骑什么？", "question": "石戊爱骑什么？"},
            ["石戊爱骑什么？", "base: 石戊骑什么？"],
        ),
        (
            "answers",
            {"question": "石戊骑什么？", "base": "己马", "answer": "白马。"},
            ["石戊骑什么？ → 白马。", "base: 己马"],
        ),
        (
            "spellings",
            {"question": "石戊骑什么？", "fact": "己马", "spelling": "马"},
            ["石戊骑什么？ → 己马 → 马"],
        ),
        ("spellings", {"fact": 1, "words": "己马"}, ["{'fact': 1, 'words': '己马'}"]),
        ("surplus", {"item": "石戊"}, ["石戊"]),
        ("base_qa", {"quest": "石戊？"}, ["{'quest': '石戊？'}"]),
        ("base_qa", {"pair_id": ["x"], "question": 7}, ["7"]),
        ("base_qa", {"pair_id": ["x"], "kind": []}, ["{'pair_id': ['x'], 'kind': []}"]),
        ("base_qa", ["edited by hand"], ["['edited by hand']"]),
    ],
)
def test_a_reject_is_shown_with_its_answer_and_what_it_was_another_wording_of(
    capsys: pytest.CaptureFixture[str], run: Run, stage: str, candidate: Any, expected: list[str]
) -> None:
    reject = {
        "id": "5c1e", "stage": stage, "reason": "why", "candidate": candidate, "reply": "…",
        "section_id": section_overviews(run)[1].id,
    }  # fmt: skip
    (run.dataset / "rejected.jsonl").write_text(jsonl([reject]), "utf-8")
    lines = [line.strip() for line in shown(capsys, "2").splitlines()]
    assert lines[lines.index("1 rejected:") + 1 :] == [f"{stage}  why  5c1e", *expected]


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "rejected"])
def test_a_row_that_was_taken_out_is_shown_with_the_question_of_its_pair_whether_that_is_kept_or_not(
    capsys: pytest.CaptureFixture[str], run: Run, is_kept: bool
) -> None:
    (base, *_), (wording, *_) = (
        [row for row in read_jsonl(run.dataset / "train.jsonl") if row["variant"] == variant]
        for variant in ("base", "paraphrase")
    )
    taken = [wording | {"pair_id": base["pair_id"]}, *([] if is_kept else [base])]
    rejects = [
        {"stage": "audit", "reason": "why", "candidate": row, "reply": "", "section_id": base["section_id"]}
        for row in taken
    ]
    (run.dataset / "rejected.jsonl").write_text(jsonl(rejects), "utf-8")
    if not is_kept:
        rows = [row for row in read_jsonl(run.dataset / "train.jsonl") if row["id"] != base["id"]]
        (run.dataset / "train.jsonl").write_text(jsonl(rows), "utf-8")
    lines = [line.strip() for line in shown(capsys, base["section_id"]).splitlines()]
    at = lines.index("audit  why")
    assert lines[at + 1 : at + 3] == [
        f"{wording['instruction']} → {wording['output']}",
        f"base: {base['instruction']}",
    ]


def test_titles_that_stand_several_times_are_told_apart_and_named_so(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "# 书\n"
        + "".join(f"\n## 一\n\n石{name}的兵器是乙刀。\n" for name in "甲丙戊")
        + "\n## 二\n\n石庚的师父是辛翁。\n"
    )
    (empty_home / "thrice.md").write_text(text, "utf-8")
    assert main(["build", "thrice.md", "--teacher", "offline", "--variants", "1", "--min-fill", "0"]) == 0
    capsys.readouterr()
    titles = [line.split("  ")[1].strip() for line in shown(capsys).splitlines()[1:]]
    assert titles == ["书 › 一 (1 of 3)", "书 › 一 (2 of 3)", "书 › 一 (3 of 3)", "书 › 二"]
    assert shown(capsys, "书 › 一 (2 of 3)").startswith("书 › 一 (2 of 3)  thrice.md:7-9  ")
    assert [one["number"] for one in as_json(capsys, "书 › 一")["sections"]] == [1, 2, 3]


def test_cells_of_a_table_are_shown_without_their_padding(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "| 兵器       | 主人   |\n|:-----------|-------:|\n| 乙刀       | 石甲   |\n| 己枪       |        |\n"
    (empty_home / "table.md").write_text(f"# 书\n\n{rows}", "utf-8")
    assert main(["build", "table.md", "--teacher", "offline", "--variants", "1", "--min-fill", "0"]) == 0
    capsys.readouterr()
    lines = [line.partition(" │ ")[2] for line in shown(capsys, "1").splitlines()]
    assert [line.strip("⟦⟧") for line in lines[4:8]] == [
        "| 兵器 | 主人 |",
        "|:---|---:|",
        "| 乙刀 | 石甲 |",
        "| 己枪 | |",
    ]


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


def test_a_section_that_was_not_asked_says_why(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "book.md").write_text(BOOK + "\n## 封面\n\n![封面](a.png)\n", "utf-8")
    assert main(["build", "book.md", "--teacher", "offline", "--variants", "2", "--min-fill", "0"]) == 0
    assert "1 section: 书 › 封面, line 15 (only an image)" in capsys.readouterr().out
    assert "only an image" in shown(capsys).splitlines()[4]
    assert "Not asked: only an image." in shown(capsys, "封面")
    assert [one["not_asked"] for one in as_json(capsys)["sections"]] == ["", "", "", "only an image"]
