"""A provider on loopback: a real HTTP server that plays a script and counts what it is asked: the bill."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Response:
    """What the server does with one request."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before anything is sent."""
    until: threading.Event | None = None
    """Sent as soon as this is set, if that comes before the delay is over."""
    cut: bool = False
    """Announce the whole body, send half of it, reset the connection."""
    drip: float = 0.0
    """Send a blank every 50 ms for that many seconds before the body: the keep-alive of some providers."""
    billed: tuple[int, int] | None = None
    """Tokens in and out that are charged whatever becomes of the answer: a server that generated and then hung.

    None charges what the usage in the body says if the status is 200, and nothing else.
    """


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits the client is not told of: a request over one gets a 429 at once and never reaches the script."""

    rpm: float | None = None
    """Requests a minute."""
    tpm: float | None = None
    """Tokens a minute, reckoned before the answer as OpenAI's rate limit guide says: max_tokens, or a quarter of
    the characters of the request if that is more."""
    at_once: int | None = None
    """Requests at work at one time."""
    retry_after: Literal["seconds", "ms", "none"] = "seconds"
    """How the 429 says when to come again: Retry-After in whole seconds, retry-after-ms, or not at all."""
    burst: float = 1.0
    """Seconds of the rate that may come in one moment: OpenAI enforces a minute's limit over shorter spans."""


Script = Callable[[dict[str, Any]], Response]

