"""How a 429 slows the whole build: how many calls at a time and how many a second it sends, learned from refusals.

The refused call itself is waited for and sent again by live.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

from wukong_pipe.providers.call_limit import CALM, CUT, CallLimit
from wukong_pipe.providers.pace import WINDOW, GivenLimits, LearnedPace
from wukong_pipe.providers.rate_limit_headers import told_pace
from wukong_pipe.providers.refusal_share import MEMORY, RefusalShare
from wukong_pipe.providers.sent_calls import SAMPLE, Sent, SentCalls

SHORTEST_PAUSE = 0.5
"""Seconds."""
RAMP_START, RAMP = 0.5, 0.7
"""Seconds between the first two calls after a pause, and what each further gap is of the one before."""
TRIALS, SURE_TRIALS = 2, 5
"""So many refusals below all that was refused before are met by a cut, first or where a limit a minute is known; with
one more, cuts are found to be of no use."""
SURGE = 40
"""So many times as many refusals as before are no chance: the server has had enough."""
CERTAIN = 50
"""After so many answers without another refusal a cut is said to be right."""


class Throttle:
    """How many calls at a time and how many a second a server takes, learned from its answers.

    Without clock or I/O: every method is told the time in seconds (monotonic), so that it can be simulated.

    Refusals: those that come in the usual share, however the run is paced, are a shared provider's; each is the
    refused call's own affair. More than the usual (a CUSUM test, Page 1954) is taken for a limit, and what may
    have met it is cut: calls at a time, then calls a second. Where the share of refusals does not fall with the
    cut, it is the usual from then on, and what was cut is given back.

    Calls at a time: one until the server is heard, then as many as `CallLimit` holds for good.

    Calls a second: a refusal that comes with no more calls in flight than the server took before is one of a
    limit a minute, which no number of calls at a time can meet. The pace is then what the server took in the last
    minute; see `LearnedPace`.
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
        self.share = RefusalShare()
        self._random = random or Random()
        self._open = False

        self._given = GivenLimits(rpm, tpm)
        self._at_a_time = CallLimit(most, start)
        self._pace = LearnedPace()
        self._sent = SentCalls()

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

    @property
    def limit(self) -> int:
        """Calls at a time, once the server has answered."""
        return self._at_a_time.limit

    @property
    def slots(self) -> int:
        """Calls at a time, where nothing else limits them: no pace and no limit a minute. 0 before the first answer."""
        return self.limit if self._open and self.pace == math.inf and not self._given.is_any else 0

    @property
    def in_flight(self) -> int:
        return self._at_a_time.in_flight

    @property
    def changes(self) -> list[tuple[float, int, str]]:
        """The last 200 changes: time, the limit of calls at a time, why."""
        return self._at_a_time.changes

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
        if self._at_a_time.refused_at < math.inf:
            found["limit"] = self._at_a_time.refused_at - 1
        if self.pace < math.inf:
            found["pace"] = self._pace.top
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
        self._sent.forget(now)
        given = self._given.due(len(self._sent), self._sent.first(now))
        due = self._pace.hold(now, max(self._resume, self._ramp_due, given))
        return max(0.0, due - now)

    def send(self, now: float, tokens: int) -> Sent:
        """A call that uses `tokens` at worst leaves; `wait` must have said 0.0."""
        booked = self._given.book(now, tokens)
        self._pace.spend(now)
        self._ramp_due = now + self._ramp
        self._ramp *= RAMP
        self._at_a_time.send()
        self._left -= 1
        self._number += 1
        self._began = min(self._began, now)
        is_probe = self.in_flight >= self._at_a_time.ceiling or self._pace.is_at_top
        sent = Sent(self._number, now, self.in_flight, booked, is_probe)
        self._sent.add(sent)
        return sent

    # --- after a call ---------------------------------------------------------------------------------------

    def succeeded(self, now: float, sent: Sent, tokens: int, retried: bool = False) -> None:
        """A call in flight was answered and used `tokens`; `retried` ones say nothing about the limits."""
        self._end(now, sent, tokens)
        self._given.learn(tokens)
        self.hear(now)
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
        self._pace.grow(now, self._calm)
        self._at_a_time.succeed(now, self._calm)

    def failed(self, now: float, sent: Sent) -> None:
        """A call in flight ended in a 5xx, a timeout or a cut connection; it may have used what was booked."""
        self._end(now, sent, sent.booked)
        self._at_a_time.fail()
        self._pace.pass_over(now)

    def dropped(self, now: float, sent: Sent) -> None:
        """A call in flight was cancelled, or refused for a reason that has nothing to do with load."""
        self._end(now, sent, 0)
        self.hear(now)

    def refused(self, now: float, sent: Sent, retry_after: float | None, headers: Mapping[str, str] = {}) -> None:
        """A call in flight got 429, and is told to wait `retry_after` seconds, where the server says so.

        Of the `headers`, with names in lower case or found in any case, x-ratelimit ones are looked at.
        """
        level = self.in_flight + self._left if sent.number <= self._cut_number else self.in_flight
        self._end(now, sent, 0)
        self._left -= 1  # It did not go because it was answered.
        self._sent.refuse(now, sent)
        if sent.number > self._trial_number:
            self._trial[0] += 1
        if sent.number <= self._cut_number:
            self._refused_with_others(now, sent, level, retry_after)
            return
        if self.share.refused(sent.is_probe):
            self._meet(now, sent, level, retry_after, told_pace(headers, self._given.average or 1.0))

    def _meet(self, now: float, sent: Sent, level: int, retry_after: float | None, told: float | None) -> None:
        """Refusals are more than the usual: cut what they may come from."""
        is_sure = sent.is_probe or told is not None or self._sent.is_storm(sent)
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
            self._tried.setdefault(what, (self.limit, self.pace, self._pace.top))
        self._calm = max(self._resume, now) + CALM
        if what not in self._cut or not (is_sure or self._is_proved):
            self._cut.add(what)
            if what == "limit":
                self._at_a_time.cut(now, level, self._in_vain)
            else:
                self._cut_the_pace(now, told, sent.is_probe and not self._sent.is_storm(sent))
                if not is_sure:
                    self._first_cut = self._first_cut or (self.pace, self._pace.top)
                    self._pace.set(self._pace.top * (1 - CUT), self._pace.top)
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
        elif self._sent.is_storm(sent) and not self._cut_limit:
            self._believe()
            self._is_proved = True
            self._pause(now, retry_after)
            self._calm = self._resume + CALM
        if self._sent.is_storm(sent):
            self._at_a_time.floor = 0
        if self._cut_limit:
            self._at_a_time.lower(now, level)

    def _believe(self) -> None:
        """Refusals follow the rate: what was cut on trial stays so, the pace but once."""
        if self._first_cut is not None:
            self._pace.set(*self._first_cut)
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
        self._given.correct(now, used - sent.booked)
        self._at_a_time.in_flight -= 1
        self._left += 1

    def hear(self, now: float) -> None:
        """The server answered something, or took a call: from the first time on, calls go out beside each other."""
        if not self._open:
            self._open = True
            self._at_a_time.open(now)

    # --- learning -------------------------------------------------------------------------------------------

    def _is_of_limit(self, level: int) -> bool:
        """Whether no more calls at a time than `level` were taken in the last minute."""
        return level > 0.95 * self._sent.level

    def _give_back(self, now: float) -> None:
        """Refusals do not follow the rate: they are the usual from here on."""
        refused, answered = self._trial
        self.share.learn(refused + 1, answered + self._clean)
        self._first_cut = None
        if "pace" in self._tried:
            self._pace.set(*self._tried["pace"][1:])
            self._at_a_time.note(now, "given back")
        self._restore_limit(now)
        self._believe()
        self._cut.clear()
        self._calm = now

    def _restore_limit(self, now: float) -> None:
        """It was not the number of calls at a time."""
        if "limit" in self._tried:
            self._at_a_time.give_back(now, self._tried.pop("limit")[0])

    def _cut_the_pace(self, now: float, told: float | None, is_probe: bool) -> None:
        if not self._sent.taken:
            return
        took = self._sent.taken / min(WINDOW, max(1.0, now - self._began))
        if self._is_proved and self._in_vain > 2:  # What a bucket held at first is gone.
            took = min(took, self._since / max(1.0, now - self._cut_at))
        took /= 1 - self.share.usual
        top = min(took, math.inf if told is None else told, self.pace)
        # An outage in the last minute makes it look slower than it is.
        self._pace.cut(top if self.pace == math.inf else max(top, self._pace.top if is_probe else self.pace / 2))
        self._at_a_time.note(now, f"refused: {self.pace:.3g} a second")
