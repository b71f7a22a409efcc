"""Which score the verdict is about, and how scores are read: for readers of results, who compute none."""

from __future__ import annotations

PRIMARY = "fact_hit"
"""The score that the verdict is about, named before anything is measured."""
LOWER_IS_BETTER = frozenset({"repetition", "refused"})
NO_DIRECTION = frozenset({"length_ratio"})
UNBOUNDED = frozenset({"loglik", "loglik_per_char"})
"""Scores that are no shares: their differences can leave [-1, 1]."""
