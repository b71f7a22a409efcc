"""The user's corrections: they survive every rebuild, are counted, and are checked like any row."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import build_offline, files_in, rows_of, run_in, source
from wukong_pipe.edits.edits_file import read_edits
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.pipeline import Built
from wukong_pipe.stages.settings import BuildSettings

BOOK = "# 书\n" + "".join(f"\n## 第{n}章\n\n甲{n}的兵器是乙{n}刀。丙{n}的住处是丁{n}山。\n" for n in range(1, 6))
FEW = BuildSettings(variants=4, holdout=0.0)


def edit(folder: Path, *lines: dict[str, Any]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    run_in(folder).edits.write_text(text, "utf-8")


def build(folder: Path, text: str = BOOK) -> Built:
    return build_offline(folder, [source(text)], FEW)[0]


@pytest.fixture
def row(tmp_path: Path) -> dict[str, Any]:
    """The first row of a first build."""
    build(tmp_path)
    return rows_of(run_in(tmp_path))[0]


def rows_by_id(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows_of(run_in(folder))}


def test_an_edit_is_applied_in_every_build_and_nothing_else_changes(tmp_path: Path, row: dict[str, Any]) -> None:
    before = rows_by_id(tmp_path)
    other = next(one for one in before.values() if one["pair_id"] == row["pair_id"] and one["id"] != row["id"])
    edit(tmp_path, {"id": row["id"], "output": "乙1刀"})
    for text in (BOOK, BOOK, BOOK.replace("第5章", "第五章")):
        built = build(tmp_path, text)
        assert rows_by_id(tmp_path)[row["id"]]["output"] == "乙1刀"
        assert rows_by_id(tmp_path)[other["id"]] == other
        did = built.manifest["edits"]
        assert (did["applied"], did["taken_out"], did["unused"]) == (1, 0, [])
    assert rows_by_id(tmp_path)[row["id"]] == row | {"output": "乙1刀"}


def test_a_pairs_answer_is_edited_in_all_its_rows(tmp_path: Path, row: dict[str, Any]) -> None:
    edit(tmp_path, {"id": row["pair_id"], "output": "乙1刀"})
    built = build(tmp_path)
    family = [one for one in rows_of(run_in(tmp_path)) if one["pair_id"] == row["pair_id"]]
    assert len(family) > 1
    assert {one["output"] for one in family} == {"乙1刀"}
    assert built.manifest["edits"]["applied"] == len(family)


def test_a_dropped_row_stands_among_the_rejects(tmp_path: Path, row: dict[str, Any]) -> None:
    edit(tmp_path, {"id": row["id"], "drop": True})
    build(tmp_path)
    assert row["id"] not in rows_by_id(tmp_path)
    (reject,) = [one for one in read_jsonl(run_in(tmp_path).dataset / "rejected.jsonl") if one["stage"] == "edit"]
    assert reject["reason"] == "dropped by edits.jsonl, line 1"
    assert reject["candidate"]["id"] == row["id"]
    tally = read_json(run_in(tmp_path).manifest)["accounting"]["edits"]
    assert (tally["received"], tally["rejected"]) == (tally["kept"] + 1, 1)


def test_edits_are_told_in_one_line_and_what_they_did_is_no_change_elsewhere(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    family = [one for one in rows_by_id(tmp_path).values() if one["pair_id"] == row["pair_id"]]
    other = next(one for one in rows_by_id(tmp_path).values() if one["pair_id"] != row["pair_id"])
    edit(tmp_path, {"id": row["pair_id"], "drop": True}, {"id": other["id"], "output": other["output"] + "。"})
    built = build(tmp_path)
    assert built.edits == f"2 edits applied: {len(family)} rows dropped, 1 row changed."
    assert built.changed == []
    (run_in(tmp_path).edits).unlink()
    built = build(tmp_path)
    assert built.edits == ""
    assert all(re.match(r"book\.md, line \d+, “", line) for line in built.changed)


def test_what_was_read_noted_or_tagged_changes_no_byte_of_the_rows(tmp_path: Path, row: dict[str, Any]) -> None:
    def data() -> dict[str, bytes]:
        files = files_in(run_in(tmp_path).dataset)
        return {name: data for name, data in files.items() if name.endswith(".jsonl")}

    before, manifest = data(), read_json(run_in(tmp_path).manifest)
    edit(
        tmp_path,
        {"id": row["pair_id"], "ok": True, "note": "yes", "tags": ["weapons"], "section_id": row["section_id"]},
        {"id": row["id"], "note": "why?", "old": {"instruction": row["instruction"], "output": row["output"]}},
        {"id": row["pair_id"], "drop": True},
        {"id": row["pair_id"], "undo": True},
    )
    built = build(tmp_path)
    assert data() == before
    assert read_json(run_in(tmp_path).manifest) == manifest
    assert (built.edits, built.changed, built.warnings) == ("", [], [])


def test_a_note_on_a_decision_leaves_it_in_force_and_changes_no_byte(tmp_path: Path, row: dict[str, Any]) -> None:
    decided = {"id": row["id"], "drop": True}
    edit(tmp_path, decided)
    build(tmp_path)
    before = files_in(run_in(tmp_path).dataset)
    assert row["id"] not in rows_by_id(tmp_path)
    edit(tmp_path, decided, {"id": row["id"], "note": "twice", "tags": ["weapons"]})
    build(tmp_path)
    assert files_in(run_in(tmp_path).dataset) == before


def test_a_line_that_says_again_what_is_there_changes_no_row(tmp_path: Path, row: dict[str, Any]) -> None:
    before = rows_by_id(tmp_path)
    edit(tmp_path, {"id": row["pair_id"], "ok": True, "output": row["output"], "facts": row["facts"]})
    build(tmp_path)
    assert rows_by_id(tmp_path) == before


def test_a_rows_own_edit_comes_on_top_of_that_of_its_pair(tmp_path: Path, row: dict[str, Any]) -> None:
    wording = next(one for one in rows_by_id(tmp_path).values() if one["pair_id"] == row["pair_id"] and one != row)
    edit(
        tmp_path,
        {"id": row["pair_id"], "ok": True, "output": "戊9枪"},
        {"id": wording["id"], "instruction": "甲1用的是哪件兵器？"},
    )
    build(tmp_path)
    rows = rows_by_id(tmp_path)
    expected = ("甲1用的是哪件兵器？", "戊9枪", [["戊9枪"]])
    assert (rows[wording["id"]]["instruction"], rows[wording["id"]]["output"], rows[wording["id"]]["facts"]) == expected
    assert (rows[row["id"]]["instruction"], rows[row["id"]]["output"]) == (row["instruction"], "戊9枪")
    edit(
        tmp_path,
        {"id": row["pair_id"], "drop": True},
        {"id": wording["id"], "instruction": "甲1用的是哪件兵器？"},
    )
    build(tmp_path)
    assert not {row["id"], wording["id"]} & rows_by_id(tmp_path).keys()


def test_a_question_for_a_pair_is_told_for_only_a_row_has_one(tmp_path: Path, row: dict[str, Any]) -> None:
    before = rows_by_id(tmp_path)
    edit(tmp_path, {"id": row["pair_id"], "ok": True, "instruction": "甲1用的是哪件兵器？"})
    (warning,) = build(tmp_path).warnings
    assert f"line 1: “instruction” changes nothing, because {row['pair_id']} is a pair" in warning
    assert rows_by_id(tmp_path) == before


def test_what_was_read_of_a_section_that_has_changed_is_told_in_one_line(tmp_path: Path, row: dict[str, Any]) -> None:
    edit(tmp_path, {"id": row["pair_id"], "ok": True}, {"id": row["id"], "note": "why?"})
    (warning,) = build(tmp_path, BOOK.replace("乙1刀", "庚1剑")).warnings
    assert warning.endswith("edits.jsonl: of what was read, 2 lines (1, 2) fit this build no more.")


def test_a_line_that_its_writer_did_not_finish_is_told_and_fails_no_build(tmp_path: Path, row: dict[str, Any]) -> None:
    edit(tmp_path, {"id": row["id"], "drop": True})
    with run_in(tmp_path).edits.open("a") as file:
        file.write('{"id": "')
    (warning,) = build(tmp_path).warnings
    assert "edits.jsonl, line 2 is no whole line and is passed over" in warning
    assert row["id"] not in rows_by_id(tmp_path)


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("instruction", "上文提到的兵器是什么？", "does not stand alone: “上文”"),
        ("output", "乙\u202e1刀", "holds an invisible character: \\u202e"),
    ],
)
def test_an_edit_that_fails_the_checks_is_told_and_the_row_is_left_out(
    tmp_path: Path, row: dict[str, Any], field: str, text: str, reason: str
) -> None:
    edit(tmp_path, {"id": row["id"], field: text})
    built = build(tmp_path)
    assert row["id"] not in rows_by_id(tmp_path)
    (warning,) = built.warnings
    assert warning.startswith("The row is left out: edits.jsonl, line 1: ")
    assert reason in warning


def test_an_edit_that_a_check_only_doubts_is_what_its_writer_meant(tmp_path: Path, row: dict[str, Any]) -> None:
    edit(tmp_path, {"id": row["id"], "output": "戊77刀"})
    assert build(tmp_path).warnings == []
    assert rows_by_id(tmp_path)[row["id"]]["output"] == "戊77刀"


def test_an_edit_of_what_is_no_longer_there_is_told_and_kept_in_its_file(tmp_path: Path, row: dict[str, Any]) -> None:
    edit(tmp_path, {"id": row["id"], "output": "乙1刀"})
    built = build(tmp_path, BOOK.replace("乙1刀", "庚1剑"))
    (warning,) = built.warnings
    assert f"line 1: there is no row or pair {row['id']}" in warning
    assert built.manifest["edits"]["unused"] == [row["id"]]
    assert [one.id for one in read_edits(run_in(tmp_path).edits)] == [row["id"]]
    assert build(tmp_path).warnings == []


def test_an_edit_that_asks_what_another_row_asks_is_deduplicated_like_any_row(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    other = next(one for one in rows_by_id(tmp_path).values() if one["pair_id"] == row["pair_id"] and one != row)
    edit(tmp_path, {"id": other["id"], "instruction": row["instruction"]})
    build(tmp_path)
    assert other["id"] not in rows_by_id(tmp_path)
    assert row["id"] in rows_by_id(tmp_path)


def test_an_edited_answer_has_facts_of_its_own_and_nobody_verified_it(tmp_path: Path, row: dict[str, Any]) -> None:
    edit(tmp_path, {"id": row["id"], "output": "戊9枪"})
    build(tmp_path)
    edited = rows_by_id(tmp_path)[row["id"]]
    assert row["facts"] == [["乙1刀"]]
    assert (edited["facts"], edited["verified"]) == ([["戊9枪"]], "unasked")


# --- facts -------------------------------------------------------------------------------------------------------

HELD = BuildSettings(variants=4)


def test_facts_that_a_user_wrote_stand_in_all_rows_of_the_pair_and_both_versions_are_kept(tmp_path: Path) -> None:
    build_offline(tmp_path, [source(BOOK)], HELD)
    before = rows_by_id(tmp_path)
    tested = next(row for row in before.values() if row["level"] == "wording")
    old, new = tested["facts"], [[*tested["facts"][0], "宝刀"]]
    hashed = read_json(run_in(tmp_path).manifest)["spellings"]
    edit(tmp_path, {"id": tested["pair_id"], "facts": new})
    for _ in range(2):
        built = build_offline(tmp_path, [source(BOOK)], HELD)[0]
        rows = rows_by_id(tmp_path)
        family = [name for name, row in rows.items() if row["pair_id"] == tested["pair_id"]]
        # Nothing else changes: no id, no split, and what was verified of a wording stays so.
        assert rows == before | {name: before[name] | {"facts": new} for name in family}
        count = sum(rows[name]["split"] == "test" for name in family)
        manifest = read_json(run_in(tmp_path).manifest)
        assert manifest["edits"]["facts"] == [{"id": tested["pair_id"], "old": old, "new": new, "test": count}]
        assert count > 0
        assert (manifest["edits"]["applied"], built.changed) == (len(family), [])
        assert manifest["spellings"] != hashed


def test_an_answer_that_was_edited_brings_other_facts_and_both_versions_are_kept(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    edit(tmp_path, {"id": row["id"], "output": "戊9枪"})
    build(tmp_path)
    changed = read_json(run_in(tmp_path).manifest)["edits"]["facts"]
    assert changed == [{"id": row["id"], "old": [["乙1刀"]], "new": [["戊9枪"]], "test": 0}]


def test_no_facts_may_be_wanted(tmp_path: Path, row: dict[str, Any]) -> None:
    edit(tmp_path, {"id": row["id"], "facts": []})
    build(tmp_path)
    assert rows_by_id(tmp_path)[row["id"]] == row | {"facts": []}


def test_a_fact_that_the_answer_itself_lacks_is_told_and_the_row_is_left_out(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    edit(tmp_path, {"id": row["id"], "facts": [["乙1刀"], ["青龙刀", "偃月刀"]]})
    (warning,) = build(tmp_path).warnings
    assert warning.endswith("edits.jsonl, line 1: the fact “青龙刀” stands in the answer in no spelling.")
    assert row["id"] not in rows_by_id(tmp_path)
