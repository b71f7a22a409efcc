"""What an answer says beyond its evidence: one test a way of going wrong, in both languages, and what must pass."""

from __future__ import annotations

import pytest

from wukong_pipe.checks.answer_in_evidence import answer_doubts
from wukong_pipe.checks.comparing import Known

PRICE = "数字标准版的首发价格是268元，数字豪华版的首发价格是328元。"
MEMORY = "The erasable memory held 2,048 words, and the core rope memory held 36,864 words."


def reason(answer: str, *evidence: str, around: str = "", section: str = "", term: str = "") -> str:
    known = Known(evidence, around, section or " ".join(evidence), ((term, term.casefold()),) if term else ())
    return next(map(str, answer_doubts(answer, known)), "")


@pytest.mark.parametrize(
    ("answer", "evidence"),
    [
        ("Its weight was around thirty-two kilograms.", "The computer weighed about 32 kg."),
        ("Both probes were the task of JPL.", "| Jet Propulsion Laboratory | Ranger and Surveyor probes |"),
        ("The lander was built by Grumman.", "Grumman manufactured the lunar module."),
        ("数字标准版二百六十八元，数字豪华版三百二十八元，后者贵六十元。", PRICE),
        ("起初用的是虚幻引擎4，之后换成了虚幻引擎5。", "游戏在开发早期使用虚幻引擎4，后来改用虚幻引擎5。"),
        ("在杭州和深圳都有工作室。", "团队在深圳和杭州设有工作室。"),
        ("不能，防御主要依靠翻滚闪避。", "天命人的防御方式是翻滚闪避。"),
        ("No, they orbited.", "They orbited the Moon."),
        ("Two and a half hours.", "They spent 2½ hours outside."),
        ("A tank, no. 2, burst.", "Tank 2 burst."),
        ("能不能进去只看有没有佛目珠。", "是否取得佛目珠决定能否进入。"),
        ("It cannot be sent in time.", "HTTPX is unable to send it in time."),
        ("定在原地，动弹不得。", "定身术把敌人定在原地，动弹不得。"),
        ("这些招式和过去不一样。", "这些招式与过去不同。"),
        ("拿到了年度游戏和最佳设计两个奖项。", "游戏获得年度游戏、最佳设计。"),
        ("它们是一对一的决斗。", "它们单独决斗。"),
        ("The factory makes 210 million bricks.", "It makes 210,000,000 bricks."),
        ("销量涨了两成。", "销量上涨20%。"),
        ("1. Open the file.\n2. Save the file.\n3. Close it.", "Open the file, then save it, then close it."),
        ("1、打开文件；2、保存文件；3、关闭文件。", "先打开文件，再保存文件，最后关闭文件。"),
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
        ("It was built by Raytheon.", "It was built by Grumman.", "“Raytheon” is not"),
        ("英文叫《猴王》。", "英文名是《黑神话》。", "“猴王” is not"),
        ("它叫广智救火人。", "它叫黑熊精。", "“广智救火” is not"),
        ("Epic玩家对游戏的评价很好。", "Steam玩家对游戏的评价很好。", "“Epic” is not"),
        ("The suit did not bend at the waist.", "The suit bent at the waist.", "“not” denies"),
        ("游戏没有登陆主机。", "游戏登陆主机。", "“没” denies"),
        ("It had 36,864 words of erasable memory and 2,048 words of core rope memory.", MEMORY, "mixes what"),
        ("首发时豪华版标价268元。", "标准版的首发价格是268元，豪华版的首发价格是328元。", "mixes what"),
        ("They kept jumping and climbing.", "Eagle landed.", "nothing of the answer"),
    ],
)
def test_what_the_evidence_does_not_say_has_its_reason(answer: str, evidence: str, why: str) -> None:
    assert why in reason(answer, evidence)


def test_an_identifier_of_the_section_is_doubted_where_the_evidence_has_it_not() -> None:
    section = "`read` waits for a chunk. `write` waits for a chunk to be sent."
    assert reason("Set `read`.", "`read` waits for a chunk.", section=section) == ""
    doubt = "the identifier “write” is not in the evidence"
    assert reason("Set `write`.", "`read` waits for a chunk.", section=section) == doubt


def test_a_key_has_the_value_that_the_evidence_sets() -> None:
    evidence = "Call `get(url, verify=False)`, else it is True."
    assert reason("Pass `verify=False`.", evidence) == ""
    assert "verify=True" in reason("Pass `verify=True`.", evidence)


def test_a_term_of_the_section_is_of_another_fact_where_the_evidence_has_it_not() -> None:
    section = "轻攻击积攒棍势。法宝消耗**元气**。"
    answer = "打中敌人能攒元气。"
    assert reason(answer, "轻攻击积攒棍势。", section=section, term="元气") == "“元气” is of another fact"


def test_facts_of_two_rows_may_not_change_places() -> None:
    rows = ("| 黑风山土地 | 传授定身术 |", "| 袁守诚 | 传授安身法 |")
    assert reason("定身术由黑风山土地传授，安身法由袁守诚传授。", *rows) == ""
    assert "mixes what" in reason("定身术由袁守诚传授，安身法由黑风山土地传授。", *rows)


def test_code_in_an_answer_is_no_clause_that_mixes() -> None:
    evidence = ("Call `open` first.", "Call `close` last.")
    assert reason("Call both:\n\n```\nopen close\nclose open\n```\n", *evidence) == ""


def test_of_several_new_terms_always_the_same_one_is_named() -> None:
    answer = "英文叫《猴王》《大圣》《行者》《石猴》《心猿》。"
    assert reason(answer, "英文名是《黑神话》。") == "“大圣” is not in the evidence"
