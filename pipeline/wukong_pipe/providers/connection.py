"""One HTTP call as such: a body goes to the server, and what it answered comes back, or why nothing came.

Who may be called, and what a call costs, is not known here: `HttpConnection` may stand on another machine than the
ledger and the journal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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

    def open(self) -> None:
        """Make ready to send in the running event loop: what takes long before the first call is done here.

        Raises:
            TeacherError: the environment names a proxy that cannot be used.
        """
        ...

    async def send(self, body: dict[str, Any]) -> Answer | NoAnswer:
        """Never raises for what the server or the network does."""
        ...

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        ...


RECOVERY = 30.0
"""Seconds for which a server that could not be reached is passed over, where there are others."""
PAUSE = 5.0
"""The same for one that refused a call or broke it off."""


LANE = 8
"""Calls at a time of one client to a server on this machine: at each call a client's pool looks through all its
connections. Of other servers one client does: they are slower, and each client loads all certificates again."""


@dataclass(slots=True)
class _Lane:
    """A client and its calls in flight."""

    client: AsyncOpenAI
    in_flight: int = 0


@dataclass(slots=True)
class _Server:
    """One address, and how it does."""

    settings: TeacherSettings
    down_until: float = 0.0
    lanes: list[_Lane] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        return sum(lane.in_flight for lane in self.lanes)

    def lane(self) -> _Lane:
        """The client with the fewest calls in flight."""
        lane = min(self.lanes, key=lambda lane: lane.in_flight, default=None)
        if lane is None or (lane.in_flight >= LANE and self.settings.is_plain_and_here):
            lane = _Lane(new_client(self.settings))
            self.lanes.append(lane)
        return lane


class HttpConnection:
    """The connections of this process to a teacher's server, or to several that share its calls."""

    def __init__(self, settings: TeacherSettings) -> None:
        self._settings = settings
        self._servers = [
            _Server(replace(settings, base_url=url)) for url in dict.fromkeys((settings.base_url, *settings.more_urls))
        ]
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """See `Connection`."""
        if self._loop is not (loop := asyncio.get_running_loop()):
            # A client's connections belong to the loop that opened them.
            self._loop = loop
            for server in self._servers:
                server.lanes = []
            self._servers[0].lane()

    async def send(self, body: dict[str, Any]) -> Answer | NoAnswer:
        """See `Connection`; goes to the server that has least in hand, and to another where that one is down.

        Raises:
            TeacherError: the environment names a proxy that cannot be used.
        """
        self.open()
        for _ in self._servers:
            now = time.monotonic()
            server = min(self._servers, key=lambda one: (one.down_until > now, one.in_flight))
            lane = server.lane()
            lane.in_flight += 1
            try:
                answer = await self._send(lane.client, body)
            finally:
                lane.in_flight -= 1
            if isinstance(answer, NoAnswer) and answer.kind == "unreachable":
                # Nothing was sent there: another one may take the same call.
                server.down_until = time.monotonic() + RECOVERY
                continue
            if isinstance(answer, NoAnswer) or answer.status == 429 or answer.status >= 500:
                # It has least in hand because it fails at once: the others go first for a while.
                server.down_until = time.monotonic() + PAUSE
            break
        return answer

    async def _send(self, client: AsyncOpenAI, body: dict[str, Any]) -> Answer | NoAnswer:
        import openai  # Not at the top: see new_client.

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
        for server in self._servers:
            for lane in server.lanes:
                await lane.client.close()

    def _cut(self, error: Exception) -> NoAnswer:
        # By name: the HTTP library belongs to openai, which has changed it before.
        cause = type(error.__cause__).__name__
        kind: Kind = "unreachable" if cause in {"ConnectError", "UnsupportedProtocol", "ProxyError"} else "retry"
        return NoAnswer(kind, self._settings.scrubbed(f"{cause}: {error.__cause__}".rstrip(": .")))
