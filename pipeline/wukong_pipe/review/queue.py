"""What to read next: what changed since it was last seen, then what is doubtful, then the sample."""

from __future__ import annotations

from dataclasses import dataclass

from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review.run_files import folded


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
    """Stand in question, wordings, answer, note or a tag; width and case do not count."""


def order(library: Library) -> list[ReviewPair]:
    """All pairs, in the order in which they are to be read; each part in the order of the sample."""
    changed = {entry.pair.id for entry in library.stale if entry.pair}
    parts: tuple[list[ReviewPair], ...] = [], [], []
    for pair in library.sample:
        parts[0 if pair.id in changed else 1 if library.is_doubtful(pair) else 2].append(pair)
    return [pair for part in parts for pair in part]


def matching(library: Library, filters: Filters) -> list[ReviewPair]:
    """The pairs that the filters let pass, in the order of the queue."""
    return _passing(library, order(library), filters)


def _passing(library: Library, pairs: list[ReviewPair], filters: Filters) -> list[ReviewPair]:
    if filters == Filters():
        return pairs
    words = folded(filters.words.strip())
    return [pair for pair in pairs if _passes(library, pair, filters, words)]


def _passes(library: Library, pair: ReviewPair, filters: Filters, words: str) -> bool:
    return (
        (not filters.split or filters.split in pair.splits)
        and filters.kind in ("", pair.kind)
        and filters.source in ("", pair.source)
        and filters.section in ("", pair.section_id)
        and (not filters.state or filters.state == library.state(pair))
        and (not filters.doubtful or library.is_doubtful(pair))
        and (not filters.tag or _has_tag(library, pair, filters.tag))
        and (not words or words in library.words(pair))
    )


def _has_tag(library: Library, pair: ReviewPair, tag: str) -> bool:
    edit = library.decisions.of(pair.id)
    return edit is not None and tag in edit.tags


def first_unread(library: Library, filters: Filters) -> ReviewPair | None:
    """The first of those that match that nobody decided on."""
    return next((pair for pair in matching(library, filters) if library.state(pair) == "unread"), None)


def next_after(library: Library, pair_id: str, filters: Filters, unread: bool = False) -> ReviewPair | None:
    """The pair behind this one among those that match, be it one of them or not; None at the end.

    Args:
        unread: the next that nobody decided on, from the beginning again behind the end.
    """
    before, behind = _around(library, pair_id)
    if not unread:
        return next(iter(_passing(library, behind, filters)), None)
    there = (pair for pair in _passing(library, behind + before, filters) if library.state(pair) == "unread")
    return next(there, None)


def previous(library: Library, pair_id: str, filters: Filters) -> ReviewPair | None:
    """The pair before this one among those that match, be it one of them or not; None at the beginning."""
    return next(iter(reversed(_passing(library, _around(library, pair_id)[0], filters))), None)


def _around(library: Library, pair_id: str) -> tuple[list[ReviewPair], list[ReviewPair]]:
    """What stands before a pair in the queue, and what behind it; all behind one that is not there."""
    pairs = order(library)
    place = next((place for place, pair in enumerate(pairs) if pair.id == pair_id), -1)
    return pairs[: max(place, 0)], pairs[place + 1 :]
