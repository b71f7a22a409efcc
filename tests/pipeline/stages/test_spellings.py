"""Spellings of facts: what is asked of a section, what is kept, and the rows that carry it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.support.rows import family
from wukong_pipe.pipeline import load_prompts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, QAPair, Section
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import (
    MOST_FACTS,
    Spellings,
    ask_spellings,
    facts_hash,
    request,
    spellings_wanted,
    with_spellings,
)
from wukong_pipe.teacher.attempts import Attempts, Reask
from wukong_pipe.teacher.requests import Reply, Request

PROMPTS = load_prompts(BuildSettings(spellings=8))["spellings"]
SECTION = Section("a.md", ("代理", "NO_PROXY"), 1, "## NO_PROXY\n\n列表以逗号分隔。\n")


def pair(question: str, answer: str, *facts: str) -> QAPair:
    named: Facts = tuple((fact,) for fact in facts)
    return QAPair(SECTION, question, answer, ("列表",), (3, 3), "base", "t", "p@1", "call", facts=named)


LIST = pair("列表怎样写？", "以逗号分隔，逐个写主机名。", "逗号分隔", "主机名")
OFF = pair("它有什么作用？", "对这些主机关闭代理。", "关闭代理")
COMMAS, HOSTS, BYPASS = "用逗号隔开", "服务器叫什么", "不走代理"


def fact(number: int, words: str, *spellings: str) -> dict[str, Any]:
    return {"fact": number, "words": words, "spellings": [*spellings]}


def told(spellings: dict[str, list[str]]) -> list[dict[str, Any]]:
    """A reply that speaks of each of these facts."""
    return [fact(number, words, *its) for number, (words, its) in enumerate(spellings.items(), 1)]


def ask(
    replies: Sequence[Any], pairs: Sequence[QAPair] = (LIST, OFF), most: int = 8, attempts: Attempts | None = None
) -> tuple[Spellings, list[Request]]:
    asked: list[Request] = []
    left = iter(replies)

    async def answer(request: Request, attempt: int) -> Reply:
        asked.append(request)
        value = next(left)
        if isinstance(value, Reply):
            return value
        return Reply(f"call{attempt}", {"facts": value}, None, json.dumps(value))

    (part,) = spellings_wanted(SECTION, pairs)
    asyncio.run(ask_spellings(part, most, answer, PROMPTS, attempts or Attempts()))
    return part, asked


def kept(part: Spellings) -> dict[str, tuple[str, ...]]:
    return {spelt.fact.words: spelt.spellings for spelt in part.kept}


# --- asking ----------------------------------------------------------------------------------------------------


def test_one_request_shows_the_pairs_of_a_section_with_their_facts_numbered_through() -> None:
    (part,) = spellings_wanted(SECTION, [LIST, OFF])
    asked = request(part.facts, 8, PROMPTS)
    assert asked.messages[1]["content"] == (
        "文档：代理\n标题路径：代理 › NO_PROXY\n问题、答案和要点：\n"
        "- 列表怎样写？\n  <answer>以逗号分隔，逐个写主机名。</answer>\n  [1] 逗号分隔\n  [2] 主机名\n"
        "- 它有什么作用？\n  <answer>对这些主机关闭代理。</answer>\n  [3] 关闭代理\n"
        "每个要点最多写 8 种其他写法。"
    )
    array = asked.schema["properties"]["facts"]
    assert (array["minItems"], array["maxItems"]) == (3, 3)


def test_nothing_is_asked_about_identifiers_numbers_and_pairs_without_facts() -> None:
    code = pair("参数叫什么？", "参数是 `trust_env`。", "trust_env")
    assert spellings_wanted(SECTION, [code, pair("几个？", "42 个。", "42"), pair("为何？", "说不清。")]) == []
    # But another fact's spelling must not stand in them either.
    (part,) = spellings_wanted(SECTION, [code, LIST])
    assert part.others == ("trust_env", "逗号分隔", "主机名")
    assert [fact.words for fact in part.facts] == ["逗号分隔", "主机名"]


def test_a_fact_of_a_pair_that_was_kept_twice_is_asked_about_once() -> None:
    (part,) = spellings_wanted(SECTION, [LIST, LIST])
    assert part.wanted == 2


def test_a_section_of_many_facts_is_asked_about_in_parts() -> None:
    many = [pair(f"第{n}问？", f"答案是说法{n}号。", f"说法{n}号") for n in range(2 * MOST_FACTS + 1)]
    parts = spellings_wanted(SECTION, many)
    assert [part.wanted for part in parts] == [MOST_FACTS, MOST_FACTS, 1]
    assert len({part.allowance for part in parts}) == 3
    assert {len(part.others) for part in parts} == {2 * MOST_FACTS + 1}


# --- keeping ---------------------------------------------------------------------------------------------------


def test_a_reply_that_speaks_of_each_fact_is_asked_for_once() -> None:
    part, asked = ask([told({"逗号分隔": [COMMAS, " 逗号间隔。 "], "主机名": [], "关闭代理": [BYPASS]})])
    assert kept(part) == {"逗号分隔": (COMMAS, "逗号间隔"), "主机名": (), "关闭代理": (BYPASS,)}
    assert len(asked) == 1
    assert part.tally.to_json() == {"asked": 3, "received": 3, "short": 0, "kept": 3, "rejected": 0}


def test_each_spelling_that_is_refused_is_a_reject_with_its_question_and_fact() -> None:
    reply = told({"逗号分隔": [COMMAS, "以逗号分隔"], "主机名": ["代理"], "关闭代理": [BYPASS, "停用", "禁用"]})
    part, _ = ask([reply], most=2)
    assert kept(part) == {"逗号分隔": (COMMAS,), "主机名": (), "关闭代理": (BYPASS, "停用")}
    assert [(one.stage, str(one.reason)) for one in part.rejects] == [
        ("spellings", "adds nothing: “逗号分隔” stands in it already"),
        ("spellings", "“关闭代理” is of another fact"),
        ("spellings", "1 more than the 2 spellings asked for"),
    ]
    assert part.rejects[0].candidate == {"question": LIST.question, "fact": "逗号分隔", "spelling": "以逗号分隔"}
    assert (part.rejects[0].call, part.rejects[0].reply != "") == ("call0", True)
    assert sum(spelt.refused for spelt in part.kept) == 3


def test_of_very_many_or_very_long_spellings_little_stands_in_the_rejects() -> None:
    items = "、".join(f"写法{n}" for n in range(100_000))
    part, _ = ask([told({"逗号分隔": [items, *(f"{n}个逗号" for n in range(9_000))], "主机名": []})], [LIST])
    assert len(part.rejects) == 2
    assert (part.rejects[0].reason.code, part.rejects[-1].reason.code) == ("spelling-too-long", "surplus-spellings")
    assert str(part.rejects[-1].reason) == "8993 more than the 8 spellings asked for"
    assert len(json.dumps([one.to_json() for one in part.rejects])) < 20_000
    assert sum(len(spelt.spellings) + spelt.refused for spelt in part.kept) == 9_001


def test_white_space_in_a_spelling_is_folded() -> None:
    part, _ = ask([told({"逗号分隔": ["用\n\t逗号\u3000隔开"], "主机名": []})], [LIST])
    assert kept(part)["逗号分隔"] == ("用 逗号 隔开",)


def test_facts_that_a_reply_leaves_out_or_garbles_are_asked_about_again_without_the_rest() -> None:
    first = [
        fact(3, "`关闭代理`。", BYPASS),
        fact(2, "关闭代理", "谁知道"),
        {"fact": 1, "words": "逗号分隔", "spellings": "文字"},
        fact(1, "逗号分隔"),
    ]
    last = told({"逗号分隔": [COMMAS], "主机名": [HOSTS]})
    part, asked = ask([first, Reply("c", None, Reason.of("no-object"), "对不起"), last])
    assert kept(part) == {"关闭代理": (BYPASS,), "逗号分隔": (COMMAS,), "主机名": (HOSTS,)}
    assert "[2] 主机名" in asked[2].messages[1]["content"]
    assert "关闭代理" not in asked[2].messages[1]["content"]
    assert [(one.stage, one.reason.code) for one in part.rejects] == [
        ("spellings", "fact-not-asked-about"),
        ("spellings", "schema"),
        ("surplus", "surplus-facts"),
        ("reply", "no-object"),
    ]
    assert part.tally.to_json() == {"asked": 7, "received": 5, "short": 2, "kept": 3, "rejected": 2}


def test_a_reply_that_names_a_fact_twice_is_believed_the_first_time() -> None:
    part, _ = ask([[fact(1, "逗号分隔", COMMAS), fact(1, "逗号分隔", "别的")], [], []], [LIST])
    assert kept(part) == {"逗号分隔": (COMMAS,)}
    assert [one.reason.code for one in part.rejects] == ["fact-not-asked-about"]


def test_after_a_reply_that_was_cut_half_is_asked_at_once() -> None:
    cut = Reply("call", None, Reason.of("cut"), "{", is_cut=True)
    _, asked = ask([cut, told({"逗号分隔": [], "主机名": []}), told({"关闭代理": []})])
    assert [one.schema["properties"]["facts"]["maxItems"] for one in asked] == [3, 2, 1]


def test_a_section_named_by_reask_is_asked_again() -> None:
    granted: list[str] = []
    attempts = Attempts(grant=granted.append, reask=Reask(SECTION.id))
    part, asked = ask([[], [], [], told({"逗号分隔": [COMMAS], "主机名": []})], [LIST], attempts=attempts)
    assert (len(asked), part.share) == (4, 1.0)
    assert granted == [f"{SECTION.id}/spellings/0"]


# --- using -----------------------------------------------------------------------------------------------------


def test_all_rows_of_a_pair_carry_the_spellings_behind_the_first_and_keep_their_ids() -> None:
    part, _ = ask([told({"逗号分隔": [COMMAS], "主机名": [], "关闭代理": [BYPASS]})])
    rows = [*family(LIST, ["怎么写列表？"]), *family(OFF), *family(pair("别的？", "主机名", "主机名"))]
    after = [*with_spellings(rows, [part])]
    assert [row.facts for row in after] == [
        (("逗号分隔", COMMAS), ("主机名",)),
        (("逗号分隔", COMMAS), ("主机名",)),
        (("关闭代理", BYPASS),),
        (("主机名",),),
    ]
    assert [replace(row, facts=()) for row in after] == [replace(row, facts=()) for row in rows]
    assert [*with_spellings(rows, [])] == rows


def test_the_hash_is_of_the_test_rows_facts_in_all_spellings_and_in_any_order_of_the_rows() -> None:
    trained, tested = family(LIST, ["怎么写列表？"])
    tested = replace(tested, split="test", level="wording")
    other = replace(tested, facts=(("逗号分隔", COMMAS), ("主机名",)))
    assert facts_hash([trained, tested]) == facts_hash([tested]) != facts_hash([other])
    assert facts_hash([tested, other]) == facts_hash([other, tested])
