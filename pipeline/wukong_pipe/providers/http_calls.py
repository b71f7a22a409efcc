"""One HTTP call to a teacher: let in by the throttle, booked, sent, and settled with its answer or its refusal.

A 429 goes two ways from here: to throttle.py, which may slow the whole build down, and, as `CallFailed`, to live.py,
which waits and sends this one call again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wukong_pipe.errors import WukongError
from wukong_pipe.journal.records import Call, Purchase
from wukong_pipe.providers.client import TeacherSettings, new_client
from wukong_pipe.providers.dialect import Dialect
from wukong_pipe.providers.gate import Gate
from wukong_pipe.providers.request import offer_of
from wukong_pipe.providers.sent_calls import Sent
from wukong_pipe.providers.throttle import Throttle
from wukong_pipe.teacher.ledger import Ledger, Reservation
from wukong_pipe.teacher.refusals import REFUSED, Kind, retry_after, was_refused, words_of_answer

if TYPE_CHECKING:
    from openai import AsyncOpenAI


HEAD_START = 0.25
"""Seconds that the first call goes alone: a wrong key, an unknown model or parameter is refused sooner, before any
work is done, and an answer may take a minute."""


LANE = 8
"""Calls at a time of one client to a server on this machine: at each call a client's pool looks through all its
connections. Of other servers one client does: they are slower, and each client loads all certificates again."""


class CallFailed(Exception):
    """One HTTP call brought no completion."""

    def __init__(
        self, kind: Kind, words: str, seconds: float, status: int | None = None, wait: float | None = None
    ) -> None:
        super().__init__(words)
        self.kind, self.words, self.seconds, self.status = kind, words[:500], seconds, status
        self.wait = wait
        """Seconds that the server wants this call to wait; None where it does not say."""


class Notices:
    """Lines for the user: each is said once, and again where its amount is quite another."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._amounts: dict[str, float] = {}

    def __call__(self, what: str, amount: float, line: str) -> None:
        if what not in self._amounts or not self._amounts[what] / 2 <= amount <= self._amounts[what] * 2:
            self._amounts[what] = amount
            self._say(line)


@dataclass(slots=True)
class _Lane:
    """A client and its calls in flight."""

    client: AsyncOpenAI
    in_flight: int = 0

    @contextlib.contextmanager
    def taken(self) -> Iterator[AsyncOpenAI]:
        """Count the call of this block."""
        self.in_flight += 1
        try:
            yield self.client
        finally:
            self.in_flight -= 1


