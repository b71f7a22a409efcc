"""The calls that were sent within the last minute, and which of them were refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from wukong_pipe.providers.pace import WINDOW

STORM, SAMPLE = 6, 8
"""So many refused of so many calls sent one after another: the server takes hardly any."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that was let through; who sent it hands it back with its outcome."""

    number: int
    at: float
    level: int
    """Calls in flight, with it."""
    booked: float
    """Tokens."""
    is_probe: bool
    """Whether it went out as fast, or beside as many, as was refused before."""


class SentCalls:
    """Those within `WINDOW`; `forget` is to be told the time first."""

    def __init__(self) -> None:
        self._sent: deque[Sent] = deque()
        self._refused: set[int] = set()

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def taken(self) -> int:
        """How many were not refused."""
        return len(self._sent) - len(self._refused)

    def forget(self, now: float) -> None:
        """Drop what is older."""
        while self._sent and self._sent[0].at + WINDOW <= now:
            self._refused.discard(self._sent.popleft().number)

    def first(self, now: float) -> float:
        """When the first of them was sent; now, where there is none."""
        return self._sent[0].at if self._sent else now

    def add(self, sent: Sent) -> None:
        self._sent.append(sent)

    def refuse(self, now: float, sent: Sent) -> None:
        """A call was refused; it may be older."""
        self.forget(now)
        if sent.at + WINDOW > now:
            self._refused.add(sent.number)

    @property
    def level(self) -> int:
        """The most calls at a time among which one was taken."""
        return max((sent.level for sent in self._sent if sent.number not in self._refused), default=0)

    def is_storm(self, sent: Sent) -> bool:
        """Whether most of the calls that left just before this one were refused."""
        return sum(sent.number - back in self._refused for back in range(SAMPLE)) >= STORM
