"""What stands in the journal: the calls that brought an answer, and every request that left for a teacher."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

Outcome = Literal["open", "answered", "unbilled", "unknown"]
"""open: no answer yet, or its process died; answered; unbilled: refused before any work was done, or never arrived;
unknown: it may have been billed."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One attempt of a request that is to be bought: the key hashes its meaning, all else stands beside."""

    key: str
    base_url: str
    model: str
    attempt: int
    run: str
    stage: str
    prompt: str
    request: bytes
    """The hashed canonical JSON: model, messages, schema, parameters."""


@dataclass(frozen=True, slots=True)
class Call(Purchase):
    """One call that brought an answer, readable or not."""

    reply: bytes
    """The HTTP body as it came; not text, for a teacher may send what is not valid UTF-8."""
    status: int
    rung: int
    tokens_in: int | None
    """As the provider reported them; None where it did not."""
    tokens_out: int | None
    seconds: float
    created: str
    error: str = ""
    """The provider's words where it refused this request for good; empty where `reply` is a completion."""
    cost: str = ""
    """What was booked for it, a decimal number; empty where no prices were given."""
    currency: str = ""

    def values(self) -> tuple[Any, ...]:
        """All that stands here; `astuple` would copy each value deeply, which takes longer than to write it."""
        return tuple(getattr(self, name) for name in _OF_CALL)

    def seal(self) -> str:
        """Hash of all that stands here: SQLite has no checksums, and a flipped bit must not become a row."""
        hasher = hashlib.sha256()
        for value in self.values():
            data = value if isinstance(value, bytes) else repr(value).encode("utf-8", "backslashreplace")
            hasher.update(b"%d:" % len(data))
            hasher.update(data)
        return hasher.hexdigest()

    def is_sealed_by(self, seal: str) -> bool:
        """Whether this is what was written. From before there were seals, the key vouches for the request alone."""
        if seal:
            return seal == self.seal()
        return isinstance(self.request, bytes) and self.key == call_key(self.request, self.attempt)


@dataclass(frozen=True, slots=True)
class Send:
    """One request that left for a teacher, or was about to. The sum of these is the ledger."""

    key: str
    base_url: str
    model: str
    run: str
    stage: str
    prompt: str
    rung: int
    outcome: Outcome
    tokens_in: int
    """As booked: the reservation until something better is known, so the ledger is never below the bill."""
    tokens_out: int
    price_in: str
    """For a million tokens, a decimal number; empty where no prices were given."""
    price_out: str
    currency: str
    status: int | None
    """None where there was no answer: the connection failed, was cut or ran past its deadline."""
    seconds: float
    created: str
    error: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of requests that went to the provider's Batch API, journalled before it is sent."""

    id: int
    mark: str
    """Goes with the batch as metadata: by it a batch is found again whose id was never received."""
    base_url: str
    model: str
    run: str
    remote: str
    """The provider's id; empty until it is known."""
    file: str
    """The provider's id of its file; empty as long as the batch cannot have been made."""


_OF_CALL = tuple(field.name for field in fields(Call))
CALL_COLUMNS = ", ".join(_OF_CALL)
SEND_COLUMNS = ", ".join(field.name for field in fields(Send))
BATCH_COLUMNS = ", ".join(field.name for field in fields(Batch))


@dataclass(frozen=True, slots=True)
class Tokens:
    """An amount of tokens: of prompts and of completions."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost; the currency is a label and nothing is converted."""

    prompt: Decimal
    completion: Decimal
    currency: str = "USD"

    def cost(self, tokens: Tokens) -> Decimal:
        """The exact price of these tokens."""
        return (self.prompt * tokens.prompt + self.completion * tokens.completion) / 1_000_000


def run_and_shard(run: str) -> tuple[str, str]:
    """A run as it stands in the journal, and the shard of it that made the call; "" where the run was built whole.

    >>> run_and_shard("docs:2/3"), run_and_shard("docs")
    (('docs', '2/3'), ('docs', ''))
    """
    # A run's own name holds no slash.
    name, _, shard = run.rpartition(":") if "/" in run else (run, "", "")
    return name, shard


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value, for hashing; ASCII, so that lone surrogates have bytes too."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def call_key(request: bytes, attempt: int) -> str:
    """The key of attempt number `attempt` of a request in canonical JSON."""
    return hashlib.sha256(request + b"\n" + str(attempt).encode("ascii")).hexdigest()


def now() -> str:
    """The present in UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
