"""Which answers are hits: every fact stands in them, and no guard voids that."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_trainer.scoring.facts import (
    Wanted,
    fact_scores,
    facts_of_row,
    invented_identifiers,
    is_hit,
    states_same,
    without_siblings,
)

OPTION = Wanted(
    "Which option turns it off?", "Set `verify` to `False`.", (("verify",),), section="Pass `verify` and `cert`."
)
MONSTERS = Wanted("有哪些妖王？", "白衣秀士、金池长老。", (("白衣秀士",), ("金池长老",)))


@pytest.mark.parametrize(
    ("answer", "hit", "recall"),
    [
        ("金池长老和白衣秀士。", 1, 1),
        ("第一回有白衣秀士、金池长老、黑熊精。", 1, 1),
        ("白衣秀士。", 0, 0.5),
        ("", 0, 0),
    ],
)
def test_every_fact_must_stand_there_in_any_order(answer: str, hit: float, recall: float) -> None:
    assert fact_scores(answer, MONSTERS) == {"fact_hit": hit, "fact_recall": recall}


def test_a_question_without_facts_has_no_score() -> None:
    assert fact_scores("any", Wanted("Why?", "Because.", ())) == {"fact_hit": None, "fact_recall": None}
    assert Wanted("Why?", "Because.", ()).group == "none"


@pytest.mark.parametrize(
    ("answer", "invented"),
    [
        ("Set `verify`.", []),
        ("Set `verify=False`, or `cert`.", []),
        ("Set `verify` or `check_all`.", ["check_all"]),
        ("Set `verify` or check_all.", ["check_all"]),
        ("Set verify with --no-check.", ["--no-check"]),
        ("Set verify=your_context, as in cert(my_url) for https://a.b/c and /etc/checks.", []),
        ("设置 verify=False，不要用check_all。", ["check_all"]),
        ("Set `verify` to `False` `(the default is True)`.", []),
        ("Set `verify` to `None`.", ["None"]),
        ("Run `pip install it` and set verify=False.", []),
        ("Run `pip install it[all2]` and set `verify`.", ["all2"]),
        ("Use `verify` of `make verifyAll`.", ["verifyAll"]),
        ("Use `client = cert(verify=None)`.", []),
        ("Use `cert(my_url, verify=None)`.", []),
        ("Use `cert(my_url, verify=None, check_all=1)`.", ["check_all"]),
        ("Set `verify`:\n```python\nmy_client = get(verify=False)\n```", []),
    ],
)
def test_an_identifier_that_nothing_holds_voids_the_hit(answer: str, invented: list[str]) -> None:
    assert invented_identifiers(answer, OPTION) == invented
    assert is_hit(answer, OPTION) is (not invented)
    assert is_hit(answer, replace(OPTION, section="")), "without its section nothing passes for invented"


def test_an_answer_that_recites_is_no_hit_and_a_long_one_round_a_long_reference_is() -> None:
    answer = "It is the verify option. " * 20
    assert len(answer) > 400
    assert not is_hit(answer, OPTION)
    assert is_hit(answer, replace(OPTION, reference="The verify option. " * 10))
    assert is_hit(answer[:200], OPTION), "a few sentences round a short reference recite nothing"


@pytest.mark.parametrize("piece", ["a.", "不会", "(a", "`a b", "a=", "/"])
def test_an_answer_without_spaces_costs_no_square_time(piece: str) -> None:
    started = time.process_time()
    invented_identifiers(piece * 10_000, OPTION)
    assert time.process_time() - started < 1, "reading on from every character takes 5 s"


def test_an_answer_that_recites_recalls_nothing() -> None:
    explained = Wanted("Explain.", "Alpha and beta.", (("alpha",), ("beta",)), "explain")
    assert fact_scores("alpha, beta", explained)["fact_recall"] == 1
    assert fact_scores("alpha, beta " * 40, explained) == {"fact_hit": 0, "fact_recall": 0}


def test_an_answer_that_repeats_its_question_says_nothing() -> None:
    choice = Wanted("Is it red or blue?", "It is red.", (("red",),))
    assert fact_scores("Is it red or blue? Is it red or blue", choice) == {"fact_hit": 0, "fact_recall": 0}
    assert is_hit("Is it red or blue? Red.", choice)


@pytest.mark.parametrize(
    ("answer", "hit"),
    [("Yes, it does.", True), ("It verifies them.", True), ("No. Yes is wrong.", False), ("Verify? Yes", True)],
)
def test_a_yes_is_what_the_answer_decides_first(answer: str, hit: bool) -> None:
    wanted = Wanted("Does it verify?", "Yes.", (("Yes",),))
    assert wanted.group == "polar"
    assert is_hit(answer, wanted) is hit


@pytest.mark.parametrize(
    ("facts", "kind", "group"),
    [
        ((("a",),), "base", "facts"),
        ((("a",),), "howto", "facts"),
        ((("a",),), "explain", "explained"),
        ((("a",),), "summary", "explained"),
        ((("a",), ("b",), ("c",), ("d",)), "base", "explained"),
        ((("No",), ("b",)), "base", "polar"),
    ],
)
def test_questions_are_scored_by_group(facts: tuple[tuple[str, ...], ...], kind: str, group: str) -> None:
    assert Wanted("Is it?", "It is.", facts, kind).group == group


def test_facts_are_those_named_or_what_the_reference_adds() -> None:
    named = (("石敢当",),)
    assert facts_of_row(named, "由谁掉落？", "由石敢当掉落。") == (named, "named")
    assert facts_of_row((), "How far?", "12 km") == ((("12 km",),), "derived")
    assert facts_of_row((), "Why?", "Because nobody had ever been there before they went to see it.") == ((), "none")


def test_a_spelling_that_is_also_a_siblings_does_not_count_but_a_facts_own_name_does() -> None:
    read, write = (("read timeout", "the timeout"),), (("write timeout", "The timeout."),)
    assert without_siblings(read, [write]) == (("read timeout",),)
    assert without_siblings((("the timeout",),), [write]) == (("the timeout",),)
    # Two names of one thing, each the other's spelling.
    one, other = (("lander", "lunar module", "LM"),), (("lunar module", "lander", "LM"),)
    assert without_siblings(one, [other]) == one
    question = Wanted("Which?", "The lander.", one)
    assert states_same(question, replace(question, facts=other))
    assert not states_same(question, replace(question, facts=read))


@given(st.text(max_size=30), st.text(max_size=60))
def test_a_reference_whose_facts_are_derived_is_a_hit_itself(question: str, reference: str) -> None:
    wanted = Wanted.of(question, reference)
    if wanted.group == "facts":
        assert is_hit(reference, wanted)
