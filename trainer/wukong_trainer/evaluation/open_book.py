"""The bound: what the base answers when the section that a question is about stands in its prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from wukong_trainer.data.examples import Message
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.records import AnsweredRow, ScoredAnswer, TestRow
from wukong_trainer.evaluation.scored import scored
from wukong_trainer.evaluation.sources import Sources
from wukong_trainer.inference.asked_models import ModelSession
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.loading import load_config
from wukong_trainer.scoring.intervals import MIN_SECTIONS
from wukong_trainer.scoring.paired_difference import paired

MOST_TOKENS = 8192
"""Of a section, however much a model could read: a batch of such prompts must fit beside the weights."""
_PROMPTS = {
    "zh": "资料：\n{section}\n\n根据以上资料回答：{question}",
    "en": "Source:\n{section}\n\nAnswer from the source above: {question}",
}


@dataclass(frozen=True, slots=True)
class OpenBook:
    """The answers with the section at hand, by the place of their row; and how many sections were cut."""

    answers: dict[int, ScoredAnswer]
    """A row whose section is gone is left out."""
    cut: int


def ask_with_source(model: ModelSession, rows: Sequence[TestRow], sources: Sources, max_new_tokens: int) -> OpenBook:
    """Ask every row whose section is known, cutting sections to the length that the model reads.

    A prompt reads "资料：\\n# 兵器\\n出云棍由一名铁匠打造。\\n\\n根据以上资料回答：谁打造了出云棍？".
    """
    most = _context(model.contender.weights)
    prompts: dict[int, list[Message]] = {}
    cut = 0
    for i, row in enumerate(rows):
        section = sources.section(row)
        if section is None:
            continue
        prompts[i], is_cut = _prompt(model, row, section, most, max_new_tokens)
        cut += is_cut
    # The prompts are some ten times as long as a question alone.
    slower = replace(model, batch=max(1, model.batch // 8))
    found = scored(slower, [rows[i] for i in prompts], list(prompts.values()), max_new_tokens, "open book")
    return OpenBook(dict(zip(prompts, found, strict=True)), cut)


def _context(model: str) -> int:
    """How many tokens a model reads."""
    config = load_config(model).get_text_config()
    return int(getattr(config, "max_position_embeddings", MOST_TOKENS))


def _prompt(
    model: ModelSession, row: TestRow, section: str, most: int, max_new_tokens: int
) -> tuple[list[Message], bool]:
    """The messages, and whether the section had to be cut."""
    tokenizer, contender = model.tokenizer, model.contender
    template = _PROMPTS["zh" if row.lang == "zh" else "en"]

    def messages(text: str) -> list[Message]:
        question = template.format(section=text, question=row.question)
        return replace(row.example, instruction=question, input="").prompt(contender.system, contender.style)

    def length(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    answer = max(max_new_tokens, length(row.reference) + 1)
    # A few tokens to spare: a cut text is not always cut into the same tokens again.
    prompt = prompt_text(tokenizer, messages(""), contender.style, contender.thinking)
    room = min(MOST_TOKENS, most - answer - length(prompt) - 8)
    ids = tokenizer(section, add_special_tokens=False)["input_ids"]
    if len(ids) <= room:
        return messages(section), False
    # The end may be half a character.
    return messages(tokenizer.decode(ids[: max(0, room)]).rstrip("\ufffd")), True


def open_book(rows: Sequence[AnsweredRow], cut: int) -> dict[str, Any]:
    """`metrics["open_book"]`: by level, closed book against the bound.

    Args:
        cut: how many sections were cut to fit into the prompt.

    Returns:
        n, cut, missing (rows without their section), and `levels`: of each n, base, tuned, open_book (shares of
        right answers), difference and ci95 (tuned minus open book), gap_closed ((tuned - base) / (open book - base),
        None where the interval of that gap, or too few sections, do not show that the section helps the base).
    """
    known = [(row, row.open_book) for row in rows if row.open_book is not None]
    levels = {}
    for level in LEVELS:
        of_it = [(row, book) for row, book in known if row.test.level == level and row.is_primary]
        if of_it:
            levels[level] = _level(of_it)
    return {"n": len(known), "cut": cut, "missing": len(rows) - len(known), "levels": levels}


def _level(rows: Sequence[tuple[AnsweredRow, ScoredAnswer]]) -> dict[str, Any]:
    base, tuned = [row.base.hit for row, _ in rows], [row.tuned.hit for row, _ in rows]
    book, sections = [answer.hit for _, answer in rows], [row.test.cluster for row, _ in rows]
    closed = paired(base, tuned, sections)
    behind = paired(book, tuned, sections)
    helped = paired(base, book, sections)
    is_helpful = helped["ci95"][0] > 0 and len(set(sections)) >= MIN_SECTIONS
    return {
        "n": len(rows),
        "base": closed["base"],
        "tuned": closed["tuned"],
        "open_book": behind["base"],
        "difference": behind["difference"],
        "ci95": behind["ci95"],
        "gap_closed": closed["difference"] / helped["difference"] if is_helpful else None,
    }
