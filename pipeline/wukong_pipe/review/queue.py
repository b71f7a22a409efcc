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
    """Stand in question, wordings, answer or note; width and case do not count."""


def order(library: Library) -> list[ReviewPair]:
    """All pairs, in the order in which they are to be read; each part in the order of the sample."""
    changed = {entry.pair.id for entry in library.stale if entry.pair}
    parts: tuple[list[ReviewPair], ...] = [], [], []
    for pair in library.sample:
        parts[0 if pair.id in changed else 1 if library.is_doubtful(pair) else 2].append(pair)
    return [pair for part in parts for pair in part]


def matching(library: Library, filters: Filters) -> list[ReviewPair]:
    """The pairs that the filters let pass, in the order of the queue."""
    if filters == Filters():
        return order(library)
    words = folded(filters.words.strip())
    return [pair for pair in order(library) if _passes(library, pair, filters, words)]


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
    """The pair behind this one among those that match; None at the end.

    Args:
        unread: the next that nobody decided on, from the beginning again behind the end.
    """
    pairs = matching(library, filters)
    place = _place(pair_id, pairs)
    if not unread:
        return next(iter(pairs[place + 1 :]), None)
    turned = pairs[place + 1 :] + pairs[: place + 1]
    return next((pair for pair in turned if pair.id != pair_id and library.state(pair) == "unread"), None)


def previous(library: Library, pair_id: str, filters: Filters) -> ReviewPair | None:
    """The pair before this one among those that match; None at the beginning."""
    pairs = matching(library, filters)
    place = next((place for place, pair in enumerate(pairs) if pair.id == pair_id), None)
    return pairs[place - 1] if place else None


def _place(pair_id: str, pairs: list[ReviewPair]) -> int:
    """Where a pair stands among these; -1 where it does not."""
    return next((place for place, pair in enumerate(pairs) if pair.id == pair_id), -1)
