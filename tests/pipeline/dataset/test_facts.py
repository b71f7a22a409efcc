"""Pairs are of one fact where their evidence overlaps; and which pair tells what another one asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rows import pair, section
from wukong_pipe.dataset.facts import fact_id_among, tells, with_fact_ids
from wukong_pipe.records import QAPair

SENTENCES = [f"第{n}句说的是{chr(0x4E00 + 97 * n)}。" for n in range(12)]
HERE = section("节", "## 节\n\n" + "".join(SENTENCES) + "\n")


def citing(*spans: tuple[int, int]) -> QAPair:
    """A pair whose evidence are runs of sentences, each (first, behind the last)."""
    evidence = tuple("".join(SENTENCES[first:end]) for first, end in spans)
    return replace(pair(f"{spans}？"), section=HERE, evidence=evidence, lines=(3, 3))


def groups(pairs: list[QAPair]) -> set[frozenset[int]]:
    """Which pairs, by their places, are of one fact."""
    found = [one.fact_id for one in with_fact_ids(pairs)]
    return {frozenset(i for i, name in enumerate(found) if name == fact) for fact in found}


@pytest.mark.parametrize(
    ("cited", "expected"),
    [
        ([[(0, 1)], [(0, 1)], [(1, 2)]], {frozenset({0, 1}), frozenset({2})}),
        ([[(0, 2)], [(1, 2)], [(2, 3)]], {frozenset({0, 1}), frozenset({2})}),
        ([[(0, 1)], [(2, 3)], [(0, 1), (2, 3)]], {frozenset({0, 1, 2})}),
        ([[(0, 1), (5, 7)], [(2, 3)], [(2, 4), (6, 7)]], {frozenset({0, 1, 2})}),
    ],
    ids=["the same and another", "a part", "two joined by a third", "joined from behind"],
)
def test_pairs_whose_evidence_overlaps_are_of_one_fact(
    cited: list[list[tuple[int, int]]], expected: set[frozenset[int]]
) -> None:
    assert groups([citing(*spans) for spans in cited]) == expected


SPANS = st.tuples(st.integers(0, 10), st.integers(1, 3)).map(lambda one: (one[0], min(12, one[0] + one[1])))


@given(st.lists(st.lists(SPANS, min_size=1, max_size=3), min_size=1, max_size=8))
def test_facts_are_the_connected_pairs_whatever_their_order(cited: list[list[tuple[int, int]]]) -> None:
    pairs = [citing(*spans) for spans in cited]
    said = [{n for span in spans for n in range(*span)} for spans in cited]
    expected: list[set[int]] = []
    for i in range(len(pairs)):
        near = [one for one in expected if any(said[i] & said[j] for j in one)]
        expected = [one for one in expected if one not in near] + [set().union({i}, *near)]
    assert groups(pairs) == {frozenset(one) for one in expected}
    backwards = [one.fact_id for one in with_fact_ids(pairs[::-1])][::-1]
    assert backwards == [one.fact_id for one in with_fact_ids(pairs)]


def test_the_same_words_at_two_places_are_two_facts() -> None:
    twice = section("节", "## 节\n\n石甲的兵器是乙刀。\n\n石甲的兵器是乙刀。\n")
    one = replace(pair("一？", evidence="石甲的兵器是乙刀。"), section=twice, lines=(3, 3))
    assert len(groups([one, replace(one, question="二？", lines=(5, 5)), replace(one, question="三？")])) == 2


def test_the_head_of_a_table_that_was_cut_is_evidence_as_well() -> None:
    cut = replace(section("节", "| 甲 | 乙 |\n"), header="| 名 | 值 |\n")
    one, other = (replace(pair(q, evidence="| 名 | 值 |"), section=cut, lines=(1, 1)) for q in ("一？", "二？"))
    row = replace(pair("三？", evidence="| 甲 | 乙 |"), section=cut, lines=(1, 1))
    assert groups([one, other, row]) == {frozenset({0, 1}), frozenset({2})}


@pytest.mark.parametrize(
    ("question", "answer", "told"),
    [
        ("石敢当掉落什么？", "出云棍。", True),
        ("出云棍由谁掉落？", "由石敢当掉落。", True),
        ("出云棍是什么属性？", "火属性。", False),
    ],
)
def test_a_pair_tells_another_whose_answer_stands_in_its_question_or_answer(
    question: str, answer: str, told: bool
) -> None:
    asked = pair("谁掉落出云棍？", "石敢当")
    assert tells(pair(question, answer), asked) is told


def test_a_pair_that_comes_in_later_is_of_the_first_fact_that_it_overlaps_with_or_of_its_own() -> None:
    one, two = with_fact_ids([citing((0, 2)), citing((3, 4))])
    assert fact_id_among(citing((1, 4)), [one, two]) == one.fact_id
    assert fact_id_among(citing((3, 5)), [one, two]) == two.fact_id
    assert fact_id_among(citing((6, 7)), [one, two]) not in {one.fact_id, two.fact_id, ""}
