"""Pairs → other wordings of their answers, which the training rows of a family take in turn.

The answer “由石敢当掉落。” brings ["击败石敢当后掉落。", "它由石敢当掉落。"]. Of the pair's training rows the first
keeps the pair's own answer, the second and third take one of these each, the fourth has the pair's own again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import groupby
from typing import Any

from wukong_pipe.checks.answer_wordings import check_answer
from wukong_pipe.checks.findings import rejected
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, QAPair, Row
from wukong_pipe.schema import check_item
from wukong_pipe.spilled import ById
from wukong_pipe.stages.paraphrase import Wordings, family
from wukong_pipe.stages.verification import NO_VERIFICATION, Screened, Verification
from wukong_pipe.stages.workers import HERE, Workers
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import Decided, Refused, replies, take
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.quoting import about_line, fenced
from wukong_pipe.teacher.reminders import reminder
from wukong_pipe.teacher.requests import AnswerTask, Ask, Request

ANSWER_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1}
REPLY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answers": {"type": "array", "items": ANSWER_SCHEMA}},
    "required": ["answers"],
    "additionalProperties": False,
}


AnswerWordings = Harvest[QAPair, str]
"""The other wordings of one pair's answer."""


def request(
    pair: QAPair,
    count: int,
    covered: tuple[str, ...],
    prompts: Mapping[Lang, Prompt],
    about: str = "",
    earlier: str = "",
) -> Request:
    """The request for `count` wordings of a pair's answer, other than those `covered`; see `base_qa.request`."""
    prompt = prompts[pair.section.lang]
    return Request(
        stage="answers",
        prompt=prompt.name,
        messages=prompt.messages(
            title=pair.section.heading_path[0],
            about=about_line(about, pair.section.lang),
            heading_path=pair.section.title,
            question=pair.question,
            answer=pair.answer,
            evidence=fenced("\n".join(clean(text).text for text in pair.evidence)),
            count=str(count),
            covered=earlier,
        ),
        schema=REPLY_SCHEMA,
        task=AnswerTask(pair.section, pair.question, pair.answer, count, covered),
        section=pair.section,
    )


async def ask_answers(
    pair: QAPair,
    wanted: int,
    ask: Ask,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
    about: str = "",
    verification: Verification = NO_VERIFICATION,
    workers: Workers = HERE,
) -> AnswerWordings:
    """Ask for wordings of a pair's answer until enough of them are kept or the attempts are used up.

    Depends on the pair, what is wanted of it and its own earlier replies alone.
    """
    # What is granted to a pair's questions is not granted to its answer.
    wordings = AnswerWordings(pair, f"{pair.id}/answers", wanted)

    def more() -> Request:
        covered = tuple(wordings.kept)
        return request(pair, wordings.missing, covered, prompts, about, reminder(wordings, covered, "answer"))

    async def judged(items: Sequence[Any]) -> Decided[str]:
        screened = await workers.check(_screened, items, pair, tuple(wordings.kept))
        decided = await verification.of_answers(pair, [one for one in screened if not isinstance(one, Refused)])
        return decided.among(screened)

    async for _, reply in replies(wordings, ask, more, attempts):
        about_reject = {"question": pair.question, "base": pair.answer}
        await take(wordings, reply, "answers", "answers", judged, about_reject, "answer")
    return wordings


def _screened(items: Sequence[Any], pair: QAPair, kept: tuple[str, ...]) -> list[Screened | Refused]:
    """The wording in each item, and the doubts that the free checks have of it.

    Args:
        kept: the wordings that earlier replies brought.
    """
    known = {normalise(wording) for wording in kept}

    def one(item: Any) -> Screened | Refused:
        if problem := check_item(item, ANSWER_SCHEMA):
            return Refused(Reason.of("schema", reason=problem))
        found = check_answer(item.strip(), pair)
        if reason := rejected(found):
            return Refused(reason)
        if normalise(item) in known:
            return Refused(Reason.of("repeats-answer-wording"))
        known.add(normalise(item))
        return Screened(item.strip(), tuple(finding.reason for finding in found))

    return [one(item) for item in items]


def take_in_turn(
    rows: Iterable[Row],
    questions: Sequence[Wordings],
    answers: Sequence[AnswerWordings],
    given: AbstractSet[str],
) -> Iterator[Row]:
    """The rows, those that are trained with their pair's answer and its other wordings in turn.

    The base row keeps the base answer, and so do validation and test rows, whose answers are the reference. A row's
    turn is its place in its family as the teacher gave it: whatever becomes of the others, it takes the same wording.

    Args:
        rows: those of a pair one after the other.
        questions: the wordings of the pairs' questions.
        given: ids of the rows whose answer the user has written.
    """
    if not answers:
        yield from rows
        return
    asked = ById(questions, lambda wordings: wordings.subject.id)
    answered = ById(answers, lambda wordings: wordings.subject.id)
    for pair_id, its in groupby(rows, key=lambda row: row.pair_id):
        own = answered.of(pair_id)
        if not own:
            yield from its
            continue
        choices = (own[-1].subject.answer, *own[-1].kept)
        turns = {row.id: turn for wordings in asked.of(pair_id) for turn, row in enumerate(family(wordings))}
        for row in its:
            if row.split == "train" and row.id not in given and row.output == choices[0]:
                yield replace(row, output=choices[turns[row.id] % len(choices)])
            else:
                yield row
