"""Buying answers from a server that speaks OpenAI's protocol: the support ladder, retries, and when to give
up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_exponential_jitter

from wukong_pipe.errors import StoppedShort, TeacherError, WorkspaceError, WukongError
from wukong_pipe.journal.records import Call, Purchase
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.client import TeacherSettings, new_client
from wukong_pipe.providers.gate import Gate
from wukong_pipe.providers.request import (
    PROMPT_ONLY,
    awaited,
    first_rung,
    hashed_parameters,
    offer_of,
    wire_body,
)
from wukong_pipe.providers.throttle import Sent, Throttle
from wukong_pipe.teacher.journalled import Unanswered
from wukong_pipe.teacher.ledger import Ledger, Reservation
from wukong_pipe.teacher.refusals import REFUSED, Kind, classify, ending, retry_after, was_refused, words_of_answer
from wukong_pipe.teacher.requests import Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class CallFailed(Exception):
    """One HTTP call brought no completion."""

    def __init__(
        self, kind: Kind, words: str, seconds: float, status: int | None = None, wait: float | None = None
    ) -> None:
        super().__init__(words)
        self.kind, self.words, self.seconds, self.status = kind, words[:500], seconds, status
        self.wait = wait
        """Seconds that the server wants this call to wait; None where it does not say."""


class OpenAIBackend:
    """Buys answers one HTTP call at a time; an async context manager that closes its connections."""

    def __init__(
        self,
        settings: TeacherSettings,
        journal: Journal,
        ledger: Ledger,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """
        Args:
            say: told what the server refuses, and what is done about it.
        """
        self.settings = self._wire = settings
        self.base_url = settings.base_url
        self.model = settings.model
        self.parameters: dict[str, Any] = hashed_parameters(settings)
        self.ledger = ledger
        self._journal = journal
        self._say = say
        self._said: dict[str, float] = {}
        self._timeouts = 0
        self._gate = Gate(Throttle(most=settings.most, start=settings.concurrency, rpm=settings.rpm, tpm=settings.tpm))
        self._client: AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._first = asyncio.Lock()
        self._rung = journal.rung(self.base_url, self.model)
        self._limit_name = "max_tokens"
        self._backoff = wait_exponential_jitter(multiplier=settings.backoff, max=60, jitter=settings.backoff)
        self._answered = 0
        self._given_up = 0
        """Requests in a row that failed to the end, without an answer to any other between them."""
        self._unclear_in_a_row = 0
        self._end: WukongError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        if self._client is not None:
            await self._client.close()

    def stop(self, end: WukongError) -> None:
        """Send nothing more; who waits to send is told `end`."""
        self._end = self._end or end
        self._ended.set()
        self._gate.stop(self._end)
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
        if not self._answered:
            # Until the first answer one request goes alone, with all its retries: a server that is down or a key that
            # is wrong is found out by one, and the support ladder once.
            async with self._first:
                if not self._answered:
                    return await self._insist(purchase, request)
        return await self._insist(purchase, request)

    async def _insist(self, purchase: Purchase, request: Request) -> Call:
        before = self._answered
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._may_pass),
            stop=self._patience(),
            wait=self._wait,
            sleep=self._nap,
            reraise=True,
        )
        try:
            call: Call = await retrying(self._try, purchase, request)
        except CallFailed as error:
            if self._may_pass(error):
                self._given_up += 1
                if self._answered > before or (self._answered and self._given_up == 1):
                    raise Unanswered(f"no answer after {self.settings.retries + 1} tries: {error.words}") from None
            raise self._ending(error) from None
        return call

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, CallFailed) and (
            error.kind == "retry" or (error.kind == "unreachable" and self._answered > 0)
        )

    def _patience(self) -> Callable[[RetryCallState], bool]:
        """Whether one request has failed too often; being sent away does not count while others are let in."""
        failed, answered = 0, self._answered

        def exhausted(state: RetryCallState) -> bool:
            nonlocal failed, answered
            error = state.outcome.exception() if state.outcome else None
            if not (isinstance(error, CallFailed) and error.status == 429 and self._answered > answered):
                failed += 1
            answered = self._answered
            return failed > self.settings.retries

        return exhausted

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        own = self._backoff(state)
        if not isinstance(error, CallFailed) or error.wait is None:
            return own
        # Some servers say too little: they are believed once, or where they are known to refuse by chance.
        is_believed = state.attempt_number == 1 or "share" in self._gate.throttle.findings()
        return error.wait if is_believed else max(error.wait, own)

    async def _nap(self, seconds: float) -> None:
        """Sleep, but no longer than the run goes on."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

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
        return ending(self.base_url, error.status, error.words, used=self._answered > 0)

    async def _try(self, purchase: Purchase, request: Request) -> Call:
        """One answer, stepping down the support ladder where the server asks for it."""
        while True:
            if self._end is not None:
                raise self._end
            rung, limit_name = max(self._rung, first_rung(self._journal, purchase)), self._limit_name
            wire = self._wire
            try:
                return await self._post(purchase, request, wire, rung, limit_name)
            except CallFailed as error:
                if error.kind == "rung":
                    self._journal.refuse_rung(self.base_url, self.model, rung)
                    self._rung = max(self._rung, rung + 1)
                elif error.kind == "limit_name":
                    self._limit_name = "max_completion_tokens"
                elif error.kind == "temperature":
                    self._wire = replace(wire, temperature=None)
                    self._tell("temperature", 0, f"Asked without a temperature from here on: {error.words}")
                else:
                    raise

    async def _post(
        self, purchase: Purchase, request: Request, wire: TeacherSettings, rung: int, limit_name: str
    ) -> Call:
        """One HTTP call: let in by the gate, booked, sent, and settled together with its answer."""
        import openai  # Not at the top: see new_client.

        client = self._client_here()
        body = wire_body(wire, request, rung, limit_name)
        offer = offer_of(body, self.settings)
        sent = await self._gate.admit(offer.prompt + offer.completion)
        try:
            reservation = await self.ledger.reserve(purchase, offer, rung)
        except BaseException:
            self._gate.dropped(sent)
            raise
        start = time.monotonic()
        try:
            async with asyncio.timeout(self.settings.deadline):
                # Not chat.completions.create(): it walks the types of every field of the request, a fifth of what a
                # call costs here, and would parse the answer before its bytes are in the journal.
                response = await client.post("/chat/completions", cast_to=openai.HttpxBinaryResponseContent, body=body)
        except openai.APIStatusError as error:
            has_temperature = wire.temperature is not None
            seconds = time.monotonic() - start
            return self._refused(error, purchase, reservation, sent, rung, limit_name, has_temperature, seconds)
        except (openai.APITimeoutError, TimeoutError) as error:
            failure = self._timed_out(error, time.monotonic() - start)
        except openai.APIConnectionError as error:
            failure = self._cut(error, time.monotonic() - start)
        except asyncio.CancelledError:
            self._settle(reservation, sent, CallFailed("retry", "interrupted", time.monotonic() - start))
            raise
        else:
            reply, seconds = self.settings.kept(response.content), time.monotonic() - start
            call = self.ledger.answered(reservation, purchase, reply, status=200, rung=rung, seconds=seconds)
            self._gate.succeeded(sent, (call.tokens_in or 0) + (call.tokens_out or 0))
            self._answered += 1
            self._given_up = 0
            self._unclear_in_a_row = 0
            self._tell_limits()
            return call
        self._settle(reservation, sent, failure)
        raise failure from None

    def _settle(self, reservation: Reservation, sent: Sent, failure: CallFailed) -> None:
        """Book a call that brought no answer, and give its place back."""
        unbilled = failure.kind == "unreachable" or was_refused(failure.status)
        self.ledger.failed(
            reservation, status=failure.status, seconds=failure.seconds, error=failure.words, unbilled=unbilled
        )
        if failure.status is not None and failure.status != 429 and unbilled:
            self._gate.dropped(sent)
        elif failure.status != 429:
            self._gate.failed(sent)

    def _tell(self, what: str, amount: float, line: str) -> None:
        """Say it once, and again where the amount is quite another."""
        if what not in self._said or not self._said[what] / 2 <= amount <= self._said[what] * 2:
            self._said[what] = amount
            self._say(line)

    def _tell_limits(self) -> None:
        found = self._gate.throttle.findings()
        if (share := found.get("share")) is not None:
            self._tell(
                "share",
                share,
                f"The server refuses about {share:.0%} of the calls (429), however few are sent: each of those waits "
                "as long as it says and is sent again, the others go on.",
            )
        if (limit := found.get("limit")) is not None:
            self._tell("limit", limit, f"The server refuses calls (429): kept to about {limit:.0f} at a time.")
        if (pace := found.get("pace")) is not None:
            a_minute = float(f"{60 * pace:.2g}")
            line = f"The server refuses calls (429): kept to about {a_minute:g} a minute."
            self._tell("pace", pace, line)

    def _client_here(self) -> AsyncOpenAI:
        """The client of the running event loop: its connections belong to the loop that opened them."""
        if self._client is None or self._loop is not asyncio.get_running_loop():
            self._client, self._loop = new_client(self.settings), asyncio.get_running_loop()
            self._ended = asyncio.Event()
        return self._client

    def _refused(
        self,
        error: Any,
        purchase: Purchase,
        reservation: Reservation,
        sent: Sent,
        rung: int,
        limit_name: str,
        has_temperature: bool,
        seconds: float,
    ) -> Call:
        """The provider's final word on this request as its answer.

        Raises:
            CallFailed: it is not final, or not about this request alone.
        """
        body = self.settings.kept(error.response.content)
        words = words_of_answer(error.status_code, error.response.headers, body.decode("utf-8", "replace"))
        words = self.settings.scrubbed(words)
        kind = classify(
            error.status_code,
            words,
            rungs_left=rung < PROMPT_ONLY,
            limit_name=limit_name,
            has_temperature=has_temperature,
        )
        if kind == "unclear":
            self._unclear_in_a_row += 1
            if self._answered and self._unclear_in_a_row < 3:
                kind = "rejected"
        if kind == "rejected":
            self._gate.dropped(sent)
            why = f"{REFUSED} ({error.status_code}): {words[:500]}"
            return self.ledger.answered(
                reservation, purchase, body, status=error.status_code, rung=rung, seconds=seconds, error=why
            )
        wait = retry_after(error.response.headers) if error.status_code == 429 else None
        failure = CallFailed(kind, words, seconds, error.status_code, wait)
        self._settle(reservation, sent, failure)
        if error.status_code == 429:
            self._gate.refused(sent, wait, error.response.headers)
        raise failure

    def _timed_out(self, error: Exception, seconds: float) -> CallFailed:
        if type(error.__cause__).__name__ in {"ConnectTimeout", "PoolTimeout"}:
            return CallFailed("unreachable", "no connection in time", seconds)
        self._timeouts += 1
        if self._timeouts == 1 or self._timeouts % 10 == 0:
            self._say(
                f"No answer within {self.settings.deadline:.3g} seconds (--timeout), {self._timeouts} so far: "
                "such a call is sent again, and may be paid for twice."
            )
        return CallFailed("retry", f"no answer within {self.settings.deadline:.3g} seconds", seconds)

    def _cut(self, error: Exception, seconds: float) -> CallFailed:
        # By name: the HTTP library belongs to openai, which has changed it before.
        cause = type(error.__cause__).__name__
        kind: Kind = "unreachable" if cause in {"ConnectError", "UnsupportedProtocol", "ProxyError"} else "retry"
        return CallFailed(kind, self.settings.scrubbed(f"{cause}: {error.__cause__}".rstrip(": .")), seconds)
