"""One HTTP call as such: a body goes to the server, and what it answered comes back, or why nothing came.

Who may be called, and what a call costs, is not known here: `HttpConnection` may stand on another machine than the
ledger and the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from wukong_pipe.providers.client import TeacherSettings, new_client
from wukong_pipe.teacher.refusals import Kind

if TYPE_CHECKING:
    from openai import AsyncOpenAI


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, without the key: Answer(200, b'{"choices": […]}', {"content-type": "…"})."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a call brought nothing: NoAnswer("unreachable", "ConnectError: All connection attempts failed")."""

    kind: Kind
    words: str
    is_late: bool = False
    """The deadline passed: the server may have worked all the same."""


class Connection(Protocol):
    """Sends bodies to one server."""

    async def send(self, body: dict[str, Any]) -> Answer | NoAnswer:
        """Never raises for what the server or the network does."""
        ...

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        ...


class HttpConnection:
    """The connections of this process to a server."""

    def __init__(self, settings: TeacherSettings) -> None:
        self._settings = settings
        self._client: AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, body: dict[str, Any]) -> Answer | NoAnswer:
        """See `Connection`.

        Raises:
            TeacherError: the environment names a proxy that cannot be used.
        """
        import openai  # Not at the top: see new_client.

        client = self._client_here()
        try:
            async with asyncio.timeout(self._settings.deadline):
                # Not chat.completions.create(): it walks the types of every field of the request, a fifth of what a
                # call costs here, and would parse the answer before its bytes are in the journal.
                response = await client.post("/chat/completions", cast_to=openai.HttpxBinaryResponseContent, body=body)
        except openai.APIStatusError as error:
            headers = {name: self._settings.scrubbed(value) for name, value in error.response.headers.items()}
            return Answer(error.status_code, self._settings.kept(error.response.content), headers)
        except (openai.APITimeoutError, TimeoutError) as error:
            if type(error.__cause__).__name__ in {"ConnectTimeout", "PoolTimeout"}:
                return NoAnswer("unreachable", "no connection in time")
            return NoAnswer("retry", f"no answer within {self._settings.deadline:.3g} seconds", is_late=True)
        except openai.APIConnectionError as error:
            return self._cut(error)
        return Answer(200, self._settings.kept(response.content))

    async def close(self) -> None:
        """See `Connection`."""
        if self._client is not None:
            await self._client.close()

    def _client_here(self) -> AsyncOpenAI:
        """The client of the running event loop: its connections belong to the loop that opened them."""
        if self._client is None or self._loop is not asyncio.get_running_loop():
            self._client, self._loop = new_client(self._settings), asyncio.get_running_loop()
        return self._client

    def _cut(self, error: Exception) -> NoAnswer:
        # By name: the HTTP library belongs to openai, which has changed it before.
        cause = type(error.__cause__).__name__
        kind: Kind = "unreachable" if cause in {"ConnectError", "UnsupportedProtocol", "ProxyError"} else "retry"
        return NoAnswer(kind, self._settings.scrubbed(f"{cause}: {error.__cause__}".rstrip(": .")))
