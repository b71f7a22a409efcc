"""What a build will ask for, before anything is spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wukong_pipe.journal.records import Prices, Tokens
from wukong_pipe.language.chinese import ideographs
from wukong_pipe.records import Lang, QAPair, Section
from wukong_pipe.stages import answers, base_qa, judge, paraphrase
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.ledger import NOTHING, money
from wukong_pipe.teacher.prompt_files import Prompt

PAIR_TOKENS, WORDING_TOKENS, ANSWER_TOKENS, VERDICT_TOKENS = 100, 25, 50, 50
"""Of a reply: a pair is a question, an answer, its facts and the numbers of its evidence in JSON; a wording is a
question or an answer; a verdict gives its reason."""
QUESTION, ANSWER, EVIDENCE = "？" * 24, "。" * 24, "。" * 48
"""Stand for words that are not known yet."""
AT_MOST = {"judge"}
"""Stages of which nobody knows before how much they ask: each pair might be doubtful, and few are."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Calls of one stage and their tokens, if each is answered well at the first attempt."""

    calls: int = 0
    tokens: Tokens = NOTHING

    def __add__(self, other: Workload) -> Workload:
        return Workload(self.calls + other.calls, self.tokens + other.tokens)

    def scaled(self, expected: Mapping[str, int], happened: Mapping[str, int]) -> Workload:
        """In the proportion of what happened to what was expected, where both are known."""

        def times(amount: int, name: str) -> int:
            return round(amount * happened[name] / expected[name]) if happened[name] and expected[name] else amount

        return Workload(
            times(self.calls, "calls"),
            Tokens(times(self.tokens.prompt, "tokens_in"), times(self.tokens.completion, "tokens_out")),
        )

    def to_json(self) -> dict[str, int]:
        return {"calls": self.calls, "tokens_in": self.tokens.prompt, "tokens_out": self.tokens.completion}


def estimate(
    sections: Iterable[Section], settings: BuildSettings, prompts: Mapping[str, Mapping[Lang, Prompt]]
) -> dict[str, Workload]:
    """Calls and tokens by stage, held-out questions counted as if they were reworded, too, and all pairs as doubtful.

    Args:
        prompts: by stage and language, of the stages that are wanted.
    """
    stages = {stage: Workload() for stage in prompts}
    for section in sections:
        quota = base_qa.quota(section, settings.max_pairs)
        if not quota:
            continue
        asked = base_qa.request(section, quota, (), prompts["base_qa"], settings.about).messages
        stages["base_qa"] += Workload(1, Tokens(_tokens(asked), quota * PAIR_TOKENS))
        unknown = QAPair(section, QUESTION, ANSWER, (EVIDENCE,), (1, 1), "base", "", "", "")
        if settings.variants:
            asked = paraphrase.request(unknown, settings.variants, (), prompts["paraphrase"], settings.about).messages
            stages["paraphrase"] += _each(quota, asked, settings.variants * WORDING_TOKENS)
        if settings.answer_variants:
            asked = answers.request(unknown, settings.answer_variants, (), prompts["answers"], settings.about).messages
            stages["answers"] += _each(quota, asked, settings.answer_variants * ANSWER_TOKENS)
        if settings.judge:
            stages["judge"] += _each(quota, judge.request(unknown, prompts["judge"]).messages, VERDICT_TOKENS)
    return stages


def _each(calls: int, messages: Sequence[Mapping[str, str]], completion: int) -> Workload:
    """So many calls of these messages, each with a reply of so many tokens."""
    return Workload(calls, Tokens(calls * _tokens(messages), calls * completion))


def _tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """About: a token is 1.5 characters of Chinese or 4 of other text."""
    text = "".join(message["content"] for message in messages)
    chinese = ideographs(text)
    return round(chinese / 1.5 + (len(text) - chinese) / 4)


@dataclass(frozen=True, slots=True)
class Price:
    """What a build is expected to take, by stage."""

    sections: int
    pairs: int
    stages: dict[str, Workload]
    prices: Prices | None

    @property
    def total(self) -> Workload:
        return sum(self.stages.values(), Workload())

    def cost(self, of: Workload) -> str:
        """For people; empty without prices."""
        return "" if self.prices is None else money(self.prices.cost(of.tokens), self.prices.currency)
