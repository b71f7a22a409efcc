"""Which sections and pairs are held out whole: by their own hash, so that a corpus may change around them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rows import pair, section
from wukong_pipe.dataset.facts import tells
from wukong_pipe.dataset.holdout_plan import Plan, plan, with_sections
from wukong_pipe.records import QAPair, Section

SHARES = st.sampled_from([0.05, 0.1, 0.3])


def corpus(numbers: Iterable[int]) -> list[QAPair]:
    """Sections of those numbers; the two pairs of each tell one another's answers, and a third tells its own alone."""
    return [
        pair(asked, answer, f"节{n}", evidence)
        for n in sorted(numbers)
        for asked, answer, evidence in (
            (f"甲{n}是谁？", f"乙{n}", f"甲{n}是乙{n}。"),
            (f"乙{n}是谁？", f"甲{n}", f"甲{n}是乙{n}。"),
            (f"丙{n}住在哪里？", f"丁{n}", f"甲{n}是乙{n}。"),
        )
    ]


# --- a corpus that changes ----------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=60), st.integers(0, 10_000), SHARES)
@settings(max_examples=200, deadline=None)
def test_a_section_that_comes_or_goes_moves_no_other_but_the_one_of_a_corpus_too_small_for_its_share(
    numbers: set[int], other: int, share: float
) -> None:
    without, added = corpus(numbers - {other}), corpus({other})
    before, after = plan(without, share), plan([*without, *added], share)
    moved = (before.sections ^ after.sections) - {one.section.id for one in added}
    # Where no hash lies under the share one section is held out all the same, and where all do one is trained.
    assert not moved or (len(moved) == 1 and len(before.sections) in {1, len(numbers - {other}) - 1})
    touched = {one.id for one in added} | {one.id for one in without if one.section.id in moved}
    pairs_moved = (before.pairs ^ after.pairs) - touched
    assert not pairs_moved or (len(before.pairs) == 1 and len(pairs_moved) == 1)


@given(st.sets(st.integers(0, 10_000), min_size=2, max_size=60), SHARES)
@settings(max_examples=100, deadline=None)
def test_a_larger_share_holds_out_what_a_smaller_one_does(numbers: set[int], share: float) -> None:
    assert plan(corpus(numbers), share).sections <= plan(corpus(numbers), share + 0.15).sections


@given(st.permutations(corpus(range(12))), SHARES)
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_pairs_does_not_matter(shuffled: list[QAPair], share: float) -> None:
    assert plan(shuffled, share) == plan(corpus(range(12)), share)


# --- the share ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_over_many_corpora_the_share_of_pairs_is_met_however_uneven_the_sections(share: float) -> None:
    chance = random.Random(7)
    wanted, held, trained, questions = 0, 0, 0, 0
    for number in range(150):
        # Of forty sections one is as large as all others together.
        sizes = [chance.randint(1, 4) for _ in range(39)] + [100]
        pairs = [
            pair(f"{number}-{n}-{i}？", "同", f"{number}节{n}", "同一句。")
            for n, size in enumerate(sizes)
            for i in range(size)
        ]
        chosen = plan(pairs, share)
        levels = [chosen.level(one) for one in pairs]
        wanted, held = wanted + len(pairs), held + levels.count("section")
        questions, trained = questions + levels.count("question"), trained + len(pairs) - levels.count("section")
    assert abs(held / wanted - share) < 0.04
    # A pair that is alone with its fact, or the last of it, is trained.
    assert share - 0.06 < questions / trained < share + 0.01


@pytest.mark.parametrize("sections", [2, 3, 9])
def test_each_level_holds_out_at_least_one_and_leaves_one(sections: int) -> None:
    for start in range(0, 1000, 50):
        for share in (0.01, 0.5):
            pairs = corpus(range(start, start + sections))
            levels = {one.section.id: plan(pairs, share).level(one) for one in pairs}
            assert 1 <= list(levels.values()).count("section") < sections
            assert plan(pairs, share).pairs


