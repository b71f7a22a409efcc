"""Pairs → rows: other wordings of each question that is trained, the answer kept as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wukong_pipe.attempts import USUAL, Attempts
from wukong_pipe.config import BuildSettings
from wukong_pipe.prompt_files import Prompt
from wukong_pipe.records import Lang, QAPair, Reject, Row, Tally
from wukong_pipe.replies import check_item
from wukong_pipe.teacher import Ask, ParaphraseTask, Reply, Request, excerpt
from wukong_pipe.text import normalise
from wukong_pipe.validate import QUESTION_SCHEMA, check_paraphrase

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
    for attempt in attempts.of(result, settings.min_fill):
        missing = settings.variants - (len(result.rows) - 1)
        asked = request(pair, missing, tuple(row.instruction for row in result.rows[1:]), prompts)
        reply = await ask(asked, attempt)
        _take(result, reply, missing, asked.prompt)
        if not reply.call:
            # Unanswered now, and so bought first by the next build: what follows would not be asked there.
            break
        result.refused, result.bought = reply.is_final, result.bought or reply.is_new
    return result


def _take(result: Reworded, reply: Reply, asked: int, prompt: str) -> None:
    """Read one reply into `result`: every wording ends among its rows or its rejects."""
    items = reply.value["questions"] if reply.value is not None else []
    received = items[:asked]
    tally = Tally(asked=asked, received=len(received), short=asked - len(received))
    known = {normalise(row.instruction) for row in result.rows}

    def reject(stage: Literal["reply", "surplus", "paraphrase"], reason: str, item: Any = None) -> None:
        shown = {"base": result.pair.question} | ({} if item is None else {"question": item})
        raw = reply.raw if item is None else excerpt(reply.raw)
        result.rejects.append(Reject(stage, reason, result.pair.section, shown, raw, reply.call))

    if reply.value is None:
        reject("reply", reply.problem)
    for item in received:
        problem = check_item(item, QUESTION_SCHEMA)
        reason = f"schema: {problem}" if problem else check_paraphrase(item.strip(), result.pair)
        if reason is None and normalise(item) in known:
            reason = "repeats another wording of the same question"
        if reason is None:
            known.add(normalise(item))
            result.rows.append(Row.of(result.pair, item.strip(), "paraphrase", prompt, reply.call))
            tally.kept += 1
        else:
            reject("paraphrase", reason, item)
            tally.rejected += 1
    for item in items[asked:]:
        reject("surplus", f"more than the {asked} wordings asked for", item)
    result.tally.add(tally)
