"""All pairs of a run, read once and held in memory, with the decisions on them."""

from __future__ import annotations

from pathlib import Path

from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section
from wukong_pipe.review.decisions import Decisions
from wukong_pipe.review.pairs import ReviewPair, ReviewReject, Shown, State
from wukong_pipe.workspace import Run


class Library:
    """The pairs of a run; safe to be read by several threads."""

    run: Run
    decisions: Decisions
    pairs: list[ReviewPair]
    """In the order of the documents."""
    by_id: dict[str, ReviewPair]
    version: int
    """Another number whenever `refresh` found something else than before."""

    @staticmethod
    def of(run: Run, source: Path | None = None, encoding: str = "utf-8") -> Library:
        """The library of a run.

        Args:
            source: where the sources stand now, as `inspect --source` takes it.

        Raises:
            WorkspaceError: the run has no dataset.
            DataError: a file of it, or of the decisions, cannot be read.
        """
        raise NotImplementedError

    def refresh(self) -> bool:
        """Read again what changed: the decisions, or a dataset that was rebuilt; whether anything did."""
        raise NotImplementedError

    def state(self, pair: ReviewPair) -> State:
        raise NotImplementedError

    def shown(self, pair: ReviewPair) -> Shown:
        """The pair with the decisions laid over it, and what it was before."""
        raise NotImplementedError

    def section(self, section_id: str) -> Section | None:
        """The section as the build saw it; None where its source is gone or says something else there."""
        raise NotImplementedError

    def rejects(self, section_id: str) -> list[ReviewReject]:
        """What was rejected in a section."""
        raise NotImplementedError

    def reject(self, reject_id: str) -> ReviewReject | None:
        raise NotImplementedError

    def doubts(self, pair: ReviewPair) -> tuple[Reason, ...]:
        """What the free checks doubt in it; worked out now, where it is not known yet."""
        raise NotImplementedError

    def is_doubtful(self, pair: ReviewPair) -> bool:
        """Whether the free checks are known to doubt it: those of a pair that nobody looked at yet are worked out in
        the background, see `work_out_doubts`."""
        raise NotImplementedError

    def work_out_doubts(self) -> None:
        """Work out the doubts of all pairs in a thread of its own; it ends with the process."""
        raise NotImplementedError
