"""One HTTP call to a teacher: let in by the throttle, booked, sent, and settled with its answer or its refusal.

A 429 goes two ways from here: to throttle.py, which may slow the whole build down, and, as `CallFailed`, to live.py,
which waits and sends this one call again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from wukong_pipe.errors import WukongError
from wukong_pipe.journal.records import Call, Purchase
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.connection import Answer, Connection, HttpConnection, NoAnswer
from wukong_pipe.providers.dialect import Dialect
from wukong_pipe.providers.gate import Gate
from wukong_pipe.providers.request import offer_of
from wukong_pipe.providers.sent_calls import Sent
from wukong_pipe.providers.throttle import Throttle
from wukong_pipe.teacher.ledger import Ledger, Reservation
from wukong_pipe.teacher.refusals import REFUSED, Kind, retry_after, was_refused, words_of_answer

HEAD_START = 0.25
"""Seconds that the first call goes alone: a wrong key, an unknown model or parameter is refused sooner, before any
work is done, and an answer may take a minute."""


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


class HttpCalls:
    """The calls of one build to one server."""

    def __init__(
        self,
        settings: TeacherSettings,
        ledger: Ledger,
        say: Callable[[str], None],
        connection: Connection | None = None,
    ) -> None:
        """
        Args:
            connection: what sends the calls; None sends them from here.
        """
        self.answered = 0
        """Calls that brought an answer."""
        self.is_heard = False
        """Whether a call was answered, or at least not refused for as long as `HEAD_START`."""
        self.on_heard: Callable[[], None] = lambda: None
        self.gate = Gate(Throttle(most=settings.most, start=settings.concurrency, rpm=settings.rpm, tpm=settings.tpm))
        self.notices = Notices(say)
        self._settings, self._ledger, self._say = settings, ledger, say
        self._timeouts = self._unclear_in_a_row = 0
        self._connection = connection or HttpConnection(settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        await self._connection.close()

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
        if self._loop is not asyncio.get_running_loop():
            self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._connection.open()  # Where that cannot be done, nothing is booked; and it is no part of the head start.
        offer = offer_of(body, self._settings)
        sent = await self.gate.admit(offer.prompt + offer.completion)
        try:
            reservation = await self._ledger.reserve(purchase, offer, dialect.rung)
        except BaseException:
            self.gate.dropped(sent)
            raise
        start = time.monotonic()
        try:
            with self._alone_at_first():
                answer = await self._connection.send(body)
        except BaseException as error:
            # No other client can be made, and nothing was sent; or the run was ended in the middle.
            kind: Kind = "unreachable" if isinstance(error, WukongError) else "retry"
            self._settle(reservation, sent, CallFailed(kind, str(error) or "interrupted", time.monotonic() - start))
            raise
        seconds = time.monotonic() - start
        if isinstance(answer, NoAnswer):
            failure = CallFailed(answer.kind, answer.words, seconds)
            if answer.is_late:
                self._tell_late()
            self._settle(reservation, sent, failure)
            raise failure
        if answer.status != 200:
            return self._refused(answer, purchase, reservation, sent, dialect, seconds)
        call = self._ledger.answered(reservation, purchase, answer.body, status=200, rung=dialect.rung, seconds=seconds)
        self.gate.succeeded(sent, (call.tokens_in or 0) + (call.tokens_out or 0))
        self.answered += 1
        self._hear()
        self._unclear_in_a_row = 0
        self._tell_limits()
        return call

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

    def _refused(
        self,
        answer: Answer,
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
        words = words_of_answer(answer.status, answer.headers, answer.body.decode("utf-8", "replace"))
        words = self._settings.scrubbed(words)
        kind = dialect.kind_of(answer.status, words)
        if kind == "unclear":
            self._unclear_in_a_row += 1
            if self.answered and self._unclear_in_a_row < 3:
                kind = "rejected"
        if kind == "rejected":
            self.gate.dropped(sent)
            why = f"{REFUSED} ({answer.status}): {words[:500]}"
            return self._ledger.answered(
                reservation, purchase, answer.body, status=answer.status, rung=dialect.rung, seconds=seconds, error=why
            )
        wait = retry_after(answer.headers) if answer.status == 429 else None
        failure = CallFailed(kind, words, seconds, answer.status, wait)
        self._settle(reservation, sent, failure)
        if answer.status == 429:
            self.gate.refused(sent, wait, answer.headers)
        raise failure

    def _tell_late(self) -> None:
        self._timeouts += 1
        if self._timeouts == 1 or self._timeouts % 10 == 0:
            self._say(
                f"No answer within {self._settings.deadline:.3g} seconds (--timeout), {self._timeouts} so far: "
                "such a call is sent again, and may be paid for twice."
            )
