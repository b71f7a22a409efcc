"""What a rebuild changes: the edited section, and beyond it only what is tied to it, told row by row."""

from __future__ import annotations

import json
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.building import build_offline, calls_of, rows_of, run_in, source
from tests.support.rows import family, pair, section
from wukong_pipe.account.changes import changes_elsewhere
from wukong_pipe.dataset.files import write_dataset
from wukong_pipe.pipeline import Built
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Reject
from wukong_pipe.stages.settings import BuildSettings

SETTINGS = BuildSettings(variants=4, holdout=0.2)
MANIFEST = {
    "sources": [],
    "teacher": {"model": "t"},
    "coverage": {"overall": 1.0},
    "audit": {"dropped": 0, "highest_similarity": 0.0},
}


def chapter(n: int) -> str:
    return f"\n## 第{n}章\n\n甲{n}的兵器是乙{n}刀。丙{n}的住处是丁{n}山。\n\n- **戊{n}**：住在己{n}洞里。\n"


BOOK = "# 书\n" + "".join(chapter(n) for n in range(1, 13))


def build(folder: Path, text: str) -> Built:
    return build_offline(folder, [source(text)], SETTINGS)[0]


def rows(folder: Path) -> dict[str, dict[str, object]]:
    """Rows by id, without their lines."""
    return {row["id"]: {key: row[key] for key in row if key != "lines"} for row in rows_of(run_in(folder))}


def built_manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(run_in(folder).manifest.read_text("utf-8"))
    return manifest


def sections_of(changed: dict[str, dict[str, object]]) -> set[object]:
    return {tuple(row["heading_path"]) for row in changed.values()}  # type: ignore[arg-type]


def test_an_edited_section_re_asks_only_itself_and_changes_no_other_row(tmp_path: Path) -> None:
    build(tmp_path, BOOK)
    before, calls = rows(tmp_path), len(calls_of(tmp_path))
    built = build(tmp_path, BOOK.replace("己7洞", "辛7府"))
    after = rows(tmp_path)
    different = {name: row for name, row in (before | after).items() if before.get(name) != after.get(name)}
    assert sections_of(different) == {("书", "第7章")}
    assert built.changed == []
    asked = [request for _, request in calls_of(tmp_path)[calls:]]
    assert asked
    assert all("第7章" in request for request in asked)


def test_an_added_and_a_deleted_section_move_no_other_to_another_split(tmp_path: Path) -> None:
    build(tmp_path, BOOK)
    before = rows(tmp_path)
    for text in (
        BOOK + chapter(13),
        BOOK.replace(chapter(3), ""),
        "# 书\n" + chapter(99) + BOOK.removeprefix("# 书\n"),
    ):
        built = build(tmp_path, text)
        after = rows(tmp_path)
        kept = before.keys() & after.keys()
        told = " ".join(built.changed)
        for name in kept:
            assert before[name] == after[name] or str(before[name]["instruction"])[:60] in told
        assert len([name for name in kept if before[name] != after[name]]) <= len(kept) // 20
        build(tmp_path, BOOK)


def test_a_row_that_goes_because_an_edit_repeats_it_is_told(tmp_path: Path) -> None:
    build(tmp_path, BOOK)
    before = rows(tmp_path)
    # The second chapter now says what the ninth says: one of the two is left out.
    built = build(tmp_path, BOOK.replace("甲2的兵器是乙2刀。", "甲9的兵器是乙9刀。"))
    after = rows(tmp_path)
    elsewhere = {
        name: row
        for name, row in (before | after).items()
        if before.get(name) != after.get(name) and row["heading_path"] != ["书", "第2章"]
    }
    assert elsewhere
    assert len(built.changed) == len(elsewhere)
    for row in elsewhere.values():
        assert any(str(row["instruction"])[:60] in line for line in built.changed)


