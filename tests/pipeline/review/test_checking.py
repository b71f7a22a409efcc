"""The page refuses what the build refuses, with the same words, and lets through what the build takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.building import rows_of, run_in
from tests.support.reviewed import TESTED, about, build, library_of, trained_and_tested
from wukong_pipe.checks.findings import rejected
from wukong_pipe.files import read_jsonl
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts
from wukong_pipe.review.checking import check
from wukong_pipe.review.decision_lines import drop_row, mend
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair, ReviewRow


@pytest.mark.parametrize(
    ("question", "answer", "facts", "code"),
    [
        ("甲1用什么兵器？", "是乙1刀。", None, ""),
        ("甲1用什么兵器？", "是乙1刀。", (("乙1刀",),), ""),
        ("甲1用什么兵器？", "是乙1刀。", (("丙1刀",),), "fact-not-in-answer"),
        ("甲1用什么兵器？", "是 `no_such_flag`。", None, "identifier-nowhere"),
        ("上文中甲1用什么兵器？", "是乙1刀。", None, "leans-on-text"),
        ("甲1用什么\u200b兵器？", "是乙1刀。", None, "invisible"),
        ("甲1用什么兵器？", "……", None, "empty-answer"),
        ("甲1用什么兵器？", "刀" * 5000, None, "answer-too-long"),
        ("  甲1用什么兵器？\n", "  是乙1刀。\n", None, ""),
    ],
)
def test_page_and_build_agree(tmp_path: Path, question: str, answer: str, facts: Facts | None, code: str) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair = about(library, "乙1刀")
    own = pair.rows[0].id
    reason = rejected(check(library, pair, question, answer, facts))
    assert (reason.code if reason else "") == code
    library.decisions.record(mend(library.decisions, pair, {own: question}, answer, facts))
    build(tmp_path)
    kept = {row["id"]: row for row in rows_of(run_in(tmp_path))}
    if reason is None:
        assert (kept[own]["instruction"], kept[own]["output"]) == (question.strip(), answer.strip())
        return
    rejects = read_jsonl(run_in(tmp_path).dataset / "rejected.jsonl")
    (refused,) = (reject for reject in rejects if reject["candidate"].get("id") == own)
    assert dict(Reason.from_json(refused).values)["reason"] == reason


def test_what_only_meaning_decides_is_a_doubt(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair = about(library, "乙1刀")
    found = check(library, pair, pair.question, "是乙1刀，重99斤。")
    assert found
    assert {finding.weight for finding in found} == {"doubt"}
    assert "99" in str(found[0].reason)


def test_nothing_is_said_where_the_source_is_gone(tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "book.md").unlink()
    library = library_of(tmp_path)
    assert check(library, library.pairs[0], "", "") == ()


REPEATS = "repeats-held-question"


def told(library: Library, pair: ReviewPair, row: ReviewRow, question: str) -> bool:
    found = check(library, pair, question, pair.answer, None, row.id)
    return REPEATS in {finding.reason.code for finding in found if finding.weight == "doubt"}


def test_a_trained_question_that_a_test_question_asks_already_is_told_before_the_build_drops_that(
    tmp_path: Path,
) -> None:
    build(tmp_path, settings=TESTED)
    library = library_of(tmp_path)
    pair, tested = trained_and_tested(library)
    own, held = pair.rows[0], tested.rows[0]
    assert told(library, pair, own, f" {held.question}")
    assert not told(library, pair, own, own.question)
    assert not told(library, pair, own, f"{held.question[:-1]}呢？")
    assert told(library, tested, held, own.question), "the other way round one of the two goes as well"
    library.decisions.record(mend(library.decisions, pair, {own.id: held.question}, pair.answer, pair.facts))
    built = build(tmp_path, settings=TESTED)
    assert own.id in {row.id for row in built.rows}
    assert held.id not in {row.id for row in built.rows}


def test_a_question_that_only_a_dropped_row_asked_is_free(tmp_path: Path) -> None:
    build(tmp_path, settings=TESTED)
    library = library_of(tmp_path)
    pair, tested = trained_and_tested(library)
    library.decisions.record(drop_row(library.decisions, tested, tested.rows[0].id))
    assert not told(library, pair, pair.rows[0], tested.question)


def test_two_trained_questions_that_are_one_cost_the_test_nothing(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    pair, other = about(library, "乙1刀"), about(library, "乙2刀")
    assert not told(library, pair, pair.rows[0], other.question)
