"""metrics.json as frozen dataclasses, one for each of its blocks.

    {"primary": {"level": "wording", "n": 709, "base": 0.0, "tuned": 0.95, "verdict": "better", …},
     "levels": {"wording": {"n": 709, "sections": 44, "base": {"f1": 0.0, …}, "tuned": {"f1": 0.97, …}, …}, …},
     "leakage": "none", "settings": {…}, "hallucination": {…}, "judge": {…}, …}

These records, and those that they are made of, are the one place that knows its keys.
Shares and differences of shares are numbers between -1 and 1; `ci95` is the 95 % interval of the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wukong_trainer.evaluation.records import Side
from wukong_trainer.report.difference_records import Difference, Ends, Rates
from wukong_trainer.report.grade_records import Grades, VerdictName
from wukong_trainer.report.side_records import AllInventions, Forgetting, OpenBookBound


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Rates):
    """A result, and what it proves."""

    metric: str = "key_fact_hit"
    verdict: VerdictName
    by_score: VerdictName | None = None
    """What the score alone says, where the grades do not bear it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary(Verdict):
    """The result that the evaluation is about."""

    level: str
    sections: int
    alone: int
    smallest_effect: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPart(Difference):
    """The questions of a level, or some of them (a form of wording, a kind of question): the difference of one score,
    and all mean scores by name."""

    metric: str
    """The score: key_fact_hit in files of an earlier version."""
    sections: int
    base: dict[str, float]
    tuned: dict[str, float]
    verdict: VerdictName | None = None
    """None of a part: of twenty looks at the same answers one finds a difference that is not there."""
    wilson95: dict[str, Ends]
    """By side: the interval of its mean."""

    def mean(self, side: Side) -> float:
        """The mean of the score on one side."""
        return (self.base if side == "base" else self.tuned)[self.metric]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDifference:
    """How the mean of one score differs over the n questions where both models have it."""

    n: int
    difference: float
    ci95: Ends | None
    p: float
    p_holm: float | None = None
    """None for the primary score, which stands outside the family."""
    smallest_effect: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTest:
    """How likely a tally like this one is without a true difference."""

    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionTally(SignTest):
    """Sections that the tuned model won, tied and lost."""

    wins: int
    ties: int
    losses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(LevelPart):
    """All questions of a level."""

    by_score: VerdictName | None = None
    """What the score alone says, where the grades do not bear it out."""
    alone: int
    """Questions that name no section and no group."""
    wins: int
    ties: int
    losses: int
    mcnemar: SignTest
    by_section: SectionTally
    compared: dict[str, ScoreDifference]
    corpus_bleu: dict[str, dict[str, float]]
    """By language, then by side."""
    by_form: dict[str, LevelPart] = field(default_factory=dict)
    by_kind: dict[str, LevelPart] = field(default_factory=dict)
    by_nearness: dict[str, LevelPart] = field(default_factory=dict)
    explanation: str = ""
    causes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """What of a level the primary score is not about."""

    polar: LevelPart | None
    explained: LevelPart | None
    explained_by_kind: dict[str, LevelPart]
    unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCounts:
    """Of how many questions the facts were named with the row, derived from the reference, or are none."""

    named: int
    derived: int
    none: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossHits:
    """How often the right answer to another question of the section hits."""

    n: int
    hits: int
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How often the judge agrees with the primary score."""

    n: int
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRates:
    """What a judge said of n pairs of answers."""

    n: int
    wins: int
    ties: int
    losses: int
    win_rate: float
    ci95: Ends
    p: float
    consistency: float | None
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeResult(JudgeRates):
    """All levels together, and each."""

    unjudged: int
    levels: dict[str, JudgeRates]


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalRates(Difference):
    """Right answers of another model and of the first on a level; the difference is the model's minus the first's."""

    first: float
    model: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalModel:
    """Another model."""

    name: str
    leakage: str
    levels: dict[str, RivalRates]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """Other models, each beside the first."""

    first: str
    models: list[RivalModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakCheck:
    """Whether the build's audit "stands" for these questions, or why not; and the closest trained question (0..1)."""

    audit: str
    closest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """One evaluation. A level without questions has no entry in `levels`; figures.py explains `sample` and `engine`."""

    primary: Primary
    levels: dict[str, Level]
    base_model: str
    adapter: str
    leakage: str
    settings: dict[str, Any]
    sample: dict[str, int] | None
    engine: str
    groups: dict[str, Groups] = field(default_factory=dict)
    facts: FactCounts | None = None
    cross_hit: CrossHits | None = None
    leak_check: LeakCheck | None = None
    forgetting: Forgetting | None = None
    hallucination: AllInventions | None = None
    open_book: OpenBookBound | None = None
    grades: Grades | None = None
    judge: JudgeResult | None = None
    against: Rivals | None = None
