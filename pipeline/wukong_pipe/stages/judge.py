"""A second look at pairs that passed the free checks and are doubtful: does the section support the answer?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wukong_pipe.checks.pairs import Candidate, doubtful, read_pair
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.records import Lang, QAPair, Reject, Tally
from wukong_pipe.stages.base_qa import fenced
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import replies
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.requests import Ask, Reply, Request, excerpt

VERDICT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"supported": {"type": "boolean"}, "reason": {"type": "string"}},
    "required": ["supported", "reason"],
    "additionalProperties": False,
}


@dataclass(slots=True)
class Judged:
    """What the teacher said of one doubtful pair."""

    pair: QAPair
    supported: bool | None = None
    """None where there is no verdict: such a pair is kept."""
    rejects: list[Reject] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    refused: bool = False
    bought: bool = False

    @property
    def subject(self) -> str:
        return f"{self.pair.id}/judge"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.pair.id,)

    @property
    def is_against(self) -> bool:
        return self.supported is False

    @property
    def share(self) -> float:
        return 0.0 if self.supported is None else 1.0


def doubted(pair: QAPair) -> str | None:
    """Why a pair is worth a second look."""
    candidate = read_pair(_item(pair), pair.section)
    return doubtful(candidate, pair.section) if isinstance(candidate, Candidate) else None


def _item(pair: QAPair) -> dict[str, Any]:
    return {"question": pair.question, "answer": pair.answer, "evidence": list(pair.evidence)}


def request(pair: QAPair, prompts: Mapping[Lang, Prompt]) -> Request:
    """The request for a verdict on a pair; it shows the whole section, as the one that made the pair did."""
    section = pair.section
    prompt = prompts[section.lang]
    return Request(
        stage="judge",
        prompt=prompt.name,
        messages=prompt.messages(
            title=section.heading_path[0],
            heading_path=section.title,
            question=pair.question,
            answer=pair.answer,
            section=fenced(section.header + clean(section.text).text),
        ),
        schema=VERDICT_SCHEMA,
        task=None,
    )


async def ask_judge(
    pair: QAPair,
    ask: Ask,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
) -> Judged:
    """Ask until there is a verdict or the attempts are used up."""
    result = Judged(pair)
    async for _, reply in replies(result, ask, lambda: request(pair, prompts), attempts, min_fill=1.0):
        _take(result, reply)
    return result


def _take(result: Judged, reply: Reply) -> None:
    pair = result.pair
    if reply.value is None:
        result.tally.add(Tally(asked=1, short=1))
        result.rejects.append(Reject("reply", reply.problem, pair.section, _item(pair), excerpt(reply.raw), reply.call))
        return
    result.supported = reply.value["supported"]
    result.tally.add(Tally(asked=1, received=1, kept=int(result.supported), rejected=int(not result.supported)))
    if not result.supported:
        reason = excerpt(reply.value["reason"].strip(), 2000) or "the judge gave no reason"
        result.rejects.append(Reject("judge", reason, pair.section, _item(pair), excerpt(reply.raw), reply.call))
