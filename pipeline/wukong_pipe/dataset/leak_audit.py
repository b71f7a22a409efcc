"""The audit for leaks: after the split, every training row that is too close to a held-out question is dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.language.names import marked_names, names_in
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.similarity import TAU, ngrams, same_key_facts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Row


@dataclass(frozen=True, slots=True)
class Dropped:
    """A training row that is left out: the held-out question it is too close to, its id, and their similarity."""

    row: Row
    held: str
    similarity: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Audit:
    """The rows that are left, those that were dropped, and the highest similarity left between train and the rest."""

    rows: list[Row]
    dropped: list[Dropped]
    highest_similarity: float


def audit(rows: Sequence[Row], names: frozenset[str]) -> Audit:
    """Drop every training row that is within τ of a held-out question and has its key facts or its pair; move none.

    Every held-out question is compared with every training row of its key facts or its pair, so the highest similarity
    that is left is exact.
    """
    index = _KeyFactIndex(rows, names)
    dropped: dict[int, Dropped] = {}
    left: dict[int, float] = defaultdict(float)
    for held in (row for row in rows if row.split != "train"):
        for i in index.candidates(held):
            row = rows[i]
            alike = likeness(held.instruction, row.instruction)
            # The cheap test first: it decides most pairs.
            if alike <= left[i] or i in dropped:
                continue
            # Quotation marks are lost in the normal form, and quoted words are key facts: rows with equal normal forms
            # leak even where their key facts differ.
            same = alike == 1.0 and normalise(held.instruction) == normalise(row.instruction)
            family = row.pair_id == held.pair_id
            if not same and not family and not same_key_facts(held.instruction, row.instruction, names):
                continue
            if same or alike >= TAU:
                reason = Reason.of(
                    "held-question",
                    similarity=f"{alike:.2f}",
                    level=Reason.of(held.level or held.split),
                    question=held.instruction[:80],
                )
                dropped[i] = Dropped(row, held.id, alike, reason)
            else:
                left[i] = alike
    highest = max((alike for i, alike in left.items() if i not in dropped), default=0.0)
    kept = [row for i, row in enumerate(rows) if i not in dropped]
    return Audit(kept, [dropped[i] for i in sorted(dropped)], highest)


@lru_cache(maxsize=1024)
def _grams(question: str) -> frozenset[str]:
    """The 3-grams of a question, of the last ones only: they take 4 KiB, and `ngrams` keeps them for many rows."""
    return ngrams.__wrapped__(question)


def likeness(a: str, b: str) -> float:
    """The `similarity` of two questions."""
    grams_a, grams_b = _grams(a), _grams(b)
    common = len(grams_a & grams_b)
    return common / (len(grams_a) + len(grams_b) - common or 1)


class _KeyFactIndex:
    """The training rows by what a leak shares with them: pair, normal form or key facts.

    An index by grams would not do: questions from templates are so alike that nearly all share a gram, and comparing
    them takes the square of their number.
    """

    def __init__(self, rows: Sequence[Row], names: frozenset[str]) -> None:
        self._names = names
        self._of_pair: defaultdict[str, list[int]] = defaultdict(list)
        self._saying: defaultdict[str, list[int]] = defaultdict(list)
        self._naming: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """By their numbers and a name that a held-out question marks and that stands in them, marked or not."""
        self._marking: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """By their numbers and a name that they mark."""
        self._unmarked: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """Rows that mark no name, by their numbers and a gram."""
        held = frozenset(name for row in rows if row.split != "train" for name in marked_names(row.instruction, names))
        marks: set[str] = set()
        for i, row in enumerate(rows):
            if row.split != "train":
                continue
            normal, figures = normalise(row.instruction), numbers(row.instruction)
            own = marked_names(row.instruction, names)
            self._of_pair[row.pair_id].append(i)
            self._saying[normal].append(i)
            for name in names_in(normal, held):
                self._naming[figures, name].append(i)
            for name in own:
                self._marking[figures, name].append(i)
            for gram in () if own else _grams(row.instruction):
                self._unmarked[figures, gram].append(i)
            marks |= own
        self._marks = frozenset(marks)

    def candidates(self, held: Row) -> set[int]:
        """Places of all rows with the pair, the normal form or the key facts of a held-out row; and of some others."""
        normal, figures = normalise(held.instruction), numbers(held.instruction)
        places = {*self._of_pair[held.pair_id], *self._saying[normal]}
        if own := marked_names(held.instruction, self._names):
            rarest = min(own, key=lambda name: len(self._naming[figures, name]))
            return places.union(self._naming[figures, rarest])
        for gram in _grams(held.instruction):
            places.update(self._unmarked[figures, gram])
        for name in names_in(normal, self._marks):
            places.update(self._marking[figures, name])
        return places
