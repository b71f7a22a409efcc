"""Dedupe: of rows that ask the same thing the first is kept, and each other one is removed with a reason."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.plain_words import CHINESE_DECISIVE, DECISIVE
from wukong_pipe.language.similarity import same_key_facts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Row
from wukong_pipe.spilled import made, picked

NEAR = 0.85
"""Two questions of different pairs are one question from this similarity on, if key facts and answers are equal."""
NEAR_IN_FAMILY = 0.95
"""Two wordings of one pair are one wording from this similarity on: wordings are meant to be alike."""
MANY = 50
"""A group of more rows than this is split by the numbers in its questions before they are compared."""

_WORDS = "|".join(DECISIVE).replace("*", r"\w*").replace("'", "['’]")
_DECISIVE = re.compile(rf"[{CHINESE_DECISIVE}]|\b(?:{_WORDS})\b", re.IGNORECASE)
"""Words that make another question of it, though their spelling shows neither a number nor a name: before, after."""


Kind = Literal["same-question", "near-question", "conflict"]


@dataclass(frozen=True, slots=True)
class Removal:
    """A row that is left out, the one it repeats and how alike their questions are (Jaccard of 3-grams)."""

    row: Row
    kept: Row
    similarity: float
    kind: Kind

    @property
    def reason(self) -> Reason:
        """Why the row is left out, with the row that was kept."""
        values = {"kept": self.kept.id, "question": self.kept.instruction[:80], "similarity": f"{self.similarity:.2f}"}
        if self.kind == "conflict":
            values["answer"] = self.kept.output[:80]
        return Reason.of(self.kind, **values)


@dataclass(frozen=True, slots=True)
class Deduped:
    """What is left of rows that ask the same."""

    places: Sequence[int]
    """Of the rows kept, in order."""
    removals: Sequence[Removal]
    """One for each other row, in order."""


def dedupe(rows: Sequence[Row], names: frozenset[str]) -> Deduped:
    """Keep the first of each group of rows that ask the same.

    Of “How long is the river?” and “how long is the river” the second is removed:
    `Removal(row=…, kept=…, similarity=1.0, kind="same-question")`. The same question with another answer is removed as
    a conflict: a model cannot learn both.

    Args:
        rows: the preferred ones first. They are read several times, and never held: memory takes hashes alone.
        names: terms of the whole corpus that make two questions different.
    """
    questions, answers, pairs = array("Q"), array("Q"), array("Q")
    for row in rows:
        questions.append(number(normalise(row.instruction)))
        answers.append(number(normalise(row.output)))
        pairs.append(number(row.pair_id))
    # Of each place that of the first row with that normal form; of an exact repeat it is another one.
    first = array("Q", IdIndex(questions).firsts())
    left = array("Q", (i for i, j in enumerate(first) if i == j))
    near = _near_repeats(rows, left, answers, pairs, names)
    removed = array("Q", (i for i, j in enumerate(first) if i != j or i in near))

    def removal(at: int) -> Removal:
        i = removed[at]
        # Where the row it repeats was removed, too, it is told with the row that stays.
        stays, alike = near.get(first[i], (first[i], 1.0))
        kind: Kind = "near-question"
        if i != first[i]:
            kind = "same-question" if answers[i] == answers[first[i]] else "conflict"
        return Removal(rows[i], rows[stays], alike, kind)

    kept = array("Q", (i for i, j in enumerate(first) if i == j and i not in near))
    return Deduped(kept, made(len(removed), removal))


def _near_repeats(
    rows: Sequence[Row], left: Sequence[int], answers: Sequence[int], pairs: Sequence[int], names: frozenset[str]
) -> dict[int, tuple[int, float]]:
    """The places of rows that ask nearly the same as an earlier, kept row: its place, and their similarity.

    Args:
        left: the places of the rows whose questions differ in their normal form.
        answers, pairs: hashes of the answer and the pair of each row.
    """
    from wukong_pipe.dataset.similar_pairs import join  # Imported here: --help must not load numpy.

    removed: dict[int, tuple[int, float]] = {}
    normals = (normalise(row.instruction) for row in picked(rows, left))
    for a, b, alike in join(normals, NEAR, _groups(rows, left, answers, pairs)):
        i, j = left[a], left[b]
        if i in removed or j in removed:
            continue
        family = pairs[i] == pairs[j]
        if alike < NEAR_IN_FAMILY if family else answers[i] != answers[j]:
            continue
        one, other = rows[i].instruction, rows[j].instruction
        if (
            numbers(one) == numbers(other)
            and _decisive_words(one) == _decisive_words(other)
            and same_key_facts(one, other, names)
        ):
            removed[j] = i, alike
    return removed


def _decisive_words(question: str) -> list[str]:
    return sorted(word.casefold() for word in _DECISIVE.findall(question))


def _groups(rows: Sequence[Row], left: Sequence[int], answers: Sequence[int], pairs: Sequence[int]) -> Sequence[int]:
    """The number of each left row's group; two rows of different groups are never one question.

    Rows that ask the same have one answer or belong to one pair, and hold the same numbers. Without groups, rows from
    templates (“Does chapter 12 …?”, “Yes.”) are so alike that comparing them all would take the square of their number.
    """
    # Union-find: rows with the same answer and rows of the same pair get the same top.
    parents = array("Q", range(len(left)))

    def top(node: int) -> int:
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    for keys in (answers, pairs):
        for at, earlier in enumerate(IdIndex(keys[i] for i in left).firsts()):
            parents[top(at)] = top(int(earlier))
    tops = array("Q", map(top, range(len(left))))
    sizes = array("I", bytes(4 * len(left)))
    for at in tops:
        sizes[at] += 1
    parts = (
        number(str(at), *sorted(numbers(rows[i].instruction))) if sizes[at] > MANY else number(str(at))
        for at, i in zip(tops, left, strict=True)
    )
    firsts: Sequence[int] = IdIndex(parts).firsts()
    return firsts
