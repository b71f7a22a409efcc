"""Dedupe: of rows that ask the same thing the first is kept, and each other one is removed with a reason."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wukong_pipe.dataset.near_repeats import near_repeats, parts_of
from wukong_pipe.dataset.parts import PART_SIZE, Mapped
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Row
from wukong_pipe.spilled import made

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


def dedupe(rows: Sequence[Row], names: frozenset[str], mapped: Mapped = map, part_size: int = PART_SIZE) -> Deduped:
    """Keep the first of each group of rows that ask the same.

    Of “How long is the river?” and “how long is the river” the second is removed:
    `Removal(row=…, kept=…, similarity=1.0, kind="same-question")`. The same question with another answer is removed as
    a conflict: a model cannot learn both.

    Args:
        rows: the preferred ones first. They are read several times, and never held: memory takes hashes alone, and
            the texts of a part.
        names: terms of the whole corpus that make two questions different.
        mapped: looks for near repeats in the parts; it changes nothing of what is found.
        part_size: rows that a part aims at; nor does it.
    """
    questions, answers, pairs = array("Q"), array("Q"), array("Q")
    for row in rows:
        questions.append(number(normalise(row.instruction)))
        answers.append(number(normalise(row.output)))
        pairs.append(number(row.pair_id))
    # Of each place that of the first row with that normal form; of an exact repeat it is another one.
    first = array("I", IdIndex(questions).firsts().tobytes())
    del questions
    left = array("I", (i for i, j in enumerate(first) if i == j))
    parts = parts_of(rows, left, answers, pairs, names, part_size)
    near = {i: (stays, alike) for repeats in mapped(near_repeats, parts) for i, stays, alike in repeats}
    removed = array("I", (i for i, j in enumerate(first) if i != j or i in near))

    def removal(at: int) -> Removal:
        i = removed[at]
        # Where the row it repeats was removed, too, it is told with the row that stays.
        stays, alike = near.get(first[i], (first[i], 1.0))
        kind: Kind = "near-question"
        if i != first[i]:
            kind = "same-question" if answers[i] == answers[first[i]] else "conflict"
        return Removal(rows[i], rows[stays], alike, kind)

    kept = array("I", (i for i, j in enumerate(first) if i == j and i not in near))
    return Deduped(kept, made(len(removed), removal))
