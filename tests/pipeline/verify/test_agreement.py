"""Agreement: two answers agree only where nobody could say that one adds, lacks, denies or swaps something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.verify.agreement import agrees


@pytest.mark.parametrize(
    ("one", "other", "question"),
    [
        ("On Apollo 14.", "apollo 14", "On which mission was the module called Kitty Hawk?"),
        ("`secho`", "The function secho.", "Which function combines echo and style?"),
        ("由石敢当掉落。", "石敢当掉落", "出云棍怎样获得？"),
        ("一千二百人", "1,200 人", "有多少人？"),
        ("twenty kilometres", "20 kilometres", "How far?"),
        ("标准版 268 元，豪华版 328 元。", "268 元，328 元", "标准版和豪华版各多少元？"),
    ],
)
def test_the_same_in_other_spellings_agrees(one: str, other: str, question: str) -> None:
    assert agrees(one, other, question)
    assert agrees(other, one, question)


@pytest.mark.parametrize(
    ("one", "other", "question"),
    [
        ("Salt and sugar.", "Salt.", "What is in it?"),
        ("It is not required.", "It is required.", "Is the option required?"),
        ("No, it is open.", "Yes, it is open.", "Is the tower open?"),
        ("`ReadTimeout`", "`Readtimeout`", "Which exception is raised?"),
        ("`--ssl-key`", "`--ssl-keyfile`", "Which option is it?"),
        ("-v", "--v", "Which flag is it?"),
        ("5%", "5", "How much?"),
        ("Stan before Ada.", "Ada before Stan.", "Who came first, Ada or Stan?"),
        ("豪华版 268 元，标准版 328 元", "268 元和 328 元", "标准版和豪华版各多少元？"),
        ("不能进入", "能进入", "游客能进入吗？"),
        ("", "", "Who?"),
    ],
)
def test_what_adds_lacks_denies_or_swaps_anything_does_not_agree(one: str, other: str, question: str) -> None:
    assert not agrees(one, other, question)
    assert not agrees(other, one, question)


WORDS = st.lists(st.sampled_from(["north", "south", "12", "not", "gate", "石", "门", "`a_b`"]), min_size=1, max_size=6)


@given(WORDS, st.permutations(range(6)))
def test_a_swap_never_agrees_where_the_question_says_none_of_it(words: list[str], order: list[int]) -> None:
    swapped = [words[place] for place in order if place < len(words)]
    assert agrees(" ".join(words), " ".join(swapped), "Which way?") == (words == swapped)
