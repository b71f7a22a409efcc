"""A provider that answers well: it reads the section out of the prompt, as a language model would."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from tests.support.provider import Response, completion
from wukong_pipe.embedded import teacher
from wukong_pipe.embedded.facts import facts
from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.records import Lang, Section
from wukong_pipe.teacher.requests import AnswerTask, ParaphraseTask

_SECTION = re.compile(r"<source>\n(.*)\n</source>", re.DOTALL)
_LINE = re.compile(r"^\[+\d+\]+ (.*)$", re.MULTILINE)
_HEADINGS = re.compile(r"^(?:标题路径：|Headings: )(.*)$", re.MULTILINE)
_QUESTION = re.compile(r"^(?:问题：|Question: )(.*)$", re.MULTILINE)
_ANSWER = re.compile(r"^(?:答案：|Answer: )(.*)$", re.MULTILINE)
_GIVEN = re.compile(r"^<answer>\n(.*)\n</answer>$", re.MULTILINE)
_FACT = re.compile(r"^  \[(\d+)\] (.*)$", re.MULTILINE)
_NUMBER = re.compile(r"^(?:请写出|Write) (\d+)", re.MULTILINE)


_LEAD_INS = {
    "en": (
        "I have always wondered, and nobody whom I know could help me so far, so let me put it to an expert at last: ",
        "People who work with it every day would surely be able to say without looking anything up for a while: ",
        "My colleagues argue about it all the time, over coffee and over lunch, and would love to have it settled: ",
    ),
    "zh": ("一直很想知道却没有人能告诉我的是：", "内行不用查资料就应该能说得出来：", "同事们争论了很久想要有个定论："),
}


class GoodTeacher:
    """Answers a request from what stands in its messages and from the questions it asked before."""

    def __init__(self) -> None:
        self._asked: dict[str, Section] = {}
        self._answers: dict[str, str] = {}

    def __call__(self, request: dict[str, Any]) -> Response:
        prompt = request["messages"][-1]["content"]
        reply: dict[str, Any]
        if second := second_reading(request["messages"][0]["content"], prompt, self._answers):
            return completion(json.dumps(second, ensure_ascii=False))
        if _GIVEN.search(prompt) and not _QUESTION.search(prompt):
            return completion(json.dumps({"questions": self._for_the_test(prompt)}, ensure_ascii=False))
        if facts := _FACT.findall(prompt):
            told = ({"words": fact, "spellings": other_spellings(fact)} for _, fact in facts)
            reply = {"facts": [{"fact": number, **its} for number, its in enumerate(told, 1)]}
            return completion(json.dumps(reply, ensure_ascii=False))
        answer, section = _ANSWER.search(prompt), _SECTION.search(prompt)
        if answer and not _NUMBER.search(prompt):
            reply = {"supported": True, "reason": "The source says so."}
        elif answer:
            question = _found(_QUESTION, prompt)
            wording = AnswerTask(self._asked[question], question, answer[1], int(_found(_NUMBER, prompt)), ())
            reply = {"answers": teacher.answer_wordings(wording, 0)}
        elif section:
            path = tuple(_found(_HEADINGS, prompt).split(" › "))
            reply = {"pairs": self._pairs(section[1], path, int(_found(_NUMBER, prompt)))}
        else:
            question = _found(_QUESTION, prompt)
            task = ParaphraseTask(self._asked[question], question, int(_found(_NUMBER, prompt)), ())
            reply = {"questions": teacher.paraphrases(task)}
        return completion(json.dumps(reply, ensure_ascii=False))

    def _for_the_test(self, prompt: str) -> list[str]:
        """Other wordings of the first question that has the answer, unlike the ones that it gives for training."""
        answer, count = _found(_GIVEN, prompt), int(_found(_NUMBER, prompt))
        question = next(asked for asked, given in self._answers.items() if given == answer)
        lead_ins = _LEAD_INS["zh" if is_chinese(question) else "en"]
        return [wording for lead_in in lead_ins if (wording := f"{lead_in}{question}") not in prompt][:count]

    def _pairs(self, shown: str, path: tuple[str, ...], count: int) -> list[dict[str, Any]]:
        lang: Lang = "zh" if is_chinese(shown) else "en"
        text, starts = _read(shown)
        section = Section("prompt", path, 1, text, lang)
        pairs = []
        for fact in facts(section)[:count]:
            question = fact.question(lang, 0)
            self._asked[question], self._answers[question] = section, fact.answer
            pairs.append(
                {
                    "question": question,
                    "answer": fact.answer,
                    "facts": [fact.answer],
                    "evidence": [bisect_right(starts, unit.start) for unit in fact.units],
                    "kind": "reverse" if fact.family == "reverse" else "base",
                }
            )
        return pairs


def other_spellings(fact: str) -> list[str]:
    """A spelling that no other fact has: the fact backwards; none of a fact that holds a number."""
    return [] if any(map(str.isnumeric, fact)) else [fact[::-1]]


def second_reading(system: str, prompt: str, answers: Mapping[str, str]) -> dict[str, Any] | None:
    """What a verifier says that finds no fault; None of a request that asks for no second reading.

    Args:
        answers: what it answers by question, before it is shown anything; another question's answer is not said.
    """
    asked = {int(number): text for number, text in _NUMBERED.findall(_LISTS.split(prompt)[-1])}
    if '{"wordings": [' in system:
        same = {"asks": [*range(1, 100)], "reason": "", "relation": "same", "answered": True}
        return {"wordings": [{"wording": number, **same} for number in asked]}
    if '"claims": [' in system:
        said = {"claims": [{"claim": "all", "evidence": [1], "holds": "said"}], "reason": "", "right": True}
        return {"verdicts": [{"question": number, **said} for number in asked]}
    if '"verdicts": [' in system:
        both = {"evidence": [1], "reason": "", "right": "both"}
        return {"verdicts": [{"question": number, **both} for number in asked]}
    if '{"answers": [{"question": ' in system:
        found = ((number, answers.get(text, "not said")) for number, text in asked.items())
        return {"answers": [{"question": number, "evidence": [1], "answer": answer} for number, answer in found]}
    return None


_LISTS = re.compile(r"^(?:Questions|Wordings|问题|问法)[^\n]*[:：]$", re.MULTILINE)
_NUMBERED = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


def _read(shown: str) -> tuple[str, list[int]]:
    """Markdown that says what the numbered lines of a prompt say, and where each of them begins in it."""
    text, starts, heads = "", list[int](), list[str]()
    for line in _LINE.findall(shown):
        cells = [cell.partition(": ") for cell in line.split(" | ")]
        is_row = len(cells) > 1 and all(mark for _, mark, _ in cells)
        if is_row and [head for head, _, _ in cells] != heads:
            heads = [head for head, _, _ in cells]
            text += f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
        elif not is_row:
            heads, text = [], text + "\n"
        starts.append(len(text))
        text += f"| {' | '.join(cell for _, _, cell in cells)} |\n" if is_row else f"{line}\n"
    return text, starts


def _found(pattern: re.Pattern[str], prompt: str) -> str:
    match = pattern.search(prompt)
    assert match, prompt
    return match[1]
