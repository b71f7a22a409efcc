"""What the templates show of the list of pairs, and of the progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from wukong_pipe.language.page_words import Words, filled
from wukong_pipe.review.bound import Bound
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review_page.document import Piece, marked_text


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list."""

    id: str
    question: tuple[Piece, ...]
    state: str
    is_doubtful: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class ProgressView:
    """How far the reading is, and what may be said of the rest."""

    read: int
    sample: int
    """Of the random sample; of those that are read."""
    pairs: int
    bound: str
    """"64 read, 2 wrong: at most 9 % …"."""
    enough: str
    """That it is enough, how many more make it so, or that nothing does."""
    is_enough: bool


def entries(library: Library, pairs: Sequence[ReviewPair], current: str) -> list[Entry]:
    """Pairs as lines of the list."""
    return [
        Entry(
            pair.id,
            marked_text(_question(library, pair)),
            library.state(pair),
            library.is_doubtful(pair),
            pair.id == current,
        )
        for pair in pairs
    ]


def _question(library: Library, pair: ReviewPair) -> str:
    # `shown` lays decisions over all rows of a pair, which takes its time for a list of them.
    is_decided = any(library.decisions.of(id_) for id_ in (pair.id, pair.rows[0].id))
    return library.shown(pair).now.question if is_decided else pair.question


def progress_view(read: int, bound: Bound, limit: float, words: Words) -> ProgressView:
    """The progress of all pairs, and the bound in words."""
    return ProgressView(
        read=read,
        sample=bound.read,
        pairs=bound.pairs,
        bound=_bound_sentence(bound, words),
        enough=_enough_sentence(bound, limit, words),
        is_enough=bound.more_needed == 0,
    )


def _bound_sentence(bound: Bound, words: Words) -> str:
    if not bound.read:
        return words["bound_none"]
    if bound.read == bound.pairs:
        return filled(words["all_read"], n=bound.pairs, wrong=bound.wrong)
    return filled(words["bound"], read=bound.read, wrong=bound.wrong, at_most=bound.at_most)


def _enough_sentence(bound: Bound, limit: float, words: Words) -> str:
    if bound.read == bound.pairs:
        return ""
    values = {"limit": ceil(100 * limit - 1e-9), "n": bound.more_needed}
    key = "too_many" if bound.more_needed is None else "more" if bound.more_needed else "enough"
    return filled(words[key], **values)
