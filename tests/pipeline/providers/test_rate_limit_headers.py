"""The pace that a server's x-ratelimit headers promise, and headers that promise none."""

from __future__ import annotations

import pytest

from wukong_pipe.providers.rate_limit_headers import told_pace


def told(**headers: str) -> float | None:
    """The calls a second, of 500 tokens each, that these x-ratelimit headers promise."""
    return told_pace({f"x-ratelimit-{name.replace('_', '-')}": value for name, value in headers.items()}, 500)


@pytest.mark.parametrize(
    ("reset", "seconds"), [("20s", 20), ("1m0s", 60), ("2m59.56s", 179.56), ("1h", 3600), ("12500ms", 12.5), ("90", 90)]
)
def test_what_is_used_up_comes_back_within_the_reset(reset: str, seconds: float) -> None:
    assert told(limit_requests="60", remaining_requests="0", reset_requests=reset) == pytest.approx(60 / seconds)


def test_a_limit_of_tokens_is_a_pace_for_calls_of_the_usual_size() -> None:
    pace = told(limit_tokens="60000", remaining_tokens="200", reset_tokens="59.8s", remaining_requests="99")
    assert pace == pytest.approx(2)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"limit_requests": "60", "remaining_requests": "0", "reset_requests": "1793260800"},
        {"limit_requests": "60", "remaining_requests": "0", "reset_requests": "soon"},
        {"limit_requests": "many", "remaining_requests": "0", "reset_requests": "1s"},
        {"limit_requests": "60", "remaining_requests": "30", "reset_requests": "30s"},
    ],
)
def test_other_headers_promise_nothing(headers: dict[str, str]) -> None:
    assert told(**headers) is None
