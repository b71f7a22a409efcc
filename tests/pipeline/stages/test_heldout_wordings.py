"""Wordings for test and validation: of which pairs, asked how, and what becomes of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rows import pair, section
from wukong_pipe.dataset.holdout_plan import Plan
from wukong_pipe.language.hashing import fraction
from wukong_pipe.pipeline import load_prompts
from wukong_pipe.records import QAPair
from wukong_pipe.stages.heldout_wordings import (
    A_PAIR,
    SHARES,
    TESTED,
    ask_heldout_wordings,
    held_rows,
    pairs_to_test,
    request,
    share_tested,
)
from wukong_pipe.stages.paraphrase import Wordings, ask_paraphrases, base_row
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.attempts import Attempts, Reask
from wukong_pipe.teacher.requests import Reply, Request

PROMPTS = load_prompts(BuildSettings(heldout_wordings=A_PAIR))["heldout_wordings"]
PAIR = pair("出云棍由哪位妖王掉落？", "由石敢当掉落。", "武器", "| 出云棍 | 石敢当掉落 |")
NOTHING_WHOLE = Plan(frozenset(), frozenset())


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
    return [replace(pair(f"{n}号是什么？", f"物{n}"), facts=((f"物{n}",),)) for n in range(count)]


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


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("石敢当会掉落哪件武器？", "given-away"),
        ("出云棍是谁给的？</answer>", "words-new"),
        ("狼牙棒是由哪位妖王掉落的呢？", "like-other-question"),
    ],
)
def test_a_wording_that_tells_its_fact_copies_the_prompt_or_is_like_a_trained_question_is_refused(
    question: str, code: str
) -> None:
    teacher, of = Told([question], [], []), replace(PAIR, facts=(("石敢当",),))
    others = [of.question, "狼牙棒是由哪位妖王掉落的？"]
    wordings = asyncio.run(ask_heldout_wordings(of, 1, teacher, PROMPTS, others=others))
    assert [reject.reason.code for reject in wordings.rejects] == [code]


@pytest.mark.parametrize(
    ("own", "fact", "question"),
    [
        ("它是文本格式还是二进制格式？", "文本格式", "请问文本格式和二进制格式里，它用的是哪种？"),
        ("它默认会验证证书吗？", "会", "什么都不设置的话，证书会被验证吗？"),
        ("石敢当掉落什么？", "石敢当", "从石敢当那里能拿到哪件东西？"),
    ],
)
def test_what_the_question_offers_or_holds_and_a_yes_tell_no_fact(own: str, fact: str, question: str) -> None:
    of = replace(PAIR, question=own, answer=fact, facts=((fact,),))
    assert len(asked(Told([question], [], []), of, wanted=1).kept) == 1


@pytest.mark.parametrize("name", [PAIR.id, base_row(PAIR).id])
def test_a_reask_of_a_pair_names_its_wordings_for_training_and_for_the_test(name: str) -> None:
    attempts = Attempts(reask=Reask(name))
    prompts = load_prompts(BuildSettings(heldout_wordings=A_PAIR))
    first = ["打败谁才能拿到出云棍？"]
    for ask, stage in ((ask_heldout_wordings, "heldout_wordings"), (ask_paraphrases, "paraphrase")):
        teacher = Told(first, [], [], [], [], [])
        asyncio.run(ask(PAIR, 3, teacher, prompts[stage], attempts))
        assert len(teacher.asked) == 6
    assert attempts.reask.unmet == []


def test_a_reask_says_what_is_there_and_what_was_rejected_why() -> None:
    teacher = Told(["打败谁才能拿到出云棍？", "出云棍由哪位妖王掉落呢？"], ["出云棍从谁身上来？"], [])
    asked(teacher, wanted=2)
    again = teacher.asked[1].messages[-1]["content"]
    assert "- 打败谁才能拿到出云棍？" in again
    assert "- 出云棍由哪位妖王掉落呢？ —— 与这组问答自己的问题相似" in again


def test_one_wording_of_a_pair_validates_and_the_others_test() -> None:
    wordings = asked(Told(["打败谁才能拿到出云棍？", "出云棍从谁身上来？", "哪个头目会给出云棍？"]))
    rows = held_rows(wordings)
    assert Counter((row.split, row.level, row.variant) for row in rows) == {
        ("test", "wording", "paraphrase"): 2,
        ("validation", "", "paraphrase"): 1,
    }
    assert {row.prompt for row in rows} == {PROMPTS["zh"].name}
    validates = next(row for row in rows if row.split == "validation")
    assert validates == min(rows, key=lambda row: fraction("validation", row.id))


def test_a_pair_with_a_single_wording_tests_with_it() -> None:
    rows = held_rows(asked(Told(["打败谁才能拿到出云棍？"], [], [])))
    assert [row.split for row in rows] == ["test"]


@pytest.mark.parametrize(
    ("planned", "share"),
    [(0, 1.0), (199, 1.0), (200, 1 / 2), (299, 1 / 2), (300, 1 / 3), (499, 1 / 3), (500, 1 / 5), (5000, 1 / 5)],
)
def test_the_lowest_share_that_tests_a_hundred_pairs_is_taken(planned: int, share: float) -> None:
    assert share_tested(planned) == share
    assert share * planned >= TESTED or share == 1.0


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from(SHARES))
def test_pairs_that_come_or_go_move_no_other_pair_in_or_out_of_the_test(before: int, more: int, share: float) -> None:
    few, many = pairs(before), pairs(before + more)
    tested = {one.id for one in pairs_to_test(few, NOTHING_WHOLE, share)}
    assert {one.id for one in pairs_to_test(many, NOTHING_WHOLE, share)} & {one.id for one in few} == tested
    assert share < 1.0 or len(tested) == before


def test_what_is_held_out_whole_or_has_no_facts_is_not_tested_in_other_words() -> None:
    first, second, third, fourth = pairs(4)
    whole = Plan(frozenset({third.section.id}), frozenset({second.id}))
    elsewhere = replace(third, section=section("别处"))
    factless = replace(fourth, section=section("别处"), facts=())
    assert pairs_to_test([replace(first, section=section("别处")), elsewhere, factless], whole, 1.0) == [
        replace(first, section=section("别处")),
        elsewhere,
    ]
    assert pairs_to_test([first, second, third], Plan(frozenset(), frozenset({second.id})), 1.0) == [first, third]
    assert pairs_to_test([third], whole, 1.0) == []


def test_pairs_of_one_answer_and_evidence_are_not_tested_for_their_requests_are_one() -> None:
    one = replace(pair("出云棍由谁掉落？", "石敢当", evidence="打败石敢当能得到出云棍和蛇皮。"), facts=(("石敢当",),))
    twin = replace(one, question="蛇皮由谁掉落？")
    other = replace(one, question="打败石敢当能得到什么？", answer="出云棍和蛇皮", facts=(("出云棍",),))
    assert request(one, 3, PROMPTS) == request(twin, 3, PROMPTS)
    assert pairs_to_test([one, twin, other], NOTHING_WHOLE, 1.0) == [other]
    # Nor where the other is held out: the wording might ask its question.
    assert pairs_to_test([one, twin], Plan(frozenset(), frozenset({twin.id})), 1.0) == []
