"""Which teacher is asked and how: its settings, and the HTTP client made from them."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import logging
import re
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wukong_pipe.bounded import parse
from wukong_pipe.errors import TeacherError
from wukong_pipe.teacher.replies import MOST_OF_A_REPLY

if TYPE_CHECKING:
    from openai import AsyncOpenAI


MOST, MOST_HERE = 100, 8
DEADLINE, DEADLINE_HERE = 300.0, 1800.0
"""Seconds for a call to a provider, and to this machine itself: a processor writes 8,192 tokens at five a second."""


SHORTEST_SECRET = 8
"""Characters: a shorter key, such as “none”, is a word that replies may hold."""


@dataclass(frozen=True, slots=True)
class TeacherSettings:
    """Which teacher, and how it is asked. Only what is set is sent, and max_tokens always."""

    model: str
    base_url: str
    api_key: str = field(default="", repr=False)
    more_urls: tuple[str, ...] = ()
    """Servers of the same model that share the calls with that one, whose name the journal keeps."""
    temperature: float | None = None
    max_tokens: int = 8192
    """Thinking counts, too; some servers cut replies at 1024 where nothing is said."""
    extra_body: dict[str, Any] = field(default_factory=dict)
    concurrency: int | None = None
    """Calls at a time; None: found out, from a few to `MOST` (`MOST_HERE` on this machine itself)."""
    rpm: float | None = None
    """Requests a minute at most."""
    tpm: float | None = None
    """Tokens a minute at most."""
    deadline: float = 0.0
    """Seconds for one HTTP call from start to end: a server that drips blanks never runs into a read timeout; 0 takes
    `DEADLINE` or `DEADLINE_HERE`."""
    retries: int = 8
    backoff: float = 1.0
    """Seconds before the first retry; doubled for each one, up to a minute: eight of them outlast some
    minutes."""

    @property
    def most(self) -> int:
        """Calls at a time at most: a server on this machine answers one after another, and slowly."""
        return self.concurrency or (MOST_HERE if _is_loopback(self.base_url) else MOST)

    @property
    def is_plain_and_here(self) -> bool:
        """Whether the server is this machine itself, and spoken to without encryption."""
        return _is_loopback(self.base_url) and urlsplit(self.base_url).scheme == "http"

    def __post_init__(self) -> None:
        """
        Raises:
            TeacherError: the key is malformed, or stands in what is written down.
        """
        object.__setattr__(self, "api_key", checked_key(self.api_key))
        if not self.deadline:
            object.__setattr__(self, "deadline", DEADLINE_HERE if _is_loopback(self.base_url) else DEADLINE)
        extra = json.dumps(self.extra_body).encode("ascii")
        if self.scrub(extra) != extra:
            raise TeacherError("--extra-body holds the API key, and would stand in the journal and the manifest.")

    def scrub(self, body: bytes) -> bytes:
        """`body` without the key: providers echo it in their errors. A word like “none” is no secret."""
        if len(self.api_key) < SHORTEST_SECRET:
            return body
        return _spellings(self.api_key).sub(b"[key]", body)

    def scrubbed(self, words: str) -> str:
        """The same of words that are shown or kept: a provider may put the key into a header or a status line."""
        return self.scrub(words.encode("utf-8", "replace")).decode("utf-8", "replace")

    def kept(self, body: bytes) -> bytes:
        """A reply's body as it is kept: without the key, and where it was cut without what may be a part of the key."""
        scrubbed = self.scrub(body)
        if len(body) < MOST_OF_A_REPLY:
            return scrubbed
        return scrubbed[: len(scrubbed) - 6 * len(self.api_key)].ljust(MOST_OF_A_REPLY)


@lru_cache(maxsize=8)
def _spellings(key: str) -> re.Pattern[bytes]:
    """The key as it stands, with JSON's escapes, backwards, in hexadecimal, and in base64 wherever it begins."""
    # Some servers' JSON has \/ for a slash and \u002B for a plus.
    plain = "".join(rf"(?:{re.escape(char)}|\\{re.escape(char)}|(?i:\\u{ord(char):04x}))" for char in key)
    found = [plain, re.escape(key[::-1]), f"(?i:{key.encode('ascii').hex()})"]
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + key.encode("ascii")).decode("ascii")
        # The characters at both ends hold bits of what stands beside the key.
        inner = whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]
        if len(inner) >= SHORTEST_SECRET:
            found += [re.escape(inner), re.escape(inner.replace("+", "-").replace("/", "_"))]
    return re.compile("|".join(found).encode("ascii"))


def checked_key(api_key: str) -> str:
    """`api_key` without white space around it.

    Raises:
        TeacherError: it holds what no HTTP header can carry; the client would show it in its own error.
    """
    key = api_key.strip()
    for position, char in enumerate(key, start=1):
        if not "!" <= char <= "~":
            raise TeacherError(
                f"The API key is malformed: character {position} of {len(key)} is not printable ASCII. "
                "Copy it again from where it was issued."
            )
    return key


def new_client(settings: TeacherSettings) -> AsyncOpenAI:
    """A client that retries nothing itself and talks to this machine without a proxy.

    Raises:
        TeacherError: the proxy that the environment names cannot be used.
    """
    # Importing openai takes about a second: --help and a build that finds all in the journal do without it.
    import openai

    from wukong_pipe.providers.bounded_client import BoundedClient

    # At DEBUG it writes down every header that it receives, and a server may say the key in one.
    logging.getLogger("httpcore2").setLevel(logging.INFO)
    try:
        return openai.AsyncOpenAI(
            # The client insists on a key; local servers need none.
            api_key=settings.api_key or "no-key-needed",
            base_url=settings.base_url,
            max_retries=0,
            timeout=openai.Timeout(settings.deadline, connect=min(10.0, settings.deadline)),
            http_client=BoundedClient(
                # HTTP_PROXY would capture http://127.0.0.1, too.
                trust_env=not _is_loopback(settings.base_url),
                # Without HTTPS, proxies and redirects no certificate is ever looked at, and to load them takes long.
                verify=not settings.is_plain_and_here,
                # What leaves is the text of the user's sources: it goes where the user said, and nowhere else.
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            ),
        )
    except (ImportError, ValueError) as error:
        raise TeacherError(
            f"The proxy settings in the environment (ALL_PROXY, HTTPS_PROXY) cannot be used: {error}."
        ) from None


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def offered_models(settings: TeacherSettings, seconds: float = 5.0) -> list[str]:
    """The names that the server's /models lists; empty where it does not say within `seconds`.

    Raises:
        TeacherError: no client can be made from these settings.
    """
    import openai  # Not at the top: see new_client.

    try:
        async with asyncio.timeout(seconds), new_client(settings) as client:
            response = await client.models.with_raw_response.list()
        return sorted(str(model["id"]) for model in parse(settings.scrub(response.http_response.content))["data"])
    except (openai.OpenAIError, TimeoutError, ValueError, LookupError, TypeError):
        return []
