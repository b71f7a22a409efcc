"""The calls of the last minute: how many the server took, beside how many in flight, and how many it refused."""

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
    """Those that were sent within WINDOW."""

    def __init__(self) -> None:
        self._sent: deque[Sent] = deque()
        self._refused: set[int] = set()
        """The numbers of those of them that were refused."""

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def first(self) -> float:
        """When the first of them was sent; there must be one."""
        return self._sent[0].at

    @property
    def taken(self) -> int:
        """How many were not refused."""
        return len(self._sent) - len(self._refused)

    @property
    def most_taken(self) -> int:
        """The most calls in flight beside which one of them was taken."""
        return max((sent.level for sent in self._sent if sent.number not in self._refused), default=0)

    def add(self, sent: Sent) -> None:
        self._sent.append(sent)

    def refuse(self, now: float, sent: Sent) -> None:
        """One of them was refused."""
        self.forget(now)
        if sent.at + WINDOW > now:
            self._refused.add(sent.number)

    def forget(self, now: float) -> None:
        """Leave out those that were sent before."""
        while self._sent and self._sent[0].at + WINDOW <= now:
            self._refused.discard(self._sent.popleft().number)

    def is_storm(self, sent: Sent) -> bool:
        """Whether most of the calls that left just before this one were refused."""
        return sum(sent.number - back in self._refused for back in range(SAMPLE)) >= STORM
