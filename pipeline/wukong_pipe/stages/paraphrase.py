"""Pairs → rows: other wordings of each question that is trained, the answer kept as it is.

A pair that asks “出云棍怎样获得？” brings the row {"instruction": "怎么才能拿到出云棍？", "output": "由石敢当掉落。",
"variant": "paraphrase", "pair_id": the pair's, "evidence": the pair's, …}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from wukong_pipe.checks.candidates import QUESTION_SCHEMA
from wukong_pipe.checks.findings import rejected
from wukong_pipe.checks.question_wordings import check_paraphrase
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, QAPair, Row
from wukong_pipe.schema import check_item
from wukong_pipe.stages.verification import NO_VERIFICATION, Verification
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import Decided, Refused, replies, take
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.quoting import about_line
from wukong_pipe.teacher.reminders import reminder
from wukong_pipe.teacher.requests import Ask, ParaphraseTask, Request

REPLY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": QUESTION_SCHEMA}},
    "required": ["questions"],
    "additionalProperties": False,
}


Wordings = Harvest[QAPair, Row]
"""The other wordings of one pair's question, as rows."""


def base_row(pair: QAPair) -> Row:
    """The row that asks a pair's answer with its own question."""
    return Row.of(pair, pair.question, "base", pair.prompt, pair.call, pair.verified)


def family(wordings: Wordings) -> list[Row]:
    """All rows of a pair: its own question first, then the other wordings in the order in which they were kept."""
    return [base_row(wordings.subject), *wordings.kept]


def request(
    pair: QAPair,
    count: int,
    covered: tuple[str, ...],
    prompts: Mapping[Lang, Prompt],
    about: str = "",
    earlier: str = "",
) -> Request:
    """The request for `count` wordings of a pair's question, other than those `covered`; see `base_qa.request`."""
    prompt = prompts[pair.section.lang]
    return Request(
        stage="paraphrase",
        prompt=prompt.name,
        messages=prompt.messages(
            title=pair.section.heading_path[0],
            about=about_line(about, pair.section.lang),
            heading_path=pair.section.title,
            question=pair.question,
            count=str(count),
            covered=earlier,
        ),
        schema=REPLY_SCHEMA,
        task=ParaphraseTask(pair.section, pair.question, count, covered),
        section=pair.section,
    )


async def ask_paraphrases(
    pair: QAPair,
    wanted: int,
    ask: Ask,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
    about: str = "",
    verification: Verification = NO_VERIFICATION,
    others: Sequence[str] = (),
) -> Wordings:
    """Ask for a pair's wordings until enough of them are kept or the attempts are used up.

    Args:
        others: all questions of the pair's section: what a wording might ask in its place.
    """
    wordings = Wordings(pair, pair.id, wanted, names=[base_row(pair).id])

    def more() -> Request:
        covered = tuple(row.instruction for row in wordings.kept)
        return request(pair, wordings.missing, covered, prompts, about, reminder(wordings, covered, "question"))

    return await gathered(wordings, "paraphrase", more, ask, attempts, verification, others)


async def gathered(
    wordings: Wordings,
    stage: Literal["paraphrase", "heldout_wordings"],
    more: Callable[[], Request],
    ask: Ask,
    attempts: Attempts,
    verification: Verification,
    others: Sequence[str],
    refusal: Callable[[str, QAPair], Reason | None] = lambda question, pair: None,
) -> Wordings:
    """The harvest, filled with wordings that pass the checks and the verifier.

    Args:
        more: the request for what is still missing.
        others: all questions of the pair's section.
        refusal: why a wording that the checks let through does not do for this stage.
    """
    pair = wordings.subject

    async for asked, reply in replies(wordings, ask, more, attempts):

        async def judged(items: Sequence[Any], prompt: str = asked.prompt, call: str = reply.call) -> Decided[Row]:
            screened = _screened(items, wordings, prompt, call, refusal)
            passed = [one for one in screened if not isinstance(one, Refused)]
            is_held_out = stage == "heldout_wordings"
            return (await verification.of_wordings(pair, passed, others, is_held_out=is_held_out)).among(screened)

        await take(wordings, reply, stage, "questions", judged, {"base": pair.question}, "question")
        wordings.names[2:] = [row.id for row in wordings.kept]
    return wordings


def _screened(
    items: Sequence[Any],
    wordings: Wordings,
    prompt: str,
    call: str,
    refusal: Callable[[str, QAPair], Reason | None],
) -> list[tuple[Row, tuple[Reason, ...]] | Refused]:
    """The row in each item, and the doubts that the free checks have of it."""
    pair = wordings.subject
    known = {normalise(question) for question in (pair.question, *(row.instruction for row in wordings.kept))}

    def one(item: Any) -> tuple[Row, tuple[Reason, ...]] | Refused:
        if problem := check_item(item, QUESTION_SCHEMA):
            return Refused(Reason.of("schema", reason=problem))
        found = check_paraphrase(item.strip(), pair)
        if reason := rejected(found):
            return Refused(reason)
        if normalise(item) in known:
            return Refused(Reason.of("repeats-question-wording"))
        known.add(normalise(item))
        if reason := refusal(item.strip(), pair):
            return Refused(reason)
        row = Row.of(pair, item.strip(), "paraphrase", prompt, call)
        return row, tuple(finding.reason for finding in found)

    return [one(item) for item in items]
