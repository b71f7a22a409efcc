"""From the bytes of a chat completion to the JSON object inside it, or to a few words on why there is none.

Nothing here raises on what a server or a model wrote: every departure seen in the field ends as a `problem`,
a `Reason`, so that a reply that was paid for is kept, counted and explained.
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wukong_pipe.bounded import DEPTH as BODY_DEPTH
from wukong_pipe.bounded import MIB, TooDeepError, exceeding, parse
from wukong_pipe.reasons import Reason
from wukong_pipe.schema import check_item, shortened

MOST_OF_A_REPLY = 8 * MIB
"""Bytes of a reply's body, unpacked: no more of it is read, and what was read is kept."""
DEPTH, WIDTH = 32, 1000
"""Levels of a reply's lists and objects in each other, and entries of one: what was asked for has three levels and some
dozens of entries."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One chat completion, as far as it could be read."""

    content: str = ""
    """The model's words; of a body that is no completion, the body itself."""
    finish_reason: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    problem: Reason | None = None
    """Why `content` is not to be used; None where it may be."""

    @property
    def is_cut(self) -> bool:
        """Whether the reply ended at max_tokens in the middle of something: a shorter one may be whole."""
        return self.finish_reason == "length" and not self.is_blank

    @property
    def is_blank(self) -> bool:
        """Whether nothing was said, or little in a long run of white space."""
        return len("".join(self.content.split())) * 10 < max(1, len(self.content))


# --- the HTTP body ------------------------------------------------------------------------------------------


