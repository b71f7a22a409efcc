"""The bound: what the base answers when the section that a question is about stands in its prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wukong_trainer.data.examples import Example, Message
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.inference.asked_models import Asked
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.loading import load_config
from wukong_trainer.scoring.intervals import MIN_SECTIONS
from wukong_trainer.scoring.paired_difference import cluster_of, paired
from wukong_trainer.scoring.scores import PRIMARY

SourceOf = Callable[[dict[str, Any]], str | None]
"""The text of the section that a row is about; None where nobody has it any more."""

MOST_TOKENS = 8192
"""Of a section, however much a model could read: a batch of such prompts must fit beside the weights."""
_PROMPTS = {
    "zh": "资料：\n{section}\n\n根据以上资料回答：{question}",
    "en": "Source:\n{section}\n\nAnswer from the source above: {question}",
}


@dataclass(frozen=True, slots=True)
class OpenBook:
    """The answers with the section at hand, None where there is no section; and how many sections were cut."""

    answers: list[dict[str, Any] | None]
    cut: int


def ask_with_source(asked: Asked, rows: Sequence[dict[str, Any]], source_of: SourceOf, max_new_tokens: int) -> OpenBook:
    """Ask every row whose section is known, cutting sections to the length that the model reads."""
    most = _context(asked.contender.weights)
    prompts: dict[int, list[Message]] = {}
    cut = 0
    for i, row in enumerate(rows):
        section = source_of(row)
        if section is None:
            continue
        prompts[i], is_cut = _prompt(asked, row, section, most, max_new_tokens)
        cut += is_cut
    # The prompts are some ten times as long as a question alone.
    slower = replace(asked, batch=max(1, asked.batch // 8))
    scored = slower.scored(
        [rows[i] for i in prompts], list(prompts.values()), max_new_tokens, "open book", likelihoods=False
    )
    found = dict(zip(prompts, scored, strict=True))
    return OpenBook([found.get(i) for i in range(len(rows))], cut)


def _context(model: str) -> int:
    """How many tokens a model reads."""
    config = load_config(model).get_text_config()
    return int(getattr(config, "max_position_embeddings", MOST_TOKENS))


def _prompt(
    asked: Asked, row: dict[str, Any], section: str, most: int, max_new_tokens: int
) -> tuple[list[Message], bool]:
    """The messages, and whether the section had to be cut."""
    tokenizer, contender = asked.tokenizer, asked.contender
    template = _PROMPTS["zh" if row["lang"] == "zh" else "en"]

    def messages(text: str) -> list[Message]:
        example: Example = row["example"]
        question = template.format(section=text, question=example.question)
        return replace(example, instruction=question, input="").prompt(contender.system, contender.style)

    def length(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    answer = max(max_new_tokens, length(row["output"]) + 1)
    # A few tokens to spare: a cut text is not always cut into the same tokens again.
    prompt = prompt_text(tokenizer, messages(""), contender.style, contender.thinking)
    room = min(MOST_TOKENS, most - answer - length(prompt) - 8)
    ids = tokenizer(section, add_special_tokens=False)["input_ids"]
    if len(ids) <= room:
        return messages(section), False
    # The end may be half a character.
    return messages(tokenizer.decode(ids[: max(0, room)]).rstrip("\ufffd")), True


def open_book(rows: Sequence[dict[str, Any]], book: OpenBook) -> dict[str, Any]:
    """`metrics["open_book"]` from answers.jsonl's rows: by level, closed book against the bound.

    Returns:
        n, cut, missing (rows without their section), and `levels`: of each n, base, tuned, open_book (shares of
        right answers), difference and ci95 (tuned minus open book), gap_closed ((tuned - base) / (open book - base),
        None where the interval of that gap, or too few sections, do not show that the section helps the base).
    """
    levels = {}
    for level in LEVELS:
        at = [i for i, row in enumerate(rows) if row["level"] == level and book.answers[i] is not None]
        if not at:
            continue
        hits = [answer[PRIMARY] for i in at if (answer := book.answers[i]) is not None]
        sections = [cluster_of(rows[i]) for i in at]
        closed = paired([rows[i]["base"][PRIMARY] for i in at], [rows[i]["tuned"][PRIMARY] for i in at], sections)
        behind = paired(hits, [rows[i]["tuned"][PRIMARY] for i in at], sections)
        helped = paired([rows[i]["base"][PRIMARY] for i in at], hits, sections)
        shown = helped["ci95"][0] > 0 and len(set(sections)) >= MIN_SECTIONS
        levels[level] = {
            "n": len(at),
            "base": closed["base"],
            "tuned": closed["tuned"],
            "open_book": behind["base"],
            "difference": behind["difference"],
            "ci95": behind["ci95"],
            "gap_closed": closed["difference"] / helped["difference"] if shown else None,
        }
    known = sum(answer is not None for answer in book.answers)
    return {"n": known, "cut": book.cut, "missing": len(rows) - known, "levels": levels}
