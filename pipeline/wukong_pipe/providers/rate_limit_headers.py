"""The pace that a server's x-ratelimit headers promise."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping


def told_pace(headers: Mapping[str, str], tokens: float) -> float | None:
    """The calls of `tokens` each a second that OpenAI's x-ratelimit headers promise; None where none of them ran out.

    limit - remaining comes back within reset, whether the limit is a minute's or, as Groq's of requests, a day's.
    """
    paces = []
    for kind, needed in (("requests", 1.0), ("tokens", tokens)):
        limit, remaining = (_number(headers.get(f"x-ratelimit-{name}-{kind}")) for name in ("limit", "remaining"))
        reset = _seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))
        if remaining < needed and limit > remaining and 0 < reset <= 86400:
            paces.append((limit - remaining) / reset / needed)
    return min(paces, default=None)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _seconds(text: str) -> float:
    """A duration as OpenAI writes it: 6m0s, 1h2m, 120ms; NaN where it is none (others write a date there)."""
    if not re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+", text):
        return _number(text)
    units = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|[dhms])", text))
