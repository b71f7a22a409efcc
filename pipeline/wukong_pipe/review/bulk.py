"""The same decision on many pairs at once, with a preview."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wukong_pipe.reasons import Reason
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.stages.edits_file import Edit


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replacement would change."""

    pair_id: str
    row_id: str | None
    """The row whose question changes; None where the pair's answer and facts do."""
    before: str
    after: str
    problem: Reason | None
    """Why the build would leave the row out; such a change is not applied."""


def replace(library: Library, find: str, by: str, pairs: Iterable[ReviewPair]) -> list[Preview]:
    """What changes where these words are replaced in questions, wordings and answers."""
    raise NotImplementedError


def replacements(library: Library, find: str, by: str, pairs: Iterable[ReviewPair]) -> list[Edit]:
    """The decisions that make these changes, those with a problem left out; pairs are not thereby read."""
    raise NotImplementedError


def accept_all(library: Library, pairs: Sequence[ReviewPair]) -> list[Edit]:
    """That each of the pairs that nobody decided on is right."""
    raise NotImplementedError


def drop_all(library: Library, pairs: Sequence[ReviewPair]) -> list[Edit]:
    """That each of the pairs goes; those that are dropped already are passed over."""
    raise NotImplementedError
