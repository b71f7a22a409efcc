"""Asking until there is enough: each reply is taken before the next is asked for, and every item is accounted for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.support.rows import section
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section
from wukong_pipe.teacher.attempts import USUAL
from wukong_pipe.teacher.filling import Decided, Refused, replies, take
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.requests import Reply, Request

Basket = Harvest[Section, int]
"""A harvest of four numbers."""
UNSETTLED = -1
"""A number about which the verifier did not answer."""
ABOUT = {"for": "basket"}


def filled(*given: Reply) -> tuple[Basket, list[int]]:
    """The basket after these replies, and how many numbers each request asked for."""
    basket, asked = Basket(section("篮子"), "basket", 4), list[int]()

    async def ask(request: Request, attempt: int) -> Reply:
        asked.append(int(request.prompt))
        return given[attempt]

    def more() -> Request:
        return Request("answers", str(basket.missing), (), {}, None)

    async def judged(items: Sequence[Any]) -> Decided[int]:
        outcomes = [item if isinstance(item, int) else Refused(Reason.of("item")) for item in items]
        return Decided(outcomes, is_settled=UNSETTLED not in outcomes)

    async def fill() -> None:
        async for _, reply in replies(basket, ask, more, USUAL):
            await take(basket, reply, "answers", "numbers", judged, ABOUT, "item")

    asyncio.run(fill())
    return basket, asked


def reply(*items: Any, call: str = "c", is_final: bool = False) -> Reply:
    return Reply(call, {"numbers": list(items)}, None, "raw", is_final=is_final)


def test_what_is_missing_is_asked_for_until_nothing_is() -> None:
    basket, asked = filled(reply(1, "a"), reply(2, 3), reply(4))
    assert (basket.kept, asked) == ([1, 2, 3, 4], [4, 3, 1])
    assert [(reject.stage, str(reject.reason), reject.candidate) for reject in basket.rejects] == [
        ("answers", "the item", {"for": "basket", "item": "a"})
    ]
    assert basket.tally.to_json() == {"asked": 8, "received": 5, "short": 3, "kept": 4, "rejected": 1}


def test_more_than_was_asked_for_is_shown_and_not_counted_as_received() -> None:
    basket, asked = filled(reply(1, 2, 3, 4, 5))
    assert (basket.kept, asked) == ([1, 2, 3, 4], [4])
    (surplus,) = basket.rejects
    assert (surplus.stage, str(surplus.reason)) == ("surplus", "more than the 4 wordings asked for")
    assert basket.tally.to_json() == {"asked": 4, "received": 4, "short": 0, "kept": 4, "rejected": 0}


def test_a_reply_that_cannot_be_read_is_rejected_whole() -> None:
    basket, _ = filled(Reply("c", None, Reason.of("no-object"), "sorry"), reply(1, 2, 3, 4))
    assert [(one.stage, str(one.reason), one.candidate, one.reply) for one in basket.rejects] == [
        ("reply", "no JSON object in the reply", {"for": "basket"}, "sorry")
    ]
    assert basket.tally.to_json() == {"asked": 8, "received": 4, "short": 4, "kept": 4, "rejected": 0}


def test_nothing_follows_a_request_that_stayed_unanswered_or_was_refused_for_good() -> None:
    assert filled(reply(1), reply(call=""), reply(2))[1] == [4, 3]
    assert filled(reply(1, is_final=True), reply(2))[1] == [4]


def test_nothing_follows_items_about_which_the_verifier_did_not_answer() -> None:
    basket, asked = filled(reply(1, UNSETTLED), reply(2, 3))
    assert (basket.kept, asked, basket.is_settled) == ([1, UNSETTLED], [4], False)
    assert filled(reply(1, 2), reply(3, UNSETTLED))[1] == [4, 2]


def test_the_rejects_of_one_reply_share_its_words() -> None:
    basket, _ = filled(Reply("c", {"numbers": ["a", "b", "c", "d"]}, None, "raw" * 2000), reply(1, 2, 3, 4))
    first, *others = basket.rejects
    assert len(others) == 3
    assert all(other.reply is first.reply for other in others)


def test_what_is_shown_of_a_long_reply_does_not_grow_with_it() -> None:
    long = [{"text": "x" * 100_000, "list": ["y" * 100_000]}] * 400
    basket, _ = filled(
        Reply("c", {"numbers": long}, None, "z" * 10**6), *[Reply("d", None, Reason.of("empty"), "")] * 2
    )
    assert len(basket.rejects) == 402
    shown = str([reject.to_json() for reject in basket.rejects])
    assert len(shown) < 500_000
    assert "(100000 characters, whole in the journal)" in shown
    assert "(1000000 characters, whole in the journal)" in shown


def test_a_reject_is_named_after_its_number_in_the_reply_whatever_became_of_the_other_items() -> None:
    one, _ = filled(reply(1, "a", 2, "b", "c"), reply(3, 4))
    other, _ = filled(reply("z", "a", 2, 3, "c"), reply(3, 4))
    assert [reject.place for reject in one.rejects] == ["basket/1", "basket/3", "basket/4"]
    assert [reject.place for reject in other.rejects] == ["basket/0", "basket/1", "basket/4"]
