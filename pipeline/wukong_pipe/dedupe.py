"""Rows that ask the same thing twice: found exactly, removed with the row that was kept and how alike they are."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wukong_pipe.records import Row
from wukong_pipe.text import ngrams, normalise, same_key_facts

NEAR = 0.85
"""Questions of different pairs this alike, with equal key facts and equal answers, are one question."""
NEAR_IN_FAMILY = 0.95
"""Wordings of one pair may be as alike as they like, short of saying the same."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A row that is left out, the one it repeats and how alike their questions are (Jaccard of 3-grams)."""

    row: Row
    kept: Row
    similarity: float
    reason: str


def dedupe(rows: Sequence[Row], names: frozenset[str]) -> tuple[list[Row], list[Removal]]:
    """Keep the first of each group of rows that ask the same.

    Args:
        rows: in the order of preference.
        names: terms that tell two questions apart, of the whole corpus.

    Returns:
        The rows kept, in order, and a removal for each other row. The same question with another answer is
        removed as a conflict: a model cannot learn both.
    """
    removals: dict[int, Removal] = {}
    repeats: dict[int, int] = {}
    first: dict[str, int] = {}
    for i, row in enumerate(rows):
        j = first.setdefault(normalise(row.instruction), i)
        if j != i:
            same = normalise(row.output) == normalise(rows[j].output)
            reason = "same question" if same else f"conflict: same question, other answer “{rows[j].output[:80]}”"
            removals[i] = Removal(row, rows[j], 1.0, reason)
            repeats[i] = j
    left = [i for i in range(len(rows)) if i not in removals]
    for a, b, alike in near_pairs([rows[i].instruction for i in left], NEAR):
        kept, row = rows[left[a]], rows[left[b]]
        if left[a] in removals or left[b] in removals:
            continue
        family = kept.pair_id == row.pair_id
        if alike < (NEAR_IN_FAMILY if family else NEAR):
            continue
        if not family and normalise(kept.output) != normalise(row.output):
            continue
        if same_key_facts(kept.instruction, row.instruction, names):
            removals[left[b]] = Removal(row, kept, alike, "nearly the same question")
    for i, j in repeats.items():
        if j in removals:  # What it repeats went too: name the row that stayed.
            removals[i] = replace(removals[i], kept=removals[j].kept, similarity=removals[j].similarity)
    return [row for i, row in enumerate(rows) if i not in removals], [removals[i] for i in sorted(removals)]


def near_pairs(texts: Sequence[str], threshold: float) -> Iterator[tuple[int, int, float]]:
    """All pairs i < j of texts whose 3-gram Jaccard similarity reaches `threshold`, exactly.

    A prefix-filter join (Chaudhuri et al. 2006): two sets that alike share one of their rarest grams, so only
    texts that meet there are compared.
    """
    grams = [ngrams(text) for text in texts]
    frequency = Counter(gram for own in grams for gram in own)
    meeting: defaultdict[str, list[int]] = defaultdict(list)
    for j, own in enumerate(grams):
        prefix = sorted(own, key=lambda gram: (frequency[gram], gram))
        prefix = prefix[: len(own) - math.ceil(threshold * len(own)) + 1]
        for i in sorted({i for gram in prefix for i in meeting[gram]}):
            other = grams[i]
            if min(len(own), len(other)) < threshold * max(len(own), len(other)):
                continue
            common = len(own & other)
            if common >= threshold * (len(own) + len(other) - common):
                yield i, j, common / (len(own) + len(other) - common)
        for gram in prefix:
            meeting[gram].append(j)