def test_rows_that_were_written_before_are_compared_one_at_a_time(tmp_path: Path) -> None:
    written = family(pair("甲的兵器是什么？", "乙刀" * 1000), [f"甲的第{n}种兵器是什么？" for n in range(300)])
    run = run_in(tmp_path)
    write_dataset(run, written, [], MANIFEST)
    now = [replace(row, output="丙剑") if n == 7 else row for n, row in enumerate(written)]
    tracemalloc.start()
    dropped = Reject("audit", Reason.of("held-form"), section("节"), written[-1])
    changed = changes_elsewhere(run, now[:-1], [dropped], BuildSettings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(changed) == 2
    assert "第6种" in changed[1]
    assert "output" in changed[1]
    assert "第299种" in changed[0]
    assert changed[0].endswith("is gone, see rejected.jsonl")
    assert peak < (run.dataset / "train.jsonl").stat().st_size / 10


def test_rows_that_are_new_are_held_as_what_is_told_of_them(tmp_path: Path) -> None:
    rows = family(pair("甲的兵器是什么？", "乙刀"), [f"甲的第{n}种兵器是什么？" for n in range(2_000)])
    run = run_in(tmp_path)
    write_dataset(run, rows[:1], [], MANIFEST)
    tracemalloc.start()
    changed = changes_elsewhere(run, rows, [], BuildSettings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(changed) == 2_000
    assert peak < 3 * sum(map(sys.getsizeof, changed))


def test_spellings_that_were_not_asked_for_before_are_no_news(tmp_path: Path) -> None:
    rows = build(tmp_path, BOOK).rows
    spelt = [replace(row, facts=tuple((*fact, "x") for fact in row.facts)) for row in rows]
    assert changes_elsewhere(run_in(tmp_path), spelt, [], replace(SETTINGS, spellings=8)) == []
    assert len(changes_elsewhere(run_in(tmp_path), spelt, [], SETTINGS)) == len(rows)


def test_a_row_that_is_gone_is_told_with_the_true_reason(tmp_path: Path) -> None:
    built = [replace(row, prompt="heldout_wordings.zh@1") for row in build(tmp_path, BOOK).rows]
    first, second, third = gone = [row for row in built if row.variant == "base"][:3]
    left = [row for row in built if row not in gone]
    write_dataset(run_in(tmp_path), built, [], built_manifest(tmp_path))
    dropped = Reject("audit", Reason.of("held-form"), section("节"), first)
    told = changes_elsewhere(run_in(tmp_path), left, [dropped], SETTINGS, tested={third.pair_id})
    whys = ["see rejected.jsonl", "its pair is no longer tested in other words", "this build kept no such reply"]
    for row, why in zip((first, second, third), whys, strict=True):
        assert any(row.instruction[:60] in line and line.endswith(why) for line in told)
    assert len(told) == 3


def test_that_a_test_is_written_now_which_was_drawn_before_is_told_in_one_sentence(tmp_path: Path) -> None:
    before = build(tmp_path, BOOK).rows
    trained = [replace(row, split="train", level="") for row in before if row.level != "wording"]
    fresh = [replace(row, id=f"new{n}", split="test", level="wording") for n, row in enumerate(trained[:5])]
    told = changes_elsewhere(run_in(tmp_path), [*trained, *fresh], [], replace(SETTINGS, heldout_wordings=3))
    moved = sum(row.level == "wording" or row.split == "validation" for row in before) + len(fresh)
    assert told == [f"{moved} rows of test or validation, whose wordings are chosen otherwise than before"]


def test_rows_edited_by_hand_beyond_recognition_are_no_reason_to_fail(tmp_path: Path) -> None:
    gone, *left = build(tmp_path, BOOK).rows
    assert any(row.section_id == gone.section_id for row in left)
    (run_in(tmp_path).dataset / "train.jsonl").write_text(json.dumps(gone.to_json() | {"lines": []}) + "\n", "utf-8")
    assert changes_elsewhere(run_in(tmp_path), left, [], BuildSettings()) == []