def test_the_only_section_is_trained_and_nothing_is_held_out_of_nothing_or_at_no_share() -> None:
    assert plan(corpus([1]), 0.5).sections == frozenset()
    assert plan([], 0.1) == plan(corpus(range(50)), 0.0) == Plan(frozenset(), frozenset())


@pytest.mark.parametrize("name", range(20))
def test_a_corpus_too_small_for_its_share_does_not_give_most_of_it_away(name: int) -> None:
    large = [pair(f"大{i}？", "答", f"大节{name}", f"第{i}句。") for i in range(200)]
    small = [pair(f"小{i}？", "答", f"小节{name}", f"第{i}句。") for i in range(3)]
    assert plan([*large, *small], 0.001).sections == {small[0].section.id}


def test_the_pieces_of_one_long_section_are_held_out_together() -> None:
    piece = [section("长节", f"第{i}段") for i in range(6)]
    pairs = [replace(pair(f"第{i}件是什么？", f"答{i}"), section=piece[i]) for i in range(6)]
    pairs += [pair(f"别处第{i}件是什么？", f"别{i}", f"短节{i}") for i in range(6)]
    for share in (0.1, 0.3, 0.5):
        chosen = plan(pairs, share)
        of_long = [chosen.level(one) == "section" for one in pairs[:6]]
        assert all(of_long) or not any(of_long)


# --- held-out pairs -----------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 1000), min_size=1, max_size=20), st.sampled_from([0.1, 0.3, 0.5]))
@settings(max_examples=200, deadline=None)
def test_a_trained_pair_of_the_same_fact_tells_what_a_held_out_one_asks_for(numbers: set[int], share: float) -> None:
    pairs = corpus(numbers)
    chosen = plan(pairs, share)
    trained = [one for one in pairs if not chosen.level(one)]
    for held in (one for one in pairs if chosen.level(one) == "question"):
        assert any(one.fact_id == held.fact_id and tells(one, held) for one in trained)


def test_a_pair_whose_facts_no_other_tells_is_trained() -> None:
    others = [pair(f"甲{n}是谁？", f"乙{100 + n}", "节", "同一句。") for n in range(20)]
    assert plan(others, 0.5).pairs == frozenset()
    elsewhere = [pair(f"甲{n}是谁？", "同一个人", "节", f"第{n}句。") for n in range(20)]
    assert plan(elsewhere, 0.5).pairs == frozenset()


# --- a pair that comes in when the plan is made -------------------------------------------------------------


def piece(of: Section, text: str) -> Section:
    """Another piece of the same section."""
    return replace(of, first_line=90, text=text)


@given(st.sets(st.integers(0, 10_000), min_size=4, max_size=40), SHARES)
@settings(max_examples=100, deadline=None)
def test_a_piece_of_a_section_goes_with_its_other_pieces(numbers: set[int], share: float) -> None:
    pairs = corpus(numbers)
    whole = plan(pairs, share)
    pieces = {one.section.id: piece(one.section, "再一段。") for one in pairs}
    extended = with_sections(whole, pairs, pieces.values(), share)
    for name, another in pieces.items():
        assert (another.id in extended.sections) == (name in whole.sections)
    assert extended.sections - {one.id for one in pieces.values()} == whole.sections
    assert extended.pairs == whole.pairs


def test_a_section_that_nothing_was_asked_about_goes_by_its_own_hash() -> None:
    pairs = corpus(range(4))
    others = [section(f"别的{n}") for n in range(200)]
    held = with_sections(plan(pairs, 0.3), pairs, others, 0.3).sections & {one.id for one in others}
    assert 0.2 < len(held) / len(others) < 0.4
    assert held < with_sections(plan(pairs, 0.3), pairs, others, 0.5).sections
    assert not with_sections(Plan(frozenset(), frozenset()), pairs, others, 0.0).sections
