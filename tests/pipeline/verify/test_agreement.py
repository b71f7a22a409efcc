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
        ("On disk.", "In memory.", "Is the cache kept on disk or in memory?"),
        ("On the box.", "In the box.", "Is it on or in the box?"),
        ("不能。", "能。", "出云棍能不能升级？"),
        ("不可以", "可以", "可不可以联机？"),
        ("增加了 3 点", "减少了 3 点", "攻击力的增加和减少是几点？"),
        ("更早", "更晚", "第一回比第二回更早还是更晚？"),
        ("It is not enabled.", "It is enabled.", "Is HTTP/2 enabled by default or not?"),
        ("It isn't open to Ada.", "It is open to Ada.", "Why isn't it open?"),
        ("Five pages are never sent.", "Five pages are sent.", "Which pages are never sent?"),
        ("无需 3 块石头", "需 3 块石头", "无需几块石头？"),
        ("The `is` operator", "The `in` operator", "Which operator is it?"),
        ("`Client`", "`client`", "Which class is it?"),
        ("Salt and sugar.", "Salt.", "Which of salt and sugar dissolves?"),
        ("标准版和豪华版", "标准版", "标准版和豪华版中，哪些含原声？"),
        ("", "", "Who?"),
    ],
)
def test_what_adds_lacks_denies_or_swaps_anything_does_not_agree(one: str, other: str, question: str) -> None:
    assert not agrees(one, other, question)
    assert not agrees(other, one, question)


@pytest.mark.parametrize("question", ["Is it red or green, and why?", "是红的还是绿的，为什么？", "红不红？"])
def test_where_the_question_offers_a_choice_each_word_counts(question: str) -> None:
    assert agrees("red", "Red.", question)
    assert not agrees("red as iron", "red iron", question)
    assert not agrees("铁是红的", "铁", question)


SAID = st.lists(st.sampled_from(["north", "12", "gate", "石", "门", "`is`"]), min_size=1, max_size=5)
REPEATED = st.sampled_from(["not", "never", "no", "without", "isn't", "不", "没", "未", "无", "非", "否"])


@given(SAID, REPEATED, st.integers(0, 5))
def test_a_denial_never_agrees_though_the_question_denies_too(words: list[str], denial: str, place: int) -> None:
    denied = " ".join([*words[:place], denial, *words[place:]])
    assert not agrees(" ".join(words), denied, f"Why, and why {denial} so?")


@given(SAID, SAID, SAID)
def test_two_answers_that_each_lack_something_never_agree(shared: list[str], one: list[str], other: list[str]) -> None:
    a, b = " ".join([*shared, "east", *one]), " ".join([*shared, "west", *other])
    assert not agrees(a, b, f"{a} {b}, which way?")


@given(SAID, st.permutations(["tower", "hill", "桥"]))
def test_one_answer_may_repeat_the_question(words: list[str], asked: list[str]) -> None:
    assert agrees(" ".join([*words, *asked]), " ".join(words), f"What of {' '.join(asked)}?")


WORDS = st.lists(st.sampled_from(["north", "south", "12", "not", "gate", "石", "门", "`a_b`"]), min_size=1, max_size=6)


@given(WORDS, st.permutations(range(6)))
def test_a_swap_never_agrees_where_the_question_says_none_of_it(words: list[str], order: list[int]) -> None:
    swapped = [words[place] for place in order if place < len(words)]
    assert agrees(" ".join(words), " ".join(swapped), "Which way?") == (words == swapped)
