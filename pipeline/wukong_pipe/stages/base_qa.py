"""Sections → question-answer pairs: what is asked of a teacher for a section, and what is kept of its replies.

A section that says “| 出云棍 | 石敢当 |” brings the pair {"question": "出云棍怎样获得？", "answer": "由石敢当掉落。",
"evidence": ["| 出云棍 | 石敢当 |"], "lines": [120, 120], "facts": [["石敢当"]], "kind": "base", …}.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from wukong_pipe.checks.candidates import PAIR_SCHEMA, Candidate, read_pair
from wukong_pipe.checks.findings import Finding, rejected
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.corpus.units import worth
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, QAPair, Section
from wukong_pipe.spilled import ById
from wukong_pipe.stages.verification import NO_VERIFICATION, Verification
from wukong_pipe.stages.workers import HERE, Workers
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import Decided, Refused, replies, take
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.quoting import about_line, fenced
from wukong_pipe.teacher.reminders import reminder
from wukong_pipe.teacher.requests import Ask, BaseQATask, Request

REPLY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"pairs": {"type": "array", "items": PAIR_SCHEMA}},
    "required": ["pairs"],
    "additionalProperties": False,
}

Pairs = Harvest[Section, QAPair]
"""What asking for one section brought."""


class KeptQuestions:
    """All questions that were kept of a section."""

    def __init__(self, harvests: Sequence[Pairs]) -> None:
        by_section = ById(harvests, lambda harvest: harvest.subject.id)
        self.are_known = by_section.__contains__
        # Who asks about the pairs of a section asks for the same questions again and again.
        self.of = lru_cache(256)(lambda section_id: tuple(pair.question for pair in by_section.of(section_id)[-1].kept))


def quota(section: Section, max_pairs: int) -> int:
    """How many pairs a section is asked for: one a fact, at most `max_pairs`."""
    return min(worth(section), max_pairs)


def request(
    section: Section,
    count: int,
    covered: tuple[str, ...],
    prompts: Mapping[Lang, Prompt],
    about: str = "",
    earlier: str = "",
) -> Request:
    """The request for `count` pairs of a section, other than those whose questions are `covered`.

    Args:
        about: what the user says that the documents are about.
        earlier: what the earlier attempts brought, in words.
    """
    prompt = prompts[section.lang]
    return Request(
        stage="base_qa",
        prompt=prompt.name,
        messages=prompt.messages(
            title=section.heading_path[0],
            about=about_line(about, section.lang),
            heading_path=section.title,
            quota=str(count),
            covered=earlier,
            section=fenced(numbered(section).text),
        ),
        schema=REPLY_SCHEMA,
        task=BaseQATask(section, count, covered),
        section=section,
    )


async def ask_base_qa(
    section: Section,
    wanted: int,
    ask: Ask,
    teacher: str,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
    about: str = "",
    verification: Verification = NO_VERIFICATION,
    workers: Workers = HERE,
) -> Pairs:
    """Ask for a section's pairs until enough of them are kept or the attempts are used up.

    Depends on the section, what is wanted of it and its own earlier replies alone.

    Args:
        teacher: the teacher's model id, as the rows carry it.
        about: what the user says that the documents are about.
    """
    pairs = Pairs(section, section.id, wanted)

    def more() -> Request:
        covered = tuple(pair.question for pair in pairs.kept)
        return request(section, pairs.missing, covered, prompts, about, reminder(pairs, covered, "question"))

    async for asked, reply in replies(pairs, ask, more, attempts):
        half = (pairs.missing + 1) // 2
        made_by = _Maker(pairs, teacher, asked.prompt, reply.call)
        judged = partial(_judged, maker=made_by, verification=verification, workers=workers)
        await take(pairs, reply, "base_qa", "pairs", judged, {})
        if reply.is_cut:
            # The same request would be cut, and paid for, again.
            pairs.at_once = half
    return pairs


@dataclass(frozen=True, slots=True)
class _Maker:
    """What a pair carries of the call that made it, and what it is collected in."""

    pairs: Pairs
    teacher: str
    prompt: str
    call: str

    @property
    def section(self) -> Section:
        return self.pairs.section


async def _judged(items: Sequence[Any], maker: _Maker, verification: Verification, workers: Workers) -> Decided[QAPair]:
    """What becomes of the items of a reply: first the free checks, then the verifier for what these let through."""
    checked = await workers.check(_checked, items, maker.section)
    screened = [_screened(one, maker) for one in checked]
    decided = await verification.of_pairs([one for one in screened if not isinstance(one, Refused)])
    return decided.among(screened)


def _checked(items: Sequence[Any], section: Section) -> list[Reason | tuple[Candidate, tuple[Finding, ...]]]:
    """The candidate in each item, and what the checks find of it; or why there is none."""
    read = (read_pair(item, section) for item in items)
    return [one if isinstance(one, Reason) else (one, check_pair(one, section)) for one in read]


def _screened(
    checked: Reason | tuple[Candidate, tuple[Finding, ...]], maker: _Maker
) -> tuple[QAPair, tuple[Reason, ...]] | Refused:
    """The pair of a candidate, and the doubts that the checks have of it."""
    if isinstance(checked, Reason):
        return Refused(checked)
    candidate, found = checked
    maker.pairs.mended += candidate.is_mended
    if reason := rejected(found):
        return Refused(reason)
    pair = pair_of(candidate, maker.section, maker.teacher, maker.prompt, maker.call)
    return pair, tuple(finding.reason for finding in found)


def pair_of(candidate: Candidate, section: Section, teacher: str, prompt: str, call: str) -> QAPair:
    """The pair of a candidate whose evidence stands in its section.

    Args:
        teacher: the model that wrote it, `call` with that `prompt`.
    """
    places = [section.lines_of(*span) for span in candidate.spans if span]
    return QAPair(
        section=section,
        question=candidate.question,
        answer=candidate.answer,
        # Several pairs have the same evidence: one copy of it is enough.
        evidence=tuple(map(sys.intern, candidate.evidence)),
        lines=(min(first for first, _ in places), max(last for _, last in places)),
        kind=candidate.kind,
        facts=candidate.facts,
        teacher=teacher,
        prompt=prompt,
        call=call,
    )
