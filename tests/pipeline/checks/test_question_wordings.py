"""A wording asks what its base question asks: one test a reason, in both languages, and what must pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.checking import EN, ZH, pair
from wukong_pipe.checks.findings import worst
from wukong_pipe.checks.question_form import MAX_QUESTION
from wukong_pipe.checks.question_wordings import check_paraphrase
from wukong_pipe.records import QAPair

DROPS = pair(ZH, "打败石敢当之后，出云棍需要12块什么？", "陨铁")


LANDED = pair(EN, "Who landed Eagle on 20 July 1969?", "Neil Armstrong")


CODE = pair(EN, "Does httpx's `Client` take `verify`?", "yes")


@pytest.mark.parametrize(
    ("base", "question"),
    [
        (CODE, "May `verify` be given to `httpx.Client`?"),
        (CODE, "Is there a `verify` in `client`?"),
        (LANDED, "Eagle came down on 20 July 1969. Name the one who landed it."),
        (LANDED, "Whom would you name, if not the two others, for the landing of Eagle on 20 July 1969?"),
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
        (DROPS, "第三次打败石敢当之后，出云棍需要12块哪种材料？", "number 3 is new"),
        (DROPS, "打败石敢当之后，出云棍和飞龙宝杖需要12块什么？", "“飞龙宝杖” is new"),
        (DROPS, "打败石敢当之后，出云棍需要12块陨铁吗？", "the question states its answer"),
        (DROPS, "打败石敢当之后，出云棍需要12块材料。", "not a question"),
        (DROPS, "上文的石敢当之后，出云棍需要12块什么？", "does not stand alone: “上文”"),
        (DROPS, "出云棍" * 101 + "12？", f"question longer than {MAX_QUESTION}"),
        (LANDED, "Eagle was landed on 20 July 1969", "not a question"),
        (LANDED, "Who LANDED Eagle, on 20 July 1969?", "repeats the base question"),
        (LANDED, "Who landed Eagle and Columbia on 20 July 1969?", "“Columbia” is new"),
        (CODE, "Does `httpx.Client` send `verify` with `cert`?", "“cert” is new"),
        (LANDED, "By neil armstrong, who landed Eagle on 20 July 1969?", "states its answer"),
    ],
)
def test_a_wording_that_asks_something_else_has_its_reason(base: QAPair, question: str, reason: str) -> None:
    assert reason in str(worst(check_paraphrase(question, base)))


def test_a_yes_or_no_question_names_what_its_answer_is_about() -> None:
    base = pair(EN, "Did Neil Armstrong leave flags on the Moon?", "Yes, he planted 2 flags in the dust there.")
    assert check_paraphrase("Is it true that Neil Armstrong planted flags in the dust of the Moon?", base) == ()


def test_an_answer_that_the_base_question_states_may_stand_in_its_wordings() -> None:
    given_away = replace(DROPS, question="出云棍需要12块陨铁，需要什么？")
    assert check_paraphrase("12块陨铁之外出云棍需要什么？", given_away) == ()
