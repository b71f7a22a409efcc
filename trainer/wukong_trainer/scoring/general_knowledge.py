"""What general questions say of the knowledge that tuning cost."""

from __future__ import annotations

from typing import Literal

Change = Literal["few", "lost", "less_likely", "unknown", "gained", "none"]
KNOWS_NONE = 0.1
"""The share of right answers cannot fall where the base has less than this."""


def knowledge_change(n: int, base: float, hits: tuple[float, float], likelihoods: tuple[float, float] | None) -> Change:
    """What became of general knowledge.

    A fall of the likelihood counts too, unless right answers rose: it shows before these are lost, and where the base
    has none to lose.

    Args:
        n: questions.
        base: the base's share of right answers.
        hits: the interval of the difference of right answers, tuned minus base.
        likelihoods: the interval of the difference of the references' log-likelihoods; None where there is none.

    >>> knowledge_change(20, 0.35, (-0.3, 0.1), (-2.9, -1.3))
    'less_likely'
    """
    # It loads numpy and scipy, which `--help` does not wait for.
    from wukong_trainer.scoring.intervals import MIN_SECTIONS

    low, high = hits
    if n < MIN_SECTIONS:
        return "few"
    if high < 0:
        return "lost"
    if low > 0:
        return "gained"
    if likelihoods and likelihoods[1] < 0:
        return "less_likely"
    return "unknown" if base < KNOWS_NONE else "none"
