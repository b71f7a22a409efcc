"""What a build will ask for, before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wukong_pipe.checks.spellings import NamedFact
from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.dataset.holdout_size import HoldoutSize
from wukong_pipe.journal.records import Prices, Tokens
from wukong_pipe.language.chinese import ideographs
from wukong_pipe.records import Lang, QAPair, Section
from wukong_pipe.stages import answers, base_qa, heldout_wordings, paraphrase, spellings
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.ledger import NOTHING, money
from wukong_pipe.teacher.prompt_files import OF_VERIFY, Prompt
from wukong_pipe.teacher.quoting import fenced
from wukong_pipe.verify.calibration import BATCH_SIZES
from wukong_pipe.verify.scope import ONE_IN

PAIR_TOKENS, WORDING_TOKENS, ANSWER_TOKENS, FACT_TOKENS, VERDICT_TOKENS = 100, 25, 50, 40, 50
"""Of a reply: a pair is a question, an answer, its facts and the numbers of its evidence in JSON; a wording is a
question or an answer; a fact stands in its spellings, and about one a pair has others; a verdict gives its reason."""
QUESTION, ANSWER, EVIDENCE, FACT = "？" * 24, "。" * 24, "。" * 48, "。" * 6
"""Stand for words that are not known yet."""
DOUBTFUL, DISAGREEING = 0.2, 0.5
"""About the shares of pairs and wordings that are doubtful, and of blind answers that do not agree word for word."""


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

    def times(self, share: float) -> Workload:
        tokens = Tokens(round(share * self.tokens.prompt), round(share * self.tokens.completion))
        return Workload(round(share * self.calls), tokens)

    def to_json(self) -> dict[str, int]:
        return {"calls": self.calls, "tokens_in": self.tokens.prompt, "tokens_out": self.tokens.completion}


def estimate(
    sections: Iterable[Section],
    settings: BuildSettings,
    prompts: Mapping[str, Mapping[Lang, Prompt]],
    tested: float | None = None,
) -> dict[str, Workload]:
    """Calls and tokens by stage, held-out questions counted as if they were reworded, too; without the calibration of a
    verifier, which is asked once for all builds.

    Args:
        prompts: by stage and language, of the stages that are wanted.
        tested: the share of pairs that wordings are written of for the test, where any are.
    """
    stages = {stage: Workload() for stage in prompts if stage not in OF_VERIFY}
    if settings.verify != "none":
        stages["verify"] = Workload()
    of_tests = Workload()  # If all pairs were tested.
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
        if settings.heldout_wordings:
            asked = heldout_wordings.request(
                unknown, settings.heldout_wordings, prompts["heldout_wordings"], settings.about
            ).messages
            stages["heldout_wordings"] += _each(quota, asked, settings.heldout_wordings * WORDING_TOKENS)
            if settings.verify != "none":
                share = DOUBTFUL if settings.verify == "doubtful" else 1.0
                read = math.ceil(share * settings.heldout_wordings)
                of_tests += _wordings_verified(section, quota, read, settings, prompts)
        if settings.answer_variants:
            asked = answers.request(unknown, settings.answer_variants, (), prompts["answers"], settings.about).messages
            stages["answers"] += _each(quota, asked, settings.answer_variants * ANSWER_TOKENS)
        if settings.spellings:
            count = min(quota, spellings.MOST_FACTS)
            facts = [NamedFact(replace(unknown, question=f"{QUESTION}{n}"), FACT) for n in range(count)]
            asked = spellings.request(facts, settings.spellings, prompts["spellings"], settings.about).messages
            calls = math.ceil(quota / spellings.MOST_FACTS)
            stages["spellings"] += Workload(calls, Tokens(calls * _tokens(asked), quota * FACT_TOKENS))
        if settings.verify != "none":
            stages["verify"] += _verified(section, quota, settings, prompts)
    if tested is not None:
        stages["heldout_wordings"] = stages["heldout_wordings"].times(tested)
        if settings.verify != "none":
            stages["verify"] += of_tests.times(tested)
    return stages


def _verified(
    section: Section, quota: int, settings: BuildSettings, prompts: Mapping[str, Mapping[Lang, Prompt]]
) -> Workload:
    """About what a second reading of a section's pairs and their wordings takes."""
    lang, scope = section.lang, settings.verify
    pairs = math.ceil(quota * (DOUBTFUL if scope == "doubtful" else 1))
    asked = min(pairs, BATCH_SIZES[0])
    messages = prompts["verify_answers"][lang].messages(
        **_place(section, settings), section=fenced(numbered(section).text), questions=(QUESTION + "\n") * asked
    )
    calls = math.ceil((1 + DISAGREEING) * math.ceil(pairs / BATCH_SIZES[0]))
    of_pairs = Workload(calls, Tokens(calls * _tokens(messages), pairs * VERDICT_TOKENS))
    share = {"full": 1.0, "all": DOUBTFUL + settings.drawn + 1 / ONE_IN}.get(scope, DOUBTFUL)
    wordings = math.ceil(share * settings.variants)
    return of_pairs + _wordings_verified(section, quota if wordings else 0, wordings, settings, prompts)


def _wordings_verified(
    section: Section,
    pairs: int,
    wordings: int,
    settings: BuildSettings,
    prompts: Mapping[str, Mapping[Lang, Prompt]],
) -> Workload:
    """About what matching so many wordings of each of these pairs with the questions of their section takes."""
    messages = prompts["verify_wordings"][section.lang].messages(
        **_place(section, settings),
        section="",
        questions=(QUESTION + "\n") * pairs,
        answer=ANSWER,
        wordings=(QUESTION + "\n") * wordings,
    )
    return _each(pairs, messages, wordings * VERDICT_TOKENS)


def _place(section: Section, settings: BuildSettings) -> dict[str, str]:
    """What every prompt of a verifier says of a section."""
    return {"title": section.heading_path[0], "about": settings.about, "heading_path": section.title}


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
    holdout: HoldoutSize

    @property
    def total(self) -> Workload:
        return sum(self.stages.values(), Workload())

    def cost(self, of: Workload) -> str:
        """For people; empty without prices."""
        return "" if self.prices is None else money(self.prices.cost(of.tokens), self.prices.currency)
