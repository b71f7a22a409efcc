"""Whether a fact stands in an answer: the table of the module, and what it must hold of any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.language import fact_matching
from wukong_pipe.language.fact_matching import found, stands

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (fact_matching.__doc__ or "").splitlines()
    if line.startswith("| ")
][1:]
CASES = [(fact, text, True) for fact, texts, _, _ in ROWS for text in texts.split("; ")]
CASES += [(fact, text, False) for fact, _, texts, _ in ROWS for text in texts.split("; ")]


@pytest.mark.parametrize(("fact", "text", "is_there"), CASES)
def test_the_table_is_true(fact: str, text: str, is_there: bool) -> None:
    assert stands(fact, text) is is_there


def test_the_table_has_both_kinds_of_rows() -> None:
    assert {is_there for _, _, is_there in CASES} == {True, False}
    assert len(ROWS) >= 8


@pytest.mark.parametrize(
    ("fact", "text", "is_there"),
    [
        ("108", "共一百零八颗", True),
        ("108", "1080", False),
        ("1,000", "一千", True),
        ("50%", "百分之五十", True),
        ("3.50 miles", "3.5 miles", True),
        ("3", "3.5", False),
        ("5", "It is -5.", False),
        ("-5", "It is −5.", True),
        ("5 seconds", "a five-second wait", True),
        ("5 seconds", "5 minutes", False),
        ("1 day", "one day", True),
        ("第二回", "第2回", True),
        ("第二回", "第一回", False),
        ("1969", "on July 20, 1969", True),
        ("July 20, 1969", "July 1969", False),
        ("1", "27 January 1967", False),
        ("27", "27 January 1967", True),
        ("Launch Complex 39A", "Launch Complex 39B", False),
        ("PS5", "ＰＳ５", True),
        ("C", "C++", False),
        ("cat", "concatenate", False),
        ("会", "不会", False),
        ("会", "默认会验证", True),
        ("closed", "It is closing them.", True),
        ("process", "processes", True),
        ("NASA", "NASA’s plan", True),
        ("金箍棒", "如意《金箍棒》", True),
        ("头部压缩", "头部的压缩", True),
        ("proxy=", "httpx.get(url, proxy='x')", True),
        ("proxy=", "the proxy", False),
        ("Limits(a=1, b=2)", "`Limits( a = 1,b=2 )`", True),
        ("a = ( b, [c] )", "a=(b,\n  [ c ])", True),
        ("max_size", r"the max\_size of it", True),
        ("--no-color", "--no-color-at-all", False),
        ("http://", "https://", False),
        ("https://a.b/c", "https://a.b/c/d", False),
        ("https://a.b/c", "See https://a.b/c, or (https://a.b/d).", True),
        ("/a", "/a/b", False),
        (".http_version", "response.http_version", True),
        ("http", "https", False),
        ("16 GB", "16 cores", False),
        ("16 GB", "16核", False),
        ("16 GB", "16 by default", True),
        ("10 MB", "10 MB/s", False),
        ("10 MB/s", "10MB/s", True),
        ("108颗", "一百零八妖怪", True),
        ("Python 3.10", "Python 3.1 or newer", False),
        ("20°C", "minus 20°C", False),
        ("-5", "零下5", True),
        ("3到5天", "3-5天", True),
        ("US", "Tell us.", False),
        ("May", "It may be.", False),
        ("May", "in May", True),
        ("NASA", "nasa", True),
        ("used", "It uses that.", True),
        ("caring", "a car", False),
        ("his", "hi", False),
        ("！", "走！", True),
    ],
)
def test_numbers_words_and_code(fact: str, text: str, is_there: bool) -> None:
    assert stands(fact, text) is is_there


@pytest.mark.parametrize(
    ("spelling", "answer", "is_there"),
    [("Client", "httpx.Client()", True), ("Client", "a client", False), ("client", "a client", False)],
)
def test_what_the_reference_marks_as_code_has_one_spelling(spelling: str, answer: str, is_there: bool) -> None:
    assert found([[spelling]], answer, "The `Client` does.") == [is_there]


def test_of_each_fact_one_spelling_must_stand_there() -> None:
    assert found([["two", "双"], ["red"]], "It is red.", "") == [False, True]
    assert found([["two", "双"]], "2 of them", "") == [True]


@pytest.mark.parametrize(("fact", "text"), [("的确", "的" * 8000), ("of x", "of the " * 2000)])
def test_words_that_may_stand_between_others_cost_no_square_time(fact: str, text: str) -> None:
    started = time.process_time()
    assert not stands(fact, text)
    assert time.process_time() - started < 1, "skipping all of them from every place takes 20 s"


WORDS = st.text(st.sampled_from("ab 不会 1.，`_-北京"), min_size=1, max_size=12)


@given(WORDS)
def test_any_text_with_a_letter_or_digit_stands_in_itself_and_in_quotes(text: str) -> None:
    if any(map(str.isalnum, text)):
        assert stands(text, text)
        assert stands(text, f"“{text}”")


@given(WORDS, WORDS)
def test_what_does_not_stand_in_a_text_of_other_letters_never_does(fact: str, text: str) -> None:
    if any(map(str.isalnum, fact)):
        assert not stands(fact, text.translate(dict.fromkeys(map(ord, fact), "#")))
