"""What a difference of hits becomes once the errors of the score are taken out, each model's apart.

A score that passes a tuned model's right answers more often than a base's, for their wording, shows a gain where there
is none. Answers that were graded say how often it is wrong on either side; the estimator is that of Rogan and Gladen
(1978, doi:10.1093/oxfordjournals.aje.a112510), the interval a bootstrap over clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wukong_trainer.scoring.intervals import wilson

DRAWS = 2000
SEED = 1

Counts = NDArray[np.float64]
"""Of a side, summed over the questions: hits, questions, and of graded ones right hits, right, wrong misses, wrong."""


@dataclass(frozen=True, slots=True)
class GradedHits:
    """The hits of a model, and the grades of its answers.

    GradedHits((True, False, True), ("right", "wrong", None))
    """

    hits: Sequence[bool]
    grades: Sequence[str | None]
    """ "right", "partly" or "wrong"; None where nobody graded. Only what is right should hit."""

    def counts(self, index: NDArray[np.intp], clusters: int) -> Counts:
        """The counts of each cluster."""
        hit = np.asarray(self.hits, dtype=float)
        graded = np.array([grade is not None for grade in self.grades], dtype=float)
        right = np.array([grade == "right" for grade in self.grades], dtype=float)
        wrong = graded - right
        each = (hit, np.ones_like(hit), hit * right, right, (1 - hit) * wrong, wrong)
        return np.stack([np.bincount(index, one, clusters) for one in each], axis=1)


def corrected(base: GradedHits, tuned: GradedHits, clusters: Sequence[str]) -> dict[str, Any]:
    """Sensitivity and specificity of the score on either side, and the shares of right answers that follow from them.

    Args:
        clusters: the section of each question.

    Returns:
        For base and tuned: graded, sensitivity and specificity (each [hits, of, low, high] with Wilson's interval),
        hits (the share) and corrected; difference of the latter, ci95, excludes_zero. A side without a right or
        without a wrong answer borrows that number from both together; where even these do not tell, or the score tells
        right from wrong no better than chance, corrected, difference and ci95 are None.

    Raises:
        ValueError: the sequences differ in length, or there are none.
    """
    if not clusters or any(len(each) != len(clusters) for side in (base, tuned) for each in (side.hits, side.grades)):
        raise ValueError(f"hits and grades must be of the same {len(clusters)} questions, and of one at least")
    names, index = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    counts = np.stack([side.counts(index, len(names)) for side in (base, tuned)])
    shares = _corrected(counts.sum(axis=1)[:, np.newaxis])[:, 0]
    draws = np.random.default_rng(SEED).multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    drawn = _corrected(np.einsum("dc,sck->sdk", draws, counts))
    differences = drawn[1] - drawn[0]
    known = differences[~np.isnan(differences)]
    difference = _number(shares[1] - shares[0])
    # A draw in which the score tells nothing is left out; where most are, the rest is no sample.
    ci95 = np.quantile(known, (0.025, 0.975)).tolist() if difference is not None and 2 * len(known) > DRAWS else None
    base_side, tuned_side = (_side(total, share) for total, share in zip(counts.sum(axis=1), shares, strict=True))
    excludes_zero = ci95 is not None and not ci95[0] <= 0 <= ci95[1]
    return {
        "n": len(clusters),
        "base": base_side,
        "tuned": tuned_side,
        "difference": difference,
        "ci95": ci95,
        "excludes_zero": excludes_zero,
    }


def _corrected(counts: Counts) -> Counts:
    """The corrected shares, by side and draw; NaN where the score tells nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        both = counts.sum(axis=0)
        sensitivity, specificity = (
            np.where(counts[..., of] > 0, counts[..., of - 1] / counts[..., of], both[..., of - 1] / both[..., of])
            for of in (3, 5)
        )
        told = sensitivity + specificity - 1
        share = (counts[..., 0] / counts[..., 1] + specificity - 1) / told
        return np.where(told > 0, np.clip(share, 0, 1), np.nan)


def _side(total: Counts, share: float) -> dict[str, Any]:
    hits, n, right_hits, right, wrong_misses, wrong = map(float, total)
    return {
        "graded": int(right + wrong),
        "sensitivity": _rate(int(right_hits), int(right)),
        "specificity": _rate(int(wrong_misses), int(wrong)),
        "hits": hits / n,
        "corrected": _number(share),
    }


def _rate(found: int, of: int) -> list[float] | None:
    return [found, of, *wilson(found, of)] if of else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
