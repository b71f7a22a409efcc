"""Rows that ask the same twice: found without missing any, removed with the row they repeat."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipeline.rows import family, pair, row
from wukong_pipe.dedupe import NEAR, NEAR_IN_FAMILY, dedupe, near_pairs
from wukong_pipe.text import normalise, same_key_facts, similarity

NOBODY: frozenset[str] = frozenset()
LONG = "在第三章的石窟之中一共可以遇到哪几位会使用法术的头目"

words = st.lists(st.sampled_from(["出云棍", "的", "来源", "是", "什么", "哪里", "谁", "一", "？"]), max_size=9)
questions = words.map("".join) | st.text("ab", max_size=14)


@given(st.lists(questions, max_size=14), st.sampled_from([0.3, 0.5, 0.7, NEAR, 1.0]))
@settings(deadline=None)
def test_the_join_finds_exactly_what_comparing_all_with_all_finds(texts: list[str], threshold: float) -> None:
    everything = {
        (i, j, similarity(texts[i], texts[j]))
        for j in range(len(texts))
        for i in range(j)
        if similarity(texts[i], texts[j]) >= threshold and normalise(texts[i]) and normalise(texts[j])
    }
    found = list(near_pairs(texts, threshold))
    assert set(found) == everything
    assert len(found) == len(everything)


@given(st.lists(st.tuples(questions, st.sampled_from(["答", "另"]), st.sampled_from("甲乙")), max_size=12))
@settings(deadline=None)
def test_every_row_is_kept_or_names_the_kept_row_it_repeats(entries: list[tuple[str, str, str]]) -> None:
    rows = [row(*entry) for entry in entries]
    kept, removals = dedupe(rows, NOBODY)
    assert len(kept) + len(removals) == len(rows)
    assert [one for one in rows if one in kept or one in [gone.row for gone in removals]] == rows
    assert len({normalise(one.instruction) for one in kept}) == len(kept)
    for gone in removals:
        assert gone.kept in kept
        assert gone.similarity >= NEAR
        assert normalise(gone.row.instruction) == normalise(gone.kept.instruction) or same_key_facts(
            gone.row.instruction, gone.kept.instruction
        )


def test_the_same_question_written_otherwise_is_removed_as_the_same() -> None:
    first, again = row("出云棍怎样获得？"), row("《出云棍》 怎样获得?", where="别处")
    kept, (removal,) = dedupe([first, again], NOBODY)
    assert kept == [first]
    assert (removal.row, removal.kept, removal.similarity) == (again, first, 1.0)
    assert removal.reason == "same question"


def test_the_same_question_with_another_answer_is_a_conflict_and_reported() -> None:
    kept, (removal,) = dedupe([row("谁掉落出云棍？", "石敢当"), row("谁掉落出云棍？", "广智")], NOBODY)
    assert [one.output for one in kept] == ["石敢当"]
    assert removal.reason == "conflict: same question, other answer “石敢当”"


def test_nearly_the_same_question_is_removed_with_its_similarity() -> None:
    a, b = row(f"{LONG}？"), row(f"{LONG}呢？", where="别处")
    kept, (removal,) = dedupe([a, b], NOBODY)
    assert kept == [a]
    assert removal.reason == "nearly the same question"
    assert NEAR <= removal.similarity == similarity(a.instruction, b.instruction) < 1


def test_questions_about_two_chapters_are_two_questions() -> None:
    rows = [row("第一回的妖王是谁？", "甲"), row("第二回的妖王是谁？", "甲")]
    long = [row(f"第{chapter}回里，{LONG}？", "甲") for chapter in ("一", "二")]
    assert dedupe([*rows, *long], NOBODY) == ([*rows, *long], [])
    assert similarity(long[0].instruction, long[1].instruction) >= NEAR


def test_names_that_only_the_corpus_knows_tell_questions_apart() -> None:
    rows = [row(f"{LONG}，包括{name}吗？") for name in ("石敢当", "石敢郎")]
    assert len(dedupe(rows, NOBODY)[0]) == 1
    assert len(dedupe(rows, frozenset({"石敢当", "石敢郎"}))[0]) == 2


def test_near_twins_with_other_answers_are_both_kept() -> None:
    rows = [row(f"{LONG}？", "四位"), row(f"{LONG}呢？", "五位")]
    assert dedupe(rows, NOBODY) == (rows, [])


def test_wordings_of_one_pair_may_be_more_alike() -> None:
    wordings = family(pair(f"{LONG}吗？"), [f"{LONG}呢？"])
    alike = similarity(wordings[0].instruction, wordings[1].instruction)
    assert NEAR <= alike < NEAR_IN_FAMILY
    assert dedupe(wordings, NOBODY) == (wordings, [])


def test_a_repeat_of_a_removed_row_names_the_row_that_was_kept() -> None:
    first, near, again = row(f"{LONG}吗？"), row(f"{LONG}呢？", where="二"), row(f"{LONG}呢?", where="三")
    kept, removals = dedupe([first, near, again], NOBODY)
    assert kept == [first]
    assert [(gone.row, gone.kept) for gone in removals] == [(near, first), (again, first)]
    assert removals[0].similarity == removals[1].similarity < 1
