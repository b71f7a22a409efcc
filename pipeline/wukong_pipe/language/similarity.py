"""When two questions are alike: the share of their character 3-grams, and the key facts that they must share.

The build holds questions out by this rule and the trainer looks for leaks by it, so a question that one of them holds
out is one that the other recognises.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.language.names import marked_names
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers

TAU = 0.7
"""Two questions with the same key facts and at least this similarity count as one question: one of them in training
leaks the other. True rewordings lie between 0.28 and 0.62, a copy with one word changed above 0.7."""


@lru_cache(maxsize=4096)
def ngrams(text: str, n: int = 3) -> frozenset[str]:
    """Character n-grams of the normal form; a text shorter than n is its own single gram, an empty one has none."""
    normal = normalise(text)
    if len(normal) < n:
        return frozenset({normal} if normal else ())
    return frozenset([normal[i : i + n] for i in range(len(normal) - n + 1)])


def similarity(a: str, b: str) -> float:
    """Jaccard similarity of character 3-grams, 0.0 to 1.0."""
    grams_a, grams_b = ngrams(a), ngrams(b)
    if not grams_a and not grams_b:
        return 1.0
    return len(grams_a & grams_b) / len(grams_a | grams_b)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What two questions must share to ask the same; very similar ones may still ask about two things."""

    numbers: frozenset[str]
    names: frozenset[str]
    """What the question writes in quotes or capitals, and the known names that it holds, in normal form."""
    normal: str
    """The question in normal form: the other's names must stand in it, whether in quotes and capitals or not."""

    @staticmethod
    def of(question: str, names: frozenset[str] = frozenset()) -> KeyFacts:
        """The key facts of a question.

        Args:
            names: names that the spelling does not show; Chinese has no capitals.
        """
        return KeyFacts(numbers(question), marked_names(question, names), normalise(question))

    def agree_with(self, other: KeyFacts) -> bool:
        """Whether two questions hold the same numbers, and each the names of the other."""
        return (
            self.numbers == other.numbers
            and all(name in other.normal for name in self.names)
            and all(name in self.normal for name in other.names)
        )


def same_key_facts(a: str, b: str, names: frozenset[str] = frozenset()) -> bool:
    """Whether two questions hold the same numbers and names; see `KeyFacts`."""
    return numbers(a) == numbers(b) and KeyFacts.of(a, names).agree_with(KeyFacts.of(b, names))
