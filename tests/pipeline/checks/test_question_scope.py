"""A wording asks for no more and no less than its base question, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.checks.findings import worst
from wukong_pipe.checks.question_scope import _CHINESE_TIME, _CONDITION, _CONDITIONAL, _TIME
from wukong_pipe.checks.question_wordings import check_paraphrase
from wukong_pipe.records import QAPair, Section

ROCKETS = Section(
    "r.md",
    ("Rockets", "Parts"),
    1,
    "## Parts\n\nThe crew flew the Falcon lander in 1969 and in 1971. Engineers built two tanks.\n\n"
    "| Part | Builder | Use |\n|---|---|---|\n| Lander | Grumman | landing |\n| Stage | Boeing | lift-off |\n",
    "en",
)
GAME = Section(
    "g.md",
    ("游戏", "第三回 夜生白露"),
    1,
    "## 第三回 夜生白露\n\n轻攻击一共有五段。定身术会定住敌人。\n\n"
    "| 头目 | 地点 | 掉落 |\n|---|---|---|\n| 黄眉 | 小雷音寺 | 狼牙棒 |\n| 青背龙 | 龟岛 | 飞龙宝杖 |\n",
    "zh",
)
WEIGHT = QAPair(ROCKETS, "How heavy was the Falcon lander?", "15 t", ("The crew flew",), (3, 3), "base", "t", "p", "c")
BUILT = QAPair(
    ROCKETS, "What did the crew do with the Falcon?", "They flew it.", ("The crew flew",), (3, 3), "base", "t", "p", "c"
)
SPEED = QAPair(
    ROCKETS, "How fast did the Falcon fly?", "7 km/s", ("The Falcon flew 7 km/s.",), (3, 3), "base", "t", "p", "c"
)
STEPS = QAPair(GAME, "轻攻击一共有几段？", "五段", ("轻攻击一共有五段。",), (3, 3), "base", "t", "p", "c")
HOLD = QAPair(GAME, "定身术有什么效果？", "定住敌人", ("定身术会定住敌人。",), (3, 3), "base", "t", "p", "c")
BOSS = QAPair(
    GAME, "第三回里小雷音寺的头目是谁？", "黄眉", ("| 黄眉 | 小雷音寺 | 狼牙棒 |",), (7, 7), "base", "t", "p", "c"
)

ROVERS = Section(
    "v.md",
    ("Rovers",),
    1,
    "## Rovers\n\nA Lander is a craft that lands.\n\n"
    "| Rover | Crewed | Lamp | Colour | Mass |\n|---|---|---|---|---|\n"
    "| Alpha | Yes | Off | White | 5 t |\n| Beta | No | On | Red | 6 t |\n| Ion | No | On | Green | 7 t |\n",
    "en",
)
MASS = QAPair(
    ROVERS, "What is the mass of Alpha?", "5 t", ("| Alpha | Yes | Off | White | 5 t |",), (7, 7), "base", "t", "p", "c"
)
LANDER = QAPair(
    ROVERS,
    "What is a Lander?",
    "A craft that lands.",
    ("A Lander is a craft that lands.",),
    (3, 3),
    "base",
    "t",
    "p",
    "c",
)
DEN = Section("d.md", ("影神图",), 1, "## 影神图\n\n虎先锋的弱点是雷。皇后的弱点是火。\n", "zh")
TIGER = QAPair(DEN, "虎先锋的弱点是什么？", "雷", ("虎先锋的弱点是雷。",), (3, 3), "base", "t", "p", "c")
QUEEN = QAPair(DEN, "皇后的弱点是什么？", "火", ("皇后的弱点是火。",), (3, 3), "base", "t", "p", "c")
EARLIER = QAPair(DEN, "开打前，虎先锋的弱点是什么？", "雷", ("虎先锋的弱点是雷。",), (3, 3), "base", "t", "p", "c")


@pytest.mark.parametrize(
    ("base", "question", "reason"),
    [
        (WEIGHT, "How heavy was the Falcon lander before its departure?", "“before its departure” is new"),
        (WEIGHT, "How heavy was the Falcon lander with empty tanks?", "“with empty tanks” is new"),
        (WEIGHT, "How heavy was the Falcon lander on its way home?", "“on its way home” is new"),
        (WEIGHT, "How heavy was the second Falcon lander?", "“second” is new"),
        (WEIGHT, "How heavy were both of the Falcon landers?", "scope “both” is new"),
        (WEIGHT, "How heavy was the Falcon lander and its engine?", "asks of more"),
        (BUILT, "What did the Boeing crew do with the Falcon?", "“Boeing” is"),
        (HOLD, "在火圈里施放时，定身术有什么效果？", "“在火圈里施放时” is new"),
        (HOLD, "炼成仙丹之后，定身术有什么效果？", "“炼成仙丹之后” is new"),
        (HOLD, "定身术和安身法有什么效果？", "“身术和安身法” asks of more"),
        (BOSS, "第三回里龟岛的头目是谁？", "“龟岛” is of another row"),
        (MASS, "What is the mass of the red Alpha?", "“Red” is of another row"),
        (MASS, "What is the mass of Alpha and of Ion?", "“Ion” is new"),
        (TIGER, "击败黄袍怪之前，虎先锋的弱点是什么？", "“击败黄袍怪之前” is new"),
        (QUEEN, "进入大殿之后，皇后的弱点是什么？", "“进入大殿之后” is new"),
    ],
)
def test_a_wording_that_asks_for_more_or_less_has_its_reason(base: QAPair, question: str, reason: str) -> None:
    assert reason in str(worst(check_paraphrase(question, base)))


@pytest.mark.parametrize(
    ("base", "question"),
    [
        (WEIGHT, "When the Falcon lander flew, how heavy was it?"),
        (WEIGHT, "How much did the Falcon lander weigh?"),
        (WEIGHT, "State how heavy the Falcon lander was."),
        (BUILT, "With the Falcon, what did the crew do?"),
        (HOLD, "什么时候都有用的定身术，效果是什么？"),
        (MASS, "Do you know the mass of Alpha?"),
        (MASS, "How heavy is Alpha considered to be?"),
        (SPEED, "How many kilometres per second did the Falcon make?"),
        (MASS, "What mass is put on record for Alpha?"),
        (LANDER, "What is the definition of a Lander?"),
        (EARLIER, "在开打之前，虎先锋的弱点是什么？"),
        (STEPS, "请说明轻攻击共有几段。"),
        (STEPS, "轻攻击总计多少段？"),
        (BOSS, "「夜生白露」中小雷音寺由哪个头目镇守？"),
        (BOSS, "第三章的小雷音寺里，头目叫什么？"),
    ],
)
def test_a_wording_that_asks_the_same_has_no_reason(base: QAPair, question: str) -> None:
    assert check_paraphrase(question, base) == ()


@given(st.from_regex(_CONDITION))
def test_every_condition_holds_a_word_that_is_looked_for_first(text: str) -> None:
    assert _CONDITIONAL.search(text)


@given(st.from_regex(_CHINESE_TIME))
def test_every_chinese_time_holds_a_word_that_is_looked_for_first(text: str) -> None:
    assert _TIME.search(text)
