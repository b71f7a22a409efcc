"""The facts of a pair: of what a teacher names what can be looked for in another answer; else what the answer adds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.checks.named_facts import facts_of


@pytest.mark.parametrize(
    ("named", "question", "answer", "facts"),
    [
        (["石敢当"], "出云棍由谁掉落？", "由石敢当掉落。", ["石敢当"]),
        (["石敢当。", "石敢当"], "出云棍由谁掉落？", "由石敢当掉落。", ["石敢当"]),
        (["白衣秀士、金池长老"], "有哪些妖王？", "白衣秀士和金池长老。", ["白衣秀士", "金池长老"]),
        (["cURL, requests and gh"], "Which tools use them?", "cURL, requests and gh.", ["cURL", "requests", "gh"]),
        (["Limits(a=1, b=2)"], "What is passed?", "Pass `Limits(a=1, b=2)`.", ["Limits(a=1, b=2)"]),
        # The question's subject is what it asks about, not what it asks for.
        (["出云棍", "石敢当"], "出云棍由谁掉落？", "出云棍由石敢当掉落。", ["石敢当"]),
        # Unless the question offers it to choose from.
        (["text"], "Is HTTP/1.1 a text or a binary format?", "It is a text format.", ["text"]),
        (["虎先锋"], "出云棍由谁掉落？", "石敢当。", ["石敢当"]),
        (
            ["The lander touched down at Tranquility Base on 20 July after 102 hours of flight."],
            "Where did it land?",
            "The lander touched down at Tranquility Base on 20 July after 102 hours of flight.",
            ["Tranquility Base", "20 July", "102 hours"],
        ),
        (
            [],
            "Which parameter turns it off?",
            "Set `trust_env=False` on the client that you make.",
            ["trust_env=False"],
        ),
        # Marks and case make another thing of the same letters.
        (["Trust-Env"], "Which option turns it off?", "Set `trust_env` on it.", ["trust_env"]),
        (["client"], "Which class is it?", "`Client`, and no other.", ["Client"]),
        (["C"], "Which language?", "C++", ["C++"]),
        (["-5"], "How cold is it?", "It is 5.", ["5"]),
        (["5"], "How cold is it?", "It is -5.", ["-5"]),
        (["5 degrees"], "How cold is it?", "It is -5 degrees.", ["-5"]),
        (["1", "2", "5"], "Which of them?", "Of No.5: 1,2.", ["1", "2", "5"]),
        (["3"], "Which version is it?", "It is 3.5.", ["3.5"]),
        (["2020", "11"], "When was Apollo flown?", "Apollo-11, in 2019-2020.", ["2020", "11"]),
        ([], "有哪些妖王？", "白衣秀士、金池长老", ["白衣秀士", "金池长老"]),
        ([], "Does it read the environment by default?", "Yes.", ["Yes"]),
        ([], "为什么？", "因为他在山里住了很久，见过许多过路的人，也听过他们讲的旧事。", []),
    ],
)
def test_facts_are_what_makes_the_answer_right(named: list[str], question: str, answer: str, facts: list[str]) -> None:
    assert facts_of(named, question, answer) == tuple((fact,) for fact in facts)


@given(st.lists(st.text(max_size=12), max_size=5), st.text(max_size=30), st.text(max_size=60))
def test_of_any_words_each_fact_stands_in_the_answer_once(named: list[str], question: str, answer: str) -> None:
    facts = [fact for (fact,) in facts_of(named, question, answer)]
    assert len(facts) == len(set(facts)) <= 8
    assert all(fact.strip() for fact in facts)
