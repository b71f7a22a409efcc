"""Sections → question-answer pairs: what is asked of a teacher for a section, and what is kept of its replies."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wukong_pipe.checks.pairs import PAIR_SCHEMA, Candidate, check_pair, read_pair
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.units import worth
from wukong_pipe.records import Lang, QAPair, Reject, Section, Tally
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import replies, take
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.requests import Ask, BaseQATask, Reply, Request

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
    most: int
    """Pairs that one reply can hold, as far as is known."""
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

    @property
    def missing(self) -> int:
        return min(self.most, self.quota - len(self.pairs))

    @property
    def about(self) -> dict[str, Any]:
        return {}


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
    return _TAG.sub("‹", text.strip())


_TAG = re.compile(r"<(?=[\s\u200b-\u200f\u2060\ufeff]*+(?:/[\s\u200b-\u200f\u2060\ufeff]*+)?source\b)", re.IGNORECASE)


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
    wanted = quota(section, settings)
    result = Answered(section, wanted, wanted)

    def more() -> Request:
        return request(section, result.missing, tuple(pair.question for pair in result.pairs), prompts)

    async for asked, reply in replies(result, ask, more, attempts, settings.min_fill):
        half = (result.missing + 1) // 2
        _take(result, reply, teacher, asked.prompt)
        if reply.is_cut:
            # The same request would be cut, and paid for, again.
            result.most = half
    return result


def _take(result: Answered, reply: Reply, teacher: str, prompt: str) -> None:
    def keep(item: Any) -> str | None:
        candidate = read_pair(item, result.section)
        if isinstance(candidate, str):
            return candidate
        reason = check_pair(candidate, result.section)
        if reason is None:
            result.pairs.append(_pair(candidate, result.section, teacher, prompt, reply.call))
        return reason

    take(result, reply, "base_qa", "pairs", keep, lambda item: item if isinstance(item, dict) else {"item": item})


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
