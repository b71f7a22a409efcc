"""Pairs → rows: other wordings of each question that is trained, the answer kept as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wukong_pipe.checks.pairs import QUESTION_SCHEMA, check_paraphrase
from wukong_pipe.language.text import normalise
from wukong_pipe.records import Lang, QAPair, Reject, Row, Section, Tally
from wukong_pipe.schema import check_item
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import replies, take
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.requests import Ask, ParaphraseTask, Reply, Request

REPLY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": QUESTION_SCHEMA}},
    "required": ["questions"],
    "additionalProperties": False,
}


@dataclass(slots=True)
class Reworded:
    """The family of one pair: its base row first, then its other wordings."""

    pair: QAPair
    rows: list[Row]
    wanted: int
    rejects: list[Reject] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    refused: bool = False
    bought: bool = False

    @property
    def subject(self) -> str:
        return self.pair.id

    @property
    def names(self) -> list[str]:
        return [self.pair.id, *(row.id for row in self.rows)]

    @property
    def share(self) -> float:
        return (len(self.rows) - 1) / self.wanted if self.wanted else 1.0

    @property
    def missing(self) -> int:
        return self.wanted - (len(self.rows) - 1)

    @property
    def section(self) -> Section:
        return self.pair.section

    @property
    def about(self) -> dict[str, Any]:
        return {"base": self.pair.question}


def base_row(pair: QAPair) -> Row:
    """The row that asks a pair's answer with its own question."""
    return Row.of(pair, pair.question, pair.kind, pair.prompt, pair.call)


def request(pair: QAPair, count: int, covered: tuple[str, ...], prompts: Mapping[Lang, Prompt]) -> Request:
    """The request for `count` wordings of a pair's question, other than those `covered`."""
    lang = pair.section.lang
    intro = "以下问法已经有了：" if lang == "zh" else "These wordings exist already:"
    prompt = prompts[lang]
    return Request(
        stage="paraphrase",
        prompt=prompt.name,
        messages=prompt.messages(
            title=pair.section.heading_path[0],
            heading_path=pair.section.title,
            question=pair.question,
            count=str(count),
            covered="\n".join([intro, *(f"- {wording}" for wording in covered)]) if covered else "",
        ),
        schema=REPLY_SCHEMA,
        task=ParaphraseTask(pair.section, pair.question, count, covered),
    )


async def ask_paraphrases(
    pair: QAPair,
    ask: Ask,
    settings: BuildSettings,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
) -> Reworded:
    """Ask for a pair's wordings until enough of them are kept or the attempts are used up."""
    result = Reworded(pair, [base_row(pair)], settings.variants)

    def more() -> Request:
        return request(pair, result.missing, tuple(row.instruction for row in result.rows[1:]), prompts)

    async for asked, reply in replies(result, ask, more, attempts, settings.min_fill):
        _take(result, reply, asked.prompt)
    return result


def _take(result: Reworded, reply: Reply, prompt: str) -> None:
    known = {normalise(row.instruction) for row in result.rows}

    def keep(item: Any) -> str | None:
        problem = check_item(item, QUESTION_SCHEMA)
        reason = f"schema: {problem}" if problem else check_paraphrase(item.strip(), result.pair)
        if reason is None and normalise(item) in known:
            return "repeats another wording of the same question"
        if reason is None:
            known.add(normalise(item))
            result.rows.append(Row.of(result.pair, item.strip(), "paraphrase", prompt, reply.call))
        return reason

    take(result, reply, "paraphrase", "questions", keep, lambda item: result.about | {"question": item})
