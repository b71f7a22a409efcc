"""What an answer says beyond its evidence: one test a way of going wrong, in both languages, and what must pass."""

from __future__ import annotations

import pytest

from wukong_pipe.checks.answer_in_evidence import ANSWER_CHECKS, doubtful_word
from wukong_pipe.checks.comparing import Known

PRICE = "数字标准版的首发价格是268元，数字豪华版的首发价格是328元。"
MEMORY = "The erasable memory held 2,048 words, and the core rope memory held 36,864 words."


def reason(answer: str, *evidence: str, around: str = "", section: str = "") -> str:
    known = Known(evidence, around, section or " ".join(evidence))
    return next((str(reason) for check in ANSWER_CHECKS if (reason := check(answer, known))), "")


@pytest.mark.parametrize(
    ("answer", "evidence"),
    [
        ("Its weight was around thirty-two kilograms.", "The computer weighed about 32 kg."),
        ("Both probes were the task of JPL.", "| Jet Propulsion Laboratory | Ranger and Surveyor probes |"),
        ("The lander was built by Grumman.", "Grumman manufactured the lunar module."),
        ("数字标准版二百六十八元，数字豪华版三百二十八元，后者贵六十元。", PRICE),
        ("起初用的是虚幻引擎4，之后换成了虚幻引擎5。", "游戏在开发早期使用虚幻引擎4，后来改用虚幻引擎5。"),
        ("在杭州和深圳都有工作室。", "团队在深圳和杭州设有工作室。"),
        ("不能，防御主要依靠翻滚闪避。", "天命人没有格挡动作，主要的防御方式是翻滚闪避。"),
        ("蛇捕头的出没之处是黄花观。", "蛇捕头常在黄花观一带活动。"),
        ("Two and a half hours.", "They spent 2½ hours outside."),
        ("A tank, no. 2, burst.", "Tank 2 burst."),
        ("他是游戏科学的CEO。", "游戏科学的首席执行官是冯骥。"),
        ("定身术能定住敌人。", "| 定身术 | 定住敌人 | 无冷却 |"),
        ("能不能进去只看有没有佛目珠。", "是否取得佛目珠决定能否进入。"),
    ],
)
def test_a_free_wording_of_the_evidence_is_grounded(answer: str, evidence: str) -> None:
    assert reason(answer, evidence) == ""


@pytest.mark.parametrize(
    ("answer", "evidence", "why"),
    [
        ("It weighed 23 kg.", "It weighed about 32 kg.", "23 kg is not in the evidence"),
        ("It weighed 32 pounds.", "It weighed about 32 kg.", "32 lb is not in the evidence"),
        ("It was Apollo 6.", "It was flown on Apollo 17 and tested on Apollo 11.", "6 apollo is not in the evidence"),
        ("头目在第二回。", "头目从第三回追到第五回。", "2 回 is not in the evidence"),
        ("一共两段。", "轻攻击有五段，重攻击有三段。", "2 段 is not in the evidence"),
        ("They spent 21 hours.", "They spent 2½ hours outside.", "21 h is not in the evidence"),
        ("It is the second stage.", "S-IVB is the third stage.", "“second” is not"),
        ("It was built by Raytheon.", "It was built by Grumman.", "“Raytheon” is not"),
        ("Its wheels were of rubber.", "The car had wheels of wire mesh.", "“rubber” is not"),
        ("是腾讯开发的。", "游戏的开发商是游戏科学。", "“腾讯” is not"),
        ("英文叫《猴王》。", "英文名是《黑神话》。", "“猴王” is not"),
        ("It was done after anyone flew.", "It was proven before any crew flew.", "“after” is the opposite"),
        ("棍势越多，威力越小。", "棍势越多，威力越大。", "“越小” is the opposite"),
        ("The suit did not bend at the waist.", "The suit bent at the waist.", "“not” denies"),
        ("游戏没有登陆主机。", "游戏登陆主机。", "“没” denies"),
        ("普通小妖可以进入圈内。", "普通小妖不能进入圈内。", "the evidence's “不” is gone"),
        ("It had 36,864 words of erasable memory and 2,048 words of core rope memory.", MEMORY, "mixes what"),
        ("首发时豪华版标价268元。", "标准版的首发价格是268元，豪华版的首发价格是328元。", "mixes what"),
        ("No mission landed on the Moon.", "The mission landed on the Moon.", "“No” denies"),
        ("变化时没有独立的生命条。", "变化期间天命人拥有独立的生命条。", "“没” denies"),
        ("游戏除了单人模式还有多人联机玩法。", "游戏采用单人模式，没有多人联机玩法。", "the evidence's “没” is gone"),
        ("只有通关之后才能前往六六村。", "天命人可以在任意时刻前往六六村。", "“只有” is the opposite"),
        ("Epic玩家对游戏的评价很好。", "Steam玩家对游戏的评价很好。", "“Epic” is not"),
        ("They kept jumping and climbing.", "Eagle landed.", "nothing of the answer"),
    ],
)
def test_what_the_evidence_does_not_say_has_its_reason(answer: str, evidence: str, why: str) -> None:
    assert why in reason(answer, evidence)


def test_a_term_of_the_section_is_of_another_fact_where_the_evidence_has_it_not() -> None:
    section = "轻攻击积攒棍势。法宝消耗元气。"
    assert reason("打中敌人能攒元气。", "轻攻击积攒棍势。", section=section) == "“元气” is of another fact"


def test_facts_of_two_rows_may_not_change_places() -> None:
    rows = ("| 黑风山土地 | 传授定身术 |", "| 袁守诚 | 传授安身法 |")
    assert reason("定身术由黑风山土地传授，安身法由袁守诚传授。", *rows) == ""
    assert "mixes what" in reason("定身术由袁守诚传授，安身法由黑风山土地传授。", *rows)


def test_a_cell_belongs_to_the_head_of_its_column() -> None:
    columns = (("Command module", "Gumdrop"), ("Lunar module", "Spider"))
    row = Known(("| Gumdrop | Spider |",), "Command module ; Lunar module", "", columns)
    answers = ("The lunar module was Spider.", "The lunar module was Gumdrop.")
    checked = [next((str(why) for check in ANSWER_CHECKS if (why := check(answer, row))), "") for answer in answers]
    assert checked == ["", "“The lunar module was Gumdrop” is under another heading in the evidence"]


def test_a_lone_word_of_manner_is_doubtful_and_no_reason() -> None:
    known = Known(("Apollo 10 circled the Moon.",), "", "")
    assert reason("Apollo 10 majestically waltzed round the Moon.", *known.evidence) == ""
    assert str(doubtful_word("Apollo 10 waltz round the Moon.", known)) == "“waltz” is not in the evidence"


def test_a_cell_of_another_column_than_the_question_names_is_no_answer() -> None:
    columns = (("Command module", "Casper"), ("Lunar module", "Orion"))
    question = "What was the lunar module called?"
    for answer, wrong in (("Casper", True), ("Orion", False), ("Orion; the command module was Casper", False)):
        known = Known(("| Apollo 16 | Casper | Orion |",), question, "", columns, question)
        assert any(check(answer, known) for check in ANSWER_CHECKS) is wrong, answer


def test_of_several_new_terms_always_the_same_one_is_named() -> None:
    answer = "英文叫《猴王》《大圣》《行者》《石猴》《心猿》。"
    assert reason(answer, "英文名是《黑神话》。") == "“大圣” is not in the evidence"
