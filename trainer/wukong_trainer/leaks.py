"""Test questions that a model was trained on, word for word or so lightly reworded that it makes no difference."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from wukong_pipe.text import TAU, marked, ngrams, normalise, numbers, standing_in


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
    """Trained questions by the numbers in them: those of another number ask something else."""

    def __init__(self, questions: Iterable[str], names: frozenset[str]) -> None:
        self._names = names
        self._by_numbers: dict[frozenset[str], list[tuple[str, frozenset[str], set[str]]]] = {}
        for question in questions:
            known = (question, ngrams(question), standing_in(question, names))
            self._by_numbers.setdefault(numbers(question), []).append(known)

    def nearest(self, question: str, names: frozenset[str]) -> tuple[float, str]:
        """How alike the trained question is that is nearest and has the same key facts, and that question."""
        normal, grams, best = normalise(question), ngrams(question), (0.0, "")
        marks = marked(question, names)
        for trained, its, its_marks in self._by_numbers.get(numbers(normal), ()):
            if min(len(grams), len(its)) <= best[0] * max(len(grams), len(its)):
                continue  # They cannot be more alike than that.
            alike = len(grams & its) / len(grams | its)
            if alike > best[0] and all(mark in trained for mark in marks) and all(mark in normal for mark in its_marks):
                best = alike, trained
        return best
