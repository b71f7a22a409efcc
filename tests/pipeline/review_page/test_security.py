"""Who may talk to the page, tried against a real server on loopback."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wukong_pipe.commands.listening import HOST, listening
from wukong_pipe.review_page.security import HEADERS, MOST_BYTES, Access, Guard


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    access: Access

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
        """The answer to a request; an underscore in a header's name is a dash."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        return connection.getresponse()

    @property
    def known(self) -> dict[str, str]:
        """What a browser that was let in says, on a POST from the page."""
        return {"Cookie": f"{self.access.cookie}={self.access.token}", "Origin": f"http://{HOST}:{self.port}"}


async def _echo(request: Request) -> Response:
    return PlainTextResponse(await request.body() or b"here")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    access = Access()
    routes = [Route("/", _echo, methods=["GET", "POST"]), Route("/assets/a.js", _echo)]
    app = Starlette(routes=routes, middleware=[Middleware(Guard, access=access)])
    with listening(0) as listener:
        listener.listen()
        running = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="warning"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Server(listener.getsockname()[1], access)
        running.should_exit = True
        thread.join()


def test_the_token_is_traded_for_a_cookie_and_leaves_the_address(server: Server) -> None:
    entered = server.ask("GET", f"/?token={server.access.token}")
    assert (entered.status, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert server.ask("GET", "/", Cookie=cookie.split(";")[0]).read() == b"here"


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/assets/a.js"])
def test_without_the_token_nothing_is_shown(server: Server, path: str) -> None:
    refused = server.ask("GET", path)
    assert refused.status == 403
    assert b"holds the token" in refused.read()


@pytest.mark.parametrize("cookie", ["{name}=", "{name}=wrong", "other={token}", "\x01", "{name}"])
def test_a_wrong_cookie_is_none(server: Server, cookie: str) -> None:
    sent = cookie.format(name=server.access.cookie, token=server.access.token)
    assert server.ask("GET", "/", Cookie=sent).status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::1", "", "127.0.0.2"])
def test_another_host_gets_neither_page_nor_cookie(server: Server, host: str) -> None:
    assert server.ask("GET", "/", Host=host, Cookie=server.known["Cookie"]).status == 403
    refused = server.ask("GET", f"/?token={server.access.token}", Host=host)
    assert refused.status == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8080"])
def test_this_machine_has_several_names(server: Server, host: str) -> None:
    assert server.ask("GET", "/", Host=host, Cookie=server.known["Cookie"]).status == 200


@pytest.mark.parametrize(
    "said",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
    ids=str,
)
def test_a_post_from_another_page_is_refused(server: Server, said: dict[str, str]) -> None:
    refused = server.ask("POST", "/", b"a=1", **server.known | said)
    assert (refused.status, refused.read()) == (403, b"This request comes from another page.")


def test_a_post_that_does_not_say_where_it_comes_from_is_refused(server: Server) -> None:
    assert server.ask("POST", "/", b"a=1", Cookie=server.known["Cookie"]).status == 403


def test_a_post_of_the_page_is_let_through(server: Server) -> None:
    assert server.ask("POST", "/", b"a=1", **server.known, Sec_Fetch_Site="same-origin").read() == b"a=1"


@pytest.mark.parametrize("length", [{"Content_Length": str(MOST_BYTES + 1)}, {"Transfer_Encoding": "chunked"}], ids=str)
def test_a_request_without_a_bound_is_not_read(server: Server, length: dict[str, str]) -> None:
    assert server.ask("POST", "/", b"", **server.known | length).status == 413


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/nowhere"])
def test_every_answer_says_that_nothing_foreign_may_run(server: Server, path: str) -> None:
    answer = server.ask("GET", path, Cookie=server.known["Cookie"])
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
