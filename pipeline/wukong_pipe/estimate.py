"""What a build will ask for, before anything is spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wukong_pipe import base_qa
from wukong_pipe.config import BuildSettings
from wukong_pipe.journal_records import Tokens
from wukong_pipe.ledger import NOTHING
from wukong_pipe.prompt_files import Prompt
from wukong_pipe.records import Lang, Section
from wukong_pipe.text import ideographs

PAIR_TOKENS, WORDING_TOKENS = 120, 25
"""Of a reply: a pair is a question, an answer and a sentence of evidence in JSON; a wording is a question."""
QUESTION = "？" * 24
"""Stands for a question whose words are not known yet."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Calls of one stage and their tokens, if each is answered well at the first attempt."""

    calls: int = 0
    tokens: Tokens = NOTHING

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.calls + other.calls, self.tokens + other.tokens)

    def scaled(self, expected: Mapping[str, int], happened: Mapping[str, int]) -> Estimate:
        """In the proportion of what happened to what was expected, where both are known."""

        def times(amount: int, name: str) -> int:
            return round(amount * happened[name] / expected[name]) if happened[name] and expected[name] else amount

        return Estimate(
            times(self.calls, "calls"),
            Tokens(times(self.tokens.prompt, "tokens_in"), times(self.tokens.completion, "tokens_out")),
        )

    def to_json(self) -> dict[str, int]:
        return {"calls": self.calls, "tokens_in": self.tokens.prompt, "tokens_out": self.tokens.completion}


def estimate(
    sections: Iterable[Section], settings: BuildSettings, prompts: Mapping[str, Mapping[Lang, Prompt]]
) -> dict[str, Estimate]:
    """Calls and tokens by stage, held-out questions counted as if they were reworded, too.

    Args:
        prompts: by stage and language.
    """
    stages = {"base_qa": Estimate(), "paraphrase": Estimate()}
    for section in sections:
        quota = base_qa.quota(section, settings)
        if not quota:
            continue
        asked = base_qa.request(section, quota, (), prompts["base_qa"]).messages
        stages["base_qa"] += Estimate(1, Tokens(_tokens(asked), quota * PAIR_TOKENS))
        if settings.variants:
            asked = prompts["paraphrase"][section.lang].messages(
                title=section.heading_path[0],
                heading_path=section.title,
                question=QUESTION,
                count=str(settings.variants),
                covered="",
            )
            each = Tokens(_tokens(asked), settings.variants * WORDING_TOKENS)
            stages["paraphrase"] += Estimate(quota, Tokens(quota * each.prompt, quota * each.completion))
    return stages


def _tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """About: a token is 1.5 characters of Chinese or 4 of other text."""
    text = "".join(message["content"] for message in messages)
    chinese = ideographs(text)
    return round(chinese / 1.5 + (len(text) - chinese) / 4)
