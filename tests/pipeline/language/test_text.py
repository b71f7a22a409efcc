"""What two texts have in common: the normal form, n-grams, sentences, numbers and names."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wukong_pipe.language.text import (
    chinese_number,
    counted,
    digest,
    is_chinese,
    key_facts,
    latin_names,
    ngrams,
    normalise,
    numbers,
    quoted,
    same_key_facts,
    sentence_spans,
    sentences,
    similarity,
    standing_in,
)

# --- hashes and normal forms --------------------------------------------------------------------------------


def test_a_digest_keeps_its_parts_apart_and_takes_what_is_no_unicode() -> None:
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")
    assert digest("\ud800") != digest("\ud801")
    assert len(digest("")) == 16


def test_one_thing_is_counted_in_the_singular() -> None:
    assert [counted(n, "section") for n in (0, 1, 2, 1200)] == [
        "0 sections",
        "1 section",
        "2 sections",
        "1,200 sections",
    ]


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("黑神话", True),
        ("PC版在Steam、Epic游戏商城和WeGame上销售", True),
        ("Wukong (悟空) is the hero of the game", False),
        ("", False),
        ("1234 —", False),
    ],
)
def test_a_text_is_chinese_where_a_fifth_of_its_letters_are(text: str, chinese: bool) -> None:
    assert is_chinese(text) is chinese


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("《出云棍》 怎样　获得？", "出云棍怎样获得?"),
        ("ＰＳ５ 版", "ps5版"),
        ("What is the Saturn-V?", "what is  the saturn v"),
        ("Who？", "who!"),
    ],
)
def test_width_case_punctuation_and_space_beside_chinese_do_not_count(a: str, b: str) -> None:
    assert normalise(a) == normalise(b)


def test_words_are_not_run_together() -> None:
    assert normalise("Saturn V") != normalise("SaturnV")


@given(st.text(max_size=40))
def test_a_normal_form_is_its_own_normal_form_but_for_what_folds_twice(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == normalise(normalise(once))
    assert "  " not in once
    assert once == once.strip()


# --- similarity ---------------------------------------------------------------------------------------------


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


# --- sentences ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("第一句。第二句！第三句？", ["第一句。", "第二句！", "第三句？"]),
        ("他说：“走吧。”然后走了。", ["他说：“走吧。”", "然后走了。"]),
        (
            "It cost 25.4 billion dollars. It flew in 1968.",
            ["It cost 25.4 billion dollars.", "It flew in 1968."],
        ),
        ("Dr. von Braun led it. He won.", ["Dr. von Braun led it.", "He won."]),
        ("The U.S. Navy came. John F. Kennedy spoke.", ["The U.S. Navy came.", "John F. Kennedy spoke."]),
        ("版本4.0已发布。", ["版本4.0已发布。"]),
        ("no mark at the end", ["no mark at the end"]),
        ("  \n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text("a1 .。！?…”)\n", max_size=30) | st.text(max_size=30))
def test_sentences_lie_in_order_and_leave_out_only_white_space(text: str) -> None:
    at = 0
    for start, end in sentence_spans(text):
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


SPOKEN = "so we went to the far side with mr. smith. it was 4.0 miles away, e.g. over there. nobody had been there. "


def test_a_long_text_without_capitals_ends_its_sentences_with_a_full_stop() -> None:
    told = ["so we went to the far side with mr. smith.", "it was 4.0 miles away, e.g. over there."]
    assert sentences(SPOKEN * 3) == [*told, "nobody had been there."] * 3


@pytest.mark.parametrize(
    "text", [SPOKEN, "He paid approx. five dollars, incl. tax. " + "so it went on (cf. above). " * 5]
)
def test_a_short_text_without_capitals_and_one_with_capitals_do_not_end_before_a_small_letter(text: str) -> None:
    assert len(sentences(text)) == 1


@pytest.mark.parametrize("piece", ["A. ", "a is 5 kg.\u2028", "she said e.g. this. ", ". ) "])
def test_sentences_of_a_million_characters_are_found_in_one_pass(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))  # A pass for each full stop would last for hours.
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


# --- numbers, names, quoted terms ---------------------------------------------------------------------------


def spelt(value: int) -> str:
    """A number up to 99 999 in Chinese, as it is said."""
    if value >= 10_000:
        rest = value % 10_000
        gap = "零" if 0 < rest < 1000 else ""
        return spelt(value // 10_000) + "万" + gap + (spelt(rest) if rest else "")
    words, zero = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        figure = value // unit % 10
        if figure:
            words += ("零" if zero and words else "") + "零一二三四五六七八九"[figure] + name
        zero = figure == 0
    return words or "零"


@given(st.integers(0, 99_999))
def test_a_chinese_number_is_read_as_it_is_said(value: int) -> None:
    assert chinese_number(spelt(value)) == value


def test_what_is_no_number_has_no_value() -> None:
    assert chinese_number("一百斤") is None
    assert chinese_number("二〇二四") == 2024
    assert chinese_number("三千万") == 30_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("共１，０００人", {"1", "0"}),
        ("共1,000人和一千匹马", {"1000"}),
        ("第二回", {"2"}),
        ("一些万物", set()),
        ("4.0版，3.50元", {"4", "3.5"}),
        ("a total of 25.4 billion", {"25.4"}),
        ("2024年8月20日", {"2024", "8", "20"}),
        ("9" * 5000, {"9" * 5000}),
        ("一" + "亿" * 600, {"一" + "亿" * 600}),
    ],
)
def test_numbers_have_one_spelling(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected


def test_quoted_terms_are_found_in_every_kind_of_quotes() -> None:
    text = '《西游记》「甲」『乙』“丙”【丁】 and "Eagle"'
    assert quoted(text) == {"西游记", "甲", "乙", "丙", "丁", "Eagle"}
    assert quoted("《》“”") == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The crew of Apollo 11 met John Houbolt.", {"Apollo 11", "John Houbolt"}),
        ("Under President Kennedy it began.", {"President Kennedy"}),
        ("Robots landed first.", set()),
        ("游戏使用Unreal Engine 5制作，登陆PS5。", {"Unreal Engine 5", "PS5"}),
        ("When did I go?", set()),
    ],
)
def test_names_are_what_is_written_in_capitals_but_not_the_first_word_alone(text: str, expected: set[str]) -> None:
    assert latin_names(text) == expected


# --- key facts ----------------------------------------------------------------------------------------------


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


@given(st.lists(st.text("ab出云 ", min_size=1, max_size=7)), st.text("ab出云 ", max_size=30))
def test_the_names_that_stand_in_a_text_are_found(names: list[str], text: str) -> None:
    assert standing_in(text, frozenset(names)) == {name for name in names if name in text}
