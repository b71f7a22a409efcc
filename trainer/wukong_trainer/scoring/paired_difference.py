"""Two models on the same questions: means, difference and interval, as every part of metrics.json shows them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from wukong_trainer.scoring.intervals import estimate


def paired(
    base: Sequence[float], tuned: Sequence[float], clusters: Sequence[str], *, bounded: bool = True
) -> dict[str, Any]:
    """{"n", "base", "tuned", "difference", "ci95"} of two models' scores on the same questions.

    Args:
        clusters: the section of each question; questions of one section are alike.
        bounded: the scores are rates, and so the interval stays within -1 and 1.

    Returns:
        zeros, and an interval that says nothing, where there are no questions; ci95 is None where it has no bounds.
    """
    if not base:
        return {"n": 0, "base": 0.0, "tuned": 0.0, "difference": 0.0, "ci95": [-1.0, 1.0] if bounded else None}
    differences = [after - before for before, after in zip(base, tuned, strict=True)]
    found = estimate(differences, clusters, bounded=bounded)
    return {
        "n": len(base),
        "base": fmean(base),
        "tuned": fmean(tuned),
        "difference": found.difference,
        "ci95": found.ends,
    }
