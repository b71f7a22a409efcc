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
from wukong_pipe.stages.workers import HERE, Workers
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
Refusal = Callable[[str, QAPair], Reason | None]
"""Why a wording of a pair does not do for a stage, though the checks let it through."""


def _fits(question: str, pair: QAPair) -> Reason | None:  # noqa: ARG001
    """Any wording that the checks let through does."""
    return None


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
    workers: Workers = HERE,
) -> Wordings:
    """Ask for a pair's wordings until enough of them are kept or the attempts are used up.

    Args:
        others: all questions of the pair's section: what a wording might ask in its place.
    """
    wordings = Wordings(pair, pair.id, wanted, names=[base_row(pair).id])

    def more() -> Request:
        covered = tuple(row.instruction for row in wordings.kept)
        return request(pair, wordings.missing, covered, prompts, about, reminder(wordings, covered, "question"))

    return await gathered(wordings, "paraphrase", more, ask, attempts, verification, others, workers=workers)


async def gathered(
    wordings: Wordings,
    stage: Literal["paraphrase", "heldout_wordings"],
    more: Callable[[], Request],
    ask: Ask,
    attempts: Attempts,
    verification: Verification,
    others: Sequence[str],
    refusal: Refusal = _fits,
    workers: Workers = HERE,
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
            kept = tuple(row.instruction for row in wordings.kept)
            checked = await workers.check(_checked, items, pair, kept, refusal)
            screened: list[tuple[Row, tuple[Reason, ...]] | Refused] = [
                one if isinstance(one, Refused) else (Row.of(pair, one[0], "paraphrase", prompt, call), one[1])
                for one in checked
            ]
            passed = [one for one in screened if not isinstance(one, Refused)]
            is_held_out = stage == "heldout_wordings"
            return (await verification.of_wordings(pair, passed, others, is_held_out=is_held_out)).among(screened)

        await take(wordings, reply, stage, "questions", judged, {"base": pair.question}, "question")
        wordings.names[2:] = [row.id for row in wordings.kept]
    return wordings


def _checked(
    items: Sequence[Any], pair: QAPair, kept: tuple[str, ...], refusal: Refusal
) -> list[tuple[str, tuple[Reason, ...]] | Refused]:
    """The wording in each item, and the doubts that the free checks have of it.

    Args:
        kept: the wordings that earlier replies brought.
    """
    known = {normalise(question) for question in (pair.question, *kept)}

    def one(item: Any) -> tuple[str, tuple[Reason, ...]] | Refused:
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
        return item.strip(), tuple(finding.reason for finding in found)

    return [one(item) for item in items]
