"""Buying answers from a server that speaks OpenAI's protocol: the support ladder, retries, and when to give
up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from wukong_pipe.errors import StoppedShort, TeacherError, WukongError
from wukong_pipe.journal import Journal
from wukong_pipe.openai_client import TeacherSettings, new_client
from wukong_pipe.provider_errors import Kind, classify, retry_after, words_of
from wukong_pipe.teacher import Bought, Failed, Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI

JSON_SCHEMA, JSON_OBJECT, PROMPT_ONLY = range(3)
"""The rungs of the support ladder, best first."""

_HINTS = {
    401: " Check OPENAI_API_KEY.",
    402: " Top up the account, or use another teacher.",
    403: " Check what this key may use.",
    404: " Check --teacher-model and --base-url.",
}


class CallFailed(Exception):
    """One HTTP call brought no completion."""

    def __init__(
        self,
        kind: Kind,
        words: str,
        seconds: float,
        status: int | None = None,
        body: bytes = b"",
        wait: float | None = None,
    ) -> None:
        super().__init__(words)
        self.kind, self.words, self.seconds = kind, words[:500], seconds
        self.status, self.body, self.wait = status, body, wait


class OpenAIBackend:
    """Buys answers one HTTP call at a time; an async context manager that closes its connections."""

    def __init__(self, settings: TeacherSettings, journal: Journal) -> None:
        self.settings = settings
        self.base_url = settings.base_url
        self.model = settings.model
        self.parameters: dict[str, Any] = {"max_tokens": settings.max_tokens}
        if settings.extra_body:
            self.parameters["extra_body"] = settings.extra_body
        if settings.temperature is not None:
            self.parameters["temperature"] = settings.temperature
        self._journal = journal
        self._client: AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = journal.rung(self.base_url, self.model)
        self._limit_name = "max_tokens"
        self._backoff = wait_exponential_jitter(initial=settings.backoff, max=60, jitter=settings.backoff)
        self._succeeded = False
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

    async def buy(self, request: Request, attempt: int, failed: Callable[[Failed], None]) -> Bought:  # noqa: ARG002
        """An answer's bytes, or the provider's final refusal of this one request.

        Raises:
            TeacherError: the teacher cannot be used, and nothing was bought from it yet.
            StoppedShort: it cannot be used any more, or failed too often.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._may_pass),
            stop=stop_after_attempt(self.settings.retries + 1),
            wait=self._wait,
            reraise=True,
        )
        try:
            return await retrying(self._try, request, failed)
        except CallFailed as error:
            self._unclear_in_a_row += error.kind == "unclear"
            bearable = error.kind == "unclear" and self._succeeded and self._unclear_in_a_row < 3
            if error.kind == "rejected" or bearable:
                words = f"the provider rejected the request ({error.status}): {error.words}"
                return Bought(error.body, error.seconds, error.status or 0, self._rung, words)
            self._end = self._ending(error)
            raise self._end from None

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, CallFailed) and (
            error.kind == "retry" or (error.kind == "unreachable" and self._succeeded)
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, CallFailed) and error.wait is not None:
            # The jitter keeps workers that were sent away together from coming back together.
            return error.wait + random.uniform(0, self.settings.backoff)
        return self._backoff(state)

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
        message = f"The teacher at {self.base_url} answered {error.status}: {error.words.rstrip('.')}."
        message += _HINTS.get(error.status or 0, "")
        return StoppedShort(f"{message} What was bought is kept.") if self._succeeded else TeacherError(message)

    async def _try(self, request: Request, failed: Callable[[Failed], None]) -> Bought:
        """One answer, stepping down the support ladder where the server asks for it."""
        while True:
            if self._end is not None:  # Another worker has met the end of the run: do not knock again.
                raise self._end
            rung, limit_name = self._rung, self._limit_name
            try:
                bought = await self._post(request, rung, limit_name, failed)
            except CallFailed as error:
                if error.kind != "rejected":
                    failed(Failed(error.status, rung, error.seconds, error.words))
                if error.kind == "rung":
                    self._journal.refuse_rung(self.base_url, self.model, rung)
                    self._rung = max(self._rung, rung + 1)
                elif error.kind == "limit_name":
                    self._limit_name = "max_completion_tokens"
                else:
                    raise
            else:
                self._succeeded = True
                self._unclear_in_a_row = 0
                return bought

    async def _post(self, request: Request, rung: int, limit_name: str, failed: Callable[[Failed], None]) -> Bought:
        """One HTTP call."""
        import openai  # Not at the top: see new_client.

        client = self._client_here()
        start = time.monotonic()
        try:
            async with asyncio.timeout(self.settings.deadline):
                # Raw, because create() would parse before the bytes are in the journal.
                response = await client.chat.completions.with_raw_response.create(
                    **self._payload(request, rung, limit_name)
                )
        except openai.APIStatusError as error:
            raise self._refusal(error, rung, limit_name, time.monotonic() - start) from None
        except (openai.APITimeoutError, TimeoutError):
            seconds = time.monotonic() - start
            raise CallFailed("retry", f"no answer within {seconds:.3g} seconds", seconds) from None
        except openai.APIConnectionError as error:
            raise self._cut(error, time.monotonic() - start) from None
        except asyncio.CancelledError:
            failed(Failed(None, rung, time.monotonic() - start, "interrupted; it may have been billed"))
            raise
        return Bought(self.settings.scrub(response.http_response.content), time.monotonic() - start, rung=rung)

    def _client_here(self) -> AsyncOpenAI:
        """The client of the running event loop: its connections belong to the loop that opened them."""
        if self._client is None or self._loop is not asyncio.get_running_loop():
            self._client, self._loop = new_client(self.settings), asyncio.get_running_loop()
        return self._client

    def _payload(self, request: Request, rung: int, limit_name: str) -> dict[str, Any]:
        """The call's arguments: no field that nobody asked for, for some servers refuse what they do not
        know."""
        payload: dict[str, Any] = {
            "model": self.model,
            "messages": list(request.messages),
            limit_name: self.settings.max_tokens,
        }
        if self.settings.temperature is not None:
            payload["temperature"] = self.settings.temperature
        if self.settings.extra_body:
            payload["extra_body"] = self.settings.extra_body
        if rung == JSON_SCHEMA:
            schema = {"name": request.stage, "strict": True, "schema": request.schema}
            payload["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif rung == JSON_OBJECT:
            payload["response_format"] = {"type": "json_object"}
        return payload

    def _refusal(self, error: Any, rung: int, limit_name: str, seconds: float) -> CallFailed:
        body = self.settings.scrub(error.response.content)
        words = words_of(body.decode("utf-8", "replace"))
        kind = classify(error.status_code, words, rungs_left=rung < PROMPT_ONLY, limit_name=limit_name)
        return CallFailed(kind, words, seconds, error.status_code, body, retry_after(error.response.headers))

    def _cut(self, error: Exception, seconds: float) -> CallFailed:
        # By name: the HTTP library belongs to openai, which has changed it before.
        cause = type(error.__cause__).__name__
        kind: Kind = "unreachable" if cause in {"ConnectError", "UnsupportedProtocol", "ProxyError"} else "retry"
        return CallFailed(kind, f"{cause}: {error.__cause__}".rstrip(": ."), seconds)
