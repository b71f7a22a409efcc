"""The audit for leaks: after the split, every training row that is too close to a held-out question is dropped."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, compress, count

from wukong_pipe.dataset.parts import PART_SIZE, Mapped
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.language.names import first_of_equal, marked_names, names_in
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


def audit(rows: Sequence[Row], names: frozenset[str], mapped: Mapped = map, part_size: int = PART_SIZE) -> Audit:
    """Drop every training row that is within τ of a held-out question and has its key facts or its pair; move none.

    Every held-out question is compared with every training row of its key facts or its pair, so the highest similarity
    that is left is exact.

    Args:
        rows: read several times, and never held: memory takes the held-out questions, and hashes of what they say.
        mapped: compares the training rows, in parts; it changes nothing of what is found.
        part_size: training rows in a part; nor does it.
    """
    held, trained = array("I"), array("I")
    for i, row in enumerate(rows):
        (trained if row.split == "train" else held).append(i)
    questions = Held.of(picked(rows, held), names)

    def part_at(at: int) -> Trained:
        return Trained.of(picked(rows, trained[at * part_size : (at + 1) * part_size]), questions)

    is_left = bytearray(b"\x01") * len(rows)
    leaks, causes = array("I"), array("I")
    highest = 0.0
    parts = made(-(-len(trained) // part_size), part_at)
    for i, (closest, cause) in zip(trained, chain.from_iterable(mapped(closest_held, parts)), strict=True):
        if cause is None:
            highest = max(highest, closest)
        else:
            is_left[i] = False
            leaks.append(i)
            causes.append(held[cause])
    _index_of.cache_clear()
    kept = array("I", compress(count(), is_left))
    dropped = made(len(leaks), lambda at: _dropped(rows[leaks[at]], rows[causes[at]]))
    return Audit(picked(rows, kept), kept, dropped, highest)


@dataclass(frozen=True, slots=True)
class Held:
    """All held-out questions, as few objects as can be: they are sent to whoever compares a part of the rows."""

    texts: str
    """One behind the other."""
    ends: bytes
    """Where each ends, in 64 bits."""
    pairs: bytes
    """A hash of the pair of each, in 64 bits."""
    names: frozenset[str]
    """Terms of the whole corpus that make two questions different."""

    @staticmethod
    def of(rows: Iterable[Row], names: frozenset[str]) -> Held:
        """Those of some rows."""
        texts, ends, pairs, end = io.StringIO(), array("Q"), array("Q"), 0
        for row in rows:
            texts.write(row.instruction)
            ends.append(end := end + len(row.instruction))
            pairs.append(number(row.pair_id))
        return Held(texts.getvalue(), ends.tobytes(), pairs.tobytes(), names)


@dataclass(frozen=True, slots=True)
class Trained:
    """Some training rows, as columns, and the held-out questions that they are compared with."""

    questions: Sequence[str]
    pairs: array[int]
    """A hash of each pair."""
    held: Held

    @staticmethod
    def of(rows: Iterable[Row], held: Held) -> Trained:
        """These rows."""
        questions, pairs = list[str](), array("Q")
        for row in rows:
            questions.append(row.instruction)
            pairs.append(number(row.pair_id))
        return Trained(questions, pairs, held)


Closest = tuple[float, int | None]
"""How alike a training row is to the held-out question with its key facts that it is closest to; and the place of the
first one that it is too close to."""


def closest_held(part: Trained) -> list[Closest]:
    """What is closest to each of some training rows."""
    index = _index_of(part.held)
    return [_closest(question, pair, index) for question, pair in zip(part.questions, part.pairs, strict=True)]


def _closest(question: str, pair: int, index: _HeldQuestions) -> Closest:
    closest = 0.0
    for place in index.candidates(question, pair):
        held = index.question(place)
        alike = likeness(held, question)
        # The cheap test first: it decides most pairs.
        if alike <= closest:
            continue
        # Quotation marks are lost in the normal form, and quoted words are key facts: rows with equal normal forms
        # leak even where their key facts differ.
        same = alike == 1.0 and normalise(held) == normalise(question)
        family = pair == index.pairs[place]
        if not same and not family and not same_key_facts(held, question, index.names):
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


@lru_cache(maxsize=1)
def _index_of(held: Held) -> _HeldQuestions:
    """Made once for all parts that are compared by one process."""
    return _HeldQuestions(held)


class _HeldQuestions:
    """The held-out questions by what a leak shares with them: pair, normal form or key facts.

    An index by grams alone would not do: questions from templates are so alike that nearly all share a gram, and
    comparing them takes the square of their number.
    """

    def __init__(self, held: Held) -> None:
        self.names = names = first_of_equal(held.names)
        self.pairs = array("Q", held.pairs)
        self._texts, self._ends = held.texts, array("Q", held.ends)
        keys, self._owners = array("Q"), array("I")
        rare = set[str]()
        questions = made(len(self.pairs), self.question)
        uses = IdIndex(number(_figures(one), name) for one in questions for name in marked_names(one, names))
        for place, question in enumerate(questions):
            normal, figures = normalise(question), _figures(question)
            its = [self.pairs[place], number("saying", normal)]
            if own := marked_names(question, names):
                # A training row with its key facts holds all of its names, so one of them finds it.
                rarest = min(own, key=lambda name: (len(uses.places(number(figures, name))), name))
                its.append(number("naming", figures, rarest))
                rare.add(rarest)
            else:
                its += [number("holding", figures, piece) for piece in _pieces(normal)]
            keys.extend(its)
            self._owners.extend([place] * len(its))
        self._rare = frozenset(rare)
        self._index = IdIndex(keys)

    def question(self, place: int) -> str:
        """The text of one."""
        return self._texts[self._ends[place - 1] if place else 0 : self._ends[place]]

    def candidates(self, question: str, pair: int) -> list[int]:
        """Places of all held-out questions with the pair, the normal form or the key facts of a training row, in order;
        and of some others."""
        normal, figures = normalise(question), _figures(question)
        keys = [pair, number("saying", normal)]
        keys += [number("naming", figures, name) for name in names_in(normal, self._rare)]
        if own := marked_names(question, self.names):
            longest = max(own, key=lambda name: (len(name), name))
            keys.append(number("holding", figures, longest[:_PIECE]))
        else:
            keys += [number("holding", figures, gram) for gram in _grams(question)]
        return sorted({self._owners[entry] for entry in self._index.places(*keys)})


def _figures(question: str) -> str:
    return " ".join(sorted(numbers(question)))


def _pieces(normal: str) -> set[str]:
    """All that stands in a text and has up to `_PIECE` characters."""
    return {normal[i : i + size] for size in range(1, _PIECE + 1) for i in range(len(normal) - size + 1)}
