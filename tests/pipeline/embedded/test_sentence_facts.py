"""What a sentence is asked for."""

from __future__ import annotations

import pytest

from tests.support.embedded_teacher import pairs_of
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.records import Section


@pytest.mark.parametrize(
    ("sentence", "question", "reply"),
    [
        ("石庚在2018年立项开山。", "请问石庚在哪一年立项开山？", "2018年"),
        ("石庚共有六件兵器，都很旧。", "请问石庚共有几件兵器？", "六件"),
        ("石庚的兵器超过80件，都很旧。", "请问石庚的兵器超过多少件？", "80件"),
        ("石庚分为木、石和铁三类。", "请问石庚分为哪三类？", "木、石和铁"),
        ("石庚藏在辛山洞，从不出门。", "请问石庚藏在哪里？", "辛山洞"),
        ("石庚可以通过打坐获得灵光。", "请问石庚可以怎样获得灵光？", "打坐"),
        ("石庚的棍用来开山。", "请问石庚的棍用来做什么？", "开山"),
        ("黄沙忽然来袭，石庚因此落败。", "请问石庚为什么落败？", "黄沙忽然来袭"),
        ("这门手艺由壬师傅担任，石庚旁观。", "“这门手艺由壬师傅担任，____旁观”这句话的空白处应填什么？", "石庚"),
        ("石庚是山里的妖，力大无穷。", "石庚是什么？", "山里的妖"),
        ("石庚就是老石头。", "石庚是什么？", "老石头"),
        ("石庚既是妖，也是仙。", "“石庚既是妖，____”这句话的空白处应填什么？", "也是仙"),
        ("有人在2018年开山。", "请问关于《游戏》，有人在哪一年开山？", "2018年"),
    ],
)
def test_a_chinese_sentence_is_asked_for_what_its_form_allows(sentence: str, question: str, reply: str) -> None:
    section = Section("a.md", ("游戏", "石庚"), 1, f"## 石庚\n\n{sentence}\n")
    (pair,) = pairs_of(section)
    assert (pair["question"], pair["answer"], pair["evidence"]) == (question, reply, [sentence])
    candidate = read_pair(pair, section)
    assert isinstance(candidate, Candidate)
    assert check_pair(candidate, section) == ()


@pytest.mark.parametrize(
    ("sentence", "question", "reply"),
    [
        ("The Eagle landed on 20 July 1969.", "when was it that the Eagle landed", "20 July 1969"),
        ("About 400 people built Eagle.", "about how many people built Eagle", "400"),
        ("Eagle carried two astronauts, and Columbia one.", "Eagle carried how many astronauts", "two"),
        ("Eagle 5 carried two astronauts.", "Eagle 5 carried how many astronauts", "two"),
        ("Eagle was built by Grumman.", "Eagle was built by whom", "Grumman"),
        ("Grumman built the Eagle, and IBM its ring.", "who or what built the Eagle", "Grumman"),
        (
            "The crew called the lander Eagle because it flew.",
            "why was it that the crew called the lander Eagle",
            "it flew",
        ),
    ],
)
def test_an_english_sentence_is_asked_for_what_its_form_allows(sentence: str, question: str, reply: str) -> None:
    section = Section("a.md", ("Moon", "Eagle"), 1, f"## Eagle\n\n{sentence}\n", "en")
    (pair,) = pairs_of(section)
    assert (pair["question"], pair["answer"]) == (f"Please tell me: {question}?", reply)


def test_a_step_is_asked_for_by_its_place_in_the_only_numbered_list() -> None:
    text = "## 开山的步骤\n\n1. 敲响大钟。\n2. 推开石门。\n"
    section = Section("a.md", ("游戏", "开山的步骤"), 1, text)
    assert [(pair["question"], pair["answer"]) for pair in pairs_of(section)] == [
        ("开山的步骤的第一步是什么？", "敲响大钟"),
        ("开山的步骤的第二步是什么？", "推开石门"),
    ]
    twice = Section("a.md", ("游戏", "开山的步骤"), 1, text + "\n或者\n\n1. 绕过山脚。\n2. 等到天黑。\n")
    assert not any("步是什么" in pair["question"] for pair in pairs_of(twice))


def test_task_boxes_images_and_maths_are_left_out_and_what_stands_beside_them_is_asked() -> None:
    odd = "- [x] mirror the ring\n- [ ] paint the dome\n\nThe energy is $$ E = mc^2 $$ here.\n\n"
    odd += "![Dome at dusk](d.png)\n\nA mass of $m$ falls fast.\n\nThe dome is a roof of glass. It costs $5 in June.\n"
    pairs = pairs_of(Section("a.md", ("Dome", "Ring"), 1, f"## Ring\n\n{odd}", "en"))
    assert {pair["evidence"][0] for pair in pairs} == {"The dome is a roof of glass.", "It costs $5 in June."}
