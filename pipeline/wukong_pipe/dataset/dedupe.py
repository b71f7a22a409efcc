"""Dedupe: of rows that ask the same thing the first is kept, and each other one is removed with a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.plain_words import CHINESE_DECISIVE, DECISIVE
from wukong_pipe.language.similarity import same_key_facts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Row

NEAR = 0.85
"""Two questions of different pairs are one question from this similarity on, if key facts and answers are equal."""
NEAR_IN_FAMILY = 0.95
"""Two wordings of one pair are one wording from this similarity on: wordings are meant to be alike."""
MANY = 50
"""A group of more rows than this is split by the numbers in its questions before they are compared."""

_WORDS = "|".join(DECISIVE).replace("*", r"\w*").replace("'", "['’]")
_DECISIVE = re.compile(rf"[{CHINESE_DECISIVE}]|\b(?:{_WORDS})\b", re.IGNORECASE)
"""Words that make another question of it, though their spelling shows neither a number nor a name: before, after."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A row that is left out, the one it repeats and how alike their questions are (Jaccard of 3-grams)."""

    row: Row
    kept: Row
    similarity: float
    kind: Literal["same-question", "near-question", "conflict"]

    @property
    def reason(self) -> Reason:
        """Why the row is left out, with the row that was kept."""
        values = {"kept": self.kept.id, "question": self.kept.instruction[:80], "similarity": f"{self.similarity:.2f}"}
        if self.kind == "conflict":
            values["answer"] = self.kept.output[:80]
        return Reason.of(self.kind, **values)


def dedupe(rows: Sequence[Row], names: frozenset[str]) -> tuple[list[Row], list[Removal]]:
    """Keep the first of each group of rows that ask the same.

    Of “How long is the river?” and “how long is the river” the second is removed:
    `Removal(row=…, kept=…, similarity=1.0, kind="same-question")`.

    Args:
        rows: the preferred ones first.
        names: terms of the whole corpus that make two questions different.

    Returns:
        The rows kept, in order, and a removal for each other row. The same question with another answer is
        removed as a conflict: a model cannot learn both.
    """
    removals: dict[int, Removal] = {}
    repeats: dict[int, int] = {}  # The place of an exact repeat, and that of the row it repeats.
    first: dict[str, int] = {}  # The place of the first row with that normal form.
    for i, row in enumerate(rows):
        j = first.setdefault(normalise(row.instruction), i)
        if j != i:
            same = normalise(row.output) == normalise(rows[j].output)
            removals[i] = Removal(row, rows[j], 1.0, "same-question" if same else "conflict")
            repeats[i] = j
    left = [row for i, row in enumerate(rows) if i not in removals]
    near = _near_repeats(left, list(first), names)
    for at, i in enumerate(first.values()):
        if at in near:
            kept, alike = near[at]
            removals[i] = Removal(rows[i], left[kept], alike, "near-question")
    for i, j in repeats.items():
        if j in removals:  # The row it repeats was removed, too: name the row that stays.
            removals[i] = replace(removals[i], kept=removals[j].kept, similarity=removals[j].similarity)
    return [row for i, row in enumerate(rows) if i not in removals], [removals[i] for i in sorted(removals)]


def _near_repeats(rows: Sequence[Row], normals: Sequence[str], names: frozenset[str]) -> dict[int, tuple[int, float]]:
    """The places of rows that ask nearly the same as an earlier, kept row: its place, and their similarity.

    Args:
        normals: the rows' questions, normalised, all different.
    """
    from wukong_pipe.dataset.similar_pairs import join  # Imported here: --help must not load numpy.

    removed: dict[int, tuple[int, float]] = {}
    for i, j, alike in join(normals, NEAR, _groups(rows)):
        kept, row = rows[i], rows[j]
        if i in removed or j in removed:
            continue
        family = kept.pair_id == row.pair_id
        if alike < NEAR_IN_FAMILY if family else normalise(kept.output) != normalise(row.output):
            continue
        a, b = kept.instruction, row.instruction
        if numbers(a) == numbers(b) and _decisive_words(a) == _decisive_words(b) and same_key_facts(a, b, names):
            removed[j] = i, alike
    return removed


def _decisive_words(question: str) -> list[str]:
    return sorted(word.casefold() for word in _DECISIVE.findall(question))


def _groups(rows: Sequence[Row]) -> list[int]:
    """The number of each row's group; two rows of different groups are never one question.

    Rows that ask the same have one answer or belong to one pair, and hold the same numbers. Without groups, rows from
    templates (“Does chapter 12 …?”, “Yes.”) are so alike that comparing them all would take the square of their number.
    """
    # Union-find: rows with the same answer and rows of the same pair get the same top.
    parents: list[int] = []

    def top(node: int) -> int:
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    nodes: dict[tuple[str, str], int] = {}
    own = []
    for row in rows:
        answer, family = (
            nodes.setdefault(key, len(nodes)) for key in (("answer", normalise(row.output)), ("family", row.pair_id))
        )
        parents.extend(range(len(parents), len(nodes)))
        parents[top(family)] = top(answer)
        own.append(answer)
    tops = [top(answer) for answer in own]
    sizes = Counter(tops)
    parts: dict[tuple[int, frozenset[str]], int] = {}
    return [
        parts.setdefault((at, numbers(row.instruction) if sizes[at] > MANY else frozenset()), len(parts))
        for at, row in zip(tops, rows, strict=True)
    ]
