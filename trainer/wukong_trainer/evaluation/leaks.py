"""Test questions that a model was trained on, word for word or so lightly reworded that it makes no difference."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from wukong_pipe.language.names import marked_names, names_in
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.similarity import TAU, ngrams


@dataclass(frozen=True, slots=True)
class Leaks:
    """What of a test a model has seen."""

    unseen: list[int]
    """The places of the questions that are left."""
    reworded: list[tuple[str, str, float]] = field(default_factory=list)
    """Test question, trained question (normalised), and how alike they are, of the leaks that are no copies."""
    closest: float | None = None
    """The highest similarity left to a trained question with the same key facts; None where nobody looked."""


def copies(record: dict[str, Any], questions: Sequence[str]) -> Leaks:
    """The questions that a model was trained on in the same words; none, where it does not say what it was."""
    trained = set(record.get("questions", ()))
    return Leaks([i for i, question in enumerate(questions) if normalise(question) not in trained])


def leaks(
    record: dict[str, Any],
    questions: Sequence[str],
    names: frozenset[str] = frozenset(),
    audited: Collection[str] = (),
) -> Leaks:
    """The questions that leak by the build's own rule: in the same words, or within τ with the same key facts.

    Trained questions are remembered in normal form, which has lost quotes and capitals: a name that only the trained
    question marks so is not seen, and a twin about another thing may be taken for a leak.

    Args:
        record: what the model remembers of its training.
        names: terms that tell two questions apart, of the whole corpus, where it is at hand.
        audited: trained questions, normalised, that the build's audit has compared with these already.
    """
    own = copies(record, questions)
    if "questions" not in record:
        return own
    trained = _Trained(set(record["questions"]).difference(audited), frozenset(map(normalise, names)) - {""})
    unseen, reworded, closest = [], [], 0.0
    for i in own.unseen:
        alike, nearest = trained.nearest(questions[i], names)
        if alike >= TAU:
            reworded.append((questions[i], nearest, alike))
        else:
            unseen.append(i)
            closest = max(closest, alike)
    return Leaks(unseen, reworded, closest)


class _Trained:
    """Trained questions as rows of a sparse matrix of their grams: templates make most of them share some."""

    def __init__(self, questions: Iterable[str], names: frozenset[str]) -> None:
        self._questions = sorted(questions)
        self._numbers = [numbers(question) for question in self._questions]
        self._marks = [names_in(question, names) for question in self._questions]
        self._places: dict[str, int] = {}
        grams = [[self._places.setdefault(gram, len(self._places)) for gram in ngrams(q)] for q in self._questions]
        self._sizes = np.array([len(own) for own in grams])
        ends = np.concatenate([[0], np.cumsum(self._sizes)]).astype(int)
        columns = np.fromiter(chain.from_iterable(grams), dtype=int)
        shape = (len(grams), max(1, len(self._places)))
        self._holds = csr_array((np.ones(len(columns), dtype=np.int32), columns, ends), shape=shape)

    def nearest(self, question: str, names: frozenset[str]) -> tuple[float, str]:
        """How alike the trained question is that is nearest and has the same key facts, and that question."""
        grams = ngrams(question)
        asked = np.zeros(self._holds.shape[1], dtype=np.int32)
        asked[[self._places[gram] for gram in grams if gram in self._places]] = 1
        shared = self._holds @ asked
        alike = shared / np.maximum(self._sizes + len(grams) - shared, 1)
        normal, marks = normalise(question), marked_names(question, names)
        figures = numbers(normal)
        for at in np.argsort(-alike, kind="stable")[: np.count_nonzero(shared)]:
            trained = self._questions[at]
            same = self._numbers[at] == figures and all(mark in trained for mark in marks)
            if same and all(mark in normal for mark in self._marks[at]):
                return float(alike[at]), trained
        return 0.0, ""
