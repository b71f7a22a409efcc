"""How a 429 slows the whole build: how many calls at a time and how many a second a server takes, as far as is learned.

The refused call itself is waited for and sent again by live.py.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from wukong_pipe.providers.rate_limit_headers import told_pace
from wukong_pipe.providers.refusal_share import MEMORY, RefusalShare

WINDOW = 60.0
"""Seconds: what a server gives a minute, and how far back the throttle looks."""
CALM = 15.0
"""Seconds after a cut in which nothing grows."""
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
CUT = 0.2
"""The share by which calls at a time are cut, and on trial a pace."""
TRIALS, SURE_TRIALS = 2, 5
"""So many refusals below all that was refused before are met by a cut, first or where a limit a minute is known; with
one more, cuts are found to be of no use."""
SURGE = 40
"""So many times as many refusals as before are no chance: the server has had enough."""
CERTAIN = 50
"""After so many answers without another refusal a cut is said to be right."""
STORM, SAMPLE = 6, 8
"""So many refused of so many calls sent one after another: the server takes hardly any."""


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


class Throttle:
    """How many calls at a time and how many a second a server takes, learned from its answers.

    Without clock or I/O: every method is told the time in seconds (monotonic), so that it can be simulated.

    Refusals: those that come in the usual share, however the run is paced, are a shared provider's; each is the
    refused call's own affair. More than the usual (a CUSUM test, Page 1954) is taken for a limit, and what may
    have met it is cut: calls at a time, then calls a second. Where the share of refusals does not fall with the
    cut, it is the usual from then on, and what was cut is given back.

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
        self.share = RefusalShare()
        self.changes: list[tuple[float, int, str]] = []
        """The last 200 changes: time, the new limit of calls at a time, why."""
        self._random = random or Random()
        self._open = False

        self._window_holds = math.inf if rpm is None else max(1, int(rpm))
        self._requests = Pace(math.inf if rpm is None else rpm / 60)
        self._tokens = Pace(math.inf if tpm is None else tpm / 60)
        self._average: float | None = None
        self._sent: deque[Sent] = deque()  # Within WINDOW.
        self._refused: set[int] = set()  # The numbers of those of them that were refused.

        self._number = 0
        self._began = math.inf
        self._resume = self._ramp_due = self._calm = -math.inf
        self._ramp = 0.0
        self._pauses = 0

        self._cut_number = 0  # The last call sent before the last cut.
        self._is_open = True  # One of those sent since then was answered.
        self._cut_at = -math.inf  # When something was cut last.
        self._since = 0  # Answers since something was cut, to calls sent since the last refusal that was met.
        self._left = 0  # How many more of those from before the cut were in flight than are in flight now.
        self._cut_limit = False  # It was the limit that was cut.
        self._cut: set[str] = set()  # In this episode: "limit", "pace".
        self._tried: dict[str, tuple[int, float, float]] = {}  # What was cut on trial: limit, pace and top before.
        self._first_cut: tuple[float, float] | None = None  # Pace and top after the first cut of it on trial.
        self._in_vain = 0  # Refusals that came all the same, below all that was ever refused.
        self._trial = [0, 0]  # Refused, answered, of those sent since the first of them.
        self._trial_number = 0
        self._clean = 0  # The answers before them.
        self._is_alone = False  # The first of them was, of all sent before.
        self._is_proved = False  # There is a limit a minute.
        self._floor = 0  # As long as few were refused, no fewer at a time are sent than half of what was.
        self._refused_at = math.inf  # The fewest calls in flight that were refused, and not only slow.

        self._ceiling = math.inf  # The fewest calls in flight that were refused last.
        self._patience = FIRST_PATIENCE
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

    def findings(self) -> dict[str, float]:
        """What refusals have shown so far, for the screen: "limit", calls at a time; "pace", calls a second; "share",
        of the calls that is refused whatever is done."""
        found: dict[str, float] = {}
        if self._in_vain and not self._is_proved and self._since < CERTAIN:
            return found
        if self._refused_at < math.inf:
            found["limit"] = self._refused_at - 1
        if self.pace < math.inf:
            found["pace"] = self._top
        if self.share.is_notable:
            found["share"] = self.share.overall
        return found

    # --- before a call --------------------------------------------------------------------------------------

    def wait(self, now: float) -> float:
        """May a call be sent?

        0.0: now; else the seconds after which to ask again, math.inf: after the next call has ended.
        """
        if self.in_flight >= (self.limit if self._open else 1):
            return math.inf
        self._forget(now)
        due = max(self._resume, self._ramp_due, self._requests.due, self._tokens.due)
        if len(self._sent) >= self._window_holds:
            due = max(due, self._sent[0].at + WINDOW)
        if self._pace.due > max(due, now):
            due, self._held_back = self._pace.due, True
        return max(0.0, due - now)

    def send(self, now: float, tokens: int) -> Sent:
        """A call that uses `tokens` at worst leaves; `wait` must have said 0.0."""
        booked = tokens if self._average is None else min(tokens, self._average)
        self._tokens.spend(now, booked)
        self._requests.spend(now, 1)
        self._pace.spend(now, 1)
        self._ramp_due = now + self._ramp
        self._ramp *= RAMP
        self.in_flight += 1
        self._left -= 1
        self._number += 1
        self._peak = max(self._peak, self.in_flight)
        self._began = min(self._began, now)
        is_probe = self.in_flight >= self._ceiling or math.inf > self.pace >= self._top
        sent = Sent(self._number, now, self.in_flight, booked, is_probe)
        self._sent.append(sent)
        return sent

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0].at + WINDOW <= now:
            self._refused.discard(self._sent.popleft().number)

    # --- after a call ---------------------------------------------------------------------------------------

    def succeeded(self, now: float, sent: Sent, tokens: int, retried: bool = False) -> None:
        """A call in flight was answered and used `tokens`; `retried` ones say nothing about the limits."""
        self._end(now, sent, tokens)
        self._average = tokens if self._average is None else 0.9 * self._average + 0.1 * tokens
        if not self._open:
            self._open, self._round_began = True, now
        if sent.number > self._cut_number:
            self._since += 1
            self._is_open = True
            if self._in_vain == 1 and self._is_alone and self._since >= max(4, self.limit):
                self._restore_limit(now)
        if sent.number > self._trial_number:
            self._trial[1] += 1
        self.share.answered()
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

    def failed(self, now: float, sent: Sent) -> None:
        """A call in flight ended in a 5xx, a timeout or a cut connection; it may have used what was booked."""
        self._end(now, sent, sent.booked)
        # One failure takes back four answers, so that nothing grows where one call in five fails.
        self._round = max(self._round - 4, -self.limit)
        self._used_until = now

    def dropped(self, now: float, sent: Sent) -> None:
        """A call in flight was cancelled, or refused for a reason that has nothing to do with load."""
        self._end(now, sent, 0)
        if not self._open:
            self._open, self._round_began = True, now

    def refused(self, now: float, sent: Sent, retry_after: float | None, headers: Mapping[str, str] = {}) -> None:
        """A call in flight got 429, and is told to wait `retry_after` seconds, where the server says so.

        Of the `headers`, with names in lower case or found in any case, x-ratelimit ones are looked at.
        """
        level = self.in_flight + self._left if sent.number <= self._cut_number else self.in_flight
        self._end(now, sent, 0)
        self._left -= 1  # It did not go because it was answered.
        self._forget(now)
        if sent.at + WINDOW > now:
            self._refused.add(sent.number)
        if sent.number > self._trial_number:
            self._trial[0] += 1
        if sent.number <= self._cut_number:
            self._refused_with_others(now, sent, level, retry_after)
            return
        if self.share.refused(sent.is_probe):
            self._meet(now, sent, level, retry_after, told_pace(headers, self._average or 1.0))

    def _meet(self, now: float, sent: Sent, level: int, retry_after: float | None, told: float | None) -> None:
        """Refusals are more than the usual: cut what they may come from."""
        is_sure = sent.is_probe or told is not None or self._is_storm(sent)
        # Fewer at a time are slower, too: to see whether that helps, no pace need be known.
        is_of_limit = self._is_of_limit(level) or not (is_sure or self._is_proved)
        what = "limit" if told is None and level > 1 and is_of_limit else "pace"
        is_same = now < self._calm and self._since < SAMPLE  # The last cut was for the same.
        if not is_same:
            self._cut.clear()
        if now >= self._calm:  # The pace has grown from there.
            self._first_cut = None
        if not is_sure and self._is_in_vain(is_same):
            refused, answered = self._trial
            if answered < 2 * refused:  # Not enough is known yet.
                return
            if refused * self._clean <= SURGE * (refused + answered):
                self._give_back(now)
                return
            is_sure, what = True, "pace"  # They have become many, and so come from what was sent.
        if is_sure:
            if what == "pace":
                self._is_proved = True
                self._restore_limit(now)
            self._believe()
            self._pause(now, retry_after)
        else:
            if self._is_proved:
                self._pause(now, retry_after)
            self._tried.setdefault(what, (self.limit, self.pace, self._top))
        self._calm = max(self._resume, now) + CALM
        if what not in self._cut or not (is_sure or self._is_proved):
            self._cut.add(what)
            if what == "limit":
                self._cut_the_limit(now, level, self._in_vain)
            else:
                self._cut_the_pace(now, told, sent.is_probe and not self._is_storm(sent))
                if not is_sure:
                    self._first_cut = self._first_cut or (self.pace, self._top)
                    self._pace.per_second = self._top * (1 - CUT)
            self._since, self._cut_at = 0, now
        self._cut_number, self._cut_limit, self._left, self._is_open = self._number, what == "limit", 0, False

    def _is_in_vain(self, is_same: bool) -> bool:
        """Count a refusal below all that was ever refused; whether that is one more than cuts are tried for."""
        if self._since >= MEMORY or (self._is_proved and self._pauses > 1 and not self._is_open):
            self._in_vain = 0
        self._in_vain += not (self._is_proved and is_same)
        if self._in_vain == 1:
            self._trial, self._trial_number, self._clean = [0, 0], self._number, self._since
            self._is_alone = True
            self._tried.clear()
        return self._in_vain > (SURE_TRIALS if self._is_proved else TRIALS)

    def _refused_with_others(self, now: float, sent: Sent, level: int, retry_after: float | None) -> None:
        """A call that was sent before the last cut: the same refusal over again."""
        self._is_alone = False
        if now < self._resume:
            self._resume = max(self._resume, now + (retry_after or 0.0))
            self._calm = self._resume + CALM
        elif self._is_storm(sent) and not self._cut_limit:
            self._believe()
            self._is_proved = True
            self._pause(now, retry_after)
            self._calm = self._resume + CALM
        if self._is_storm(sent):
            self._floor = 0
        if self._cut_limit and 1 < level < self._ceiling and level > self._floor:
            self._ceiling = self._refused_at = level
            self._set_limit(now, min(self.limit, level - 1), "refused")

    def _believe(self) -> None:
        """Refusals follow the rate: what was cut on trial stays so, the pace but once."""
        if self._first_cut is not None:
            self._pace.per_second, self._top = self._first_cut
        self._first_cut = None
        self._tried.clear()
        self._in_vain = 0

    def _pause(self, now: float, retry_after: float | None) -> None:
        """Nothing is sent for as long as the server says, or longer each time."""
        if now >= self._calm or self._is_open:
            self._pauses = 0
        own = min(2.0**self._pauses, WINDOW) * self._random.uniform(0.75, 1.25)
        # Short enough a wait would let the others that were refused with this one look like a second refusal.
        self._resume = now + (own if retry_after is None else max(retry_after, own if self._pauses else SHORTEST_PAUSE))
        self._pauses = min(self._pauses + 1, 10)
        self._ramp = RAMP_START

    def _end(self, now: float, sent: Sent, used: float) -> None:
        self._tokens.spend(now, used - sent.booked)
        self.in_flight -= 1
        self._left += 1

    # --- learning -------------------------------------------------------------------------------------------

    def _is_of_limit(self, level: int) -> bool:
        """Whether no more calls at a time than `level` were taken in the last minute."""
        return level > 0.95 * max((sent.level for sent in self._sent if sent.number not in self._refused), default=0)

    def _is_storm(self, sent: Sent) -> bool:
        """Whether most of the calls that left just before this one were refused."""
        return sum(sent.number - back in self._refused for back in range(SAMPLE)) >= STORM

    def _give_back(self, now: float) -> None:
        """Refusals do not follow the rate: they are the usual from here on."""
        refused, answered = self._trial
        self.share.learn(refused + 1, answered + self._clean)
        self._first_cut = None
        if "pace" in self._tried:
            _, self._pace.per_second, self._top = self._tried["pace"]
            self._note(now, "given back")
        self._restore_limit(now)
        self._believe()
        self._cut.clear()
        self._calm = now

    def _restore_limit(self, now: float) -> None:
        """It was not the number of calls at a time."""
        if "limit" in self._tried:
            self._ceiling = self._refused_at = math.inf
            self._set_limit(now, max(self.limit, self._tried.pop("limit")[0]), "given back")

    def _cut_the_limit(self, now: float, level: int, trial: int) -> None:
        self._lose_patience(again=level >= 0.8 * self._ceiling)
        # First what a limit of calls at a time would need, and no more; then what would help against any other.
        self._floor = self.limit // 2 if trial == 1 and self.limit >= SURE else 0
        limit = max(self._floor, level - 1) if trial == 1 else level - max(1, int(CUT * level))
        self._ceiling = self._refused_at = max(self._floor + 1, level)
        self._set_limit(now, min(self.limit, limit), "refused")

    def _cut_the_pace(self, now: float, told: float | None, is_probe: bool) -> None:
        if len(self._sent) == len(self._refused):
            return
        took = (len(self._sent) - len(self._refused)) / min(WINDOW, max(1.0, now - self._began))
        if self._is_proved and self._in_vain > 2:  # What a bucket held at first is gone.
            took = min(took, self._since / max(1.0, now - self._cut_at))
        took /= 1 - self.share.usual
        top = min(took, math.inf if told is None else told, self.pace)
        # An outage in the last minute makes it look slower than it is.
        self._top = top if self.pace == math.inf else max(top, self._top if is_probe else self.pace / 2)
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
        if self.changes and self.changes[-1][2] == why == "refused" and self.changes[-1][0] > now - CALM:
            self.changes.pop()  # One episode is one change.
        self.changes.append((now, self.limit, why))
        del self.changes[:-200]
