"""What the refusals of known vendors mean, and how long they ask to wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from wukong_pipe.teacher.refusals import classify, retry_after, words_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "121"}, 120.0),
        ({"retry-after": "inf"}, 120.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:07 GMT"}, 7.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, None),
        ({"retry-after": "Thu, 01 Jan 2026 13:00:00 GMT"}, 120.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOON) == seconds


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (
            400,
            "max_tokens is too large: 100000. This model supports at most 4096 completion tokens",
            "unclear",
        ),
        (400, "This response_format type is unavailable now", "rung"),
        (400, "系统检测到输入或生成内容可能包含不安全或敏感内容", "rejected"),
        (429, "您的账户已欠费，请充值后重试。", "fatal"),
        (429, "Throttling.AllocationQuota", "retry"),
        (418, "teapot", "fatal"),
        (529, "overloaded", "retry"),
    ],
)
def test_vendors_refusals_are_told_apart(status: int, words: str, kind: str) -> None:
    assert classify(status, words, rungs_left=True, limit_name="max_tokens") == kind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "no\\nkey", "code": "c", "type": "c", "param": null}}', "no key (c)"),
        ('{"error": "plain"}', "plain"),
        ('{"detail": "Not Found"}', "Not Found"),
        ('{"detail": [{"loc": ["body", "x"], "msg": "extra", "input": "response_format"}]}', "body.x: extra"),
        ('{"object": "error", "message": "vLLM says", "code": 404}', "vLLM says (404)"),
        ("<html><h1>502</h1></html>", "502"),
        ("", "no explanation"),
        ("[1]", "[1]"),
    ],
)
def test_a_providers_words_are_found_in_every_form_of_error_body(body: str, words: str) -> None:
    assert words_of(body) == words
