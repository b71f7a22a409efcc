"""A connection to a teacher's server whose calls are sent by workers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from wukong_pipe.providers.connection import Answer, NoAnswer


class Line:
    """A `Connection` that leaves it to others to send."""

    def __init__(self, pass_on: Callable[[dict[str, Any]], Awaitable[Answer | NoAnswer]]) -> None:
        self._pass_on = pass_on

    def open(self) -> None:
        """The workers open theirs as they begin."""

    async def send(self, body: dict[str, Any]) -> Answer | NoAnswer:
        """See `Connection`."""
        return await self._pass_on(body)

    async def close(self) -> None:
        """The connections are the workers', and end with them."""
