"""The HTTP client that teachers are asked with: of no answer more is read than one may hold, unpacked.

Imported only where something is asked: openai takes a second.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import openai

from wukong_pipe.bounded import MIB
from wukong_pipe.teacher.replies import MOST_OF_A_REPLY

MOST_OF_RESULTS = 1024 * MIB
"""Bytes of a batch's result file: 50,000 replies of 20 kB."""
_ABOUT_THE_BODY = {"content-encoding", "content-length", "transfer-encoding"}


class BoundedClient(openai.DefaultAsyncHttpxClient):
    """Reads each answer as a stream, and hangs up where it grows too long.

    A megabyte may unpack to a gigabyte: the pieces that the HTTP library unpacks at a time are counted.
    """

    async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """The answer, cut where it is too long; errors, lists of models and files alike.

        Args:
            stream: leave the body to the caller.
        """
        response = await super().send(request, stream=True, **options)
        return response if stream else await _whole(response)


async def _whole(response: Any) -> Any:
    """The answer with as much of its body as may be read."""
    most = MOST_OF_RESULTS if response.request.url.path.endswith("/content") else MOST_OF_A_REPLY
    body = bytearray()
    try:
        async with aclosing(response.aiter_bytes()) as pieces:
            async for piece in pieces:
                body += memoryview(piece)[: most - len(body)]
                if len(body) == most:
                    break
    finally:
        await response.aclose()
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _ABOUT_THE_BODY]
    return type(response)(
        response.status_code,
        headers=headers,
        content=bytes(body),
        request=response.request,
        extensions=response.extensions,
    )
