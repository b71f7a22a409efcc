"""The blocks of metrics.json that stand beside the levels: forgetting, inventions, the base with the open book."""

from __future__ import annotations

from dataclasses import dataclass

from wukong_trainer.report.difference_records import Difference, Ends, Rates
from wukong_trainer.scoring.general_knowledge import Change, knowledge_change


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelihoodDifference:
    """The mean log-likelihood of the reference per token (nats)."""

    n: int
    base: float
    tuned: float
    difference: float
    ci95: Ends | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting(Rates):
    """General questions that the corpus is not about."""

    dropped: int
    loglik: LikelihoodDifference
    by_lang: dict[str, Rates]
    explanation: str

    @property
    def change(self) -> Change:
        """What became of general knowledge."""
        return knowledge_change(self.n, self.base, self.ci95, self.loglik.ci95)

    @property
    def has_fallen(self) -> bool:
        """Whether tuning cost general knowledge."""
        return self.change in ("lost", "less_likely")


@dataclass(frozen=True, slots=True, kw_only=True)
class InventedTerms:
    """Numbers and names in the answers of one side."""

    stated: int
    invented: int
    answers: float
    """The share of answers that invent something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventionRates(Difference):
    """Inventions of both sides; the difference is of the shares of answers that invent something."""

    base: InventedTerms
    tuned: InventedTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class AllInventions(InventionRates):
    """What stands nowhere in the source, and what stands outside of the section."""

    missing: int
    levels: dict[str, InventionRates]
    outside_section: InventionRates


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBookRates(Rates):
    """One level; difference and ci95 are tuned minus open book."""

    open_book: float
    gap_closed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBookBound:
    """The base with the section in its prompt."""

    cut: int
    missing: int
    levels: dict[str, OpenBookRates]

    @property
    def helps(self) -> bool:
        """Whether the base answers more rightly with the section than alone, over all levels."""
        return sum(rates.n * (rates.open_book - rates.base) for rates in self.levels.values()) > 0
