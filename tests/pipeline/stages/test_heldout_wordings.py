"""Wordings for test and validation: of which pairs, asked how, and what becomes of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rows import pair
from wukong_pipe.build import load_prompts
from wukong_pipe.language.hashing import fraction
from wukong_pipe.records import QAPair
from wukong_pipe.stages.heldout_wordings import (
    A_PAIR,
    TESTED,
    ask_heldout_wordings,
    count_to_test,
    held_rows,
    pairs_to_test,
)
from wukong_pipe.stages.paraphrase import Wordings
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.requests import Reply, Request

PROMPTS = load_prompts(BuildSettings(heldout_wordings=A_PAIR))["heldout_wordings"]
PAIR = pair("出云棍由哪位妖王掉落？", "由石敢当掉落。", "武器", "| 出云棍 | 石敢当掉落 |")


class Told:
    """A teacher that says these questions, reply by reply."""

    def __init__(self, *replies: Sequence[str]) -> None:
        self._replies = replies
        self.asked: list[Request] = []

    async def __call__(self, request: Request, attempt: int) -> Reply:
        self.asked.append(request)
        value = {"questions": [*self._replies[attempt]]}
        return Reply(f"call{attempt}", value, None, json.dumps(value, ensure_ascii=False))


def asked(teacher: Told, of: QAPair = PAIR, wanted: int = A_PAIR) -> Wordings:
    return asyncio.run(ask_heldout_wordings(of, wanted, teacher, PROMPTS))


def pairs(count: int) -> list[QAPair]:
    return [pair(f"{n}号是什么？", f"物{n}") for n in range(count)]


def test_the_call_sees_answer_and_evidence_and_no_question_that_is_trained() -> None:
    teacher = Told(["打败谁才能拿到出云棍？", "出云棍从谁身上来？", "哪个头目会给出云棍？"])
    assert len(asked(teacher).kept) == 3
    prompt = teacher.asked[0].messages[-1]["content"]
    assert "由石敢当掉落。" in prompt
    assert "| 出云棍 | 石敢当掉落 |" in prompt
    assert PAIR.question not in prompt


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("出云棍由哪位妖王掉落呢？", "like-own-question"),
        ("出云棍由哪位妖王掉落", "repeats-question"),
        ("上文说的武器由谁掉落？", "leans"),
    ],
)
def test_a_wording_that_would_cost_the_pair_its_own_question_or_leans_is_refused(question: str, code: str) -> None:
    wordings = asked(Told([question], [], []), wanted=1)
    assert [reject.stage for reject in wordings.rejects] == ["heldout_wordings"]
    assert code in wordings.rejects[0].reason.code
    assert wordings.tally.to_json() == {"asked": 3, "received": 1, "short": 2, "kept": 0, "rejected": 1}


def test_a_reask_says_what_is_there_and_what_was_rejected_why() -> None:
    teacher = Told(["打败谁才能拿到出云棍？", "出云棍由哪位妖王掉落呢？"], ["出云棍从谁身上来？"], [])
    asked(teacher, wanted=2)
    again = teacher.asked[1].messages[-1]["content"]
    assert "- 打败谁才能拿到出云棍？" in again
    assert "- 出云棍由哪位妖王掉落呢？ —— 与这组问答自己的问题相似" in again


def test_one_wording_of_a_pair_validates_and_the_others_test() -> None:
    wordings = asked(Told(["打败谁才能拿到出云棍？", "出云棍从谁身上来？", "哪个头目会给出云棍？"]))
    rows = held_rows([wordings])[PAIR.id]
    assert Counter((row.split, row.level, row.variant) for row in rows) == {
        ("test", "wording", "paraphrase"): 2,
        ("validation", "", "paraphrase"): 1,
    }
    assert {row.prompt for row in rows} == {PROMPTS["zh"].name}
    validates = next(row for row in rows if row.split == "validation")
    assert validates == min(rows, key=lambda row: fraction("validation", row.id))


def test_a_pair_with_a_single_wording_tests_with_it() -> None:
    rows = held_rows([asked(Told(["打败谁才能拿到出云棍？"], [], []))])[PAIR.id]
    assert [row.split for row in rows] == ["test"]


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (7, 7), (TESTED, 100), (300, 100), (500, 100), (5000, 1000)])
def test_some_two_hundred_questions_are_tested_and_a_fifth_of_the_pairs_of_a_large_corpus(
    count: int, expected: int
) -> None:
    assert count_to_test(count) == expected


@given(st.integers(TESTED, 400), st.integers(0, 60))
def test_pairs_that_come_to_a_corpus_take_no_other_pairs_into_the_test(before: int, more: int) -> None:
    few, many = pairs(before), pairs(before + more)
    assert len(pairs_to_test(few)) == count_to_test(before)
    if count_to_test(before) == count_to_test(before + more):
        assert {one.id for one in pairs_to_test(many)} & {one.id for one in few} <= {
            one.id for one in pairs_to_test(few)
        }
