"""What a second reading says of an answer or a wording: `Verdict`; and the counts that add up, `VerifyTally`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from wukong_pipe.reasons import Reason
from wukong_pipe.teacher.requests import Reply, excerpt

Outcome = Literal["supported", "rejected", "unanswered"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier says of one answer or wording.

    Verdict("rejected", Reason.of("verifier-denies", words="The source names Gemini 8, not Gemini 9."), "3f2a…", "{…}")
    """

    outcome: Outcome
    reason: Reason | None = None
    """Why it was rejected, in the verifier's words, or why no answer came; else None."""
    call: str = ""
    """The journal's key of the call that decided; empty where none was answered."""
    reply: str = ""
    """The verifier's reply, for rejected.jsonl."""
    is_settled: bool = True
    """Whether the next build would hear the same: not where a call got no answer now, and is bought first there."""


UNANSWERED = Verdict("unanswered")
"""The verifier was asked, and gave no answer that can be read."""


def supported(reply: Reply) -> Verdict:
    return Verdict("supported", None, reply.call, excerpt(reply.raw))


def rejected(reply: Reply, reason: Reason) -> Verdict:
    return Verdict("rejected", reason, reply.call, excerpt(reply.raw))


@dataclass(slots=True)
class VerifyTally:
    """What the verifier was asked about: asked = supported + rejected + unanswered."""

    asked: int = 0
    supported: int = 0
    rejected: int = 0
    unanswered: int = 0

    @staticmethod
    def of(verdicts: Iterable[Verdict]) -> VerifyTally:
        tally = VerifyTally()
        for verdict in verdicts:
            tally.asked += 1
            tally.supported += verdict.outcome == "supported"
            tally.rejected += verdict.outcome == "rejected"
            tally.unanswered += verdict.outcome == "unanswered"
        return tally

    def add(self, other: VerifyTally) -> None:
        self.asked += other.asked
        self.supported += other.supported
        self.rejected += other.rejected
        self.unanswered += other.unanswered

    def to_json(self) -> dict[str, int]:
        """The counts, after checking that nothing vanished."""
        assert self.asked == self.supported + self.rejected + self.unanswered, self
        return {
            "asked": self.asked,
            "supported": self.supported,
            "rejected": self.rejected,
            "unanswered": self.unanswered,
        }
