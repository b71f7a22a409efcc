"""A wording asks what its base question asks: one test a reason, in both languages, and what must pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.checking import EN, ZH, pair
from wukong_pipe.checks.findings import worst
from wukong_pipe.checks.question_form import MAX_QUESTION
from wukong_pipe.checks.question_wordings import check_paraphrase
from wukong_pipe.records import QAPair, Section

DROPS = pair(ZH, "打败石敢当之后，出云棍需要12块什么？", "陨铁")


LANDED = pair(EN, "Who landed Eagle on 20 July 1969?", "Neil Armstrong")


@pytest.mark.parametrize(
    ("base", "question"),
    [
        (DROPS, "要铸造石敢当的出云棍，得有十二块哪种材料？"),
        (DROPS, "石敢当倒下后，12块什么能换来出云棍？"),
        (LANDED, "By whom was Eagle brought down on 20 July 1969?"),
        (LANDED, "If someone asks who landed Eagle on 20 July 1969, what is the answer?"),
        (pair(EN, "Role Neil Armstrong had at the landing of Eagle?", "pilot"), "What did Neil Armstrong do in Eagle?"),
        (LANDED, "On July 20, 1969, which pilot set Eagle down?"),
        (DROPS, "打败石敢当之后，出云棍少不了12块什么？"),
    ],
)
def test_a_wording_that_keeps_numbers_names_and_sense_has_no_reason(base: QAPair, question: str) -> None:
    assert check_paraphrase(question, base) == ()


@pytest.mark.parametrize(
    ("base", "question", "reason"),
    [
        (DROPS, "打败石敢当之后出云棍需要12块什么?", "repeats the base question"),
        (DROPS, "打败石敢当之后，出云棍需要哪种材料？", "number 12 is gone"),
        (DROPS, "打败石敢当之后，出云棍需要9块什么？", "number 12 is gone"),
        (DROPS, "打败石敢当2次之后，出云棍需要12块哪种材料？", "number 2 次 is new"),
        (DROPS, "打败石敢当之后，这根棍需要12块什么？", "“出云棍” is gone"),
        (DROPS, "打败石敢当之后，出云棍和飞龙宝杖需要12块什么？", "“飞龙宝杖” is new"),
        (DROPS, "没有打败石敢当，出云棍需要12块什么？", "negation added"),
        (DROPS, "打败石敢当之后，出云棍需要12块陨铁吗？", "the question states its answer"),
        (DROPS, "打败石敢当之后，出云棍需要12块材料。", "not a question"),
        (DROPS, "上文的石敢当之后，出云棍需要12块什么？", "does not stand alone: “上文”"),
        (DROPS, "出云棍" * 101 + "12？", f"question longer than {MAX_QUESTION}"),
        (LANDED, "who landed eagle on 20 July 1969", "not a question"),
        (LANDED, "Who LANDED Eagle, on 20 July 1969?", "repeats the base question"),
        (LANDED, "Who landed Eagle in July 1969?", "number 1969-7-20 is gone"),
        (LANDED, "Who landed the craft on 20 July 1969?", "“Eagle” is gone"),
        (LANDED, "Who landed Eagle and Columbia on 20 July 1969?", "“Columbia” is new"),
        (LANDED, "Who did not land Eagle on 20 July 1969?", "negation added"),
        (LANDED, "If the engine stopped, who landed Eagle on 20 July 1969?", "condition “If the engine stopped” is"),
        (LANDED, "Who landed Eagle before 20 July 1969 on every flight?", "scope “every” is new"),
        (DROPS, "打败石敢当之前，出云棍需要12块什么？", "“之前” is the opposite"),
        (LANDED, "By neil armstrong, who landed Eagle on 20 July 1969?", "states its answer"),
    ],
)
def test_a_wording_that_asks_something_else_has_its_reason(base: QAPair, question: str, reason: str) -> None:
    assert reason in str(worst(check_paraphrase(question, base)))


YEAR = pair(
    Section(
        "a.md", ("奖", "所获奖项"), 1, "## 所获奖项\n\nTGA的典礼于2024年12月12日举行，金摇杆奖在2024年11月21日。\n"
    ),
    "2024年TGA的典礼在几号举行？",
    "12月12日",
)


FILM = pair(
    Section(
        "f.md",
        ("Apollo", "Apollo 8"),
        1,
        "## Apollo 8\n\nApollo 8 flew in 1968. William Anders took Earthrise.\n",
        "en",
    ),
    "Who of the Apollo 8 crew took the picture?",
    "William Anders",
)


@pytest.mark.parametrize(
    ("base", "question"),
    [
        (YEAR, "TGA的典礼是几号办的？"),
        (replace(FILM, evidence=("William Anders took Earthrise.",)), "By whom was Earthrise taken?"),
        (pair(ZH, "PC版的出云棍由谁掉落？", "石敢当"), "在电脑上运行时，出云棍由谁掉落？"),
        (pair(ZH, "PC版的出云棍只由谁掉落？", "石敢当"), "在电脑上，出云棍不由别人而由谁掉落？"),
        (
            pair(EN, "Did Neil Armstrong land Eagle without a crew?", "yes"),
            "Did Neil Armstrong land Eagle with nobody else?",
        ),
    ],
)
def test_what_the_section_makes_plain_may_go_or_be_said_otherwise(base: QAPair, question: str) -> None:
    assert check_paraphrase(question, base) == ()


def test_a_yes_or_no_question_names_what_its_answer_is_about() -> None:
    base = pair(EN, "Did Neil Armstrong leave flags on the Moon?", "Yes, he planted 2 flags in the dust there.")
    assert check_paraphrase("Is it true that Neil Armstrong planted flags in the dust of the Moon?", base) == ()


def test_a_figure_of_the_answer_is_not_told() -> None:
    base = pair(ZH, "出云棍需要多少陨铁？", "一共要1998块陨铁才够铸造它。")
    assert check_paraphrase("出云棍要用1998块的陨铁，到底需要多少？", base)


def test_an_answer_that_the_base_question_states_may_stand_in_its_wordings() -> None:
    given_away = replace(DROPS, question="出云棍需要12块陨铁，需要什么？")
    assert check_paraphrase("12块陨铁之外出云棍需要什么？", given_away) == ()
