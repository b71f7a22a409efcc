"""The audit for leaks: after the split, every training row that is too close to a held-out question is dropped."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.language.names import marked_names, names_in
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.similarity import TAU, ngrams, same_key_facts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Row
from wukong_pipe.spilled import made, picked


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

    rows: Sequence[Row]
    places: Sequence[int]
    """Theirs among the rows given."""
    dropped: Sequence[Dropped]
    highest_similarity: float


def audit(rows: Sequence[Row], names: frozenset[str]) -> Audit:
    """Drop every training row that is within τ of a held-out question and has its key facts or its pair; move none.

    Every held-out question is compared with every training row of its key facts or its pair, so the highest similarity
    that is left is exact.

    Args:
        rows: read several times, and never held: memory takes hashes of what the held-out ones say.
    """
    held = array("Q", (i for i, row in enumerate(rows) if row.split != "train"))
    index = _HeldQuestions(picked(rows, held), names)
    kept, leaks, causes = array("Q"), array("Q"), array("Q")
    highest = 0.0
    for i, row in enumerate(rows):
        if row.split != "train":
            kept.append(i)
            continue
        closest, cause = _closest(row, index, names)
        if cause is None:
            kept.append(i)
            highest = max(highest, closest)
        else:
            leaks.append(i)
            causes.append(held[cause])
    dropped = made(len(leaks), lambda at: _dropped(rows[leaks[at]], rows[causes[at]]))
    return Audit(picked(rows, kept), kept, dropped, highest)


def _closest(row: Row, index: _HeldQuestions, names: frozenset[str]) -> tuple[float, int | None]:
    """How alike a training row is to the held-out question with its key facts that it is closest to; and the place of
    the first one that it is too close to."""
    closest = 0.0
    for place in index.candidates(row):
        held = index.row(place)
        alike = likeness(held.instruction, row.instruction)
        # The cheap test first: it decides most pairs.
        if alike <= closest:
            continue
        # Quotation marks are lost in the normal form, and quoted words are key facts: rows with equal normal forms
        # leak even where their key facts differ.
        same = alike == 1.0 and normalise(held.instruction) == normalise(row.instruction)
        family = row.pair_id == held.pair_id
        if not same and not family and not same_key_facts(held.instruction, row.instruction, names):
            continue
        if same or alike >= TAU:
            return alike, place
        closest = alike
    return closest, None


def _dropped(row: Row, held: Row) -> Dropped:
    alike = likeness(held.instruction, row.instruction)
    reason = Reason.of(
        "held-question",
        similarity=f"{alike:.2f}",
        level=Reason.of(held.level or held.split),
        question=held.instruction[:80],
    )
    return Dropped(row, held.id, alike, reason)


@lru_cache(maxsize=1024)
def _grams(question: str) -> frozenset[str]:
    """The 3-grams of a question, of the last ones only: they take 4 KiB, and `ngrams` keeps them for many rows."""
    return ngrams.__wrapped__(question)


def likeness(a: str, b: str) -> float:
    """The `similarity` of two questions."""
    grams_a, grams_b = _grams(a), _grams(b)
    common = len(grams_a & grams_b)
    return common / (len(grams_a) + len(grams_b) - common or 1)


_PIECE = 3
"""Characters of the pieces by which a question without marked names is found."""


class _HeldQuestions:
    """The held-out rows by what a leak shares with them: pair, normal form or key facts.

    An index by grams alone would not do: questions from templates are so alike that nearly all share a gram, and
    comparing them takes the square of their number.
    """

    def __init__(self, held: Sequence[Row], names: frozenset[str]) -> None:
        self.row = lru_cache(1024)(held.__getitem__)
        self._names = names
        keys, self._owners = array("Q"), array("I")
        rare = set[str]()
        uses = IdIndex(number(_figures(row), name) for row in held for name in marked_names(row.instruction, names))
        for place, row in enumerate(held):
            normal, figures = normalise(row.instruction), _figures(row)
            its: list[tuple[str, ...]] = [("pair", row.pair_id), ("saying", normal)]
            if own := marked_names(row.instruction, names):
                # A training row with its key facts holds all of its names, so one of them finds it.
                rarest = min(own, key=lambda name: (len(uses.places(number(figures, name))), name))
                its.append(("naming", figures, rarest))
                rare.add(rarest)
            else:
                its += [("holding", figures, piece) for piece in _pieces(normal)]
            keys.extend(number(*key) for key in its)
            self._owners.extend([place] * len(its))
        self._rare = frozenset(rare)
        self._index = IdIndex(keys)

    def candidates(self, row: Row) -> list[int]:
        """Places of all held-out rows with the pair, the normal form or the key facts of a training row, in order; and
        of some others."""
        normal, figures = normalise(row.instruction), _figures(row)
        keys: list[tuple[str, ...]] = [("pair", row.pair_id), ("saying", normal)]
        keys += [("naming", figures, name) for name in names_in(normal, self._rare)]
        if own := marked_names(row.instruction, self._names):
            longest = max(own, key=lambda name: (len(name), name))
            keys.append(("holding", figures, longest[:_PIECE]))
        else:
            keys += [("holding", figures, gram) for gram in _grams(row.instruction)]
        return sorted({self._owners[entry] for entry in self._index.places(*(number(*key) for key in keys))})


def _figures(row: Row) -> str:
    return " ".join(sorted(numbers(row.instruction)))


def _pieces(normal: str) -> set[str]:
    """All that stands in a text and has up to `_PIECE` characters."""
    return {normal[i : i + size] for size in range(1, _PIECE + 1) for i in range(len(normal) - size + 1)}
