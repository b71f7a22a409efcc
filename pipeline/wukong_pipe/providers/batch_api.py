"""A provider's Batch API on the wire: files go up, batches are made of them and watched, results come down.

https://developers.openai.com/api/docs/guides/batch. None of this costs anything but the making of a batch, which is
why that alone is never simply repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from wukong_pipe.bounded import MIB
from wukong_pipe.errors import StoppedShort, TeacherError
from wukong_pipe.providers.client import TeacherSettings, new_client
from wukong_pipe.teacher.refusals import classify, ending, retry_after, words_of_answer

if TYPE_CHECKING:
    from openai import AsyncOpenAI

POLL = 30.0
"""Seconds between two looks at a batch; less in the beginning."""
MARK = "wukong_pipe"
"""The key of a batch's metadata by which it is found again."""
DONE = {"completed", "failed", "expired", "cancelled"}

T = TypeVar("T")


class Refused(Exception):
    """The provider refuses a call of the Batch API."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class FailedForNow(Exception):
    """A call of the Batch API failed and may succeed when it is tried again."""

    def __init__(self, words: str, wait: float = 0.0) -> None:
        super().__init__(words)
        self.wait = wait
        """Seconds that the provider asks for."""


class BatchApi:
    """Files and batches of one provider. What fails for now is tried again, as often as the settings say.

    Every method raises Refused where the provider refuses; TeacherError where there is no connection and never was
    one; StoppedShort where it failed too often.
    """

    def __init__(self, settings: TeacherSettings) -> None:
        self._settings = settings
        self._client: AsyncOpenAI | None = None
        self._reached = False
        self._backoff = wait_exponential_jitter(multiplier=settings.backoff, max=60, jitter=settings.backoff)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def upload(self, name: str, data: bytes) -> str:
        """The id of a new file of requests."""

        async def upload() -> str:
            return _said(await self._client_here().files.create(file=(name, data), purpose="batch"), "id")

        return await self._patiently(upload)

    async def know(self, file: str) -> None:
        """Make sure that this key may see a file.

        Raises:
            Refused: it may not, or there is none.
        """
        await self._patiently(lambda: self._client_here().files.retrieve(file))

    async def create(self, mark: str, file: str) -> str:
        """The id of a new batch of an uploaded file.

        Raises:
            Refused: there is none.
            StoppedShort: whether there is one is not known.
        """
        lost = False

        async def create() -> str:
            nonlocal lost
            try:
                if lost and (found := await self.find(mark, file)):
                    return found
            except Refused as error:
                raise ending(self._settings.base_url, error.status, error.words, used=True) from None
            lost = True  # As long as no answer says otherwise.
            made = await self._client_here().batches.create(
                input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h", metadata={MARK: mark}
            )
            return _said(made, "id")

        return await self._patiently(create)

    async def find(self, mark: str, file: str = "") -> str:
        """The id of the batch with this mark, or of this file where a provider keeps no metadata; empty without."""

        async def find() -> str:
            try:
                async for batch in self._client_here().batches.list(limit=100):
                    if (batch.metadata or {}).get(MARK) == mark or (file and batch.input_file_id == file):
                        return batch.id
            except AttributeError:  # The client cannot page through what is no JSON.
                raise ValueError("no list") from None
            return ""

        found = await self._patiently(find)
        if not found:
            # What was just made may enter the list a little later.
            await asyncio.sleep(POLL)
            found = await self._patiently(find)
        return found

    async def ended(self, remote: str, tell: Callable[[Any], None]) -> Any:
        """The batch once it has ended.

        Args:
            tell: called with the batch at every look.
        """

        async def look() -> Any:
            batch = await self._client_here().batches.retrieve(remote)
            _said(batch, "status")
            return batch

        wait = POLL / 8
        while True:
            # Also before the first look: the provider may need a moment to know its own batch.
            await asyncio.sleep(wait)
            wait = min(POLL, wait * 1.5)
            batch = await self._patiently(look)
            tell(batch)
            if batch.status in DONE:
                return batch

    async def content(self, file: str) -> bytes:
        """What stands in a file."""
        from wukong_pipe.providers.bounded_client import MOST_OF_RESULTS

        answer = await self._patiently(lambda: self._client_here().files.content(file))
        if len(answer.content) >= MOST_OF_RESULTS:
            raise StoppedShort(
                f"The file {file} at {self._settings.base_url} is longer than {MOST_OF_RESULTS // MIB} MiB, and is no "
                "result of what was asked for. What was bought is kept."
            )
        return self._settings.scrub(answer.content)

    def _client_here(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = new_client(self._settings)
        return self._client

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` brings; what fails for now is tried again."""
        retries = self._settings.retries
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(FailedForNow),
            stop=stop_after_attempt(retries + 1),
            wait=self._wait,
            reraise=True,
        )
        try:
            answer: T = await retrying(self._once, call)
        except FailedForNow as error:
            raise StoppedShort(
                f"The Batch API at {self._settings.base_url} failed {retries + 1} times in a row, last with: {error}. "
                "What was sent stays with the provider; the same command collects it."
            ) from None
        return answer

    def _wait(self, state: RetryCallState) -> float:
        """Seconds before the next try: as many as the provider says, if that is longer."""
        error = state.outcome.exception() if state.outcome else None
        asked_for = error.wait if isinstance(error, FailedForNow) else 0.0
        return max(self._backoff(state), asked_for)

    async def _once(self, call: Callable[[], Awaitable[T]]) -> T:
        import openai  # Not at the top: see new_client.

        try:
            answer = await call()
        except openai.APIStatusError as error:
            self._reached = True
            body = self._settings.scrub(error.response.content).decode("utf-8", "replace")
            words = self._settings.scrubbed(words_of_answer(error.status_code, error.response.headers, body))
            if classify(error.status_code, words, rungs_left=False, limit_name="") != "retry":
                raise Refused(error.status_code, words) from None
            wait = retry_after(error.response.headers) or 0.0
            raise FailedForNow(f"{error.status_code}: {words}", wait) from None
        except openai.APIConnectionError as error:
            failure = self._settings.scrubbed(f"{type(error.__cause__).__name__}: {error.__cause__}".rstrip(": ."))
            if not self._reached and failure.startswith(("ConnectError", "UnsupportedProtocol", "ProxyError")):
                raise TeacherError(
                    f"No connection to {self._settings.base_url} ({failure}): is the address right, is the server up?"
                ) from None
            raise FailedForNow(failure) from None
        except (ValueError, RecursionError) as error:
            raise FailedForNow(self._settings.scrubbed(f"no answer in JSON ({error})")) from None
        self._reached = True
        return answer


def _said(answer: Any, name: str) -> str:
    """A field of a server's answer.

    Raises:
        ValueError: it has none, as a proxy's page has none.
    """
    found = getattr(answer, name, None)
    if not isinstance(found, str) or not found:
        raise ValueError(f"without {name}")
    return found
