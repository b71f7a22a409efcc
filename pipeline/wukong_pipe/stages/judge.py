"""Doubtful pairs → verdicts: the teacher looks again at what passed the free checks; does the section support it?

The reply {"supported": false, "reason": "The section names no smack."} makes the pair a reject of the stage "judge".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.comparing import content, stem, words
from wukong_pipe.checks.covering import uncovered
from wukong_pipe.checks.pairs import known_to
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.reasons import WORDS, Reason
from wukong_pipe.records import Lang, QAPair, Reject, Tally
from wukong_pipe.stages.base_qa import fenced
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import replies
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.requests import Ask, Reply, Request, excerpt

VERDICT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"supported": {"type": "boolean"}, "reason": {"type": "string"}},
    "required": ["supported", "reason"],
    "additionalProperties": False,
}


Verdict = Harvest[QAPair, bool]
"""What the teacher said of one doubtful pair: [True], [False], or [] where it gave no verdict; such a pair is kept."""


def doubted(pair: QAPair) -> Reason | None:
    """Why a pair is worth a second look."""
    candidate = read_pair(_item(pair), pair.section)
    assert isinstance(candidate, Candidate), candidate
    known = known_to(candidate, pair.section)
    said, strange = normalise(pair.answer), content(pair.answer) - content(known.text)
    new = next((word for word in words(pair.answer) if stem(word) in strange), None)
    new = new or next((said[i:j] for i, j, weight in uncovered(said, known.normal) if weight >= 1), None)
    return Reason.of("words-not-in-evidence", words=new) if new else None


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


async def ask_judge(pair: QAPair, ask: Ask, prompts: Mapping[Lang, Prompt], attempts: Attempts = USUAL) -> Verdict:
    """Ask until there is a verdict or the attempts are used up."""
    verdict = Verdict(pair, f"{pair.id}/judge", wanted=1)
    # There is no part of a verdict that could be enough.
    async for _, reply in replies(verdict, ask, lambda: request(pair, prompts), replace(attempts, min_fill=1.0)):
        _take(verdict, reply)
    return verdict


def is_against(verdict: Verdict) -> bool:
    """Whether the teacher denies that the section supports the pair."""
    return verdict.kept == [False]


def without_denied(pairs: Sequence[QAPair], verdicts: Sequence[Verdict]) -> list[QAPair]:
    """All pairs but those that the teacher denies."""
    denied = {verdict.subject.id for verdict in verdicts if is_against(verdict)}
    return [pair for pair in pairs if pair.id not in denied]


def _take(verdict: Verdict, reply: Reply) -> None:
    pair, raw = verdict.subject, excerpt(reply.raw)
    if reply.problem is not None:
        verdict.tally.add(Tally(asked=1, short=1))
        verdict.rejects.append(Reject("reply", reply.problem, pair.section, _item(pair), raw, reply.call))
        return
    assert reply.value is not None
    supported = reply.value["supported"]
    verdict.kept.append(supported)
    verdict.tally.add(Tally(asked=1, received=1, kept=int(supported), rejected=int(not supported)))
    if not supported:
        words = excerpt(reply.value["reason"].strip(), 2000)
        reason = Reason.of(WORDS, words=words) if words else Reason.of("no-verdict")
        verdict.rejects.append(Reject("judge", reason, pair.section, _item(pair), raw, reply.call))
