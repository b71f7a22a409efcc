"""What a provider's refusal means for the run: told apart by status and by what the provider says of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from wukong_pipe.bounded import parse
from wukong_pipe.errors import StoppedShort, TeacherError, WukongError
from wukong_pipe.reasons import Reason

Kind = Literal["retry", "fatal", "unreachable", "rung", "limit_name", "temperature", "rejected", "unclear"]
"""retry: may pass; fatal: no call can succeed; unreachable: no connection; rung: this response_format is not
supported; limit_name: the model wants max_completion_tokens; temperature: it takes none; rejected: this request
alone is refused, for good; unclear: the request is not accepted and nobody says why."""

REFUSED = "the provider rejected the request"
"""How the journal's words for a call begin that the provider would not answer."""

MOST_WAIT = 120.0
"""Seconds: a Retry-After above it is shortened to it."""

# 429 without a way on: OpenAI insufficient_quota, Moonshot exceeded_current_quota_error, Zhipu 1113 (欠费).
# SiliconFlow sends “balance is insufficient” with 403.
_QUOTA = re.compile(
    r"insufficient[_ ](?:quota|balance)|balance is insufficient|exceeded_current_quota|欠费|余额不足", re.I
)
_FORMAT = re.compile(r"response_format|json_schema|json_object|json[ _]mode|structured[ _]output|guided_|grammar", re.I)
# OpenAI and Azure content_policy/content_filter, DashScope data_inspection_failed, DeepSeek “Content Exists
# Risk”, Zhipu 1301 (不安全或敏感内容), OpenRouter “flagged” (which comes as 403:
# https://openrouter.ai/docs/api-reference/errors).
_MODERATION = re.compile(
    r"moderation|content[_ ](?:filter|policy|management|exists risk)|contentfilter|data_?inspection"
    r"|inappropriate|flagged|敏感|违规",
    re.I,
)
# OpenAI context_length_exceeded, vLLM “maximum context length”, DashScope “Range of input length”, HTTP 413.
# Not “max_tokens is too large”: that holds for every request.
_LENGTH = re.compile(
    r"context[_ ]length|context[_ ]window|input[_ ]length|prompt is too long|string_above_max_length"
    r"|(?:entity|payload|content|request) too large|上下文|输入过长"
    # llama.cpp exceed_context_size_error; SiliconFlow “length of prompt_tokens (8192) must be less than max_seq_len”.
    r"|context[_ ]size|prompt_tokens|max_seq_len",
    re.I,
)
# OpenAI “'temperature' does not support 0.5 with this model”, “Unsupported parameter: 'temperature'”. Not “temperature
# must be between 0 and 2”: that is the user's to mend.
_REFUSES = (
    r"(?:un|not )support|only the default|deprecated|un(?:known|recognized|expected)|not (?:allowed|permitted)|不支持"
)
_NO_TEMPERATURE = re.compile(rf"temperature[^.]{{0,80}}(?:{_REFUSES})|(?:{_REFUSES})[^.]{{0,80}}temperature", re.I)


def classify(status: int, words: str, *, rungs_left: bool, limit_name: str, has_temperature: bool = False) -> Kind:
    """What an HTTP error status means, given the provider's `words` and how the request was sent."""
    if status == 429:
        return "fatal" if _QUOTA.search(words) else "retry"
    if status in {408, 409} or status >= 500:
        return "retry"
    if status == 403 and _MODERATION.search(words):
        return "rejected"
    if status not in {400, 413, 422}:
        return "fatal"
    if limit_name == "max_tokens" and "max_completion_tokens" in words and not _LENGTH.search(words):
        return "limit_name"
    if rungs_left and _FORMAT.search(words):
        return "rung"
    if _MODERATION.search(words) or _LENGTH.search(words):
        return "rejected"
    return "temperature" if has_temperature and _NO_TEMPERATURE.search(words) else "unclear"


def is_about_content(status: int, body: bytes) -> bool:
    """Whether a refusal is about what the request holds, and so will be the same the next time."""
    words = words_of(body.decode("utf-8", "replace"))
    return classify(status, words, rungs_left=False, limit_name="") == "rejected"


def rejection(status: int | None, words: str) -> Reason:
    """Why there is no reply where a provider would not answer this one request.

    Args:
        words: those that the journal keeps with the call.
    """
    return Reason.of("request-rejected", status=status or 0, words=words.removeprefix(f"{REFUSED} ({status}): "))


def was_refused(status: int | None) -> bool:
    """Whether a call was turned away before any work was done, and so cannot be on the bill.

    No vendor says what it bills of a call that ends otherwise; 408 may come after the work.
    """
    return status is not None and 400 <= status < 500 and status != 408


_HINTS = {
    401: " Check OPENAI_API_KEY.",
    402: " Top up the account, or use another teacher.",
    403: " Check what this key may use.",
    404: " Check --teacher-model and --base-url.",
}


def ending(base_url: str, status: int | None, words: str, *, used: bool) -> WukongError:
    """What the user is told of a refusal that ends the run: the provider's own words, and what to do.

    Args:
        used: whether this teacher has answered anything in this build.
    """
    hint = _HINTS[402] if _QUOTA.search(words) else _HINTS.get(status or 0, "")
    message = f"The teacher at {base_url} answered {status}: {words.rstrip('.')}.{hint}"
    return StoppedShort(f"{message} What was bought is kept.") if used else TeacherError(message)


def words_of_answer(status: int, headers: Mapping[str, str], text: str) -> str:
    """What a refusal says. A redirect, which is never followed, says where it points."""
    if 300 <= status < 400:
        return (
            f"a redirect to {headers.get('location', 'no address')}, which is not followed: the request holds the text "
            "of your sources. If the teacher is there, give its address as --base-url"
        )
    return words_of(text)


def words_of(text: str) -> str:
    """What an error body says, on one line: its message, code and parameter.

    Only these: a FastAPI server's 422 repeats the whole request under `input`, and would seem to name all of
    it.
    """
    try:
        body = parse(text)
    except ValueError:
        return " ".join(re.sub(r"<[^<>]{0,500}>", " ", text).split()) or "no explanation"
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return " ".join(str(error).split()) or "no explanation"
    message = error.get("message") or _validation(error.get("detail")) or json.dumps(error, ensure_ascii=False)
    extras = dict.fromkeys(str(error[name]) for name in ("code", "type", "param") if error.get(name))
    return " ".join((f"{message} ({', '.join(extras)})" if extras else str(message)).split())


def _validation(detail: Any) -> str:
    """FastAPI's `detail`: a string, or a list of places and messages."""
    if not isinstance(detail, list):
        return str(detail) if detail else ""
    return "; ".join(
        f"{'.'.join(map(str, entry.get('loc') or ()))}: {entry.get('msg', '')}"
        for entry in detail
        if isinstance(entry, dict)
    )


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the server asks to wait, at most `MOST_WAIT`; None where it asks for nothing sensible.

    retry-after-ms (OpenAI's own), else Retry-After in seconds or as an HTTP date (RFC 9110, 10.2.3).
    """
    value = headers.get("retry-after-ms")
    seconds = _seconds(value) / 1000 if value else math.nan
    if math.isnan(seconds) and (value := headers.get("retry-after")):
        seconds = _seconds(value)
        if math.isnan(seconds):
            seconds = _until(value, now or datetime.now(UTC))
    return min(seconds, MOST_WAIT) if seconds >= 0 else None


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan


def _until(date: str, now: datetime) -> float:
    try:
        when = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds()
