"""A reviewer's decisions: what stands of edits.jsonl, by id, and how a decision is written down.

A line replaces what stood of its id as a whole. `accept`, `mend` and the others therefore take over what a decision
that stands says besides: to accept a pair that was mended keeps it mended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wukong_pipe.records import Facts
from wukong_pipe.review.pairs import ReviewPair, ReviewReject, State
from wukong_pipe.stages.edits_file import Edit

if TYPE_CHECKING:
    from wukong_pipe.review.library import Library


@dataclass(frozen=True, slots=True)
class Stale:
    """A decision on what is no longer in the dataset: its section says something else now."""

    edit: Edit
    pair: ReviewPair | None
    """What is most alike now; None where nothing is."""
    similarity: float


class Decisions:
    """The decisions in force."""

    def __init__(self, path: Path) -> None:
        raise NotImplementedError

    def of(self, id_: str) -> Edit | None:
        """What stands of a pair, row or reject."""
        raise NotImplementedError

    def state(self, pair: ReviewPair) -> State:
        raise NotImplementedError

    def record(self, edits: Sequence[Edit]) -> None:
        """Write decisions to the file; when this returns, they are on the disk.

        Raises:
            DataError: one of them is none; nothing is written.
            WorkspaceError: the file cannot be written.
        """
        raise NotImplementedError

    def undo(self) -> str | None:
        """Take back the newest decision that stands, and say whose it was; None where there is none."""
        raise NotImplementedError

    def stale(self, library: Library) -> list[Stale]:
        """The decisions whose id is nowhere in the dataset, each with the pair that is most alike now."""
        raise NotImplementedError

    # What is to be recorded.

    def accept(self, pair: ReviewPair, note: str | None = None, tags: Sequence[str] | None = None) -> list[Edit]:
        """That a pair was read and is right as it is shown."""
        raise NotImplementedError

    def drop(self, pair: ReviewPair, note: str | None = None, tags: Sequence[str] | None = None) -> list[Edit]:
        raise NotImplementedError

    def mend(
        self,
        pair: ReviewPair,
        questions: Mapping[str, str],
        answer: str,
        facts: Facts | None,
        note: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> list[Edit]:
        """That a pair is right so: the lines for what is unlike what is shown, and that it was read.

        Args:
            questions: by the ids of their rows; of rows that are not named nothing changes.
            facts: None where they follow from the answer.
            note: None to keep the one that stands, as with `tags`.
        """
        raise NotImplementedError

    def drop_row(self, pair: ReviewPair, row_id: str) -> list[Edit]:
        raise NotImplementedError

    def rescue(
        self, reject: ReviewReject, question: str = "", answer: str = "", facts: Facts | None = None
    ) -> list[Edit]:
        """That a reject is to come in; with other words where they are given."""
        raise NotImplementedError
