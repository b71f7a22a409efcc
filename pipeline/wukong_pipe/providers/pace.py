"""Calls spread over time: the limits a minute that the user gives, and the pace that is learned from refusals."""

from __future__ import annotations

import math

WINDOW = 60.0
"""Seconds: what a server gives a minute, and how far back the throttle looks."""
DIP, REGROW = 0.1, 60.0
"""How far below what the server takes a learned pace starts, and after how many seconds of use it is there again."""


class Pace:
    """Spreads `per_second` over time: virtual scheduling, ITU-T I.371 (GCRA), also known as a leaky bucket.

    Who comes late may catch up with what `slack` seconds are worth; there are no other bursts.
    """

    def __init__(self, per_second: float, slack: float = 0.1) -> None:
        self.per_second = per_second
        self.due = -math.inf
        """When the next call may be sent."""
        self._slack = slack

    def spend(self, now: float, amount: float) -> None:
        """Book `amount`; a negative one corrects what was booked too high."""
        self.due = max(self.due, now - self._slack) + amount / self.per_second


class GivenLimits:
    """Requests and tokens a minute at most, as the user gives them, evenly spread."""

    def __init__(self, rpm: float | None, tpm: float | None) -> None:
        self.average: float | None = None
        """Tokens that calls used, the last ones most."""
        self.is_any = rpm is not None or tpm is not None
        """Whether there is a limit."""
        self._window_holds = math.inf if rpm is None else max(1, int(rpm))
        self._requests = Pace(math.inf if rpm is None else rpm / 60)
        self._tokens = Pace(math.inf if tpm is None else tpm / 60)

    def due(self, count: int, first: float) -> float:
        """When the next call may be sent.

        Args:
            count: the calls that were sent within WINDOW.
            first: when the first of them was.
        """
        due = max(self._requests.due, self._tokens.due)
        return max(due, first + WINDOW) if count >= self._window_holds else due

    def book(self, now: float, tokens: int) -> float:
        """Book a call that uses `tokens` at worst; the tokens that are booked for it."""
        booked = tokens if self.average is None else min(tokens, self.average)
        self._tokens.spend(now, booked)
        self._requests.spend(now, 1)
        return booked

    def correct(self, now: float, tokens: float) -> None:
        """A call used so many tokens more than were booked for it."""
        self._tokens.spend(now, tokens)

    def learn(self, tokens: int) -> None:
        """A call used `tokens`."""
        self.average = tokens if self.average is None else 0.9 * self.average + 0.1 * tokens


class LearnedPace:
    """Calls a second as learned from refusals; infinite while there is no need for a pace.

    It grows along CUBIC's curve (RFC 9438, in botocore's adaptive retry mode), which is flat where the last refusal
    was; with its time scaled to `REGROW`, because CUBIC's own second is too short for one call a second.
    """

    def __init__(self) -> None:
        self.top = math.inf
        """What the server took, as far as is known."""
        self._pace = Pace(math.inf)
        self._used = 0.0  # Seconds since the cut in which the pace held calls back.
        self._used_until = 0.0
        self._held_back = False

    @property
    def per_second(self) -> float:
        return self._pace.per_second

    @property
    def is_at_top(self) -> bool:
        """Whether calls go out as fast as was refused before."""
        return math.inf > self.per_second >= self.top

    def hold(self, now: float, due: float) -> float:
        """When a call may be sent that else is due at `due`."""
        if self._pace.due > max(due, now):
            self._held_back = True
            return self._pace.due
        return due

    def spend(self, now: float) -> None:
        """A call is sent."""
        self._pace.spend(now, 1)

    def grow(self, now: float, calm: float) -> None:
        """An answer came; a pace that held nothing back since `calm` or the last answer does not grow."""
        if self._held_back:
            self._used += now - max(self._used_until, calm)
            self._pace.per_second = self.top * (1 + DIP * (self._used / REGROW - 1) ** 3)
            self._held_back = False
        self._used_until = now

    def pass_over(self, now: float) -> None:
        """The time until now was no use of the pace."""
        self._used_until = now

    def cut(self, top: float) -> None:
        """Start below what the server took."""
        self.set(top * (1 - DIP), top)
        self._used = 0.0

    def set(self, per_second: float, top: float) -> None:
        self._pace.per_second, self.top = per_second, top
