"""Decisions: what stands, what a new line takes over, what undo takes back, and that a second writer is heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.building import run_in
from tests.support.reviewed import BOOK, about, build, library_of
from wukong_pipe.edits.edits_file import Edit, append
from wukong_pipe.errors import DataError
from wukong_pipe.files import read_jsonl
from wukong_pipe.reasons import Reason
from wukong_pipe.review.decision_lines import accept, drop, drop_row, mend, take_back
from wukong_pipe.review.library import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    build(tmp_path)
    return library_of(tmp_path)


def test_a_pair_is_unread_until_somebody_decides_on_it_and_not_by_a_word_on_a_wording(library: Library) -> None:
    pair, decisions = library.pairs[0], library.decisions
    assert library.state(pair) == "unread"
    decisions.record(drop_row(decisions, pair, pair.rows[-1].id))
    assert library.state(pair) == "unread"
    assert [wording.dropped for wording in library.shown(pair).wordings][-1]
    decisions.record(accept(decisions, pair))
    assert library.state(pair) == "accepted"
    decisions.record(drop(decisions, pair))
    assert library.state(pair) == "dropped"


def test_what_is_written_says_where_it_was_and_what_stood_there(library: Library) -> None:
    pair = about(library, "乙1刀")
    library.decisions.record(mend(library.decisions, pair, {}, "是乙1刀。", None, note="短些", tags=["短"]))
    assert read_jsonl(library.run.edits) == [
        {
            "id": pair.id,
            "ok": True,
            "output": "是乙1刀。",
            "note": "短些",
            "tags": ["短"],
            "section_id": pair.section_id,
            "old": {"instruction": pair.question, "output": pair.answer, "facts": [[*fact] for fact in pair.facts]},
        }
    ]


def test_a_note_by_hand_leaves_the_decision_and_is_taken_back_alone(library: Library) -> None:
    pair, decisions = about(library, "乙1刀"), library.decisions
    decisions.record(mend(decisions, pair, {}, "是乙1刀。", None, tags=["短"]))
    append(library.run.edits, [Edit(id=pair.id, note="问过", tags=("查",))])
    library.refresh()
    assert (library.state(pair), decisions.newest_of(pair)) == ("mended", 2)
    assert (edit := decisions.of(pair.id)) is not None
    assert (edit.note, edit.tags) == ("问过", ("短", "查"))
    assert decisions.since_the_start() == (1, 0)
    decisions.record(take_back(decisions, pair))
    assert library.state(pair) == "mended"
    assert decisions.undo() == (pair.id,)
    assert library.state(pair) == "unread"


def test_a_mended_pair_stays_mended_when_it_is_accepted_again_or_its_question_is_worded_anew(library: Library) -> None:
    pair, decisions = about(library, "乙1刀"), library.decisions
    decisions.record(mend(decisions, pair, {}, "是乙1刀。", (("乙1刀",),), note="短些"))
    decisions.record(accept(decisions, pair))
    decisions.record(mend(decisions, pair, {pair.rows[0].id: "甲1用什么兵器？"}, "是乙1刀。", (("乙1刀",),)))
    now = library.shown(pair).now
    assert (now.question, now.answer, now.facts) == ("甲1用什么兵器？", "是乙1刀。", (("乙1刀",),))
    assert library.shown(pair).before.answer == pair.answer
    assert (edit := decisions.of(pair.id)) is not None
    assert edit.note == "短些"
    assert library.state(pair) == "mended"


def test_a_pair_whose_question_alone_is_worded_anew_is_mended(library: Library) -> None:
    pair, decisions = library.pairs[0], library.decisions
    decisions.record(mend(decisions, pair, {pair.rows[0].id: "甲1用什么兵器？"}, pair.answer, pair.facts))
    assert library.state(pair) == "mended"
    assert decisions.of(pair.id) == Edit(
        id=pair.id, ok=True, section_id=pair.section_id, line=2, old=accept(decisions, pair)[0].old
    )


def test_what_was_recorded_at_once_is_taken_back_at_once(library: Library) -> None:
    pair, other, decisions = *library.pairs[:2], library.decisions
    decisions.record(accept(decisions, other))
    decisions.record(mend(decisions, pair, {pair.rows[0].id: "甲1用什么兵器？"}, "是乙1刀。", None))
    assert decisions.undo() == (pair.rows[0].id, pair.id)
    shown = library.shown(pair)
    assert shown.now == shown.before
    assert decisions.undo() == (other.id,)
    assert decisions.undo() == ()


def test_undo_after_a_restart_takes_back_the_newest_line(library: Library, tmp_path: Path) -> None:
    first, second = library.pairs[:2]
    library.decisions.record(accept(library.decisions, first))
    library.decisions.record(accept(library.decisions, second))
    again = library_of(tmp_path)
    assert again.decisions.undo() == (second.id,)
    assert [again.state(pair) for pair in (first, second)] == ["accepted", "unread"]
    assert library.refresh()
    assert library.state(second) == "unread"


def test_a_decision_of_another_process_is_seen_and_one_written_at_the_same_time_is_not_lost(library: Library) -> None:
    first, second = library.pairs[:2]
    before = library.version
    append(library.run.edits, [Edit(id=first.id, ok=True)])
    # Recorded before the other's line was read.
    library.decisions.record(drop(library.decisions, second))
    assert [library.state(pair) for pair in (first, second)] == ["accepted", "dropped"]
    assert library.version != before
    assert not library.refresh()


def test_a_row_that_has_an_answer_of_its_own_does_not_cover_the_new_answer_of_its_pair(library: Library) -> None:
    pair, decisions = about(library, "乙1刀"), library.decisions
    append(library.run.edits, [Edit(id=pair.rows[0].id, output="乙1刀")])
    library.refresh()
    assert library.shown(pair).now.answer == "乙1刀"
    decisions.record(mend(decisions, pair, {}, "兵器是乙1刀。", None))
    assert library.shown(pair).now.answer == "兵器是乙1刀。"


def test_a_decision_whose_section_changed_is_found_beside_the_pair_that_is_most_alike_now(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair = about(library, "乙2刀")
    library.decisions.record(drop(library.decisions, pair))
    append(run_in(tmp_path).edits, [Edit(id="0123456789abcdef", ok=True)])
    build(tmp_path, BOOK.replace("丁2山。", "丁2山的山顶。"))
    library.refresh()
    (stale, unknown) = library.stale
    assert stale.edit.id == pair.id
    assert stale.pair is not None
    assert stale.pair.id != pair.id
    assert stale.pair.question == pair.question
    assert unknown.pair is None


def test_where_the_file_is_damaged_nothing_is_written_and_what_stood_stands(library: Library) -> None:
    first, second = library.pairs[:2]
    library.decisions.record(accept(library.decisions, first))
    damaged = library.run.edits.read_bytes() + b'{"id": 5}\n'
    library.run.edits.write_bytes(damaged)
    with pytest.raises(DataError, match=r"edits\.jsonl, line 2 has no “id”"):
        library.decisions.record(accept(library.decisions, second))
    assert library.run.edits.read_bytes() == damaged
    assert [library.state(pair) for pair in (first, second)] == ["accepted", "unread"]


def test_a_decision_on_a_row_that_another_row_pushed_out_is_not_one_whose_section_changed(
    library: Library, tmp_path: Path
) -> None:
    pair, decisions = about(library, "乙1刀"), library.decisions
    other = about(library, "丁1山")
    decisions.record(mend(decisions, other, {other.rows[0].id: pair.question}, other.answer, other.facts))
    decisions.record(accept(decisions, pair))
    build(tmp_path)
    library.refresh()
    assert {reject.stage for reject in library.rejects(pair.section_id)} >= {"dedupe"}
    assert library.stale == []
    assert [reject.not_rescuable for reject in library.rejects(pair.section_id) if reject.stage == "dedupe"] == [
        Reason.of("rescue-duplicate")
    ]


def test_an_answer_that_was_edited_by_hand_and_built_in_is_not_lost_when_the_question_is_mended(
    library: Library, tmp_path: Path
) -> None:
    pair = about(library, "乙1刀")
    append(library.run.edits, [Edit(id=pair.id, output="是乙1刀。", facts=(("乙1刀",),))])
    build(tmp_path)
    library.refresh()
    rebuilt = library.by_id[pair.id]
    now = library.shown(rebuilt).now
    edits = mend(library.decisions, rebuilt, {pair.rows[0].id: "甲1用什么兵器？"}, now.answer, now.facts)
    library.decisions.record(edits)
    build(tmp_path)
    library.refresh()
    assert {row.answer for row in library.by_id[pair.id].rows} == {"是乙1刀。"}
    assert library.by_id[pair.id].question == "甲1用什么兵器？"


def test_an_answer_that_was_edited_by_hand_and_built_in_is_written_down_when_it_is_chosen_again(
    library: Library, tmp_path: Path
) -> None:
    pair = about(library, "乙1刀")
    append(library.run.edits, [Edit(id=pair.id, output="是乙1刀。")])
    for answer in ("甲1用的是乙1刀。", "是乙1刀。"):
        build(tmp_path)
        library.refresh()
        library.decisions.record(mend(library.decisions, library.by_id[pair.id], {}, answer, None))
    build(tmp_path)
    library.refresh()
    # What the teacher answered is told nowhere: the dataset had the text of a line without an old one.
    assert {row.answer for row in library.by_id[pair.id].rows} == {"是乙1刀。"}
    assert library.state(library.by_id[pair.id]) == "mended"
