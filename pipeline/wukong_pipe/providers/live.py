"""A live teacher: a call that fails for now, with 429 or 5xx, is sent again; one that fails for good ends the run.

How long a refused call waits, and how often it is sent again, is decided here; how many calls may go out at all after a
429, in throttle.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_exponential_jitter

from wukong_pipe.errors import StoppedShort, TeacherError, WorkspaceError, WukongError
from wukong_pipe.journal.records import Call, Purchase
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.connection import Connection
from wukong_pipe.providers.dialect import DialectLadder
from wukong_pipe.providers.http_calls import CallFailed, HttpCalls
from wukong_pipe.providers.request import awaited, hashed_parameters
from wukong_pipe.reasons import Reason
from wukong_pipe.teacher.journalled import Unanswered
from wukong_pipe.teacher.ledger import NO_CEILINGS, Ledger
from wukong_pipe.teacher.refusals import ending
from wukong_pipe.teacher.requests import Request


class OpenAIBackend:
    """Buys answers one HTTP call at a time; an async context manager that closes its connections."""

    def __init__(
        self,
        settings: TeacherSettings,
        journal: Journal,
        ledger: Ledger,
        say: Callable[[str], None] = lambda line: None,
        connection: Connection | None = None,
    ) -> None:
        """
        Args:
            say: told what the server refuses, and what is done about it.
            connection: what sends the calls; None sends them from here.
        """
        self.settings = settings
        self.base_url = settings.base_url
        self.model = settings.model
        self.parameters: dict[str, Any] = hashed_parameters(settings)
        self.ledger = ledger
        self._journal = journal
        self._calls = HttpCalls(settings, ledger, say, connection)
        self._ladder = DialectLadder(settings, journal)
        self._first = asyncio.Event()
        """Set while no request goes alone."""
        self._first.set()
        self._calls.on_heard = self._first.set
        self._backoff = wait_exponential_jitter(multiplier=settings.backoff, max=60, jitter=settings.backoff)
        self._given_up = 0
        """Requests in a row that failed to the end, without an answer to any other between them."""
        self._answered_then = 0
        """Calls that were answered when the last of them failed."""
        self._end: WukongError | None = None

    @property
    def slots(self) -> int:
        """Calls at a time; 0 under a ceiling, which has no room for what is not needed for sure, and where the pace is
        limited, so that one call more is another one later."""
        return self._calls.gate.throttle.slots if self.ledger.ceilings == NO_CEILINGS else 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        await self._calls.close()

    def stop(self, end: WukongError) -> None:
        """Send nothing more; who waits to send is told `end`."""
        self._end = self._end or end
        self._calls.stop(self._end)
        self.ledger.stop(self._end)

    async def buy(self, purchase: Purchase, request: Request) -> Call:
        """An answer, or the provider's final refusal of this one request; it is in the journal.

        Raises:
            TeacherError: the teacher cannot be used, and nothing was bought from it yet.
            StoppedShort: it cannot be used any more, or failed too often, or a ceiling is reached.
            WorkspaceError: the answer is on its way in a batch.
            Unanswered: it failed too often on this request alone, as far as can be seen.
        """
        if (batch := self._journal.open_batch_of(purchase.key)) is not None:
            raise WorkspaceError(awaited(batch))
        while not self._calls.is_heard:
            # Until the server is heard one request goes alone, with all its retries: a server that is down or a key
            # that is wrong is found out by one, and the support ladder once.
            if self._first.is_set():
                self._first.clear()
                try:
                    return await self._insist(purchase, request)
                finally:
                    self._first.set()
            await self._first.wait()
        return await self._insist(purchase, request)

    async def _insist(self, purchase: Purchase, request: Request) -> Call:
        before = self._calls.answered
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._may_pass),
            stop=self._patience(),
            wait=self._wait,
            sleep=self._calls.nap,
            reraise=True,
        )
        try:
            call: Call = await retrying(self._try, purchase, request)
        except CallFailed as error:
            answered = self._calls.answered
            if self._may_pass(error):
                self._given_up = 1 if answered > self._answered_then else self._given_up + 1
                self._answered_then = answered
                if answered > before or (answered and self._given_up == 1):
                    reason = Reason.of("no-answer", tries=self.settings.retries + 1, words=error.words)
                    raise Unanswered(reason) from None
            raise self._ending(error) from None
        return call

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, CallFailed) and (
            error.kind == "retry" or (error.kind == "unreachable" and self._calls.answered > 0)
        )

    def _patience(self) -> Callable[[RetryCallState], bool]:
        """Whether one request has failed too often; being sent away does not count while others are let in."""
        failed, answered = 0, self._calls.answered

        def exhausted(state: RetryCallState) -> bool:
            nonlocal failed, answered
            error = state.outcome.exception() if state.outcome else None
            if not (isinstance(error, CallFailed) and error.status == 429 and self._calls.answered > answered):
                failed += 1
            answered = self._calls.answered
            return failed > self.settings.retries

        return exhausted

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        own = self._backoff(state)
        if not isinstance(error, CallFailed) or error.wait is None:
            return own
        # Some servers say too little: they are believed once, or where they are known to refuse by chance.
        is_believed = state.attempt_number == 1 or "share" in self._calls.gate.throttle.findings()
        return error.wait if is_believed else max(error.wait, own)

    def _ending(self, error: CallFailed) -> WukongError:
        """What the user is told: the provider's own words, and what to do."""
        if self._may_pass(error):
            return StoppedShort(
                f"The teacher at {self.base_url} failed {self.settings.retries + 1} times in a row, "
                f"last with: {error.words}. What was bought is kept; the same command goes on from there."
            )
        if error.kind == "unreachable":
            return TeacherError(
                f"No connection to {self.base_url} ({error.words}): is the address right, is the server up?"
            )
        return ending(self.base_url, error.status, error.words, used=self._calls.answered > 0)

    async def _try(self, purchase: Purchase, request: Request) -> Call:
        """One answer, stepping down the support ladder where the server asks for it."""
        while True:
            if self._end is not None:
                raise self._end
            dialect = self._ladder.dialect(request)
            try:
                return await self._calls.post(purchase, self._ladder.body(request, dialect), dialect)
            except CallFailed as error:
                if not self._ladder.step_down(dialect, error.kind):
                    raise
                if error.kind == "temperature":
                    self._calls.notices("temperature", 0, f"Asked without a temperature from here on: {error.words}")
