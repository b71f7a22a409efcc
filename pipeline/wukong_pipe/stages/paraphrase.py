"""Pairs → rows: other wordings of each question that is trained, the answer kept as it is.

A pair that asks “出云棍怎样获得？” brings the row {"instruction": "怎么才能拿到出云棍？", "output": "由石敢当掉落。",
"variant": "paraphrase", "pair_id": the pair's, "evidence": the pair's, …}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wukong_pipe.checks.candidates import QUESTION_SCHEMA
from wukong_pipe.checks.findings import worst
from wukong_pipe.checks.question_wordings import check_paraphrase
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, QAPair, Row
from wukong_pipe.schema import check_item
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import replies, take
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.quoting import about_line
from wukong_pipe.teacher.reminders import reminder
from wukong_pipe.teacher.requests import Ask, ParaphraseTask, Reply, Request

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
    )


async def ask_paraphrases(
    pair: QAPair,
    wanted: int,
    ask: Ask,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
    about: str = "",
) -> Wordings:
    """Ask for a pair's wordings until enough of them are kept or the attempts are used up."""
    wordings = Wordings(pair, pair.id, wanted, names=[base_row(pair).id])

    def more() -> Request:
        covered = tuple(row.instruction for row in wordings.kept)
        return request(pair, wordings.missing, covered, prompts, about, reminder(wordings, covered, "question"))

    async for asked, reply in replies(wordings, ask, more, attempts):
        _take(wordings, reply, asked.prompt)
    return wordings


def _take(wordings: Wordings, reply: Reply, prompt: str) -> None:
    pair = wordings.subject
    known = {normalise(question) for question in (pair.question, *(row.instruction for row in wordings.kept))}

    def keep(item: Any) -> Reason | None:
        problem = check_item(item, QUESTION_SCHEMA)
        reason = Reason.of("schema", reason=problem) if problem else worst(check_paraphrase(item.strip(), pair))
        if reason is None and normalise(item) in known:
            return Reason.of("repeats-question-wording")
        if reason is None:
            known.add(normalise(item))
            row = Row.of(pair, item.strip(), "paraphrase", prompt, reply.call)
            wordings.kept.append(row)
            wordings.names.append(row.id)
        return reason

    take(wordings, reply, "paraphrase", "questions", keep, {"base": pair.question}, "question")
