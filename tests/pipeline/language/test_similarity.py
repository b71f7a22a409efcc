"""When two questions are alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.similarity import ngrams, same_key_facts, similarity


@given(st.text("ab出云棍 ?", max_size=12), st.text("ab出云棍 ?", max_size=12))
def test_similarity_is_the_jaccard_index_of_the_3_grams(a: str, b: str) -> None:
    def grams(text: str) -> set[str]:
        normal = normalise(text)
        return {normal[i : i + 3] for i in range(max(1, len(normal) - 2))} - {""}

    union = grams(a) | grams(b)
    assert similarity(a, b) == (len(grams(a) & grams(b)) / len(union) if union else 1.0)
    assert similarity(a, b) == similarity(b, a)


def test_a_short_text_is_its_own_gram() -> None:
    assert ngrams("谁？") == {"谁"}
    assert ngrams("？") == frozenset()


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("第一回的妖王是谁？", "第二回的妖王是谁？", False),
        ("出云棍的来源是什么？", "飞龙宝杖的来源是什么？", False),
        ("Who flew Apollo 11?", "Who flew Apollo 12?", False),
        ("《百将行》是谁做的？", "《斗战神》是谁做的？", False),
        ("出云棍的来源是什么？", "说说出云棍的来源？", True),
    ],
)
def test_questions_about_two_things_never_have_the_same_facts(a: str, b: str, same: bool) -> None:
    assert same_key_facts(a, b, frozenset({"出云棍", "飞龙宝杖"})) is same
