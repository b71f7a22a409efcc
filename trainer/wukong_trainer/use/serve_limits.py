"""Limits of the endpoint for one client: the size of a request, the time to send it, the time for an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import torch
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from transformers.cli.serving.utils import GenerateManager, GenerationState
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_BYTES = 4 << 20
"""Of a request's body: a context of 128 thousand tokens fits."""
HEADER_SECONDS, BODY_SECONDS = 10.0, 30.0
ANSWER_SECONDS = 300.0
"""From the first token of an answer to its last."""
CONNECTIONS = 256

T = TypeVar("T")


class Gone(Exception):
    """The client no longer waits for its answer."""


class TooLong(Exception):
    """An answer took longer than it may; what was generated is lost."""


class Stop:
    """A stopping criterion of `generate` that raises: `Gone` once the client is gone, `TooLong` after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.gone = False
        self._until = float("inf")

    def __call__(self, ids: torch.Tensor, scores: object, **given: object) -> torch.Tensor:  # noqa: ARG002
        now = time.monotonic()
        if self._until == float("inf"):
            self._until = now + self.seconds
        self.check()
        if now > self._until:
            raise TooLong(f"The answer took longer than {self.seconds:g} seconds: ask for fewer tokens.")
        return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

    def check(self) -> None:
        """
        Raises:
            Gone: the client is gone.
        """
        if self.gone:
            raise Gone


class Stoppable(GenerateManager):
    """transformers' queue of one request at a time, whose requests can be stopped by the id they carry."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.stops: dict[str, Stop] = {}

    def generate_streaming(self, model: Any, processor: Any, inputs: Any, *rest: Any, **options: Any) -> Any:
        return super().generate_streaming(model, processor, self._with_stop(inputs, options), *rest, **options)

    async def generate_non_streaming(self, model: Any, processor: Any, inputs: Any, *rest: Any, **options: Any) -> Any:
        inputs = self._with_stop(inputs, options)
        return await super().generate_non_streaming(model, processor, inputs, *rest, **options)

    def async_submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def begin(*args: Any, **kwargs: Any) -> Any:
            # Those who left while others were answered are not even read.
            for stop in kwargs["stopping_criteria"]:
                stop.check()
            return fn(*args, **kwargs)

        return super().async_submit(begin, *args, **kwargs)

    def _with_stop(self, inputs: Any, options: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "stopping_criteria": [self.stops[options["request_id"]]]}


class OneQueue(GenerationState):
    """All requests wait in the one queue."""

    def __init__(self, queue: Stoppable) -> None:
        super().__init__()
        self._queue = queue

    def get_manager(self, model_id: str, use_cb: bool = False) -> Stoppable:  # noqa: ARG002
        return self._queue


async def unless_gone(receive: Receive, stop: Stop, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; once the client is gone, `stop` is told.

    Args:
        receive: the request's, whose body has been read.
    """

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        stop.gone = True

    watching = asyncio.create_task(watch())
    try:
        return await work
    finally:
        watching.cancel()


class BoundedBody:
    """Reads a request's body before the application does: 413 where it is too large, 408 where it does not come."""

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES, seconds: float = BODY_SECONDS) -> None:
        self._app, self._most, self._seconds = app, most, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(scope, receive)
        except TimeoutError:
            refusal = error_response(408, f"The request's body did not come within {self._seconds:g} seconds.")
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        if body is None:
            return
        if len(body) > self._most:
            refusal = error_response(413, f"The request's body is larger than {self._most} bytes.")
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return left.pop() if left else await receive()

        await self._app(scope, again, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body, or as much as shows that it is too large; None where the client left."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._most:
            return b" " * (self._most + 1)
        body = bytearray()
        while len(body) <= self._most:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        return bytes(body)


class PatientProtocol(H11Protocol):
    """uvicorn's, which drops connections whose request line and headers do not come, and whose answer is not read."""

    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    seconds = HEADER_SECONDS

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._waiting = self.loop.call_later(self.seconds, transport.abort)

    def pause_writing(self) -> None:
        """What was sent is not read: a connection that stays so is dropped with what it holds."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._unset_unread()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._unset_waiting()

    def on_response_complete(self) -> None:
        before = self.cycle
        super().on_response_complete()
        # The next request on the connection; it may have come already.
        if self.cycle is before and not self.transport.is_closing():
            self._unset_waiting()
            self._waiting = self.loop.call_later(self.seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_waiting()
        self._unset_unread()
        super().connection_lost(exc)

    def _unset_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _unset_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def error_response(status: int, message: str, *, parameter: str = "", code: str = "") -> JSONResponse:
    """An error as OpenAI's clients show it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": parameter or None, "code": code or None}
    return JSONResponse({"error": error}, status)
