"""What to read next: what changed since it was last seen, then what is doubtful, then the sample."""

from __future__ import annotations

from dataclasses import dataclass

from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair


@dataclass(frozen=True, slots=True)
class Filters:
    """Which pairs are shown; an empty field lets all pass."""

    split: str = ""
    kind: str = ""
    state: str = ""
    doubtful: bool = False
    source: str = ""
    section: str = ""
    """A section's id."""
    tag: str = ""
    words: str = ""
    """Stand in question, wordings, answer or note; width and case do not count."""


def order(library: Library) -> list[ReviewPair]:
    """All pairs, in the order in which they are to be read."""
    raise NotImplementedError


def matching(library: Library, filters: Filters) -> list[ReviewPair]:
    """The pairs that the filters let pass, in the order of the queue."""
    raise NotImplementedError


def first_unread(library: Library, filters: Filters) -> ReviewPair | None:
    raise NotImplementedError


def next_after(library: Library, pair_id: str, filters: Filters, unread: bool = False) -> ReviewPair | None:
    """The pair behind this one among those that match; None at the end.

    Args:
        unread: the next that nobody decided on, from the beginning again behind the end.
    """
    raise NotImplementedError


def previous(library: Library, pair_id: str, filters: Filters) -> ReviewPair | None:
    raise NotImplementedError
