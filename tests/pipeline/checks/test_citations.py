"""Mending of citations: only to the one unit that holds the question's subject and all facts together."""

from __future__ import annotations

from typing import Any

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


def test_where_two_units_would_do_or_the_question_names_nothing_the_citation_stays() -> None:
    assert not read("谁掉落武器？", "虎先锋。", [1], ["虎先锋"]).is_mended
    assert not read("哪些武器由虎先锋掉落？", "飞龙棍和狼牙棒。", [1], ["飞龙棍", "狼牙棒"]).is_mended


def test_numbers_are_read_however_they_are_written_and_those_of_no_unit_are_passed_over() -> None:
    for cited in ([2], ["2"], ["[2]"], "2", 2, [2, 2, 99, 0, -1], ["| 出云棍 | 石敢当 |"]):
        assert read("出云棍由谁掉落？", "由石敢当掉落。", cited, ["石敢当"]).evidence == ("| 出云棍 | 石敢当 |",)


def test_evidence_that_cites_no_unit_at_all_has_a_reason() -> None:
    item = {"question": "出云棍由谁掉落？", "answer": "由虎先锋掉落。", "evidence": [9]}
    assert str(read_pair(item, SECTION)) == "evidence cites no unit of the section: 9 of 1 to 4"
