"""Verifying wordings: only what asks the pair's own question, neither more nor less, is supported."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.verifier import ToldVerifier, asked_in, relation
from wukong_pipe.records import Section
from wukong_pipe.verify.answers import GivenAnswer
from wukong_pipe.verify.verdicts import UNANSWERED, Verdict
from wukong_pipe.verify.wordings import verify_wordings

SECTION = Section(
    "a.md", ("Apollo", "Docking"), 1, "## Docking\n\nGemini 8 docked first. Agena was its target.\n", "en"
)
PAIR = GivenAnswer("Which craft docked first?", "Gemini 8.")
OTHERS = ("What was the target?", "When did it dock?", "Who flew it?")


def verified(reader: ToldVerifier, *wordings: str, others: tuple[str, ...] = OTHERS) -> list[Verdict]:
    return asyncio.run(verify_wordings(PAIR, wordings, others, SECTION, reader.verifier()))


def numbers(reader: ToldVerifier) -> dict[str, int]:
    """The number under which each question of the section stood."""
    shown = reader.asked[0][0].messages[-1]["content"].partition("Questions:\n")[2].partition("\nAnswer:")[0]
    return {line.partition(". ")[2]: int(line.partition(". ")[0]) for line in shown.splitlines()}


@pytest.fixture(scope="module")
def number() -> dict[str, int]:
    reader = ToldVerifier({})
    verified(reader, "x")
    return numbers(reader)


def test_all_questions_of_the_section_stand_in_one_list_and_nothing_says_which_is_the_pairs(
    number: dict[str, int],
) -> None:
    assert sorted(number) == sorted([PAIR.question, *OTHERS])
    assert sorted(number.values()) == [1, 2, 3, 4]


def test_what_asks_the_pairs_question_and_the_same_is_supported(number: dict[str, int]) -> None:
    own, other = number[PAIR.question], number[OTHERS[0]]
    reader = ToldVerifier({"verify_wordings": {"a": relation(own), "b": relation(other, own)}})
    assert [one.outcome for one in verified(reader, "a", "b")] == ["supported", "supported"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (relation(), "the verifier finds that it asks none of the section's questions: so"),
        (relation(99), "the verifier finds that it asks none of the section's questions: so"),
        (relation(1, relation="broader"), "the verifier finds it broader than its base question: so"),
        (relation(1, relation="narrower", answered=False), "the verifier finds it narrower than its base question: so"),
        (relation(1, relation="other"), "the verifier finds that it asks something else: so"),
        (relation(1, answered=False), "the verifier finds that the answer does not fit it: so"),
    ],
)
def test_any_other_relation_is_rejected(number: dict[str, int], said: dict[str, object], reason: str) -> None:
    asks = [number[PAIR.question] if one == 1 else one for one in said["asks"]]  # type: ignore[attr-defined]
    (found,) = verified(ToldVerifier({"verify_wordings": {"a": {**said, "asks": asks}}}), "a")
    assert (found.outcome, str(found.reason)) == ("rejected", reason)


def test_a_narrower_wording_is_supported_where_the_answer_is_exact_for_it(number: dict[str, int]) -> None:
    said = {"a": relation(number[PAIR.question], relation="narrower")}
    assert [one.outcome for one in verified(ToldVerifier({"verify_wordings": said}), "a")] == ["supported"]


def test_a_wording_of_another_question_names_it(number: dict[str, int]) -> None:
    (found,) = verified(ToldVerifier({"verify_wordings": {"a": relation(number["Who flew it?"])}}), "a")
    assert str(found.reason) == "the verifier finds that it asks “Who flew it?” so"


def test_the_section_is_shown_only_where_few_other_questions_are_a_choice() -> None:
    for others, shown in ((OTHERS, False), (OTHERS[:2], True), ((), True)):
        reader = ToldVerifier({})
        verified(reader, "a", others=others)
        assert ("Agena was its target" in reader.asked[0][0].messages[-1]["content"]) == shown


def test_a_question_that_stands_twice_is_listed_once() -> None:
    reader = ToldVerifier({})
    verified(reader, "a", others=(*OTHERS, PAIR.question, OTHERS[0]))
    assert len(numbers(reader)) == 4


def test_all_wordings_of_an_attempt_fit_one_call_and_one_that_is_left_out_is_unanswered(number: dict[str, int]) -> None:
    wordings = [f"wording {n}" for n in range(14)]
    reader = ToldVerifier({"verify_wordings": {text: relation(number[PAIR.question]) for text in wordings[1:]}})
    found = verified(reader, *wordings)
    assert sorted(asked_in(reader.asked[0][0]).values()) == sorted(wordings)
    assert found[0] == UNANSWERED
    assert {one.outcome for one in found[1:]} == {"supported"}
    assert [asked_in(request) for request, _ in reader.asked[1:]] == [{1: "wording 0"}] * 2