NO_MODELS = Response(500, b"no such page")
NO_LIMITS = Limits()


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
    """The running server: where it is, what it was asked, and what it charges."""

    def __init__(self, script: Script, models: Response, limits: Limits) -> None:
        self.requests: list[dict[str, Any]] = []
        """The JSON of every request to /chat/completions, in order of arrival."""
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.lines: list[dict[str, Any]] = []
        """The body of every line of a batch that was answered, in that order."""
        self.most_at_once = 0
        self.in_flight = 0
        """Live requests that were let in and not yet answered; a dripping answer has begun."""
        self.limited = 0
        """How many of `requests` were turned away for a limit."""
        self.bill = (0, 0)
        """Tokens in and out that the account is charged: as soon as the work begins, so a client that dies pays."""
        self._script = script
        self._models = models
        self._limits = limits
        self._per_request = _Bucket(limits.rpm, limits.burst)
        self._per_token = _Bucket(limits.tpm, limits.burst)
        self._connections: list[socket.socket] = []
        self._lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def unique(self) -> int:
        """How many different requests there were, live or in a batch, however each asked for JSON."""
        with self._lock:
            asked = [*self.requests, *self.lines]
        return len({_canonical({k: v for k, v in body.items() if k != "response_format"}) for body in asked})

    def page(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
        """What stands at `target` (a path with its query): chat, or the models for any other GET."""
        if target == "/v1/chat/completions" and method == "POST":
            return self.answer(json.loads(body), headers)
        if method != "GET" or target.startswith(("/v1/files", "/v1/batches")):
            return refusal(404, "no such page")
        return self._models

    def answer(self, request: dict[str, Any], headers: dict[str, str]) -> Response:
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            self.times.append(time.monotonic())
            turned_away = self._turned_away(request)
            if turned_away is not None:
                self.limited += 1
                return turned_away
            response = self.play(request)
            self.in_flight += 1
            self.most_at_once = max(self.most_at_once, self.in_flight)
        if response.until is None:
            time.sleep(response.delay)
        else:
            response.until.wait(response.delay)
        with self._lock:
            self.in_flight -= 1
        return response

    def play(self, request: dict[str, Any]) -> Response:
        """What the script says to `request`, put on the bill."""
        with self._lock:
            response = self._script(request)
            tokens = _charge(response)
            self.bill = (self.bill[0] + tokens[0], self.bill[1] + tokens[1])
        return response

    def _turned_away(self, request: dict[str, Any]) -> Response | None:
        """The 429 for a request over a limit; one that is not is counted against all of them."""
        most = request.get("max_completion_tokens") or request.get("max_tokens") or 0
        tokens = max(most, len(_canonical(request)) / 4)
        waits = {"requests": self._per_request.wait(1), "tokens": self._per_token.wait(tokens)}
        if self._limits.at_once is not None and self.in_flight >= self._limits.at_once:
            # Nobody knows when a place is free; a server that says so names something short.
            waits["concurrency"] = 0.05
        over = max(waits, key=lambda name: waits[name])
        if waits[over] == 0:
            self._per_request.take(1)
            self._per_token.take(tokens)
            return None
        headers = {
            "seconds": {"retry-after": str(math.ceil(waits[over]))},
            "ms": {"retry-after-ms": str(math.ceil(1000 * waits[over]))},
            "none": {},
        }[self._limits.retry_after]
        if self._limits.rpm is not None:
            headers |= self._per_request.headers("requests")
        if self._limits.tpm is not None:
            headers |= self._per_token.headers("tokens")
        message = f"Rate limit reached on {over}. Please try again in {_span(waits[over])}."
        return refusal(429, message, headers, type=over, param=None, code="rate_limit_exceeded")

    def connected(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.append(connection)

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
    script: Script | Sequence[Response],
    models: Response = NO_MODELS,
    limits: Limits = NO_LIMITS,
) -> Iterator[Provider]:
    """A provider that answers by `script`: a function of the request, or one response after another."""
    with Provider(script if callable(script) else in_turn(script), models, limits).running() as running:
        yield running


def in_turn(responses: Sequence[Response]) -> Script:
    """The script that gives each of `responses` once, then 500."""
    left = iter(responses)
    return lambda _: next(left, Response(500, b"the script has ended"))


def _canonical(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=False)


def _charge(response: Response) -> tuple[int, int]:
    """Tokens in and out that `response` costs, as `Response.billed` says."""
    if response.billed is not None:
        return response.billed
    if response.status != 200:
        return (0, 0)
    try:
        usage = json.loads(response.body)["usage"]
        return (usage["prompt_tokens"], usage["completion_tokens"])
    except (ValueError, LookupError, TypeError):
        return (0, 0)


class _Bucket:
    """A token bucket in real time, https://en.wikipedia.org/wiki/Token_bucket; without a rate it is never empty."""

    def __init__(self, per_minute: float | None, burst: float) -> None:
        self._per_minute = math.inf if per_minute is None else per_minute
        self._rate = self._per_minute / 60
        self._size = max(1.0, self._rate * burst)
        self._level = self._size
        self._at = time.monotonic()

    def wait(self, cost: float) -> float:
        """Seconds until `cost` may be taken; what is dearer than a full bucket may when the bucket is full."""
        if self._rate == math.inf:
            return 0.0
        now = time.monotonic()
        self._level = min(self._size, self._level + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, min(cost, self._size) - self._level) / self._rate

    def take(self, cost: float) -> None:
        self._level -= cost

    def headers(self, of: str) -> dict[str, str]:
        """The x-ratelimit headers of OpenAI, as of the last `wait`; reset is the time until the bucket is full."""
        return {
            f"x-ratelimit-limit-{of}": str(int(self._per_minute)),
            f"x-ratelimit-remaining-{of}": str(max(0, int(self._level))),
            f"x-ratelimit-reset-{of}": _span((self._size - self._level) / self._rate),
        }


def _span(seconds: float) -> str:
    """A span as OpenAI writes it: 120ms, 7.66s, 6m0s."""
    if seconds < 1:
        return f"{math.ceil(1000 * seconds)}ms"
    if seconds < 60:
        return f"{seconds:.2f}s"
    return f"{int(seconds // 60)}m{int(seconds % 60)}s"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # Connections that may wait to be accepted; the default of 5 resets a crowd.

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that died or hung up; a mistake in a script is still printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(server: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The headers and the body are two packets: the second must not wait for the first to be acknowledged.
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            server.connected(self.connection)

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # The client died while it sent.
                self.close_connection = True
                return
            headers = {k.lower(): v for k, v in self.headers.items()}
            self._send(server.page(self.command, self.path, headers, body))

        do_GET = do_DELETE = do_POST  # noqa: N815 - the names http.server looks for

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
