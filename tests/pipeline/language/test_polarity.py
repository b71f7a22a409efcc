"""What a polar question is, and whether an answer says yes or no to it."""

from __future__ import annotations

import pytest

from wukong_pipe.language import polarity
from wukong_pipe.language.polarity import leading_decision, polarity_of, says_yes

VERIFIES = "Does httpx verify HTTPS by default?"
CHINESE = "httpx 默认会验证 HTTPS 吗？"


@pytest.mark.parametrize(
    ("fact", "question", "polarity"),
    [
        ("Yes.", VERIFIES, True),
        ("no", VERIFIES, False),
        ("会", CHINESE, True),
        ("不会", CHINESE, False),
        ("没有", "他有没有兵器？", False),
        ("是的", "他是否住在山里？", True),
        ("不可以", "可不可以换？", False),
        ("certifi", VERIFIES, None),
        ("会", "碑上写了什么字？", None),
        ("", VERIFIES, None),
    ],
)
def test_a_yes_or_no_is_told_from_other_facts(fact: str, question: str, polarity: bool | None) -> None:
    assert polarity_of(fact, question) is polarity


@pytest.mark.parametrize(
    ("answer", "question", "says"),
    [
        ("Yes, it does not skip them.", VERIFIES, True),
        ("No.", VERIFIES, False),
        ("No, it verifies none.", VERIFIES, False),
        ("It verifies HTTPS connections.", VERIFIES, True),
        ("It doesn't verify HTTPS by default.", VERIFIES, False),
        ("According to the manual, httpx never verifies it.", VERIFIES, False),
        ("By default it does; without it nothing is verified.", VERIFIES, True),
        ("By default, it does not.", VERIFIES, False),
        ("By default, HTTPS is verified, HTTP is not.", VERIFIES, True),
        ("The weather is fine.", VERIFIES, None),
        ("", VERIFIES, None),
        ("会。", CHINESE, True),
        ("是的，会验证。", CHINESE, True),
        ("不会，除非另有设置。", CHINESE, False),
        ("根据文档，默认会验证。", CHINESE, True),
        ("默认情况下，httpx 不会验证 HTTPS。", CHINESE, False),
        ("不仅默认会验证，还会报错。", CHINESE, True),
        ("没有。", "他有没有兵器？", False),
        ("可以用不同的端口。", "可以用不同的端口吗？", True),
        ("不可以用不同的端口。", "可不可以用不同的端口？", False),
        ("天气很好。", CHINESE, None),
        ("True.", VERIFIES, True),
        ("Absolutely not.", VERIFIES, False),
        ("The short answer is yes.", VERIFIES, True),
        ("Yes and no.", VERIFIES, None),
        ("Yes, but it does not verify hosts by default.", VERIFIES, True),
        ("会，但默认不会验证。", CHINESE, None),
        ("First, it does not verify.", VERIFIES, False),
        ("httpx disables verification of HTTPS by default.", VERIFIES, None),
        ("It fails to verify HTTPS.", VERIFIES, None),
        ("It verifies none by default.", VERIFIES, False),
        ("I do not know whether httpx verifies HTTPS by default.", VERIFIES, None),
        ("It can verify HTTPS, though by default it does not.", VERIFIES, None),
        (f"{VERIFIES} No.", VERIFIES, False),
        (VERIFIES, VERIFIES, None),
        ("It is thread-safe and has no locks.", "Is it thread-safe?", True),
        ("It is not active by default.", "Is it enabled by default?", False),
        ("It never expires.", "Does it never expire?", True),
        ("The client retries, no matter what.", "Does the client retry?", True),
        ("没错，会的。", CHINESE, True),
        ("当然不会。", CHINESE, False),
        ("无需担心，默认会验证。", CHINESE, True),
        ("httpx 默认无法验证 HTTPS。", CHINESE, False),
        (f"{CHINESE}不会。", CHINESE, False),
        ("没有账号也能玩。", "没有账号能玩吗？", True),
        ("客户端会无限重试。", "客户端会重试吗？", True),
        ("客户端不再重试。", "客户端会重试吗？", False),
    ],
)
def test_the_first_clause_that_decides_says_it(answer: str, question: str, says: bool | None) -> None:
    assert says_yes(answer, question) is says


def test_the_table_is_true() -> None:
    rows = [line for line in (polarity.__doc__ or "").splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 8
    for row in rows:
        question, answer, says = (cell.strip() for cell in row.strip("|").split("|"))
        assert says_yes(answer, question) is {"yes": True, "no:": False, "yes:": True, "no": False}.get(says.split()[0])


@pytest.mark.parametrize(
    ("answer", "question", "decision"),
    [
        ("No, it is slow.", "Is it fast?", "No"),
        ("no", "When it starts, is it fast?", "no"),
        ("No, nobody.", "Who?", None),
        ("It is.", "Is it fast?", None),
        ("会，默认验证。", CHINESE, "会"),
        ("会。", "他写了什么字？", None),
        ("", CHINESE, None),
    ],
)
def test_the_reference_to_a_polar_question_may_begin_with_its_fact(
    answer: str, question: str, decision: str | None
) -> None:
    assert leading_decision(answer, question) == decision
