"""The library: pairs as the dataset has them, decisions laid over them, and what a rebuild makes of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.building import run_in
from tests.support.careless_teacher import CarelessTeacher
from tests.support.provider import provider
from tests.support.reviewed import BOOK, about, build, library_of
from wukong_pipe.cli.main import main
from wukong_pipe.edits.edits_file import Edit, append
from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.files import jsonl, write_text
from wukong_pipe.reasons import Reason
from wukong_pipe.review.decision_lines import accept, drop, mend, rescue, take_back


def test_all_rows_are_there_by_pair_in_the_order_of_the_document(tmp_path: Path) -> None:
    built = build(tmp_path)
    library = library_of(tmp_path)
    assert {row.id for pair in library.pairs for row in pair.rows} == {row.id for row in built.rows}
    assert [pair.number for pair in library.pairs] == [*range(1, len(library.pairs) + 1)]
    assert [pair.lines for pair in library.pairs] == sorted(pair.lines for pair in library.pairs)
    assert all(pair.rows[0].question == pair.question for pair in library.pairs)
    assert all(library.pair_of(pair.rows[-1].id) is pair for pair in library.pairs)


def test_a_section_is_as_the_build_saw_it_or_not_there(tmp_path: Path) -> None:
    build(tmp_path)
    pair = about(library_of(tmp_path), "乙2刀")
    section = library_of(tmp_path).section(pair.section_id)
    assert section is not None
    assert section.place_of(pair.evidence[0], pair.lines)
    (tmp_path / "book.md").write_text("# 书\n\n序。\n" + BOOK.removeprefix("# 书\n"), "utf-8")
    assert library_of(tmp_path).section(pair.section_id) == section
    (tmp_path / "book.md").write_text(BOOK.replace("丁2山", "丁2岭"), "utf-8")
    library = library_of(tmp_path)
    assert library.section(pair.section_id) is None
    assert library.doubts(pair) == ()


def test_a_pair_that_was_dropped_is_still_there_after_the_rebuild_and_its_drop_can_be_taken_back(
    tmp_path: Path,
) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair, places = about(library, "乙2刀"), [pair.id for pair in library.pairs]
    library.decisions.record(drop(library.decisions, pair))
    built = build(tmp_path)
    assert pair.id not in {row.pair_id for row in built.rows}
    assert library.refresh()
    assert [pair.id for pair in library.pairs] == places
    gone = library.by_id[pair.id]
    assert library.state(gone) == "dropped"
    assert library.rejects(pair.section_id) == [
        reject for reject in library.rejects(pair.section_id) if reject.stage != "edit"
    ]
    library.decisions.undo()
    build(tmp_path)
    library.refresh()
    assert library.by_id[pair.id] == pair


def test_a_mended_pair_shows_what_it_was_before_whether_or_not_it_was_rebuilt_since(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair = about(library, "乙1刀")
    questions = {pair.rows[1].id: "甲1拿的是什么兵器？"}
    library.decisions.record(mend(library.decisions, pair, questions, "是乙1刀。", None))
    shown = library.shown(pair)
    assert (shown.before.answer, shown.now.answer) == (pair.answer, "是乙1刀。")
    assert shown.wordings[1].question == "甲1拿的是什么兵器？"
    build(tmp_path)
    library.refresh()
    rebuilt = library.by_id[pair.id]
    assert rebuilt.answer == "是乙1刀。"
    again = library.shown(rebuilt)
    assert (again.before.question, again.before.answer) == (pair.question, pair.answer)
    assert (again.now, again.wordings[1].question) == (shown.now, "甲1拿的是什么兵器？")
    # What was taken back is not shown any more, though the dataset still has it.
    library.decisions.undo()
    assert library.shown(rebuilt).now.answer == pair.answer
    assert library.shown(rebuilt).wordings[1].question == pair.rows[1].question


def test_the_facts_of_before_are_told_and_taken_back_though_others_are_built_in(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair = about(library, "乙1刀")
    library.decisions.record(accept(library.decisions, pair))
    library.decisions.record(mend(library.decisions, pair, {}, pair.answer, (("乙1刀", "那把刀"),)))
    build(tmp_path)
    library.refresh()
    rebuilt = library.by_id[pair.id]
    assert rebuilt.facts == (("乙1刀", "那把刀"),)
    assert library.shown(rebuilt).before.facts == pair.facts
    library.decisions.record(mend(library.decisions, rebuilt, {}, "是乙1刀。", None))
    assert (edit := library.decisions.of(pair.id)) is not None
    assert edit.old is not None
    assert edit.old.facts == pair.facts
    library.decisions.undo()
    library.decisions.undo()
    assert library.shown(rebuilt).now.facts == pair.facts


def test_facts_that_a_line_by_hand_replaced_are_not_made_up(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair = about(library, "乙1刀")
    append(library.run.edits, [Edit(id=pair.id, facts=(("乙1刀", "那把刀"),))])
    build(tmp_path)
    library.refresh()
    (line,) = mend(library.decisions, library.by_id[pair.id], {}, "是乙1刀。", None)
    assert line.old is not None
    assert line.old.facts is None


def test_an_edit_that_the_build_refused_is_shown_with_its_reason(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair = about(library, "乙1刀")
    library.decisions.record(mend(library.decisions, pair, {}, "用 `no_such_flag`。", None))
    build(tmp_path)
    library.refresh()
    assert [reason.code for reason in library.doubts(library.by_id[pair.id])] == ["identifier-nowhere"]


def test_the_doubts_of_all_pairs_are_worked_out_beside(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    assert not any(map(library.is_doubtful, library.pairs))
    library.work_out_doubts().join()
    assert {pair.id for pair in library.pairs if library.is_doubtful(pair)} == {
        pair.id for pair in library.pairs if library.doubts(pair)
    }


def test_a_run_without_a_dataset_or_with_a_damaged_one_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="has no dataset"):
        library_of(tmp_path)
    build(tmp_path)
    train = run_in(tmp_path).dataset / "train.jsonl"
    train.write_text(train.read_text("utf-8").replace('"lines"', '"line"', 1), "utf-8")
    with pytest.raises(DataError, match=r"train\.jsonl, line 1 has no “lines”"):
        library_of(tmp_path)


def test_a_reject_that_was_rescued_is_an_accepted_pair_after_the_rebuild(tmp_path: Path) -> None:
    (tmp_path / "book.md").write_text("# Clocks\n\nA clock has 3 hands. A bell has 2 clappers. A mill has 4 sails.\n")
    command = ["build", str(tmp_path / "book.md"), "--runs-dir", str(tmp_path / "runs"), "--teacher-model", "m"]
    command += ["--variants", "2"]
    with provider(CarelessTeacher()) as server:
        assert main([*command, "--base-url", server.base_url]) == 0
        library = library_of(tmp_path)
        rejects = library.rejects(library.pairs[0].section_id)
        reject = next(one for one in rejects if one.stage == "base_qa")
        assert reject.not_rescuable is None
        assert library.reject(reject.id) == reject
        library.decisions.record(rescue(reject))
        assert main([*command, "--base-url", server.base_url, "--overwrite"]) == 0
    library.refresh()
    assert library.reject(reject.id) is None
    pair = library.pair_of(reject.id)
    assert pair is not None
    assert (pair.question, pair.answer) == (reject.question, reject.answer)
    assert library.state(pair) == "accepted"
    assert library.stale == []
    library.decisions.record(take_back(library.decisions, pair))
    assert library.state(pair) == "unread"
    assert take_back(library.decisions, pair) == []


def test_a_reject_that_words_a_pair_in_another_way_leads_to_that_pair(tmp_path: Path) -> None:
    build(tmp_path)
    pair = library_of(tmp_path).pairs[0]
    reason = Reason.of("asks-broader", words="更宽").to_json() | {"reason": "", "doubt": "", "reply": "", "call": ""}
    where = {"section_id": pair.section_id, "source": pair.source, "heading_path": [], "lines": [1, 2]}
    rejects = [
        {"id": "01", "stage": "verify", "candidate": {"base": pair.question, "question": "谁呢？"}},
        {"id": "02", "stage": "verify", "candidate": {"base": "没有这个问题？", "question": "谁呢？"}},
        {"id": "03", "stage": "spellings", "candidate": {"question": pair.question, "fact": "乙", "spelling": "一"}},
    ]
    write_text(run_in(tmp_path).dataset / "rejected.jsonl", jsonl([reject | reason | where for reject in rejects]))
    library = library_of(tmp_path)
    wording, stray, spelling = library.rejects(pair.section_id)
    assert library.pair_worded(wording) is library.by_id[pair.id]
    assert library.pair_worded(stray) is None
    assert (spelling.fact, spelling.spelling) == ("乙", "一")
