"""A provider on loopback: a real HTTP server that plays a script and counts what it is asked: the bill."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """What the server does with one request."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before anything is sent."""
    cut: bool = False
    """Announce the whole body, send half of it, reset the connection."""
    drip: float = 0.0
    """Send a blank every 50 ms for that many seconds before the body: the keep-alive of some providers."""


Script = Callable[[dict[str, Any]], Response]


def completion(
    content: str | None,
    finish_reason: str = "stop",
    usage: tuple[int, int] | None = (100, 20),
    **message: Any,
) -> Response:
    """A well-behaved chat completion; `message` adds fields such as refusal or reasoning_content."""
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
    }
    if usage is not None:
        answer["usage"] = {
            "prompt_tokens": usage[0],
            "completion_tokens": usage[1],
            "total_tokens": sum(usage),
        }
    return Response(body=json.dumps(answer).encode("utf-8"))


def refusal(status: int, message: str, headers: dict[str, str] | None = None, **fields: Any) -> Response:
    """An error in OpenAI's form: `fields` are code, type and param."""
    return Response(status, json.dumps({"error": {"message": message, **fields}}).encode("utf-8"), headers or {})


class Provider:
    """The running server: where it is, and what it was asked."""

    def __init__(self, script: Script, models: Response) -> None:
        self.requests: list[dict[str, Any]] = []
        """The JSON of every request to /chat/completions, in order of arrival."""
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.most_at_once = 0
        self._script = script
        self._models = models
        self._at_work = 0
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def answer(self, request: dict[str, Any], headers: dict[str, str]) -> Response:
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            self.times.append(time.monotonic())
            self._at_work += 1
            self.most_at_once = max(self.most_at_once, self._at_work)
            response = self._script(request)
        time.sleep(response.delay)
        with self._lock:
            self._at_work -= 1
        return response

    def connected(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.append(connection)

    @property
    def models(self) -> Response:
        return self._models

    @contextmanager
    def running(self) -> Iterator[Provider]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """Take no more connections, and drop those that are open."""
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def provider(
    script: Script | Sequence[Response], models: Response = Response(500, b"no such page")
) -> Iterator[Provider]:
    """A provider that answers by `script`: a function of the request, or one response after another."""
    with Provider(script if callable(script) else _in_turn(script), models).running() as running:
        yield running


def _in_turn(responses: Sequence[Response]) -> Script:
    left = iter(responses)
    return lambda _: next(left, Response(500, b"the script has ended"))


def _handler(server: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            server.connected(self.connection)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.path != "/v1/chat/completions":
                self._send(Response(404, b'{"error": {"message": "no such page"}}'))
                return
            self._send(server.answer(json.loads(body), {k.lower(): v for k, v in self.headers.items()}))

        def do_GET(self) -> None:
            self._send(server.models)

        def _send(self, response: Response) -> None:
            try:
                self._write(response)
            except OSError:  # The client has hung up, which some tests are about.
                self.close_connection = True

        def _write(self, response: Response) -> None:
            blanks = int(response.drip / 0.05)
            self.send_response(response.status)
            for name, value in {"content-type": "application/json", **response.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(blanks + len(response.body)))
            self.end_headers()
            for _ in range(blanks):
                self.wfile.write(b"\n")
                self.wfile.flush()
                time.sleep(0.05)
            if response.cut:
                self.wfile.write(response.body[: len(response.body) // 2])
                self.wfile.flush()
                # Linger for zero seconds: close with a reset, as a crashing proxy does.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.wfile.write(response.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server uses
            """Say nothing: the tests read what was asked from the provider."""

    return Handler
