"""Another spelling of a fact: what can be looked for in an answer, and what a wrong answer would hold as well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.checks.spellings import NamedFact, check_spelling, may_be_spelt_otherwise
from wukong_pipe.records import QAPair, Section


def named(question: str, answer: str, fact: str) -> NamedFact:
    section = Section("a.md", ("A",), 1, "text")
    return NamedFact(QAPair(section, question, answer, ("text",), (1, 1), "base", "t", "p@1", "call"), fact)


def problem(
    fact: str, spelling: str, question: str = "How?", known: tuple[str, ...] = (), others: tuple[str, ...] = ()
) -> str:
    reason = check_spelling(spelling, named(question, fact, fact), (fact, *known), (fact, *others))
    return str(reason or "")


@pytest.mark.parametrize(
    ("fact", "spelling"),
    [
        ("comma-separated", "separated by commas"),
        ("compression of HTTP headers", "header compression"),
        ("逗号分隔", "用逗号隔开"),
        ("single TCP stream", "one TCP connection"),
        ("three requests", "3 parallel requests"),
        ("optional", "not required"),
        ("关闭代理", "不走代理"),
    ],
)
def test_other_words_for_the_same_fact_are_kept(fact: str, spelling: str) -> None:
    assert problem(fact, spelling) == ""


@pytest.mark.parametrize(
    ("fact", "spelling", "why"),
    [
        ("closed", "  ", "no letter or digit in it"),
        ("closed", "——", "no letter or digit in it"),
        ("closed", "Closed!", "adds nothing: “closed” stands in it already"),
        ("closed", "it is closed then", "adds nothing: “closed” stands in it already"),
        ("逗号分隔", "以逗号分隔的", "adds nothing: “逗号分隔” stands in it already"),
        (
            "closed",
            "the client is shut down and all the connections that it held are gone",
            "“the client is shut down and all the connections that it held are gone” is too long for a fact",
        ),
        ("closed", "x" * 61, f"“{'x' * 61}” is too long for a fact"),
        ("甲乙丙", "甲乙、" * 21, f"“{'甲乙、' * 21}” is too long for a fact"),
        ("closed", "shut\x1b[31m", "holds an invisible character: \\x1b"),
        ("逗号", "\u202e号逗", "holds an invisible character: \\u202e"),
        ("the response", "it", "“it” stands in wrong answers as well"),
        ("header compression", "it is", "“it is” stands in wrong answers as well"),
        ("逗号分隔", "的", "“的” stands in wrong answers as well"),
        ("石敢当", "当", "“当” stands in wrong answers as well"),
        ("支持代理", "不支持", "one denies and the other does not: “支持代理”"),
        ("不支持代理", "支持", "one denies and the other does not: “不支持代理”"),
        ("supports proxies", "does not support", "one denies and the other does not: “supports proxies”"),
        ("requests", "HTTP_PROXY", "“HTTP_PROXY” is new"),
        ("three requests", "several requests", "number 3 is gone"),
        ("three requests", "3 parallel requests of 5", "number 5 is new"),
    ],
)
def test_what_is_no_other_spelling_is_told(fact: str, spelling: str, why: str) -> None:
    assert problem(fact, spelling) == why


def test_a_spelling_that_holds_one_that_is_there_adds_nothing() -> None:
    assert problem("closed", "shut down cleanly", known=("shut down",)) == (
        "adds nothing: “shut down” stands in it already"
    )


def test_the_questions_own_words_are_no_spelling_unless_it_offers_choices() -> None:
    assert problem("text", "plain format", "Is it a plain format?") == "stands in the question"
    assert problem("text", "plain format", "Is it a plain format or a binary one?") == ""


def test_what_stands_in_another_fact_of_the_section_would_let_its_answer_pass() -> None:
    assert problem("server push", "push", others=("push notifications",)) == "“push notifications” is of another fact"
    assert problem("石敢当", "石头", others=("石头人",)) == "“石头人” is of another fact"
    # But for a fact that holds this one: its answer passes already.
    assert problem("server push", "push", others=("HTTP/2 server push",)) == ""


@pytest.mark.parametrize(
    ("fact", "answer", "may"),
    [
        ("comma-separated", "A comma-separated list.", True),
        ("2024年8月20日", "2024年8月20日", True),
        ("trust_env", "Set trust_env.", False),
        ("Client", "The `Client`.", False),
        ("--no-color", "Give --no-color.", False),
        ("42", "It has 42.", False),
        ("eleven", "eleven", False),
        ("Yes", "Yes.", False),
    ],
)
def test_identifiers_and_bare_numbers_have_one_spelling(fact: str, answer: str, may: bool) -> None:
    assert may_be_spelt_otherwise(named("What?", answer, fact)) is may


def test_a_yes_or_no_is_read_as_such_and_has_no_other_spelling() -> None:
    assert not may_be_spelt_otherwise(named("它会验证吗？", "会。", "会"))
    assert may_be_spelt_otherwise(named("他写了什么字？", "会。", "会"))


@given(st.text(max_size=40), st.text(min_size=1, max_size=20))
def test_no_text_is_kept_that_the_fact_itself_would_find(spelling: str, fact: str) -> None:
    found = problem(fact, spelling)
    if not found:
        assert problem(fact, spelling, known=(spelling,)) != ""
