"""When the next call may be sent to a server that does not say how many it takes."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

WINDOW = 60.0
"""Seconds: what a server gives a minute, and how far back the throttle looks."""
CALM = 15.0
"""Seconds after a pause in which a refusal belongs to the same episode, and nothing grows."""
SHORTEST_PAUSE = 0.5
"""Seconds."""
RAMP_START, RAMP = 0.5, 0.7
"""Seconds between the first two calls after a pause, and what each further gap is of the one before."""
DIP, REGROW = 0.1, 60.0
"""How far below what the server takes a learned pace starts, and after how many seconds of use it is there again."""
FIRST_PATIENCE, MOST_PATIENCE = 4, 16
"""How many clean rounds, and how many times CALM, pass before a limit that was refused is tried again."""
SPURT, SURE_SPURT, SURE = 4, 2, 32
"""After so many times the calls at a time, or so many from SURE on, it is judged whether they brought more answers."""


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


class Throttle:
    """How many calls at a time and how many a second a server takes, learned from its answers.

    Without clock or I/O: every method is told the time in seconds (monotonic), so that it can be simulated.

    Calls at a time: one until the server has answered; then slow start and additive increase, multiplicative
    decrease, one cut an episode (RFC 5681; the details are those of Inspect AI's adaptive connections). New here:
    what was refused is tried again ever more rarely, and calls that only queue up in the server are taken back.

    Calls a second: a refusal that comes with no more calls in flight than the server took before is one of a
    limit a minute, which no number of calls at a time can meet. The pace is then what the server took in the last
    minute, and grows along CUBIC's curve (RFC 9438, in botocore's adaptive retry mode), which is flat where the
    last refusal was; with its time scaled to `REGROW`, because CUBIC's own second is too short for one call a second.
    """

    def __init__(
        self,
        *,
        most: int,
        start: int | None = None,
        rpm: float | None = None,
        tpm: float | None = None,
        random: Random | None = None,
    ) -> None:
        """At most `most` calls at a time (1 or more) and `rpm` requests in any 60 seconds, evenly spread.

        `tpm` tokens a minute, likewise spread: a call is booked with its worst case, or the average of what calls
        used if that is less, and corrected when it ends; so a minute can see more by what its calls differ from it.
        """
        self.most = most
        self.limit = min(most, start or 8)
        """Calls at a time, once the server has answered."""
        self.in_flight = 0
        self.changes: list[tuple[float, int, str]] = []
        """The last 200 changes: time, the new limit of calls at a time, why."""
        self._random = random or Random()
        self._open = False

        self._window_holds = math.inf if rpm is None else max(1, int(rpm))
        self._requests = Pace(math.inf if rpm is None else rpm / 60)
        self._tokens = Pace(math.inf if tpm is None else tpm / 60)
        self._booked = 0.0  # Tokens, for all calls in flight.
        self._average: float | None = None
        self._sent: deque[float] = deque()  # Within WINDOW.

        self._taken: deque[tuple[float, int]] = deque()  # As _sent, without the refused; with the calls in flight.
        self._began = math.inf
        self._resume = self._ramp_due = self._calm = -math.inf
        self._ramp = 0.0
        self._pauses = 0
        self._ended_in_pause = 0

        self._ceiling = math.inf  # The fewest calls in flight that were refused last.
        self._patience = FIRST_PATIENCE
        self._cut_limit = self._cut_pace = False  # In this episode.
        self._round = self._peak = 0
        self._round_began = 0.0
        self._worth: tuple[int, float] | None = None  # Calls at a time and the answers a second they brought.

        self._pace = Pace(math.inf)
        self._top = math.inf
        self._used = 0.0  # Seconds since the cut in which the pace held calls back.
        self._used_until = 0.0
        self._held_back = False

    @property
    def pace(self) -> float:
        """Calls a second as learned from refusals; infinite while there is no need for a pace."""
        return self._pace.per_second

    # --- before a call --------------------------------------------------------------------------------------

    def admit(self, now: float, tokens: int) -> float:
        """May a call be sent that uses `tokens` at worst?

        0.0: send it now, and it counts as in flight; else the seconds after which to ask again, math.inf: after
        the next call has ended.
        """
        if self.in_flight >= (self.limit if self._open else 1):
            return math.inf
        self._forget(now)
        due = max(self._resume, self._ramp_due, self._requests.due, self._tokens.due)
        if len(self._sent) >= self._window_holds:
            due = max(due, self._sent[0] + WINDOW)
        if self._pace.due > max(due, now):
            due, self._held_back = self._pace.due, True
        if due > now:
            return due - now
        booked = tokens if self._average is None else min(tokens, self._average)
        self._booked += booked
        self._tokens.spend(now, booked)
        self._requests.spend(now, 1)
        self._pace.spend(now, 1)
        self._ramp_due = now + self._ramp
        self._ramp *= RAMP
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight)
        self._began = min(self._began, now)
        self._sent.append(now)
        self._taken.append((now, self.in_flight))
        return 0.0

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0] + WINDOW <= now:
            self._sent.popleft()
        while self._taken and self._taken[0][0] + WINDOW <= now:
            self._taken.popleft()

    # --- after a call ---------------------------------------------------------------------------------------

    def succeeded(self, now: float, tokens: int, retried: bool = False) -> None:
        """A call in flight was answered and used `tokens`; `retried` ones say nothing about the limits."""
        self._end(now, tokens)
        self._average = tokens if self._average is None else 0.9 * self._average + 0.1 * tokens
        if not self._open:
            self._open, self._round_began = True, now
        if retried or now < self._calm:
            return
        if self._held_back:
            self._used += now - max(self._used_until, self._calm)
            self._pace.per_second = self._top * (1 + DIP * (self._used / REGROW - 1) ** 3)
            self._held_back = False
        self._used_until = now
        self._round += 1
        if self._round >= max(4, self.limit):
            self._grow(now)

    def failed(self, now: float) -> None:
        """A call in flight ended in a 5xx, a timeout or a cut connection; it may have used what was booked."""
        self._end(now, None)
        # One failure takes back four answers, so that nothing grows where one call in five fails.
        self._round = max(self._round - 4, -self.limit)
        self._used_until = now

    def dropped(self, now: float) -> None:
        """A call in flight was cancelled, or refused for a reason that has nothing to do with load."""
        self._end(now, 0)
        if not self._open:
            self._open, self._round_began = True, now

    def refused(self, now: float, retry_after: float | None, headers: Mapping[str, str] = {}) -> None:
        """A call in flight got 429: the whole run pauses, for `retry_after` seconds where the server says so.

        Of the `headers`, with names in lower case or found in any case, x-ratelimit ones are looked at.
        """
        level = self.in_flight
        self._end(now, 0)
        self._ended_in_pause -= 1
        self._forget(now)
        if self._taken:
            self._taken.pop()  # Most likely this call: a refusal comes quickly.
        if now < self._resume or self._ramp == RAMP_START:  # Sent before the pause: the same refusal over again.
            self._resume = max(self._resume, now + (retry_after or 0.0))
            self._calm = self._resume + CALM
            # What was answered in the meantime was in flight when this call was refused.
            level += self._ended_in_pause
            if self._cut_limit and level < self._ceiling:
                self._ceiling = level
                self._set_limit(now, min(self.limit, level - 1), "refused")
            return
        if now >= self._calm:
            self._cut_limit = self._cut_pace = False
            self._pauses = 0
        own = min(2.0**self._pauses, WINDOW) * self._random.uniform(0.75, 1.25)
        # Short enough a wait would let the others that were refused with this one look like a second refusal.
        pause = own if retry_after is None else max(retry_after, own if self._pauses else SHORTEST_PAUSE)
        self._pauses = min(self._pauses + 1, 10)
        self._resume, self._calm = now + pause, now + pause + CALM
        self._ramp, self._ended_in_pause = RAMP_START, 0
        told = _told_pace(headers, self._average or 1.0)
        taken_before = max((taken for _, taken in self._taken), default=0)
        if told is None and level > 1 and level > 0.95 * taken_before:
            self._cut_the_limit(now, level)
        else:
            self._cut_the_pace(now, told)

    def _end(self, now: float, used: float | None) -> None:
        booked = self._booked / self.in_flight
        self._booked -= booked
        self._tokens.spend(now, (booked if used is None else used) - booked)
        self.in_flight -= 1
        self._ended_in_pause += 1

    # --- learning -------------------------------------------------------------------------------------------

    def _cut_the_limit(self, now: float, level: int) -> None:
        if self._cut_limit:
            return
        self._lose_patience(again=level >= 0.8 * self._ceiling)
        self._cut_limit, self._ceiling = True, level
        self._set_limit(now, min(self.limit, level - max(1, level // 5)), "refused")

    def _cut_the_pace(self, now: float, told: float | None) -> None:
        if self._cut_pace or not self._taken:
            return
        self._cut_pace = True
        took = len(self._taken) / min(WINDOW, max(1.0, now - self._began))
        top = min(took, math.inf if told is None else told, self.pace)
        # An outage in the last minute makes it look slower than it is.
        self._top = top if self.pace == math.inf else max(top, self.pace / 2)
        self._pace.per_second = self._top * (1 - DIP)
        self._used = 0.0
        self._note(now, f"refused: {self.pace:.3g} a second")

    def _grow(self, now: float) -> None:
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
                self._ceiling = limit + 1
                self._set_limit(now, limit, f"no faster with {self.limit}")
                return
        if self._worth is None:
            self._worth = self.limit, answers_a_second
        step = self.limit if 2 * self.limit < self._ceiling else max(1, self.limit // 20)
        if self.limit >= self._ceiling:  # It is refused no more.
            self._ceiling, self._patience = self.limit + 1, FIRST_PATIENCE
        elif self.limit + step >= self._ceiling and (
            self._round < self._patience * max(4, self.limit) or now < self._calm + CALM * self._patience
        ):
            return
        self._set_limit(now, min(self.most, self.limit + step), "grown")

    def _lose_patience(self, again: bool) -> None:
        self._patience = min(2 * self._patience, MOST_PATIENCE) if again else FIRST_PATIENCE

    def _set_limit(self, now: float, limit: int, why: str) -> None:
        changed, self.limit = limit != self.limit, max(1, limit)
        self._new_round(now)
        if changed:
            self._note(now, why)

    def _new_round(self, now: float) -> None:
        self._round, self._peak, self._round_began = 0, self.in_flight, now

    def _note(self, now: float, why: str) -> None:
        if self.changes and now < self._resume and self.changes[-1][2] == why == "refused":
            self.changes.pop()  # One episode is one change.
        self.changes.append((now, self.limit, why))
        del self.changes[:-200]


def _told_pace(headers: Mapping[str, str], tokens: float) -> float | None:
    """The calls of `tokens` each a second that OpenAI's x-ratelimit headers promise; None where none of them ran out.

    limit - remaining comes back within reset, whether the limit is a minute's or, as Groq's of requests, a day's.
    """
    paces = []
    for kind, needed in (("requests", 1.0), ("tokens", tokens)):
        limit, remaining = (_number(headers.get(f"x-ratelimit-{name}-{kind}")) for name in ("limit", "remaining"))
        reset = _seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))
        if remaining < needed and limit > remaining and 0 < reset <= 86400:
            paces.append((limit - remaining) / reset / needed)
    return min(paces, default=None)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _seconds(text: str) -> float:
    """A duration as OpenAI writes it: 6m0s, 1h2m, 120ms; NaN where it is none (others write a date there)."""
    if not re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+", text):
        return _number(text)
    units = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|[dhms])", text))


class Gate:
    """A `Throttle` for asyncio: who waits is let through in order, within one event loop."""

    def __init__(self, throttle: Throttle, clock: Callable[[], float] = time.monotonic) -> None:
        self.throttle = throttle
        self._clock = clock
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._end: BaseException | None = None

    async def admit(self, tokens: int) -> None:
        """Wait until a call that uses `tokens` at worst may be sent; then one of the four methods below must be called.

        Raises:
            BaseException: the one `stop` was given.
        """
        async with self._turn:
            while True:
                if self._end is not None:
                    raise self._end
                self._news.clear()
                wait = self.throttle.admit(self._clock(), tokens)
                if wait == 0.0:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if wait == math.inf else wait):
                        await self._news.wait()

    def succeeded(self, tokens: int, retried: bool = False) -> None:
        """See `Throttle.succeeded`."""
        self.throttle.succeeded(self._clock(), tokens, retried)
        self._news.set()

    def failed(self) -> None:
        """See `Throttle.failed`."""
        self.throttle.failed(self._clock())
        self._news.set()

    def refused(self, retry_after: float | None, headers: Mapping[str, str] = {}) -> None:
        """See `Throttle.refused`."""
        self.throttle.refused(self._clock(), retry_after, headers)
        self._news.set()

    def dropped(self) -> None:
        """See `Throttle.dropped`."""
        self.throttle.dropped(self._clock())
        self._news.set()

    def stop(self, error: BaseException) -> None:
        """Everyone who waits, or comes later, gets `error` at once."""
        self._end = error
        self._news.set()
