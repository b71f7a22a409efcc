"""Decisions whose section changed: they are about pairs that are gone, and are shown beside what is most alike now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.similarity import ngrams
from wukong_pipe.review.pairs import ReviewPair

ALIKE = 0.3
"""Less alike questions are different ones: see `wukong_pipe.language.similarity`."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A decision on what is no longer in the dataset: its section says something else now."""

    edit: Edit
    pair: ReviewPair | None
    """What is most alike now; None where nothing is, or where the decision does not say what it was about."""


class Holder(Protocol):
    """What has pairs and rejects: a library."""

    @property
    def pairs(self) -> list[ReviewPair]: ...
    def holds(self, edit: Edit) -> bool: ...


def stale(library: Holder, standing: Sequence[Edit]) -> list[Stale]:
    """The decisions on what is not in the dataset, each with the pair that is most alike now."""
    gone = [edit for edit in standing if not library.holds(edit)]
    if not gone:
        return []
    index = _Index(library.pairs)
    return [Stale(edit, index.most_alike(edit.old.instruction if edit.old else "")) for edit in gone]


class _Index:
    """Pairs by what their questions consist of."""

    def __init__(self, pairs: Sequence[ReviewPair]) -> None:
        self._pairs = pairs
        self._same = {normalise(row.question): pair for pair in reversed(pairs) for row in reversed(pair.rows)}
        self._sizes = [len(ngrams(pair.question)) for pair in pairs]
        self._with: dict[str, list[int]] = defaultdict(list)
        for place, pair in enumerate(pairs):
            for gram in ngrams(pair.question):
                self._with[gram].append(place)

    def most_alike(self, question: str) -> ReviewPair | None:
        """The pair that asks the same, or else most of the same."""
        if not question:
            return None
        if same := self._same.get(normalise(question)):
            return same
        wanted = ngrams(question)
        shared = Counter(place for gram in wanted for place in self._with.get(gram, ()))
        alike = ((count / (len(wanted) + self._sizes[place] - count), -place) for place, count in shared.items())
        best, place = max(alike, default=(0.0, 0))
        return self._pairs[-place] if best >= ALIKE else None
