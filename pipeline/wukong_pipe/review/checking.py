"""The free checks on what a reviewer types, as the next build applies them."""

from __future__ import annotations

from wukong_pipe.checks.findings import Finding
from wukong_pipe.records import Facts
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair


def check(
    library: Library, pair: ReviewPair, question: str, answer: str, facts: Facts | None = None
) -> tuple[Finding, ...]:
    """What is wrong with a text: a reject, for which the build leaves the row out, or doubts, which only warn.

    Args:
        facts: None where they follow from the answer.
    """
    raise NotImplementedError
