"""What the free checks doubt in the pairs of a dataset: worked out for one when it is shown, for all in the background.

The verifier cleared these doubts, or nobody read them; a person who has little time reads these pairs first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Thread

from wukong_pipe.checks.candidates import stored_candidate
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section
from wukong_pipe.review.pairs import ReviewPair

PAUSE = 0.001
"""Seconds between two pairs in the background: a request that comes meanwhile goes first."""


class Doubts:
    """The doubts about the pairs of one dataset."""

    def __init__(self, section: Callable[[str], Section | None]) -> None:
        self._section = section
        self._found: dict[_Text, tuple[Reason, ...]] = {}

    def of(self, pair: ReviewPair) -> tuple[Reason, ...]:
        """The doubts about a pair, or the reject of a check that became stricter; none where its source is gone."""
        text = _text(pair)
        if text not in self._found:
            section = self._section(pair.section_id)
            self._found[text] = _doubts(pair, section) if section else ()
        return self._found[text]

    def known(self, pair: ReviewPair) -> tuple[Reason, ...]:
        """The doubts about a pair, as far as they were worked out."""
        return self._found.get(_text(pair), ())

    def work_out(self, pairs: Sequence[ReviewPair], still_wanted: Callable[[], bool]) -> Thread:
        """Work out the doubts of these pairs in a thread that ends with the process, or when they are not wanted."""

        def work() -> None:
            for pair in pairs:
                if not still_wanted():
                    return
                self.of(pair)
                time.sleep(PAUSE)

        thread = Thread(target=work, name="doubts", daemon=True)
        thread.start()
        return thread


_Text = tuple[str, str, str]


def _text(pair: ReviewPair) -> _Text:
    return pair.id, pair.question, pair.answer


def _doubts(pair: ReviewPair, section: Section) -> tuple[Reason, ...]:
    candidate = stored_candidate(pair.question, pair.answer, pair.evidence, pair.lines, section)
    return tuple(finding.reason for finding in check_pair(candidate, section))