class HttpCalls:
    """The calls of one build to one server."""

    def __init__(self, settings: TeacherSettings, ledger: Ledger, say: Callable[[str], None]) -> None:
        self.answered = 0
        """Calls that brought an answer."""
        self.is_heard = False
        """Whether a call was answered, or at least not refused for as long as `HEAD_START`."""
        self.on_heard: Callable[[], None] = lambda: None
        self.gate = Gate(Throttle(most=settings.most, start=settings.concurrency, rpm=settings.rpm, tpm=settings.tpm))
        self.notices = Notices(say)
        self._settings, self._ledger, self._say = settings, ledger, say
        self._timeouts = self._unclear_in_a_row = 0
        self._lanes: list[_Lane] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        for lane in self._lanes:
            await lane.client.close()

    def stop(self, end: WukongError) -> None:
        """Send nothing more; who waits to send is told `end`."""
        self._ended.set()
        self.gate.stop(end)

    async def nap(self, seconds: float) -> None:
        """Sleep, but no longer than the run goes on."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    async def post(self, purchase: Purchase, body: dict[str, Any], dialect: Dialect) -> Call:
        """One HTTP call: let in by the gate, booked, sent, and settled together with its answer.

        Raises:
            CallFailed: it brought no answer.
            WukongError: nothing may be sent any more.
        """
        import openai  # Not at the top: see new_client.

        self._lane_here()  # Where no client can be made, nothing is booked.
        offer = offer_of(body, self._settings)
        sent = await self.gate.admit(offer.prompt + offer.completion)
        try:
            reservation = await self._ledger.reserve(purchase, offer, dialect.rung)
        except BaseException:
            self.gate.dropped(sent)
            raise
        start = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.deadline):
                # Not chat.completions.create(): it walks the types of every field of the request, a fifth of what a
                # call costs here, and would parse the answer before its bytes are in the journal.
                with self._alone_at_first(), self._lane_here().taken() as client:
                    post = client.post("/chat/completions", cast_to=openai.HttpxBinaryResponseContent, body=body)
                    response = await post
        except openai.APIStatusError as error:
            return self._refused(error, purchase, reservation, sent, dialect, time.monotonic() - start)
        except (openai.APITimeoutError, TimeoutError) as error:
            failure = self._timed_out(error, time.monotonic() - start)
        except openai.APIConnectionError as error:
            failure = self._cut(error, time.monotonic() - start)
        except asyncio.CancelledError:
            self._settle(reservation, sent, CallFailed("retry", "interrupted", time.monotonic() - start))
            raise
        else:
            reply, seconds = self._settings.kept(response.content), time.monotonic() - start
            call = self._ledger.answered(reservation, purchase, reply, status=200, rung=dialect.rung, seconds=seconds)
            self.gate.succeeded(sent, (call.tokens_in or 0) + (call.tokens_out or 0))
            self.answered += 1
            self._hear()
            self._unclear_in_a_row = 0
            self._tell_limits()
            return call
        self._settle(reservation, sent, failure)
        raise failure from None

    @contextlib.contextmanager
    def _alone_at_first(self) -> Iterator[None]:
        """Let others go beside the call of this block, once it has had its head start."""
        timer = None if self.is_heard else asyncio.get_running_loop().call_later(HEAD_START, self._hear)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()

    def _hear(self) -> None:
        if not self.is_heard:
            self.is_heard = True
            self.gate.hear()
            self.on_heard()

    def _settle(self, reservation: Reservation, sent: Sent, failure: CallFailed) -> None:
        """Book a call that brought no answer, and give its place back."""
        unbilled = failure.kind == "unreachable" or was_refused(failure.status)
        self._ledger.failed(
            reservation, status=failure.status, seconds=failure.seconds, error=failure.words, unbilled=unbilled
        )
        if failure.status is not None and failure.status != 429 and unbilled:
            self.gate.dropped(sent)
        elif failure.status != 429:
            self.gate.failed(sent)

    def _tell_limits(self) -> None:
        found = self.gate.throttle.findings()
        if (share := found.get("share")) is not None:
            self.notices(
                "share",
                share,
                f"The server refuses about {share:.0%} of the calls (429), however few are sent: each of those waits "
                "as long as it says and is sent again, the others go on.",
            )
        if (limit := found.get("limit")) is not None:
            self.notices("limit", limit, f"The server refuses calls (429): kept to about {limit:.0f} at a time.")
        if (pace := found.get("pace")) is not None:
            a_minute = float(f"{60 * pace:.2g}")
            line = f"The server refuses calls (429): kept to about {a_minute:g} a minute."
            self.notices("pace", pace, line)

    def _lane_here(self) -> _Lane:
        """The client with the fewest calls in flight, of the running event loop: its connections belong to the loop
        that opened them."""
        if self._loop is not asyncio.get_running_loop():
            self._lanes, self._loop, self._ended = [], asyncio.get_running_loop(), asyncio.Event()
        lane = min(self._lanes, key=lambda lane: lane.in_flight, default=None)
        if lane is None or (lane.in_flight >= LANE and self._settings.is_plain_and_here):
            lane = _Lane(new_client(self._settings))
            self._lanes.append(lane)
        return lane

    def _refused(
        self,
        error: Any,
        purchase: Purchase,
        reservation: Reservation,
        sent: Sent,
        dialect: Dialect,
        seconds: float,
    ) -> Call:
        """The provider's final word on this request as its answer.

        Raises:
            CallFailed: it is not final, or not about this request alone.
        """
        body = self._settings.kept(error.response.content)
        words = words_of_answer(error.status_code, error.response.headers, body.decode("utf-8", "replace"))
        words = self._settings.scrubbed(words)
        kind = dialect.kind_of(error.status_code, words)
        if kind == "unclear":
            self._unclear_in_a_row += 1
            if self.answered and self._unclear_in_a_row < 3:
                kind = "rejected"
        if kind == "rejected":
            self.gate.dropped(sent)
            why = f"{REFUSED} ({error.status_code}): {words[:500]}"
            return self._ledger.answered(
                reservation, purchase, body, status=error.status_code, rung=dialect.rung, seconds=seconds, error=why
            )
        wait = retry_after(error.response.headers) if error.status_code == 429 else None
        failure = CallFailed(kind, words, seconds, error.status_code, wait)
        self._settle(reservation, sent, failure)
        if error.status_code == 429:
            self.gate.refused(sent, wait, error.response.headers)
        raise failure

    def _timed_out(self, error: Exception, seconds: float) -> CallFailed:
        if type(error.__cause__).__name__ in {"ConnectTimeout", "PoolTimeout"}:
            return CallFailed("unreachable", "no connection in time", seconds)
        self._timeouts += 1
        if self._timeouts == 1 or self._timeouts % 10 == 0:
            self._say(
                f"No answer within {self._settings.deadline:.3g} seconds (--timeout), {self._timeouts} so far: "
                "such a call is sent again, and may be paid for twice."
            )
        return CallFailed("retry", f"no answer within {self._settings.deadline:.3g} seconds", seconds)

    def _cut(self, error: Exception, seconds: float) -> CallFailed:
        # By name: the HTTP library belongs to openai, which has changed it before.
        cause = type(error.__cause__).__name__
        kind: Kind = "unreachable" if cause in {"ConnectError", "UnsupportedProtocol", "ProxyError"} else "retry"
        return CallFailed(kind, self._settings.scrubbed(f"{cause}: {error.__cause__}".rstrip(": .")), seconds)
