"""Mending of citations: only to the one unit that holds the question's subject and all facts together."""

from __future__ import annotations

from typing import Any

import pytest

from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.records import Section

SECTION = Section(
    "a.md",
    ("书", "武器"),
    1,
    "下表列出武器。\n\n| 武器 | 掉落者 |\n|---|---|\n| 出云棍 | 石敢当 |\n| 飞龙棍 | 虎先锋 |\n| 狼牙棒 | 虎先锋 |\n",
)


def read(question: str, answer: str, evidence: Any, facts: list[str]) -> Candidate:
    item = {"question": question, "answer": answer, "evidence": evidence, "facts": facts, "kind": "base"}
    candidate = read_pair(item, SECTION)
    assert isinstance(candidate, Candidate), candidate
    return candidate


def test_a_caption_that_is_cited_for_a_row_becomes_that_row() -> None:
    assert numbered(SECTION).text.startswith("[1] 下表列出武器。\n[2] 武器: 出云棍")
    candidate = read("出云棍由谁掉落？", "由石敢当掉落。", [1], ["石敢当"])
    assert (candidate.evidence, candidate.is_mended) == (("| 出云棍 | 石敢当 |",), True)


def test_what_holds_the_facts_stays_as_it_was_cited() -> None:
    candidate = read("出云棍由谁掉落？", "由石敢当掉落。", [2, 1], ["石敢当"])
    assert (candidate.evidence, candidate.is_mended) == (("下表列出武器。", "| 出云棍 | 石敢当 |"), False)


def test_a_wrong_answer_is_not_given_the_row_that_it_was_taken_from() -> None:
    # 虎先锋 stands in the rows of other weapons.
    candidate = read("出云棍由谁掉落？", "由虎先锋掉落。", [2], ["虎先锋"])
    assert (candidate.evidence, candidate.is_mended) == (("| 出云棍 | 石敢当 |",), False)


@pytest.mark.parametrize(
    ("text", "question", "fact"),
    [
        (
            "Apollo 11 was launched on 16 July 1969 with three men. It is well known. "
            "Apollo 11 returned on 24 July 1969.\n",
            "When was Apollo 11 launched?",
            "24 July 1969",
        ),
        ("**出云棍**的掉落者是石敢当。此物常见。\n\n**金箍棒**由龙王用出云棍锻造。\n", "出云棍的掉落者是谁？", "龙王"),
        (
            "| 武器 | 掉落 | 说明 |\n|---|---|---|\n| 出云棍 | 石敢当 | 常见 |\n| 金箍棒 | 龙王 | 由出云棍锻造 |\n",
            "出云棍由谁掉落？",
            "龙王",
        ),
    ],
)
def test_a_wrong_answer_about_what_is_cited_rightly_keeps_its_citation(text: str, question: str, fact: str) -> None:
    item = {"question": question, "answer": fact, "evidence": [1], "facts": [fact]}
    candidate = read_pair(item, Section("a.md", ("Doc",), 1, text))
    assert isinstance(candidate, Candidate)
    assert not candidate.is_mended


def test_a_row_is_the_evidence_of_what_its_first_cell_names() -> None:
    text = "下表列出武器。\n\n| 武器 | 掉落 | 说明 |\n|---|---|---|\n| 金箍棒 | 龙王 | 由出云棍锻造 |\n"
    section = Section("a.md", ("书", "武器"), 1, text)
    item = {"question": "「出云棍」由谁掉落？", "answer": "龙王", "evidence": [1], "facts": ["龙王"]}
    candidate = read_pair(item, section)
    assert isinstance(candidate, Candidate)
    assert candidate.evidence == ("下表列出武器。",)


def test_where_two_units_would_do_or_the_question_names_nothing_the_citation_stays() -> None:
    assert not read("谁掉落武器？", "虎先锋。", [1], ["虎先锋"]).is_mended
    assert not read("哪些武器由虎先锋掉落？", "飞龙棍和狼牙棒。", [1], ["飞龙棍", "狼牙棒"]).is_mended


def test_numbers_are_read_however_they_are_written_and_those_of_no_unit_are_passed_over() -> None:
    for cited in (
        [2],
        ["2"],
        ["[2]"],
        "2",
        2,
        [2.0],
        [2, 2, 99, 0, -1],
        ["| 出云棍 | 石敢当 |"],
        ["unit 2"],
        ["第2行"],
    ):
        assert read("出云棍由谁掉落？", "由石敢当掉落。", cited, ["石敢当"]).evidence == ("| 出云棍 | 石敢当 |",)


@pytest.mark.parametrize("cited", [["2, 3"], ["[2][3]"], ["2-3"], "units 2 and 3", ["2、3"], [2, "3", "不在此处的话"]])
def test_one_string_may_cite_several_units_and_a_bad_piece_loses_only_itself(cited: Any) -> None:
    two = ("| 出云棍 | 石敢当 |", "| 飞龙棍 | 虎先锋 |")
    assert read("两根棍由谁掉落？", "由石敢当、虎先锋掉落。", cited, ["石敢当", "虎先锋"]).evidence == two


@pytest.mark.parametrize("cited", ["1", ["[1]"], ["unit 1"]])
def test_a_string_that_cites_the_caption_is_mended_as_a_number_is(cited: Any) -> None:
    assert read("出云棍由谁掉落？", "由石敢当掉落。", cited, ["石敢当"]).is_mended


def test_evidence_that_cites_no_unit_at_all_has_a_reason() -> None:
    item = {"question": "出云棍由谁掉落？", "answer": "由虎先锋掉落。", "evidence": [9]}
    assert str(read_pair(item, SECTION)) == "evidence cites no unit of the section: 9 of 1 to 4"
