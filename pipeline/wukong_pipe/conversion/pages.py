"""Where the pages of a converted document begin: comments in its Markdown, which no teacher is shown.

…moves the whole train <!-- page 2 -->by one place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

_MARK = re.compile(r"<!-- page (\d{1,6}) -->")


def page_mark(number: int) -> str:
    return f"<!-- page {number} -->"


@dataclass(frozen=True, slots=True)
class Pages:
    """The places of the marks, and the page that begins at each."""

    places: tuple[int, ...]
    numbers: tuple[int, ...]

    @staticmethod
    def of(text: str) -> Pages:
        marks = [*_MARK.finditer(text)]
        return Pages((0, *(mark.start() for mark in marks)), (1, *(int(mark[1]) for mark in marks)))

    def at(self, place: int) -> int:
        """The page that a character stands on."""
        return self.numbers[bisect_right(self.places, place) - 1]
