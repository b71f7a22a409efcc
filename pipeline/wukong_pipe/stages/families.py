"""The rows of all pairs, and which pairs and rows ask something of their own.

Of the pair “出云棍由谁掉落？” and its wordings come the rows [“出云棍由谁掉落？”, “打败谁能拿到它？”, …], its family.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress, count
from typing import Any

from wukong_pipe.dataset.dedupe import Removal, dedupe
from wukong_pipe.dataset.parts import Mapped
from wukong_pipe.records import QAPair, Row
from wukong_pipe.spilled import made, picked
from wukong_pipe.stages.answers import AnswerWordings
from wukong_pipe.stages.heldout_wordings import held_rows
from wukong_pipe.stages.paraphrase import Wordings, base_row
from wukong_pipe.stages.spellings import Spellings
from wukong_pipe.teacher.harvest import Harvest


@dataclass(frozen=True, slots=True)
class AllWordings:
    """The other wordings that a build asked for, each list in the order of the pairs."""

    questions: Sequence[Wordings]
    answers: Sequence[AnswerWordings]
    tests: Sequence[Wordings]
    """Of questions, written for the test: of the pairs that are tested so."""

    spellings: Sequence[Spellings]
    """Of facts, section by section."""

    @property
    def all(self) -> Iterator[Harvest[Any, Any]]:
        """Stage by stage."""
        return chain(self.questions, self.tests, self.answers, self.spellings)


def distinct_pairs(
    pairs: Sequence[QAPair], names: frozenset[str], mapped: Mapped = map
) -> tuple[Sequence[QAPair], Sequence[Removal]]:
    """The pairs that ask something of their own, each once, in order; and why the others were left out."""
    deduped = dedupe(made(len(pairs), lambda i: base_row(pairs[i])), names, mapped)
    return picked(pairs, deduped.places), deduped.removals


def families_of(pairs: Iterable[QAPair], wordings: AllWordings) -> Iterator[Row]:
    """The rows of each pair: its own question, and the other wordings where there are any.

    Args:
        wordings: of some of the pairs, each once, in their order.
    """
    asked, tested = iter(wordings.questions), iter(wordings.tests)
    next_asked, next_tested = next(asked, None), next(tested, None)
    for pair in pairs:
        yield base_row(pair)
        if next_asked and next_asked.subject.id == pair.id:
            yield from next_asked.kept
            next_asked = next(asked, None)
        if next_tested and next_tested.subject.id == pair.id:
            yield from held_rows(next_tested)
            next_tested = next(tested, None)


def unique_rows(
    rows: Sequence[Row], names: frozenset[str], rescued: frozenset[str], mapped: Mapped = map
) -> tuple[Sequence[Row], Sequence[Removal]]:
    """The rows that ask something of their own, in order; and why the others were left out."""
    # No wording of one question may push out another question itself, none that is trained one that is tested, and what
    # was rescued nothing at all.
    by_rank: dict[tuple[bool, ...], array[int]] = {}
    for i, row in enumerate(rows):
        by_rank.setdefault((row.id in rescued, row.is_paraphrase, row.split == "train"), array("Q")).append(i)
    ranked = array("Q", chain.from_iterable(by_rank[rank] for rank in sorted(by_rank)))
    deduped = dedupe(picked(rows, ranked), names, mapped)
    kept = bytearray(len(rows))
    for place in deduped.places:
        kept[ranked[place]] = True
    return picked(rows, array("Q", compress(count(), kept))), deduped.removals
