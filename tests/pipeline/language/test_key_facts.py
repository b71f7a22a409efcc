"""What an answer must contain to be right."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wukong_pipe.language.key_facts import key_facts
from wukong_pipe.language.normal_form import normalise


def test_a_short_answer_is_its_own_fact_item_by_item() -> None:
    facts = key_facts("白衣秀士、金池长老")
    assert facts.terms == {"白衣秀士", "金池长老"}
    assert facts.found_in("是金池长老和白衣秀士。")
    assert not facts.found_in("是金池长老。")


def test_of_a_long_answer_the_numbers_terms_and_names_count() -> None:
    facts = key_facts("游戏科学在2020年8月20日首次公开了《黑神话：悟空》的实机画面")
    assert facts.numbers == {"2020", "8", "20"}
    assert facts.terms == {normalise("黑神话：悟空")}
    assert facts.found_in("《黑神话：悟空》二〇二〇年8月20日公开")
    assert not facts.found_in("《黑神话：悟空》2021年8月20日公开")


def test_a_number_counts_in_any_spelling() -> None:
    assert key_facts("12").found_in("一共十二个")
    assert not key_facts("12").found_in("一共112个")


def test_a_possessive_is_no_part_of_a_name() -> None:
    facts = key_facts("After two months in orbit it was NASA's Skylab that they left behind for good.")
    assert facts.terms == {"nasa", "skylab"}


def test_a_long_answer_without_any_of_these_is_a_fact_as_a_whole() -> None:
    answer = "玩家在旅途之中遇到的每一位妖怪都有自己的来历与故事"
    assert key_facts(answer).found_in(f"{answer}。")
    assert not key_facts(answer).found_in("每一位妖怪都有故事")


@settings(max_examples=60)
@given(st.text("一二十百第回12《》“”A b、，。", max_size=24))
def test_an_answer_states_its_own_facts(text: str) -> None:
    assert key_facts(text).found_in(text)
