"""What tables and lists are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.embedded_teacher import pairs_of, sections_of, table
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.checks.question_wordings import check_paraphrase
from wukong_pipe.embedded.facts import facts
from wukong_pipe.embedded.teacher import paraphrases
from wukong_pipe.records import Lang, QAPair, Section
from wukong_pipe.stages import base_qa
from wukong_pipe.teacher.requests import ParaphraseTask


def test_what_announces_a_table_is_asked_for_all_its_names() -> None:
    (whole,) = (pair for pair in pairs_of(table("下表列出主要的兵器。", 3), 10) if "、" in pair["answer"])
    assert whole["question"] == "主要的兵器有哪些？"
    assert whole["answer"] == "甲0棍、甲1棍、甲2棍"
    assert whole["evidence"] == ["下表列出主要的兵器。", *(f"| 甲{n}棍 | 乙{n}山 | 木 |" for n in range(3))]
    for partly in ("下表列出部分兵器。", "下表列出主要的山。"):
        assert not any("、" in pair["answer"] for pair in pairs_of(table(partly, 3), 10))


def test_one_row_in_four_is_also_asked_for_from_a_value_that_no_other_row_holds() -> None:
    pairs = pairs_of(table("", 8), 16)
    turned = [pair for pair in pairs if pair["kind"] == "reverse"]
    assert [(pair["question"], pair["answer"]) for pair in turned] == [
        ("产地是乙0山的兵器是哪一个？", "甲0棍"),
        ("产地是乙4山的兵器是哪一个？", "甲4棍"),
    ]
    base = {(pair["question"], pair["answer"]) for pair in pairs if pair["kind"] == "base"}
    assert {("甲0棍的产地是什么？", "乙0山"), ("甲4棍的产地是什么？", "乙4山")} <= base
    assert len(pairs) == 16


def test_of_every_five_rows_two_are_also_asked_for_together_by_a_value_in_which_they_differ() -> None:
    pairs = pairs_of(table("", 8), 16)
    assert [pair for pair in pairs if len(pair["evidence"]) == 2] == [
        {
            "question": "甲2棍和甲3棍的产地分别是什么？",
            "answer": "乙2山、乙3山",
            "facts": ["乙2山", "乙3山"],
            "evidence": ["| 甲2棍 | 乙2山 | 木 |", "| 甲3棍 | 乙3山 | 木 |"],
            "kind": "base",
        }
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("| 甲棍 | 乙山 | 木 |", "| 丙棍 | 乙山 | 木 |"),
        ("| 甲棍 | 乙山、丁山 | 木 |", "| 丙棍 | 乙山和戊山 | 木 |"),
        ("| 甲棍和丙棍 | 乙山 | 木 |", "| 丙棍 | 丁山 | 木 |"),
        ("| 乙山棍 | 乙山 | 木 |", "| 丙棍 | 丁山 | 木 |"),
        ("| 甲棍 | 乙山 | 木 |", "| 甲棍 | 丁山 | 木 |"),
        ("| 甲棍 | — | 木 |", "| 丙棍 | 丁山 | 木 |"),
    ],
    ids=["the same", "several values", "several names", "told by the name", "one name", "no value"],
)
def test_rows_are_not_compared_where_the_answer_would_be_no_two_values_told_apart(one: str, other: str) -> None:
    head = "| 兵器 | 产地 | 材质 |\n|---|---|---|\n| 壬棍 | 壬山 | 木 |\n| 癸棍 | 癸山 | 木 |\n"
    section = Section("a.md", ("游戏", "兵器"), 1, f"## 兵器\n\n{head}{one}\n{other}\n")
    assert [fact for fact in facts(section) if fact.family == "compare"] == []


def test_columns_of_one_name_and_things_that_another_table_tells_of_are_not_compared() -> None:
    twice = "| 棍 | 攻击 | 攻击 |\n|---|---|---|\n" + "".join(
        f"| {n}棍 | {i} | {i + 50} |\n" for i, n in enumerate("甲乙丙丁")
    )
    one = Section("a.md", ("游戏", "棍"), 1, f"## 棍\n\n{twice}")
    assert [fact for fact in facts(one) if fact.family == "compare"] == []
    short = "| 棍 | 攻击 |\n|---|---|\n| 丙棍 | 9 |\n\n正文说完了。\n\n"
    two = Section("a.md", ("游戏", "棍"), 1, f"## 棍\n\n{short}{twice.replace('| 攻击 | 攻击 |', '| 攻击 | 防御 |')}")
    assert [fact for fact in facts(two) if fact.family == "compare" and "丙棍" in str(fact.slots)] == []


@pytest.mark.parametrize(("lang", "name", "least"), [("zh", "blackwukong.md", 20), ("en", "apollo.md", 8)])
def test_what_it_compares_passes_the_checks_in_all_its_wordings(
    corpora: Path, lang: Lang, name: str, least: int
) -> None:
    compared = 0
    for section in sections_of(corpora, name):
        for fact in (fact for fact in facts(section) if fact.family == "compare"):
            question = fact.question(lang, 0)
            said = {"question": question, "answer": fact.answer, "evidence": [unit.text for unit in fact.units]}
            candidate = read_pair(said, section)
            assert isinstance(candidate, Candidate)
            assert check_pair(candidate, section) is None
            pair = QAPair(section, question, fact.answer, candidate.evidence, (1, 1), "base", "t", "p", "c")
            wordings = paraphrases(ParaphraseTask(section, question, 16, ()))
            assert [(text, why) for text in wordings if (why := check_paraphrase(text, pair))] == []
            compared += 1
    assert compared >= least


def test_reverse_questions_have_one_right_answer_and_a_base_pair_of_the_same_fact(corpora: Path) -> None:
    turned = 0
    for name in ("blackwukong.md", "apollo.md"):
        for section in sections_of(corpora, name):
            pairs = pairs_of(section, base_qa.quota(section, 40))
            for pair in (pair for pair in pairs if pair["kind"] == "reverse"):
                turned += 1
                twins = [other for other in pairs if other["kind"] == "base" and other["evidence"] == pair["evidence"]]
                values = [other["answer"] for other in twins if other["answer"] in pair["question"]]
                assert values, pair
                # No other row of the section holds the value that is asked about.
                assert any(section.text.count(f"| {value} |") == 1 for value in values), pair
    assert turned >= 50
