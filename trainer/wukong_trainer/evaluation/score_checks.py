"""How far the primary score can be trusted on a test: where its facts come from, and whether siblings' answers hit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from wukong_trainer.evaluation.records import TestRow
from wukong_trainer.scoring.facts import is_hit, states_same

SIBLINGS = 50
"""Each question of a section meets about so many others: with all of them the time would grow with the square."""


def fact_counts(rows: Iterable[TestRow]) -> dict[str, int]:
    """`metrics["facts"]`: of how many questions the facts were named with the row, were derived, or are none."""
    found = Counter(row.facts_from for row in rows)
    return {origin: found[origin] for origin in ("named", "derived", "none")}


def cross_hits(rows: Iterable[TestRow]) -> dict[str, Any]:
    """`metrics["cross_hit"]`: the right answers to other questions of the same section, scored as if they were answers.

    Pairs with a fact in common are left out: the answer to one may well answer the other. What hits nevertheless is
    the rate at which an answer hits that merely knows the section's words. Of a large section each question meets
    `SIBLINGS` others, spread over it.

    Returns:
        n, hits, and share (None where no two questions share a section).
    """
    pairs: defaultdict[str, dict[str, TestRow]] = defaultdict(dict)
    for row in rows:
        if row.wanted.group == "facts":
            pairs[row.cluster].setdefault(row.pair_id, row)
    hits = [hit for section in pairs.values() for hit in _hits(list(section.values()))]
    return {"n": len(hits), "hits": sum(hits), "share": sum(hits) / len(hits) if hits else None}


def _hits(pairs: list[TestRow]) -> Iterator[bool]:
    wanted = [row.wanted for row in pairs]
    stride = max(1, len(wanted) // SIBLINGS)
    for i, mine in enumerate(wanted):
        others = wanted[i + 1 :] + wanted[:i]
        for other in others[::stride]:
            if not states_same(mine, other):
                yield is_hit(other.reference, mine)
