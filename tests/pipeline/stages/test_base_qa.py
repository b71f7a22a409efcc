"""Asking for pairs: what is counted of the replies."""

from __future__ import annotations

import asyncio
import json

from wukong_pipe.pipeline import load_prompts
from wukong_pipe.records import Section
from wukong_pipe.stages.base_qa import ask_base_qa
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.attempts import Attempts
from wukong_pipe.teacher.requests import Reply, Request

TEXT = "下表列出武器。\n\n| 武器 | 掉落者 |\n|---|---|\n| 出云棍 | 石敢当 |\n| 飞龙棍 | 虎先锋 |\n"
ROW = {"question": "出云棍由谁掉落？", "answer": "石敢当", "facts": ["石敢当"], "evidence": [1], "kind": "base"}
OTHER = ROW | {"question": "飞龙棍由谁掉落？", "answer": "虎先锋", "facts": ["虎先锋"], "evidence": [3]}


async def ask(request: Request, attempt: int) -> Reply:
    value = {"pairs": [ROW, OTHER]}
    return Reply(f"{request.stage} {attempt}", value, None, json.dumps(value))


def test_a_candidate_whose_citation_was_mended_is_counted() -> None:
    section = Section("a.md", ("书", "武器"), 1, TEXT)
    prompts = load_prompts(BuildSettings())["base_qa"]
    pairs = asyncio.run(ask_base_qa(section, 2, ask, "t", prompts, Attempts()))
    assert [pair.evidence for pair in pairs.kept] == [("| 出云棍 | 石敢当 |",), ("| 飞龙棍 | 虎先锋 |",)]
    assert pairs.mended == 1
