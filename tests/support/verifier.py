"""A verifier for tests: it reads the questions out of each request, and says of each what it is told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang
from wukong_pipe.teacher.prompt_files import OF_VERIFY, load_prompt
from wukong_pipe.teacher.requests import Reply, Request
from wukong_pipe.verify.calls import Verifier

PROMPTS = {name: {lang: load_prompt(name, lang) for lang in get_args(Lang)} for name in OF_VERIFY}
UNREADABLE = Reply("call", None, Reason.of("no-object"), "hm")
_QUESTION = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


class ToldVerifier:
    """Says what it is told by prompt and question; what it is not told it leaves out.

    Args:
        says: prompt → question or wording → the item of the reply without its number.
        before: replies that come first, one a call, whatever is asked.
    """

    def __init__(self, says: Mapping[str, Mapping[str, Mapping[str, Any]]], before: Sequence[Reply] = ()) -> None:
        self._says, self._before = says, list(before)
        self.asked: list[tuple[Request, int]] = []

    async def ask(self, request: Request, attempt: int) -> Reply:
        self.asked.append((request, attempt))
        if self._before:
            return self._before.pop(0)
        (array,) = request.schema["required"]
        (number, *_) = request.schema["properties"][array]["items"]["required"]
        told = self._says.get(name_of(request), {})
        items = [{number: place, **told[text]} for place, text in asked_in(request).items() if text in told]
        call = f"call {len(self.asked)}"
        return Reply(call, {array: items}, None, json.dumps(items))

    def verifier(self, batch_size: int = 8) -> Verifier:
        return Verifier(self.ask, PROMPTS, batch_size)


def name_of(request: Request) -> str:
    """The prompt that a request was made with: verify_answers, …"""
    return request.prompt.partition(".")[0]


def asked_in(request: Request) -> dict[int, str]:
    """The numbered questions of a request, or its wordings, by their number."""
    shown = re.split(
        r"^(?:Questions.*|Wordings|问题.*|问法)[:：]$", request.messages[-1]["content"], flags=re.MULTILINE
    )[-1]
    return {int(number): text for number, text in _QUESTION.findall(shown)}


def answer(text: str) -> dict[str, Any]:
    return {"evidence": [1], "answer": text}


def verdict(right: str, reason: str = "so") -> dict[str, Any]:
    return {"evidence": [1], "reason": reason, "right": right}


def claims(*holds: str, right: bool = True) -> dict[str, Any]:
    found = [{"claim": f"claim {number}", "evidence": [1], "holds": one} for number, one in enumerate(holds, 1)]
    return {"claims": found, "reason": "so", "right": right}


def relation(*asks: int, relation: str = "same", answered: bool = True) -> dict[str, Any]:
    return {"asks": list(asks), "reason": "so", "relation": relation, "answered": answered}
