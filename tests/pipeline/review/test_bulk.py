"""The same change in many pairs: what the preview shows is what is written, and what the build would refuse is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.building import rows_of, run_in
from tests.support.reviewed import about, build, library_of
from wukong_pipe.review.bulk import accept_all, drop_all, replace, replacements
from wukong_pipe.review.decision_lines import drop, mend
from wukong_pipe.review.library import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    build(tmp_path)
    return library_of(tmp_path)


def test_words_are_replaced_in_questions_and_answers_as_the_preview_says_and_nothing_is_thereby_read(
    library: Library, tmp_path: Path
) -> None:
    previews = replace(library, "乙1刀", "乙1长刀", library.pairs)
    assert {preview.pair_id for preview in previews} == {
        pair.id for pair in library.pairs if any("乙1刀" in row.question + row.answer for row in pair.rows)
    }
    assert all(preview.after == preview.before.replace("乙1刀", "乙1长刀") for preview in previews)
    library.decisions.record(replacements(library, "乙1刀", "乙1长刀", library.pairs))
    assert {library.state(pair) for pair in library.pairs} == {"unread"}
    assert replace(library, "乙1刀", "乙1长刀", library.pairs) == []
    build(tmp_path)
    rows = rows_of(run_in(tmp_path))
    assert not [row for row in rows if "乙1刀" in row["instruction"] + row["output"]]
    changed = {preview.row_id: preview.after for preview in previews if not preview.problem and preview.row_id}
    assert changed.items() >= {row["id"]: row["instruction"] for row in rows if row["id"] in changed}.items()
    assert {tuple(map(tuple, row["facts"])) for row in rows if "乙1长刀" in row["output"]} == {(("乙1长刀",),)}


def test_what_the_build_would_refuse_is_shown_and_not_written(library: Library) -> None:
    pair = about(library, "乙1刀")
    previews = replace(library, "乙1刀", "`no_such_flag`", [pair])
    assert [preview.problem.code for preview in previews if preview.problem] == ["identifier-nowhere"]
    assert replacements(library, "乙1刀", "`no_such_flag`", [pair]) == []


def test_a_mended_pair_stays_read_and_keeps_the_rest_of_what_was_mended(library: Library) -> None:
    pair = about(library, "乙1刀")
    library.decisions.record(mend(library.decisions, pair, {}, "是乙1刀，很长。", (("乙1刀",),), note="看过"))
    library.decisions.record(replacements(library, "很长", "很重", library.pairs))
    assert library.state(pair) == "mended"
    assert library.shown(pair).now.answer == "是乙1刀，很重。"
    assert library.shown(pair).now.facts == (("乙1刀",),)


def test_all_that_nobody_decided_on_are_accepted_and_one_undo_takes_it_back(library: Library) -> None:
    dropped, *others = library.pairs
    library.decisions.record(drop(library.decisions, dropped))
    library.decisions.record(accept_all(library, library.pairs))
    assert [library.state(pair) for pair in library.pairs] == ["dropped", *["accepted"] * len(others)]
    library.decisions.undo()
    assert [library.state(pair) for pair in library.pairs] == ["dropped", *["unread"] * len(others)]


def test_all_go_but_those_that_are_gone(library: Library) -> None:
    dropped, *others = library.pairs
    library.decisions.record(drop(library.decisions, dropped))
    assert [edit.id for edit in drop_all(library, library.pairs)] == [pair.id for pair in others]
    assert replace(library, dropped.answer, "x", [dropped]) == []
