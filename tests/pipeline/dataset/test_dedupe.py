"""Rows that ask the same twice: found without missing any, removed with the row they repeat."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from benchmarks.dedupe import near_pairs, simple_join
from benchmarks.dedupe_questions import questions as made_questions
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rows import deduped, family, pair, row
from wukong_pipe.dataset.dedupe import Removal
from wukong_pipe.dataset.near_repeats import NEAR, NEAR_IN_FAMILY
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.similarity import same_key_facts, similarity

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
    kept, removals = deduped(rows, NOBODY)
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
    kept, (removal,) = deduped([first, again], NOBODY)
    assert kept == [first]
    assert (removal.row, removal.kept, removal.similarity) == (again, first, 1.0)
    assert removal.kind == "same-question"


def test_the_same_question_with_another_answer_is_a_conflict_and_reported() -> None:
    kept, (removal,) = deduped([row("谁掉落出云棍？", "石敢当"), row("谁掉落出云棍？", "广智")], NOBODY)
    assert [one.output for one in kept] == ["石敢当"]
    assert str(removal.reason).startswith("conflict: same question, other answer “石敢当” as ")


def test_nearly_the_same_question_is_removed_with_its_similarity() -> None:
    a, b = row(f"{LONG}？"), row(f"{LONG}呢？", where="别处")
    kept, (removal,) = deduped([a, b], NOBODY)
    assert kept == [a]
    assert removal.kind == "near-question"
    assert NEAR <= removal.similarity == similarity(a.instruction, b.instruction) < 1


def test_questions_about_two_chapters_are_two_questions() -> None:
    rows = [row("第一回的妖王是谁？", "甲"), row("第二回的妖王是谁？", "甲")]
    long = [row(f"第{chapter}回里，{LONG}？", "甲") for chapter in ("一", "二")]
    assert deduped([*rows, *long], NOBODY) == ([*rows, *long], [])
    assert similarity(long[0].instruction, long[1].instruction) >= NEAR


def test_names_that_only_the_corpus_knows_tell_questions_apart() -> None:
    rows = [row(f"{LONG}，包括{name}吗？") for name in ("石敢当", "石敢郎")]
    assert len(deduped(rows, NOBODY)[0]) == 1
    assert len(deduped(rows, frozenset({"石敢当", "石敢郎"}))[0]) == 2


def test_near_twins_with_other_answers_are_both_kept() -> None:
    rows = [row(f"{LONG}？", "四位"), row(f"{LONG}呢？", "五位")]
    assert deduped(rows, NOBODY) == (rows, [])


def test_wordings_of_one_pair_may_be_more_alike() -> None:
    wordings = family(pair(f"{LONG}吗？"), [f"{LONG}呢？"])
    alike = similarity(wordings[0].instruction, wordings[1].instruction)
    assert NEAR <= alike < NEAR_IN_FAMILY
    assert deduped(wordings, NOBODY) == (wordings, [])


def test_a_repeat_of_a_removed_row_names_the_row_that_was_kept() -> None:
    first, near, again = row(f"{LONG}吗？"), row(f"{LONG}呢？", where="二"), row(f"{LONG}呢?", where="三")
    kept, removals = deduped([first, near, again], NOBODY)
    assert kept == [first]
    assert [(gone.row, gone.kept) for gone in removals] == [(near, first), (again, first)]
    assert removals[0].similarity == removals[1].similarity < 1


def test_the_join_tells_the_same_pairs_whatever_the_order_of_the_texts() -> None:
    texts = [one.text for one in made_questions(2_000)[0]]
    shuffled = random.Random(1).sample(texts, len(texts))

    def found(texts: list[str]) -> set[tuple[frozenset[str], float]]:
        return {(frozenset((texts[i], texts[j])), alike) for i, j, alike in near_pairs(texts, NEAR)}

    assert found(texts) == found(shuffled) != set()


def test_rows_of_one_answer_in_their_hundreds_are_deduplicated_as_in_their_dozens() -> None:
    few = [row(f"{LONG}，{name}也算吗？", "是") for name in ("狼", "虎", "蛇")]
    many = [row(f"第{chapter}回里，{LONG}？", "是") for chapter in range(2, 300)]
    repeats = [row(f"第{chapter}回里，{LONG}呢？", "是", where="别处") for chapter in range(2, 300, 7)]
    removals = deduped([*few, *many, *repeats], NOBODY)[1]
    near = [gone for gone in removals if gone.row in repeats]
    assert [gone.row for gone in near] == repeats
    assert [gone.kept for gone in near] == many[::7]
    assert removals[: -len(near)] == deduped(few, NOBODY)[1]


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("{}击败二姐和紫蛛儿各能铸造什么棍？", "", "不"),
        (LONG + "，{}卷里写的有几位？", "上", "下"),
        ("How many people walked on the Moon {}during Apollo?", "", "twice "),
        ("How were the {}J-2 engines shared out between the stages?", "", "two "),
        ("Which missions were the first {} flights of the Saturn V?", "two", "three"),
        ("Which part of the spacecraft was the {}smallest in height?", "", "second "),
        ("What did{} the crew carry with them into the lunar module?", "", "n't"),
    ],
)
def test_small_words_that_turn_a_question_into_another_keep_both(question: str, one: str, other: str) -> None:
    rows = [row(question.format(one)), row(question.format(other), where="别处")]
    assert similarity(rows[0].instruction, rows[1].instruction) >= 0.8
    assert deduped(rows, NOBODY) == (rows, [])


def merged_twins(count: int) -> list[Removal]:
    """Of pairs of questions that differ in a number or a name alone, with one answer, those that lose a question."""
    made, names = made_questions(30 * count, seed=7)
    twins = [one for one in made if one.kind == "twin" and normalise(one.text) != normalise(made[one.of].text)][:count]
    assert len(twins) == count
    rows = [(row(made[one.of].text, f"答{i}"), row(one.text, f"答{i}", "别处")) for i, one in enumerate(twins)]
    assert any(similarity(a.instruction, b.instruction) >= NEAR for a, b in rows)
    removals = deduped([one for two in rows for one in two], names)[1]
    return [gone for gone in removals if gone.row.output == gone.kept.output]


def test_questions_that_differ_in_a_number_or_a_name_alone_are_never_merged() -> None:
    assert merged_twins(100) == []


@pytest.mark.long
def test_of_a_thousand_questions_that_differ_in_a_number_or_a_name_alone_none_are_merged() -> None:
    assert merged_twins(1_000) == []


def test_the_join_finds_what_the_plain_join_finds_among_templates() -> None:
    texts = [one.text for one in made_questions(3_000)[0]]
    assert list(near_pairs(texts, NEAR)) == list(simple_join(texts, NEAR)) != []


@pytest.mark.long
def test_the_join_finds_what_the_plain_join_finds_among_a_hundred_thousand() -> None:
    texts = [one.text for one in made_questions(100_000)[0]]
    assert list(near_pairs(texts, NEAR)) == list(simple_join(texts, NEAR)) != []


def join_memory(count: int) -> int:
    """Bytes at the peak of a join of `count` texts that all meet each other, beside what the texts take."""
    same = LONG + LONG[::-1] + LONG[::2] + LONG[1::2]
    texts = [f"{same}，到第{i}次为止一共发生过多少回这样的事情？" for i in range(count)]
    tracemalloc.start()
    try:
        pairs = sum(1 for _ in near_pairs(texts, NEAR))
        assert pairs > count * (count - 1) / 3
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.long
def test_the_join_holds_no_more_when_the_pairs_are_nine_times_as_many() -> None:
    assert join_memory(1_200) < 2 * join_memory(400)
