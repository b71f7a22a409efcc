"""Which teacher and verifier the user asked for, and their settings, before anything is asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from wukong_pipe.errors import TeacherError
from wukong_pipe.journal.records import Prices
from wukong_pipe.teacher.ledger import NO_CEILINGS, Ceilings

if TYPE_CHECKING:
    from wukong_pipe.providers.client import TeacherSettings


@dataclass(frozen=True, slots=True)
class TeacherChoice:
    """Which teacher the user asked for and what it may cost; empty strings mean “not given”."""

    kind: str
    model: str = ""
    base_url: str = ""
    more_urls: tuple[str, ...] = ()
    """Servers that share the calls with that one."""
    api_key: str = field(default="", repr=False)
    concurrency: int | None = None
    rpm: float | None = None
    tpm: float | None = None
    verifier_model: str = ""
    verifier_base_url: str = ""
    """Who reads a second time; by default the teacher itself."""
    verifier_key: str = field(default="", repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Fields of TeacherSettings the user set: temperature, max_tokens, extra_body, deadline."""
    prices: Prices | None = None
    ceilings: Ceilings = NO_CEILINGS
    batch: bool = False
    """Through the provider's Batch API."""


def settings_of(choice: TeacherChoice) -> TeacherSettings:
    """Settings of a teacher behind HTTP.

    Raises:
        TeacherError: a key or model is missing, or the URL is none.
    """
    from wukong_pipe.providers.known_providers import checked_url, resolve

    settings = resolve(choice.base_url, choice.model, choice.api_key)
    settings = replace(settings, more_urls=tuple(map(checked_url, choice.more_urls)))
    return replace(settings, concurrency=choice.concurrency, rpm=choice.rpm, tpm=choice.tpm, **dict(choice.parameters))


def verifier_settings_of(choice: TeacherChoice) -> TeacherSettings | None:
    """Settings of the verifier; None where the teacher itself reads a second time.

    Another server is not handed the teacher's key, nor fields that only the teacher's server knows.

    Raises:
        TeacherError: a key or model is missing, or the URL is none.
    """
    if not choice.verifier_model and not choice.verifier_base_url:
        return None
    from wukong_pipe.providers.known_providers import DEFAULT_BASE_URL, checked_url, provider_of, resolve

    base_url = checked_url(choice.verifier_base_url or choice.base_url or DEFAULT_BASE_URL)
    is_elsewhere = choice.kind == "offline" or base_url != checked_url(choice.base_url or DEFAULT_BASE_URL)
    key = choice.verifier_key or ("" if is_elsewhere else choice.api_key)
    if is_elsewhere and not key and provider_of(base_url) is not None:
        raise TeacherError(f"The verifier at {base_url} wants a key of its own: give it as VERIFIER_API_KEY.")
    if not choice.verifier_model and is_elsewhere and provider_of(base_url) is None:
        raise TeacherError(f"Name the model that reads a second time at {base_url} with --verifier-model.")
    settings = resolve(base_url, choice.verifier_model or ("" if is_elsewhere else choice.model), key)
    kept = {"max_tokens", "deadline"} if is_elsewhere else {"max_tokens", "deadline", "extra_body"}
    parameters = {name: value for name, value in choice.parameters.items() if name in kept}
    if not is_elsewhere:
        parameters["more_urls"] = tuple(map(checked_url, choice.more_urls))
    return replace(settings, concurrency=choice.concurrency, rpm=choice.rpm, tpm=choice.tpm, **parameters)