def read_completion(body: bytes) -> Completion:
    """The first choice of a chat completion's body. Never raises; see `Completion.problem`."""
    raw = body.decode("utf-8", "replace")
    try:
        # Leading blank lines are DeepSeek's keep-alive
        # (https://api-docs.deepseek.com/quick_start/rate_limit).
        answer = parse(body)
    except TooDeepError:
        return Completion(raw, problem=Reason.of("too-deep", most=BODY_DEPTH))
    except ValueError:
        is_cut = len(body) >= MOST_OF_A_REPLY
        problem = Reason.of("body-cut", most=MOST_OF_A_REPLY // MIB) if is_cut else Reason.of("body-not-json")
        return Completion(raw, problem=problem)
    if not isinstance(answer, dict):
        return Completion(raw, problem=Reason.of("body-not-object"))
    usage = answer.get("usage")
    tokens_in, tokens_out, total = (
        _count(usage, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    if tokens_in is not None and tokens_out is not None and total is not None:
        # xAI, and gateways to Gemini, count thinking beside completion_tokens, and bill it.
        tokens_out = max(tokens_out, total - tokens_in)
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        # OpenRouter answers 200 with an `error` when the upstream provider failed after the headers were
        # sent.
        problem = Reason.of("body-is-error" if answer.get("error") else "no-choices")
        return Completion(raw, "", tokens_in, tokens_out, problem)
    message = choices[0].get("message")
    content = message.get("content") if isinstance(message, dict) else None
    finish_reason = choices[0].get("finish_reason")
    return Completion(
        content if isinstance(content, str) else "" if content is None else raw,
        finish_reason if isinstance(finish_reason, str) else "",
        tokens_in,
        tokens_out,
        _problem(message if isinstance(message, dict) else {}, finish_reason),
    )


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return None
    return min(value, 2**63 - 1)  # SQLite keeps no larger one.


def _problem(message: dict[str, Any], finish_reason: Any) -> Reason | None:
    """Why this message's content is not to be used, the cause before the symptom."""
    content = message.get("content")
    if message.get("refusal"):
        return Reason.of("refused", words=shortened(str(message["refusal"])))
    if finish_reason == "content_filter":
        return Reason.of("content-filter")
    if finish_reason == "length":
        # Grammar-guided servers may loop on white space: https://github.com/vllm-project/vllm/issues/38696
        if isinstance(content, str) and content and Completion(content).is_blank:
            return Reason.of("cut-in-blanks")
        return Reason.of("cut")
    if content is None or content == "":
        # A wrong reasoning parser puts the answer here, a thinking model its thoughts: neither may become
        # data.
        for name in ("reasoning_content", "reasoning"):
            if message.get(name):
                return Reason.of("text-elsewhere", field=name)
        return Reason.of("empty")
    return None if isinstance(content, str) else Reason.of("not-text")


# --- the object in the content ------------------------------------------------------------------------------


class _DuplicateKeyError(ValueError):
    """An object names the key twice that the error carries; which value was meant is anyone's guess."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(shortened(key, 40))
            seen.add(key)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _number(text: str) -> float:
    """A number with a point; models write whole ones so, and JSON Schema takes 1.0 for an integer."""
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is no number that JSON can hold")
    return int(value) if value.is_integer() else value


# strict=False: models do write raw line breaks inside strings, and what was meant is beyond doubt.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_number, parse_constant=_no_constant, strict=False)
_THINK_TAG = re.compile(r"<(/?)think(?:ing)?\b[^<>]{0,200}>", re.IGNORECASE)
_OBJECT = re.compile(r'\{[ \t\r\n]*["}]')
_MOST = 100
"""Objects that are checked, and places that look like one and are none, before the search is given up."""
_FENCE = re.compile(r"\A```[\w-]*\s*")


def read_object(content: str, schema: dict[str, Any]) -> tuple[dict[str, Any] | None, Reason | None]:
    """The JSON object in a model's words that has the arrays `schema` requires, or why there is none.

    Think blocks before the answer, code fences and prose around it are passed over; of several fitting
    objects the last counts, for what stands before it was an example or a draft. The items of the arrays are
    not looked at: see `check_item`. Time is linear in the length of `content`.
    """
    text = _FENCE.sub("", _after_thinking(content).strip())
    if not text:
        return None, Reason.of("only-thinking" if content.strip() else "empty")
    try:
        if text[0] == "[" and _is_array(text):
            return None, Reason.of("array")
        value, problem = _last_fitting(deque(_objects(text), maxlen=_MOST), _envelope(schema))
        if value is not None and (excessive := exceeding(value, DEPTH, WIDTH)):
            most = DEPTH if excessive == "depth" else WIDTH
            return None, Reason.of("too-deep" if excessive == "depth" else "too-wide", most=most)
        if value is not None and not _is_unicode(value):
            return None, Reason.of("surrogate")
    except _DuplicateKeyError as error:
        return None, Reason.of("duplicate-key", key=str(error))
    except RecursionError:
        return None, Reason.of("too-deep", most=DEPTH)
    except ValueError:  # NaN, Infinity and 1e999, or a number of more digits than Python converts
        return None, Reason.of("bad-number")
    return value, problem


def _last_fitting(
    objects: deque[tuple[dict[str, Any] | None, Reason | None]], envelope: dict[str, Any]
) -> tuple[dict[str, Any] | None, Reason | None]:
    """The last object that has the arrays asked for, or what is wrong with the last one."""
    problem = None
    for value, broken in reversed(objects):
        if value is None:
            problem = problem or broken
        elif (misfit := check_item(value, envelope)) is None:
            return value, None
        else:
            problem = problem or misfit
    return None, problem or Reason.of("no-object")


def _after_thinking(content: str) -> str:
    """`content` from where the answer begins. Tags inside the answer are the answer's own words, and stay."""
    text = content.lstrip()
    if text.startswith(("{", "```")):
        return text
    start = depth = 0
    for tag in _THINK_TAG.finditer(text):
        if depth == 0 and "{" in text[start : tag.start()] and (start > 0 or not tag[1]):
            break
        if tag[1]:
            # A closing tag alone: the chat template wrote the opening one into the prompt.
            depth = max(0, depth - 1)
        else:
            depth += 1
        start = tag.end()
    return text[start:] if depth == 0 else ""


def _is_array(text: str) -> bool:
    try:
        value, _ = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        return False
    return isinstance(value, list)


def _objects(text: str) -> Iterator[tuple[dict[str, Any] | None, Reason | None]]:
    """The outermost objects in `text` as (object, None), and (None, what is wrong) for what looks like one.

    After a failure the search goes on behind the place where decoding stopped: an inner object of a broken
    outer one is never taken for the answer, and no character is decoded twice. The number of failures is
    bounded because each JSONDecodeError counts the lines from the start of the text.
    """
    failures = 0
    start = _OBJECT.search(text)
    while start is not None and failures < _MOST:
        try:
            value, end = _DECODER.raw_decode(text, start.start())
            yield value, None
        except json.JSONDecodeError as error:
            failures += 1
            end = max(start.start() + 1, error.pos)
            words = error.msg.lower().removesuffix(" starting at")
            yield None, Reason.of("broken-json", place=error.pos, words=words)
        start = _OBJECT.search(text, end)


def _is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


# --- schemas ------------------------------------------------------------------------------------------------


def _envelope(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without its items: an object with the required properties, of their types."""
    properties = schema.get("properties", {})
    return {
        "type": "object",
        "required": schema.get("required", []),
        "properties": {name: {"type": inner["type"]} for name, inner in properties.items() if "type" in inner},
    }
