"""What a polar question is, and whether an answer says yes or no to it."""

from __future__ import annotations

import pytest

from wukong_pipe.language.polarity import polarity_of, says_yes

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
    ],
)
def test_the_first_clause_that_decides_says_it(answer: str, question: str, says: bool | None) -> None:
    assert says_yes(answer, question) is says
