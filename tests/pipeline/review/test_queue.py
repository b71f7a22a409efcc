"""The queue: what changed, what is doubtful, then the sample; filters; and the way through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import run_in
from tests.support.inspected import change_rows
from tests.support.reviewed import BOOK, about, build, library_of
from wukong_pipe.review.decision_lines import accept, mend
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review.queue import Filters, first_unread, matching, next_after, order, previous
from wukong_pipe.review.sample import sample_order

ALL = Filters()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    build(tmp_path)
    return library_of(tmp_path)


def test_without_doubts_and_changes_the_queue_is_the_sample(library: Library) -> None:
    assert order(library) == sample_order(library.pairs)
    assert [*map(id, order(library))] == [*map(id, order(library))]


def test_what_changed_stands_first_and_then_what_is_doubtful(tmp_path: Path) -> None:
    build(tmp_path)
    library = library_of(tmp_path)
    library.decisions.record(accept(library.decisions, about(library, "乙4刀")))
    build(tmp_path, BOOK.replace("丁4山。", "丁4山的山顶。"))
    change_rows(run_in(tmp_path), "train.jsonl", output="是99斤重的刀。")
    library = library_of(tmp_path)
    library.doubts(library.sample[-1])
    first, second, *rest = order(library)
    assert "甲4" in first.question
    assert second == library.sample[-1]
    assert rest == [pair for pair in library.sample if pair not in (first, second)]
    library.decisions.record(accept(library.decisions, first))
    assert order(library)[0] == first, "a decision moves nobody away from where he reads"


def speaks_of(words: str) -> Callable[[ReviewPair], bool]:
    return lambda pair: any(words in row.question + row.answer for row in pair.rows)


def is_mended(pair: ReviewPair) -> bool:
    return "乙3刀" in pair.answer


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"split": "train"}, lambda pair: "train" in pair.splits),
        ({"split": "test"}, lambda pair: "test" in pair.splits),
        ({"kind": "base"}, lambda pair: pair.kind == "base"),
        ({"source": "book.md"}, lambda pair: True),
        ({"source": "other.md"}, lambda pair: False),
        ({"state": "mended"}, is_mended),
        ({"tag": "短"}, is_mended),
        ({"words": "甲3"}, speaks_of("甲3")),
        ({"words": " Ｓhort ＮOTE"}, is_mended),
        ({"words": "乙３刀，很短"}, is_mended),
        ({"state": "unread", "words": "甲3"}, lambda pair: speaks_of("甲3")(pair) and not is_mended(pair)),
        ({"doubtful": True}, lambda pair: False),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_filters_let_pass_what_has_all_that_they_ask_for(
    library: Library, fields: dict[str, Any], expected: Callable[[ReviewPair], bool]
) -> None:
    mended = about(library, "乙3刀")
    edits = mend(library.decisions, mended, {}, "是乙3刀，很短。", None, note="a short note", tags=["短"])
    library.decisions.record(edits)
    assert matching(library, Filters(**fields)) == [pair for pair in order(library) if expected(pair)]


def test_one_goes_through_the_queue_and_back(library: Library) -> None:
    pairs = order(library)
    there = [pairs[0]]
    while following := next_after(library, there[-1].id, ALL):
        there.append(following)
    assert there == pairs
    back = [pairs[-1]]
    while before := previous(library, back[-1].id, ALL):
        back.append(before)
    assert back == pairs[::-1]
    assert next_after(library, "gone", ALL) == pairs[0]
    assert previous(library, "gone", ALL) is None


def test_the_next_unread_is_the_next_one_behind_and_then_the_first(library: Library) -> None:
    first, second, third, *rest = order(library)
    for pair in (second, *rest):
        library.decisions.record(accept(library.decisions, pair))
    assert first_unread(library, ALL) == first
    assert next_after(library, first.id, ALL, unread=True) == third
    assert next_after(library, third.id, ALL, unread=True) == first
    library.decisions.record(accept(library.decisions, first))
    assert next_after(library, third.id, ALL, unread=True) is None
    assert first_unread(library, Filters(state="accepted")) is None


def test_from_a_pair_that_the_filters_no_longer_let_pass_the_way_goes_on_behind_it(library: Library) -> None:
    first, second, third, *_ = order(library)
    unread = Filters(state="unread")
    library.decisions.record(accept(library.decisions, second))
    assert next_after(library, second.id, unread) == third
    assert previous(library, second.id, unread) == first
