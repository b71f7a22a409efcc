"""Who may talk to the page: the browser that was given the token, from the page itself, under this machine's own name.

Without the token, or the cookie that stands for it, any user of the machine could read the documents; without a look at
Host and Origin, any web page that is open in the same browser could (DNS rebinding, cross-site requests).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = frozenset(("127.0.0.1", "localhost", "::1"))
MOST_BYTES = 1 << 20
"""A request's body may have so many; the longest answer that anybody writes has some thousand."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Access:
    """What one server asks of a request."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: f"wukong-review-{secrets.token_hex(4)}")
    """Its name; cookies know no ports, and two reviews may be open at once."""

    def refusal(self, method: str, headers: Headers) -> str:
        """Why a request is refused, a sentence; "" where it is not."""
        host = headers.get("host", "")
        if _hostname(host) not in HOSTS:
            return "This page answers to 127.0.0.1 and localhost alone."
        if not self._knows(self._cookie_of(headers)):
            return "Open the address that `wukong-pipe review` printed: it holds the token."
        fetched = headers.get("sec-fetch-site", "same-origin")
        if method not in {"GET", "HEAD"} and (headers.get("origin") != f"http://{host}" or fetched != "same-origin"):
            return "This request comes from another page."
        return ""

    def entered(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to the address with the token: a cookie, and an address without it."""
        if scope["path"] != "/" or _hostname(headers.get("host", "")) not in HOSTS:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not self._knows(given):
            return None
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
        return response

    def _knows(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def _cookie_of(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return ""
        return found.value if found else ""


class Guard:
    """Lets a request through to the application that `Access` has nothing against, and says the page's headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        answer: ASGIApp = self._app
        if entered := self._access.entered(scope, headers):
            answer = entered
        elif refusal := self._access.refusal(scope["method"], headers):
            answer = PlainTextResponse(refusal, status_code=403)
        elif not _is_short(headers):
            answer = PlainTextResponse(f"A request holds at most {MOST_BYTES} bytes.", status_code=413)
        await answer(scope, receive, with_headers)


def _is_short(headers: Headers) -> bool:
    """Whether a request says how long it is, and is not too long; a browser always says it."""
    length = headers.get("content-length", "0")
    return length.isdecimal() and int(length) <= MOST_BYTES and "transfer-encoding" not in headers


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
