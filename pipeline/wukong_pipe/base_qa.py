"""Sections → question-answer pairs: what is asked of a teacher for a section, and what is kept of its replies."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wukong_pipe.attempts import USUAL, Attempts
from wukong_pipe.cleaning import clean
from wukong_pipe.config import BuildSettings
from wukong_pipe.prompt_files import Prompt
from wukong_pipe.records import Lang, QAPair, Reject, Section, Tally
from wukong_pipe.teacher import Ask, BaseQATask, Reply, Request, excerpt
from wukong_pipe.units import worth
from wukong_pipe.validate import PAIR_SCHEMA, Candidate, check_pair, read_pair

REPLY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"pairs": {"type": "array", "items": PAIR_SCHEMA}},
    "required": ["pairs"],
    "additionalProperties": False,
}


@dataclass(slots=True)
class Answered:
    """What asking for one section brought."""

    section: Section
    quota: int
    pairs: list[QAPair] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    refused: bool = False
    bought: bool = False

    @property
    def subject(self) -> str:
        return self.section.id

    @property
    def names(self) -> tuple[str, ...]:
        return (self.section.id,)

    @property
    def share(self) -> float:
        return len(self.pairs) / self.quota if self.quota else 1.0


def quota(section: Section, settings: BuildSettings) -> int:
    """How many pairs a section is asked for: one a fact, at most `max_pairs`."""
    return min(worth(section), settings.max_pairs)


def request(section: Section, count: int, covered: tuple[str, ...], prompts: Mapping[Lang, Prompt]) -> Request:
    """The request for `count` pairs of a section, other than those whose questions are `covered`."""
    prompt = prompts[section.lang]
    return Request(
        stage="base_qa",
        prompt=prompt.name,
        messages=prompt.messages(
            title=section.heading_path[0],
            heading_path=section.title,
            quota=str(count),
            covered=_covered(covered, section.lang),
            section=fenced(section.header + clean(section.text).text),
        ),
        schema=REPLY_SCHEMA,
        task=BaseQATask(section, count, covered),
    )


def fenced(text: str) -> str:
    """A source's words as a prompt quotes them: they must not end the quotation."""
    return re.sub(r"<(?=/?source\b)", "‹", text.strip(), flags=re.IGNORECASE)


def _covered(questions: tuple[str, ...], lang: Lang) -> str:
    if not questions:
        return ""
    intro = (
        "以下问题已经有了，请问别的内容：" if lang == "zh" else "These questions exist already; ask about other things:"
    )
    return "\n".join([intro, *(f"- {question}" for question in questions)])


async def ask_base_qa(
    section: Section,
    ask: Ask,
    teacher: str,
    settings: BuildSettings,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
) -> Answered:
    """Ask for a section's pairs until enough of its quota is kept or the attempts are used up.

    Depends on the section, the settings and the section's own earlier replies alone.
    """
    result = Answered(section, quota(section, settings))
    most = result.quota
    for attempt in attempts.of(result, settings.min_fill):
        missing = min(most, result.quota - len(result.pairs))
        asked = request(section, missing, tuple(pair.question for pair in result.pairs), prompts)
        reply = await ask(asked, attempt)
        _take(result, reply, missing, teacher, asked.prompt)
        if not reply.call:
            # Unanswered now, and so bought first by the next build: what follows would not be asked there.
            break
        result.refused, result.bought = reply.is_final, result.bought or reply.is_new
        if reply.is_cut:
            # The same request would be cut, and paid for, again.
            most = (missing + 1) // 2
    return result


def _take(result: Answered, reply: Reply, asked: int, teacher: str, prompt: str) -> None:
    """Read one reply into `result`: every item ends among its pairs or its rejects."""
    items = reply.value["pairs"] if reply.value is not None else []
    received = items[:asked]
    tally = Tally(asked=asked, received=len(received), short=asked - len(received))

    def reject(stage: Literal["reply", "surplus", "base_qa"], reason: str, item: Any = None) -> None:
        shown = item if isinstance(item, dict) else {} if item is None else {"item": item}
        raw = reply.raw if item is None else excerpt(reply.raw)
        result.rejects.append(Reject(stage, reason, result.section, shown, raw, reply.call))

    if reply.value is None:
        reject("reply", reply.problem)
    for item in received:
        candidate = read_pair(item, result.section)
        reason = candidate if isinstance(candidate, str) else check_pair(candidate, result.section)
        if isinstance(candidate, Candidate) and reason is None:
            result.pairs.append(_pair(candidate, result.section, teacher, prompt, reply.call))
            tally.kept += 1
        else:
            reject("base_qa", str(reason), item)
            tally.rejected += 1
    for item in items[asked:]:
        reject("surplus", f"more than the {asked} pairs asked for", item)
    result.tally.add(tally)


def _pair(candidate: Candidate, section: Section, teacher: str, prompt: str, call: str) -> QAPair:
    places = [section.lines_of(*span) for span in candidate.spans if span]
    return QAPair(
        section=section,
        question=candidate.question,
        answer=candidate.answer,
        # Several pairs have the same evidence: one copy of it is enough.
        evidence=tuple(map(sys.intern, candidate.evidence)),
        lines=(min(first for first, _ in places), max(last for _, last in places)),
        kind=candidate.kind,
        teacher=teacher,
        prompt=prompt,
        call=call,
    )
