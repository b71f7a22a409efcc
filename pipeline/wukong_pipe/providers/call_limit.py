"""How many calls at a time a server takes: grown while answers come, cut where calls are refused or only queue up."""

from __future__ import annotations

import math

CALM = 15.0
"""Seconds after a cut in which nothing grows."""
FIRST_PATIENCE, MOST_PATIENCE = 4, 16
"""How many clean rounds, and how many times CALM, pass before a limit that was refused is tried again."""
SPURT, SURE_SPURT, SURE = 4, 2, 32
"""After so many times the calls at a time, or so many from SURE on, it is judged whether they brought more answers."""
CUT = 0.2
"""The share by which calls at a time are cut, and on trial a pace."""


class CallLimit:
    """Calls at a time: slow start and additive increase, multiplicative decrease, one cut an episode (RFC 5681; the
    details are those of Inspect AI's adaptive connections). New here: what was refused is tried again ever more rarely,
    and calls that only queue up in the server are taken back."""

    def __init__(self, most: int, start: int | None) -> None:
        self.limit = min(most, start or 8)
        """Calls at a time."""
        self.in_flight = 0
        self.ceiling = math.inf
        """The fewest calls in flight that were refused last."""
        self.refused_at = math.inf
        """The fewest calls in flight that were refused, and not only slow."""
        self.floor = 0
        """As long as few were refused, no fewer at a time are sent than half of what was."""
        self.changes: list[tuple[float, int, str]] = []
        """The last 200 changes: time, the new limit of calls at a time, why."""
        self._most = most
        self._patience = FIRST_PATIENCE
        self._round = self._peak = 0
        self._round_began = 0.0
        self._worth: tuple[int, float] | None = None  # Calls at a time and the answers a second they brought.

    def send(self) -> None:
        """A call leaves."""
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight)

    def open(self, now: float) -> None:
        """The server was heard for the first time."""
        self._round_began = now

    def succeed(self, now: float, calm: float) -> None:
        """A call was answered; nothing was cut since `calm`."""
        self._round += 1
        if self._round >= max(4, self.limit):
            self._grow(now, calm)

    def fail(self) -> None:
        """A call failed."""
        # One failure takes back four answers, so that nothing grows where one call in five fails.
        self._round = max(self._round - 4, -self.limit)

    def cut(self, now: float, level: int, trial: int) -> None:
        """A call was refused beside `level` in flight, for the `trial`th time below all that was refused before."""
        self._lose_patience(again=level >= 0.8 * self.ceiling)
        # First what a limit of calls at a time would need, and no more; then what would help against any other.
        self.floor = self.limit // 2 if trial == 1 and self.limit >= SURE else 0
        limit = max(self.floor, level - 1) if trial == 1 else level - max(1, int(CUT * level))
        self.ceiling = self.refused_at = max(self.floor + 1, level)
        self._set(now, min(self.limit, limit), "refused")

    def lower(self, now: float, level: int) -> None:
        """Of the calls that were sent before a cut another one was refused, beside `level` in flight."""
        if 1 < level < self.ceiling and level > self.floor:
            self.ceiling = self.refused_at = level
            self._set(now, min(self.limit, level - 1), "refused")

    def give_back(self, now: float, limit: int) -> None:
        """It was not the number of calls at a time."""
        self.ceiling = self.refused_at = math.inf
        self._set(now, max(self.limit, limit), "given back")

    def note(self, now: float, why: str) -> None:
        """Keep a change, for the user and the tests."""
        if self.changes and self.changes[-1][2] == why == "refused" and self.changes[-1][0] > now - CALM:
            self.changes.pop()  # One episode is one change.
        self.changes.append((now, self.limit, why))
        del self.changes[:-200]

    def _grow(self, now: float, calm: float) -> None:
        """A clean round at this limit is over."""
        if self._peak < 0.8 * self.limit:  # Something else held back.
            self._new_round(now)
            return
        answers_a_second = self._round / max(now - self._round_began, 1e-9)
        if self._worth is not None and self.limit >= self._worth[0] * (SPURT if self._worth[0] < SURE else SURE_SPURT):
            limit, before = self._worth
            self._worth = None
            # Calls that only wait in the server bring nothing; the cube root leaves room for chance.
            if answers_a_second < before * (self.limit / limit) ** (1 / 3):
                self._lose_patience(again=True)
                self.ceiling = limit + 1
                self._set(now, limit, f"no faster with {self.limit}")
                return
        if self._worth is None:
            self._worth = self.limit, answers_a_second
        step = self.limit if 2 * self.limit < self.ceiling else max(1, self.limit // 20)
        if self.limit >= self.ceiling:  # It is refused no more.
            self.ceiling, self._patience = self.limit + 1, FIRST_PATIENCE
        elif self.limit + step >= self.ceiling and (
            self._round < self._patience * max(4, self.limit) or now < calm + CALM * self._patience
        ):
            return
        self._set(now, min(self._most, self.limit + step), "grown")

    def _lose_patience(self, again: bool) -> None:
        self._patience = min(2 * self._patience, MOST_PATIENCE) if again else FIRST_PATIENCE

    def _set(self, now: float, limit: int, why: str) -> None:
        changed, self.limit = limit != self.limit, max(1, limit)
        self._new_round(now)
        if changed:
            self.note(now, why)

    def _new_round(self, now: float) -> None:
        self._round, self._peak, self._round_began = 0, self.in_flight, now
