"""What providers do wrong, as data: the bytes they send, when, and what a whole build should make of it.

`FAULTS` is the list; `play` runs the command line against a real HTTP server that commits one of them, builds again
once the server is well, and tells what it saw; `broken_identities` checks that the accounting adds up.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import ssl
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Provider, Response, completion, provider, refusal
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.providers import throttle
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.teacher import refusals

BOOK = """\
# The Apollo Programme

## Missions

Apollo 11 landed on 20 July 1969. Apollo 12 landed on 19 November 1969. Apollo 14 landed on 5 February 1971.

## Rocket

The Saturn V stood 110.6 m tall. The Saturn V first flew on 9 November 1967. The last Saturn V flew on 14 May 1973.

## People

Gene Kranz was born in 1933. Christopher Kraft was born in 1924. Margaret Hamilton was born in 1936.
"""
"""Three sections of three facts: a build that nothing hinders makes 17 calls: 3 for pairs, 6 for
wordings, 6 for those of the test, and 2 for spellings of what is named."""

CALLS = 17
RETRIES = 2
BACKOFF = 0.001


# --- when a fault strikes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Strike:
    """Which calls a fault hits; all others are answered well."""

    words: str
    hits: Callable[[dict[str, Any], int], bool]
    """Of a request and its number, counted from 1 in order of arrival."""
    most: int = 10**9
    """Strikes no more than this often."""


def _asks_about_rocket(request: dict[str, Any]) -> bool:
    prompt = request["messages"][-1]["content"]
    return "<source>" in prompt and "› Rocket" in prompt


def _format(request: dict[str, Any]) -> str:
    return str((request.get("response_format") or {}).get("type", ""))


ALWAYS = Strike("every call", lambda request, number: True)
FIRST = replace(ALWAYS, words="the first call", most=1)
FIRST_TWO = replace(ALWAYS, words="the first two calls", most=2)
AFTER_FIRST = Strike("every call but the first", lambda request, number: number > 1)
TWO_AFTER_FIRST = replace(AFTER_FIRST, words="the second and third call", most=2)
FOURTH = Strike("the fourth call", lambda request, number: number == 4)
SECTION = Strike("every call for one section's pairs", lambda request, number: _asks_about_rocket(request))
SECTION_ONCE = replace(SECTION, words="one section's first call", most=1)
WITH_SCHEMA = Strike("every call with json_schema", lambda request, number: _format(request) == "json_schema")
WITH_FORMAT = Strike("every call with a response_format", lambda request, number: _format(request) != "")


# --- faults ---------------------------------------------------------------------------------------------------

Answer = Callable[[str], Response]
"""The faulty response, given the JSON text that a good teacher would have written."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a server does wrong, and what the run should do."""

    name: str
    vendor: str
    """Whose bytes these are; "any" where many send the like."""
    strike: Strike
    answer: Answer
    exit_code: int = 0
    dataset: bool = True
    """Whether the run writes one."""
    kept: int = 9
    """Pairs in that dataset's accounting: of three sections three each."""
    requests: tuple[int, ...] = ()
    """How many the server may see; empty where that depends on which call arrives first."""
    says: str = ""
    """Stands in what the command prints on stderr."""
    reason: str = ""
    """Stands in the reason of a reject."""
    raw: str = ""
    """Stands in the raw reply of a reject."""
    waits: tuple[float, float] | None = None
    """Least and most seconds of silence after the first strike."""
    longest_wait: float = 120.0
    """Seconds to which a longer Retry-After is shortened: by default as the product has it."""
    deadline: float = 10.0
    """Seconds a call may take."""
    pace: float = 0.0
    """Seconds that a call takes which is answered well."""
    options: tuple[str, ...] = ()
    """More words for the command line."""


def always(response: Response) -> Answer:
    """The same response whatever was asked."""
    return lambda good: response


def _json(status: int, value: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(status, json.dumps(value, ensure_ascii=False).encode("utf-8"), headers or {})


def _page(status: int, title: str) -> Response:
    """nginx's error page, byte for byte but for the padding comments: ngx_http_special_response.c."""
    page = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n"
    )
    return Response(status, page.encode("ascii"), {"content-type": "text/html"})


# --- a reply as each vendor sends it --------------------------------------------------------------------------


def openai(content: str | None, finish: str = "stop", **message: Any) -> Response:
    # https://platform.openai.com/docs/api-reference/chat/create, the default example
    fields = {"role": "assistant", "content": content, "refusal": None, "annotations": [], **message}
    details = {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0}
    return _json(
        200,
        {
            "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
            "object": "chat.completion",
            "created": 1741569952,
            "model": "gpt-4.1-2025-04-14",
            "choices": [{"index": 0, "message": fields, "logprobs": None, "finish_reason": finish}],
            "usage": {
                "prompt_tokens": 419,
                "completion_tokens": 110,
                "total_tokens": 529,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {**details, "rejected_prediction_tokens": 0},
            },
            "service_tier": "default",
            "system_fingerprint": "fp_a288987b44",
        },
    )


def deepseek(content: str, finish: str = "stop", **message: Any) -> Response:
    # Recorded by https://rdrr.io/cran/tidyllm/src/tests/testthat/deepseek/
    fields = {"role": "assistant", "content": content, **message}
    return _json(
        200,
        {
            "id": "b55e6172-d379-4806-b4e0-d21dd4b243b7",
            "object": "chat.completion",
            "created": 1755780061,
            "model": "deepseek-chat",
            "choices": [{"index": 0, "message": fields, "logprobs": None, "finish_reason": finish}],
            "usage": {
                "prompt_tokens": 414,
                "completion_tokens": 109,
                "total_tokens": 523,
                "prompt_tokens_details": {"cached_tokens": 0},
                "prompt_cache_hit_tokens": 0,
                "prompt_cache_miss_tokens": 414,
            },
            "system_fingerprint": "fp_feb633d1f5_prod0820_fp8_kvcache",
        },
    )


def siliconflow(content: str, finish: str = "stop", **message: Any) -> Response:
    # https://docs.siliconflow.cn/docs/api/chat-completions-post
    fields = {"role": "assistant", "content": content, **message}
    return _json(
        200,
        {
            "id": "0197d1c6d8f4a0b2c4e6f8a1b3c5d7e9",
            "object": "chat.completion",
            "created": 1750918512,
            "model": "Qwen/Qwen3-235B-A22B-Instruct-2507",
            "choices": [{"index": 0, "message": fields, "finish_reason": finish}],
            "usage": {
                "prompt_tokens": 421,
                "completion_tokens": 112,
                "total_tokens": 533,
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
            "system_fingerprint": "",
        },
    )


def qwen(content: str, finish: str = "stop", **message: Any) -> Response:
    # https://help.aliyun.com/zh/model-studio/developer-reference/compatibility-of-openai-with-dashscope
    fields = {"role": "assistant", "content": content, **message}
    return _json(
        200,
        {
            "choices": [{"message": fields, "finish_reason": finish, "index": 0, "logprobs": None}],
            "object": "chat.completion",
            "usage": {
                "prompt_tokens": 423,
                "completion_tokens": 104,
                "total_tokens": 527,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
            "created": 1735120033,
            "system_fingerprint": None,
            "model": "qwen-plus",
            "id": "chatcmpl-6ada9ed2-7f33-9de2-8bb0-78bd4035025a",
        },
    )


def vllm(content: str | None, finish: str = "stop", **message: Any) -> Response:
    # https://github.com/vllm-project/vllm/issues/34684 and #19839
    fields = {
        "role": "assistant",
        "content": content,
        "refusal": None,
        "annotations": None,
        "audio": None,
        "function_call": None,
        "tool_calls": [],
        "reasoning_content": None,
        **message,
    }
    choice = {"index": 0, "message": fields, "logprobs": None, "finish_reason": finish, "stop_reason": None}
    return _json(
        200,
        {
            "id": "chatcmpl-b66a2df8c0719552",
            "object": "chat.completion",
            "created": 1771321720,
            "model": "Qwen3.5-397B-A17B",
            "choices": [{**choice, "token_ids": None}],
            "service_tier": None,
            "system_fingerprint": None,
            "usage": {"prompt_tokens": 417, "total_tokens": 525, "completion_tokens": 108},
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "kv_transfer_params": None,
        },
    )


def ollama(content: str, finish: str = "stop", **message: Any) -> Response:
    # https://github.com/ollama/ollama/pull/5312; `reasoning` in the message: issue 15288
    fields = {"role": "assistant", "content": content, **message}
    return _json(
        200,
        {
            "id": "chatcmpl-20",
            "object": "chat.completion",
            "created": 1719437652,
            "model": "gemma4:26b",
            "system_fingerprint": "fp_ollama",
            "choices": [{"index": 0, "message": fields, "finish_reason": finish}],
            "usage": {"prompt_tokens": 423, "completion_tokens": 101, "total_tokens": 524},
        },
    )


def llama_cpp(content: str, finish: str = "stop", **message: Any) -> Response:
    # https://github.com/ggml-org/llama.cpp/pull/15676
    fields = {"role": "assistant", **message, "content": content}
    return _json(
        200,
        {
            "choices": [{"finish_reason": finish, "index": 0, "message": fields}],
            "created": 1756514000,
            "model": "NVIDIA-Nemotron-Nano-9B-v2_Q8_0_131K",
            "system_fingerprint": "b6323-ad891663",
            "object": "chat.completion",
            "usage": {"completion_tokens": 68, "prompt_tokens": 420, "total_tokens": 488},
            "id": "chatcmpl-qC6laQHbZ2CmxNvJ4NoB1L93LcVF7nfe",
            "timings": {"prompt_n": 420, "prompt_ms": 24.449, "predicted_n": 68, "predicted_ms": 407.596},
        },
    )


def transformers_serve(content: str | None, finish: str = "stop", **message: Any) -> Response:
    # transformers 5.23, cli/serving/chat_completion.py: openai's own model, dumped with exclude_none=True
    fields = {"content": content, "role": "assistant", **message}
    fields = {name: value for name, value in fields.items() if value is not None}
    return _json(
        200,
        {
            "id": "2f9a6c1e-7f0d-4c39-9a0e-6c5c9c1f2b7a",
            "choices": [{"finish_reason": finish, "index": 0, "message": fields}],
            "created": 1762000000,
            "model": "Qwen/Qwen2.5-0.5B-Instruct@main",
            "object": "chat.completion",
            "usage": {"completion_tokens": 96, "prompt_tokens": 418, "total_tokens": 514},
        },
    )


# --- what is wrong inside a reply -----------------------------------------------------------------------------


def _many(good: str, count: int) -> str:
    """The good reply with its first item repeated, so that it holds `count` more than was asked for."""
    reply = json.loads(good)
    for items in reply.values():
        items.extend(items[:1] * count)
    return json.dumps(reply)


def packed(response: Response, blanks: int) -> Response:
    """The response behind so many blanks, compressed."""
    packer = zlib.compressobj(wbits=31)
    megabyte = b" " * 1_000_000
    pieces = [packer.compress(megabyte) for _ in range(blanks // len(megabyte))]
    body = b"".join([*pieces, packer.compress(response.body), packer.flush()])
    return replace(response, body=body, headers={"content-encoding": "gzip"})


def _lists(depth: int) -> list[Any]:
    """An empty list in a list in a list."""
    lists: list[Any] = []
    for _ in range(depth - 1):
        lists = [lists]
    return lists


def _nested(good: str, depth: int) -> str:
    """The good reply with lists in lists as the evidence of its first item."""
    reply = json.loads(good)
    reply["pairs"][0]["evidence"] = _lists(depth)
    return json.dumps(reply)


def _longer(good: str, characters: int) -> str:
    """The good reply with answers of that length."""
    reply = json.loads(good)
    for pair in reply["pairs"]:
        pair["answer"] = "9" * characters
    return json.dumps(reply)


def _one(good: str) -> str:
    """The good reply cut down to its first item."""
    return json.dumps({name: items[:1] for name, items in json.loads(good).items()})


def _twice(good: str) -> str:
    """The good reply in an object that names its one key twice."""
    (name,) = json.loads(good)
    return f'{{"{name}": [], {good[1:]}'


def _wrong_types(good: str) -> str:
    (name,) = json.loads(good)
    pair = {"question": 11, "answer": ["1969"], "evidence": "Apollo 11 landed on 20 July 1969."}
    return json.dumps({name: [3, None, pair]})


def _latin_1(good: str) -> Response:
    """A body that is not UTF-8: one byte of another encoding inside the text."""
    response = openai(good)
    return replace(response, body=response.body.replace(b"?", b"\xbf", 1))


def _in_two_seconds(good: str) -> Response:  # noqa: ARG001
    return _limit({"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)})


_THOUGHTS = 'The user wants pairs. A draft: {"pairs": [{"question": "What is a draft?", "answer": "This."}]} Good.'


# --- errors in each vendor's form -----------------------------------------------------------------------------


def _limit(headers: dict[str, str] | None = None) -> Response:
    # OpenAI's body: https://github.com/openai/codex/issues/88
    words = (
        "Rate limit reached for o4-mini in organization org-x on tokens per min (TPM): Limit 200000, Used 162960, "
        "Requested 42288. Please try again in 1.574s. Visit https://platform.openai.com/account/rate-limits to learn "
        "more."
    )
    return refusal(429, words, headers, type="tokens", param=None, code="rate_limit_exceeded")


def _siliconflow_error(status: int, code: int, message: str) -> Response:
    # https://docs.siliconflow.cn/en/faqs/error-code
    return _json(status, {"code": code, "message": message, "data": None})


def _deepseek_error(status: int, message: str, kind: str = "invalid_request_error") -> Response:
    # https://github.com/Aider-AI/aider/issues/4851, https://github.com/666ghj/BettaFish/issues/108
    return refusal(status, message, type=kind, param=None, code="invalid_request_error")


def _llama_error(status: int, message: str, kind: str, **fields: Any) -> Response:
    # https://github.com/ggml-org/llama.cpp/issues/19774
    return _json(status, {"error": {"code": status, "message": message, "type": kind, **fields}})


def _qwen_error(status: int, message: str, code: str) -> Response:
    # https://github.com/camel-ai/owl/issues/432
    trace = "deab386b-2562-9a7b-b8fa-0ba9385a5c28"
    error = {"code": code, "param": None, "message": message, "type": code}
    return _json(status, {"error": error, "id": f"chatcmpl-{trace}", "request_id": trace})


STOPPED: dict[str, Any] = {"exit_code": 3, "dataset": False}
UNUSABLE: dict[str, Any] = {"exit_code": 1, "dataset": False, "requests": (1,)}
GIVES_UP: dict[str, Any] = {**STOPPED, "requests": (RETRIES + 1,), "says": f"failed {RETRIES + 1} times in a row"}
ONE_SECTION_REFUSED: dict[str, Any] = {"exit_code": 3, "kept": 6, "requests": (10,)}
"""Of that section one attempt, for the next would be refused, too."""
ONE_SECTION_LOST: dict[str, Any] = {"exit_code": 3, "kept": 6, "requests": (12,)}
"""Of that section three attempts; the other two give a call for pairs each and, one being held out, three wordings."""
NOTHING_KEPT: dict[str, Any] = {"exit_code": 3, "kept": 0, "requests": (9,)}
"""Of three sections three attempts each."""
ONCE_MORE: dict[str, Any] = {"requests": (CALLS + 1,)}
TWICE_MORE: dict[str, Any] = {"requests": (CALLS + 2,)}
NO_MORE: dict[str, Any] = {"requests": (CALLS,)}

# https://github.com/ChatGPTNextWeb/NextChat/issues/3123
_QUOTA = refusal(
    429,
    "You exceeded your current quota, please check your plan and billing details.",
    type="insufficient_quota",
    param=None,
    code="insufficient_quota",
)

# One fault is one line or paragraph of a table, which the formatter would spread over ten lines each.
# fmt: off

# --- the account, the model, the limits -----------------------------------------------------------------------

_ACCOUNT: list[Fault] = [
    Fault("wrong key", "OpenAI", ALWAYS, always(
        refusal(401, "Incorrect API key provided: sk-abc. You can find your API key at "
                "https://platform.openai.com/account/api-keys.", type="invalid_request_error", param=None,
                code="invalid_api_key")), **UNUSABLE, says="Incorrect API key provided"),
    # https://github.com/immersive-translate/immersive-translate/issues/3514; the body is a JSON string
    Fault("wrong key, a bare string", "SiliconFlow", ALWAYS, always(_json(401, "Invalid token")), **UNUSABLE,
          says="Invalid token"),
    Fault("insufficient_quota", "OpenAI", ALWAYS, always(_QUOTA), **UNUSABLE, says="You exceeded your current quota"),
    Fault("insufficient_quota in mid-run", "OpenAI", AFTER_FIRST, always(_QUOTA), **STOPPED, requests=(2, 3),
          says="You exceeded your current quota"),
    Fault("402", "DeepSeek", ALWAYS, always(_deepseek_error(402, "Insufficient Balance", "unknown_error")), **UNUSABLE,
          says="Insufficient Balance"),
    Fault("402 in mid-run", "DeepSeek", AFTER_FIRST,
          always(_deepseek_error(402, "Insufficient Balance", "unknown_error")), **STOPPED, requests=(2, 3),
          says="Insufficient Balance"),
    Fault("403 for want of balance", "SiliconFlow", ALWAYS, always(  # OpenManus issue 438
        _siliconflow_error(403, 30011, "The selected model requires paid balance. Your paid balance is insufficient. "
                           "Please top up and try again.")), **UNUSABLE, says="Top up the account"),
    Fault("unknown model", "Ollama", ALWAYS, always(  # https://github.com/netease-youdao/QAnything/issues/555
        refusal(404, 'model "m" not found, try pulling it first', type="api_error", param=None, code=None)),
          **UNUSABLE, says="try pulling it first"),
    Fault("unknown model as 400", "SiliconFlow", ALWAYS, always(
        _siliconflow_error(400, 20012, "Model does not exist. Please check it carefully.")), **UNUSABLE,
          says="Model does not exist"),
]

_LIMITS: list[Fault] = [
    Fault("429 without Retry-After", "SiliconFlow", FIRST, always(  # OpenDeepWiki issue 269: no code
        _json(429, {"message": "Request was rejected due to rate limiting. Details: TPM limit reached.",
                    "data": None})), **ONCE_MORE),
    Fault("429 for ever", "OpenAI", ALWAYS, always(_limit()), **GIVES_UP),
    Fault("Retry-After in seconds", "OpenAI", FIRST, always(_limit({"retry-after": "1"})), **ONCE_MORE,
          waits=(1.0, 4.0)),
    Fault("retry-after-ms before Retry-After", "OpenAI", FIRST,
          always(_limit({"retry-after-ms": "300", "retry-after": "9"})), **ONCE_MORE, waits=(0.3, 4.0)),
    Fault("Retry-After as an HTTP date", "any", FIRST, _in_two_seconds, **ONCE_MORE, waits=(0.9, 5.0)),
    Fault("negative Retry-After", "any", FIRST, always(_limit({"retry-after": "-3"})), **ONCE_MORE,
          waits=(0.0, 5.0)),
    Fault("Retry-After above 120 s", "any", FIRST, always(_limit({"retry-after": "3600"})), **ONCE_MORE,
          waits=(0.4, 5.0), longest_wait=0.4),
    Fault("garbage in Retry-After", "any", FIRST, always(_limit({"retry-after": "soon"})), **ONCE_MORE,
          waits=(0.0, 5.0)),
    Fault("Retry-After of one call, the others go on", "any", FOURTH, always(_limit({"retry-after-ms": "800"})),
          **ONCE_MORE, waits=(0.0, 4.0), pace=0.1, options=("--concurrency", "2")),
]

# --- the request is refused ------------------------------------------------------------------------------------

_REFUSED: list[Fault] = [
    Fault("json_schema refused", "OpenAI", WITH_SCHEMA, always(  # https://github.com/langchain-ai/langchain/issues/31490
        refusal(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. "
                "Learn more about supported models at the Structured Outputs guide: "
                "https://platform.openai.com/docs/guides/structured-outputs", type="invalid_request_error", param=None,
                code=None)), **ONCE_MORE),
    # https://github.com/ItzCrazyKns/Vane/issues/969
    Fault("json_schema refused", "DeepSeek", WITH_SCHEMA,
          always(_deepseek_error(400, "This response_format type is unavailable now")), **ONCE_MORE),
    # https://github.com/browser-use/browser-use/pull/215, https://github.com/dzhng/deep-research/issues/22
    Fault("json_schema refused with 422", "DeepSeek", WITH_SCHEMA, always(_deepseek_error(
        422, "Failed to deserialize the JSON body into the target type: response_format: response_format.type "
        "`json_schema` is unavailable now at line 1 column 12440")), **ONCE_MORE),
    # https://github.com/egoist/chatwise-releases/issues/141
    Fault("JSON mode refused", "SiliconFlow", WITH_FORMAT,
          always(_siliconflow_error(400, 20024, "Json mode is not supported for this model.")), **TWICE_MORE),
    # https://github.com/bytedance/deer-flow/issues/80
    Fault("JSON mode refused while thinking", "Qwen", WITH_FORMAT, always(_qwen_error(
        400, "<400> InternalError.Algo.InvalidParameter: Json mode response is not supported when enable_thinking is "
        "true", "invalid_parameter_error")), **TWICE_MORE),
    # https://github.com/QwenLM/qwen-code/issues/10435
    Fault("grammar refused", "llama.cpp", WITH_FORMAT, always(_llama_error(
        400, "Failed to initialize samplers: failed to parse grammar", "invalid_request_error")), **TWICE_MORE),
    # https://github.com/vllm-project/vllm/issues/16321, and 16880: for a schema with minItems; no `error` around it
    Fault("json_schema refused", "vLLM", WITH_SCHEMA, always(_json(400, {
        "object": "error", "message": "The provided JSON schema contains features not supported by xgrammar.",
        "type": "BadRequestError", "param": None, "code": 400})), **ONCE_MORE),
    # cli/serving/utils.py of transformers 5.23; what --extra-body holds is the only field it does not know.
    Fault("422 for a field it does not know", "transformers serve", ALWAYS,
          always(_json(422, {"detail": "Unexpected fields in the request: {'enable_thinking'}"})), **UNUSABLE,
          says="enable_thinking", options=("--extra-body", '{"enable_thinking": false}')),
    # https://github.com/langchain4j/langchain4j/issues/3974
    Fault("400 that asks for another setting", "Qwen", ALWAYS, always(_qwen_error(
        400, "parameter.enable_thinking must be set to false for non-streaming calls", "invalid_parameter_error")),
          **UNUSABLE, says="must be set to false for non-streaming calls"),
    # https://api-docs.deepseek.com/quick_start/error_codes
    Fault("422", "DeepSeek", ALWAYS, always(_deepseek_error(
        422, "Failed to deserialize the JSON body into the target type: temperature: invalid type")), **UNUSABLE,
          says="temperature: invalid type"),
    Fault("422 twice in mid-run", "any", TWO_AFTER_FIRST, always(_json(422, {"detail": "no"})), **TWICE_MORE,
          reason="the provider rejected the request (422)"),
    Fault("422 for ever in mid-run", "any", AFTER_FIRST, always(_json(422, {"detail": "no"})), **STOPPED, says="422"),
    Fault("400 moderation of one section", "Qwen", SECTION, always(_qwen_error(
        400, "Input data may contain inappropriate content. For details, see: "
        "https://help.aliyun.com/zh/model-studio/error-code#inappropriate-content", "data_inspection_failed")),
          **ONE_SECTION_REFUSED, reason="Input data may contain inappropriate content", raw="data_inspection_failed"),
    Fault("400 moderation of one section", "DeepSeek", SECTION, always(_deepseek_error(400, "Content Exists Risk")),
          **ONE_SECTION_REFUSED, reason="Content Exists Risk"),
    Fault("403 moderation of one section", "OpenRouter", SECTION, always(  # openrouter.ai/docs/api-reference/errors
        _json(403, {"error": {"code": 403, "message": "Your chosen model requires moderation and your input was "
                              "flagged", "metadata": {"reasons": ["violence"], "provider_name": "OpenAI"}}})),
          **ONE_SECTION_REFUSED, reason="your input was flagged"),
    Fault("413 of one section", "any", SECTION, always(_page(413, "Request Entity Too Large")), **ONE_SECTION_REFUSED,
          reason="(413)"),
    Fault("one section too long", "OpenAI", SECTION, always(  # https://github.com/rahul2002m/ChatPDF/issues/6
        refusal(400, "This model's maximum context length is 4097 tokens. However, your messages resulted in 6988 "
                "tokens. Please reduce the length of the messages.", type="invalid_request_error", param="messages",
                code="context_length_exceeded")),
          **ONE_SECTION_REFUSED, reason="maximum context length"),
    # https://github.com/harbor-framework/harbor/pull/996
    Fault("one section too long", "vLLM", SECTION, always(refusal(
        400, "You passed 1015 input tokens and requested 10 output tokens. However, the model's context length is only "
        "1024 tokens, resulting in a maximum input length of 1014 tokens. Please reduce the length of the input "
        "prompt. (parameter=input_tokens, value=1015)", type="BadRequestError", param="input_tokens", code=400)),
          **ONE_SECTION_REFUSED, reason="context length is only 1024 tokens"),
    # https://github.com/ggml-org/llama.cpp/issues/19774
    Fault("one section too long", "llama.cpp", SECTION, always(_llama_error(
        400, "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "exceed_context_size_error", n_prompt_tokens=4390, n_ctx=4096)), **ONE_SECTION_REFUSED,
          reason="exceeds the available context size", options=("--concurrency", "1")),
    # https://github.com/Usagi-org/ai-goofish-monitor/issues/253
    Fault("one section too long", "SiliconFlow", SECTION, always(_siliconflow_error(
        400, 20015, "length of prompt_tokens (8192) must be less than max_seq_len (4096)")), **ONE_SECTION_REFUSED,
          reason="must be less than max_seq_len", options=("--concurrency", "1")),
]

# --- the server fails ------------------------------------------------------------------------------------------

_HANG = replace(completion("{}"), delay=0.8)

_FAILURES: list[Fault] = [
    Fault("500 HTML", "any", FIRST_TWO, always(_page(500, "Internal Server Error")), **TWICE_MORE),
    Fault("500 for ever", "OpenAI", ALWAYS, always(refusal(
        500, "The server had an error while processing your request. Sorry about that!", type="server_error",
        param=None, code=None)), **GIVES_UP),
    Fault("502 HTML", "any", FIRST, always(_page(502, "Bad Gateway")), **ONCE_MORE),
    Fault("502 HTML for ever", "any", ALWAYS, always(_page(502, "Bad Gateway")), **GIVES_UP),
    Fault("502 HTML in mid-run, for ever", "any", AFTER_FIRST, always(_page(502, "Bad Gateway")), **STOPPED,
          says="Bad Gateway"),
    Fault("503 while the model loads", "llama.cpp", FIRST_TWO,
          always(_llama_error(503, "Loading model", "unavailable_error")), **TWICE_MORE),
    # https://github.com/infiniflow/ragflow/issues/5676
    Fault("503", "SiliconFlow", FIRST,
          always(_siliconflow_error(503, 50508, "System is too busy now. Please try again later.")), **ONCE_MORE),
    # https://github.com/ollama/ollama/issues/15934
    Fault("503, the error a string", "Ollama", FIRST, always(_json(
        503, {"error": "Server overloaded, please retry shortly (ref: aaa65c70-cfa0-446b-86f1-4ab0e2deb9e4)"})),
          **ONCE_MORE),
    # cli/serving/server.py of transformers 5.23
    Fault("503, the worker is dead", "transformers serve", ALWAYS,
          always(_json(503, {"error": "continuous batching worker is dead"})), **GIVES_UP),
    Fault("504 as plain text", "SiliconFlow", FIRST, always(
        Response(504, b"504 Gateway Timeout", {"content-type": "text/plain"})), **ONCE_MORE),
    Fault("reset in mid-body", "any", FIRST, lambda good: replace(openai(good), cut=True), **ONCE_MORE),
    Fault("reset in mid-body for ever", "any", ALWAYS, lambda good: replace(openai(good), cut=True), **GIVES_UP),
    Fault("hang", "any", FIRST, always(_HANG), requests=(CALLS + 1, CALLS + 2, CALLS + 3), deadline=0.5),
    Fault("hang for ever", "any", ALWAYS, always(_HANG), **GIVES_UP, deadline=0.2),
    Fault("slow drip for ever", "any", ALWAYS, lambda good: replace(deepseek(good), drip=0.8), **GIVES_UP,
          deadline=0.2),
    # https://api-docs.deepseek.com/quick_start/rate_limit
    Fault("blank lines before the reply", "DeepSeek", ALWAYS, lambda good: replace(deepseek(good), drip=0.1),
          **NO_MORE),
]

# --- what a 200 may hold instead of an answer -------------------------------------------------------------------

_BODIES: list[Fault] = [
    Fault("200 with HTML", "any", SECTION, always(replace(_page(200, "Login"), status=200)), **ONE_SECTION_LOST,
          reason="the body is not JSON", raw="<h1>200 Login</h1>"),
    Fault("200 with HTML, every call", "any", ALWAYS, always(replace(_page(200, "Login"), status=200)), **NOTHING_KEPT,
          reason="the body is not JSON"),
    Fault("a refusal 700 lists deep", "any", SECTION_ONCE, lambda good: openai(None, refusal=_lists(700)), **ONCE_MORE,
          reason="nested more than 64 levels deep"),
    Fault("20 MB of blanks", "any", SECTION_ONCE, always(Response(200, b" " * 20_000_000)), **ONCE_MORE,
          reason="longer than 8 MiB"),
    Fault("a reply that unpacks to 100 MB", "any", SECTION_ONCE, lambda good: packed(openai(good), 10**8),
          **ONCE_MORE, reason="longer than 8 MiB"),
    Fault("200 with an error", "OpenRouter", SECTION_ONCE, always(_json(  # openrouter.ai/docs/errors
        200, {"error": {"code": 502, "message": "Provider returned error", "metadata": {"provider_name": "x"}}})),
          **ONCE_MORE, reason="the body holds an error"),
    Fault("200 with no choices", "any", SECTION_ONCE, always(_json(200, {"id": "1", "choices": []})), **ONCE_MORE,
          reason="no choices"),
    Fault("200 that is not UTF-8", "any", SECTION_ONCE, _latin_1, **ONCE_MORE, reason="the body is not JSON"),
    Fault("empty content", "DeepSeek", SECTION_ONCE, always(deepseek("")), **ONCE_MORE,
          reason="the content is empty"),
    # JSON mode "may occasionally return empty content" (https://api-docs.deepseek.com/guides/json_mode); where it
    # does so on every call, the cure is to ask without it: https://github.com/langgenius/dify/issues/13068
    Fault("empty content wherever JSON mode is on", "DeepSeek", WITH_FORMAT, always(deepseek(""))),
    Fault("empty content of two tokens", "vLLM", SECTION_ONCE, always(vllm("")), **ONCE_MORE,
          reason="the content is empty"),
    # The answer in reasoning_content: https://github.com/vllm-project/vllm/issues/19839, QwenLM/Qwen3 issue 1297
    Fault("null content, the answer in reasoning_content", "vLLM", ALWAYS,
          lambda good: vllm(None, reasoning_content=good), **NOTHING_KEPT, reason="turn thinking off"),
    Fault("empty content, the answer in reasoning_content", "SiliconFlow", ALWAYS,
          lambda good: siliconflow("", reasoning_content=good), **NOTHING_KEPT, reason="turn thinking off"),
    Fault("empty content, the answer in reasoning_content", "Qwen", ALWAYS,
          lambda good: qwen("", reasoning_content=good), **NOTHING_KEPT, reason="turn thinking off"),
    # https://github.com/ggml-org/llama.cpp/issues/22537
    Fault("the grammar's JSON in reasoning_content", "llama.cpp", WITH_FORMAT,
          lambda good: llama_cpp("", reasoning_content=good)),
    Fault("empty content, thoughts in reasoning", "Ollama", ALWAYS,  # https://github.com/ollama/ollama/issues/15288
          always(ollama("", reasoning=_THOUGHTS)), **NOTHING_KEPT, reason="turn thinking off"),
    Fault("empty content, max_tokens spent on reasoning", "Ollama", ALWAYS,
          always(ollama("", "length", reasoning=_THOUGHTS)), **NOTHING_KEPT, reason="cut off at max_tokens"),
    Fault("no content at all", "transformers serve", SECTION_ONCE, always(transformers_serve(None)), **ONCE_MORE,
          reason="the content is empty"),
    Fault("length", "OpenAI", SECTION_ONCE, lambda good: openai(good[:-20], "length"),
          requests=(CALLS + 1, CALLS + 2), reason="cut off at max_tokens", raw='{"pairs"'),
    Fault("length, every call", "OpenAI", ALWAYS, lambda good: openai(good[:-20], "length"), **NOTHING_KEPT,
          reason="cut off at max_tokens"),
    # https://github.com/vllm-project/vllm/issues/38696: about 1 reply in 3
    Fault("a run of white space", "vLLM", SECTION_ONCE, always(vllm('{\n"pairs":' + " \n" * 4000, "length")),
          requests=(CALLS + 1, CALLS + 2), reason="white space"),
    Fault("a run of white space wherever a grammar is on", "vLLM", WITH_FORMAT,
          always(vllm('{\n"pairs":' + " \n" * 4000, "length"))),
    Fault("broken JSON in JSON mode", "vLLM", SECTION_ONCE,  # https://github.com/vllm-project/vllm/issues/8350
          lambda good: vllm(good[: len(good) // 2]), **ONCE_MORE, reason="broken JSON"),
    Fault("content_filter of one section", "OpenAI", SECTION, always(openai("", "content_filter")), **ONE_SECTION_LOST,
          reason="content filter"),
    Fault("refusal of one section", "OpenAI", SECTION, always(
        openai(None, refusal="I'm sorry, I cannot assist with that request.")), **ONE_SECTION_LOST,
          reason="I'm sorry, I cannot assist"),
]

# --- what a model may write around, into or instead of the JSON ---------------------------------------------------

_CONTENTS: list[Fault] = [
    Fault("a well-formed reply", "OpenAI", ALWAYS, openai, **NO_MORE),
    Fault("a well-formed reply", "DeepSeek", ALWAYS, deepseek, **NO_MORE),
    Fault("a well-formed reply", "SiliconFlow", ALWAYS, siliconflow, **NO_MORE),
    Fault("a well-formed reply", "Qwen", ALWAYS, qwen, **NO_MORE),
    Fault("a well-formed reply", "vLLM", ALWAYS, vllm, **NO_MORE),
    Fault("a well-formed reply", "Ollama", ALWAYS, ollama, **NO_MORE),
    Fault("a well-formed reply", "llama.cpp", ALWAYS, llama_cpp, **NO_MORE),
    Fault("a well-formed reply", "transformers serve", ALWAYS, transformers_serve, **NO_MORE),
    Fault("slow, with its thoughts beside the answer", "DeepSeek", ALWAYS,  # clarion issue 76: 58 s instead of 13 s
          lambda good: replace(deepseek(good, reasoning_content=_THOUGHTS), delay=0.1), **NO_MORE),
    Fault("code fences", "any", ALWAYS, lambda good: openai(f"```json\n{good}\n```"), **NO_MORE),
    Fault("prose around the JSON", "any", ALWAYS,
          lambda good: openai(f"Sure! Here are the pairs:\n\n{good}\n\nLet me know if you need more."), **NO_MORE),
    Fault("a think block", "Qwen", ALWAYS, lambda good: qwen(f"<think>\n{_THOUGHTS}\n</think>\n\n{good}"),
          **NO_MORE),
    # https://github.com/xorbitsai/inference/issues/3647, https://github.com/langgenius/dify/issues/19051
    Fault("an empty think block", "vLLM", ALWAYS, lambda good: vllm(f"<think>\n\n</think>\n\n{good}"), **NO_MORE),
    Fault("a think block with attributes and another inside", "any", ALWAYS,
          lambda good: openai(f'<think depth="2">a <think>{_THOUGHTS}</think> b</think>{good}'), **NO_MORE),
    Fault("a think block that the template opened", "llama.cpp", ALWAYS,
          lambda good: llama_cpp(f"{_THOUGHTS}\n</think>\n\n{good}"), **NO_MORE),
    Fault("an unclosed think block", "Ollama", SECTION, always(ollama(f"<think>\n{_THOUGHTS}")), **ONE_SECTION_LOST,
          reason="only thinking", raw="A draft"),
    Fault("duplicate keys", "any", SECTION, lambda good: openai(_twice(good)), **ONE_SECTION_LOST,
          reason="duplicate key"),
    Fault("an array instead of an object", "any", SECTION_ONCE,
          lambda good: openai(json.dumps(json.loads(good)["pairs"])), **ONCE_MORE, reason="a JSON array"),
    Fault("a text where the list should be", "any", SECTION_ONCE, always(openai('{"pairs": "many"}')), **ONCE_MORE,
          reason="not of type array"),
    Fault("items of the wrong types", "any", SECTION, lambda good: openai(_wrong_types(good)), **ONE_SECTION_LOST,
          reason="schema: "),
    Fault("a short list", "any", SECTION_ONCE, lambda good: openai(_one(good)), **ONCE_MORE),
    Fault("one item a reply, every call", "any", ALWAYS, lambda good: openai(_one(good)), requests=(50,)),
    Fault("an empty list", "any", SECTION, always(openai('{"pairs": []}')), **ONE_SECTION_LOST),
    Fault("surplus", "any", ALWAYS, lambda good: openai(_many(good, 2)), **NO_MORE, reason="more than the 3 pairs"),
    Fault("a lone surrogate", "any", SECTION, lambda good: openai(good.replace('?"', '\\ud83d?"')), **ONE_SECTION_LOST,
          reason="lone surrogate"),
    Fault("a lone surrogate in the body", "any", SECTION, lambda good: completion(good.replace('?"', '\ud83d?"')),
          **ONE_SECTION_LOST, reason="lone surrogate"),
    Fault("evidence 700 lists deep", "any", SECTION_ONCE, lambda good: openai(_nested(good, 700)), **ONCE_MORE,
          reason="nested more than 32 levels deep"),
    Fault("answers of 2 MB", "any", SECTION_ONCE, lambda good: openai(_longer(good, 2_000_000)), **ONCE_MORE,
          reason="answer longer than 1500 characters"),
    Fault("thousands of pairs", "any", SECTION_ONCE, lambda good: openai(_many(good, 2000)), **ONCE_MORE,
          reason="more than 1000 entries in one list"),
    Fault("a 5 MB reply with the answer at its end", "any", SECTION_ONCE,
          lambda good: openai(f"<think>{'I wonder. ' * 500_000}</think>{good}"), **NO_MORE),
    Fault("a 5 MB reply that opens objects and closes none", "any", SECTION_ONCE,
          always(openai('{"pairs": ' * 500_000)), **ONCE_MORE, reason="nested more than 32 levels deep"),
]

# fmt: on
FAULTS: list[Fault] = [*_ACCOUNT, *_LIMITS, *_REFUSED, *_FAILURES, *_BODIES, *_CONTENTS]


# --- playing one ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """What a build against a faulty server did, and a second one once the server was well."""

    exit_code: int
    requests: int
    error: str
    """What stood on stderr."""
    rejects: list[dict[str, Any]]
    rows: int
    struck: Response
    """What the server sent, the first time."""
    silence: float
    """Seconds between the first strike and the next request, but for those already on their way."""
    seconds: float
    manifest: dict[str, Any] | None
    """None where no dataset was written."""
    formats: list[str]
    """The response_format types asked for, in order."""
    answered: int
    """Calls of the first build that were answered well."""
    again_exit_code: int
    again_requests: int
    asked_twice: int
    """Requests of the second build that had been answered well in the first."""
    second_agrees: bool
    """The second build left a dataset's bytes as they were, or wrote the rows of a build that was never stopped."""


class _Server:
    """A good teacher that commits a fault for as long as `well` is false."""

    def __init__(self, fault: Fault) -> None:
        self.fault, self.well = fault, False
        self.number = self.strikes = 0
        self.struck = Response()
        self.struck_at = 0.0
        self.answered: set[str] = set()
        self._teacher = GoodTeacher()

    def __call__(self, request: dict[str, Any]) -> Response:
        self.number += 1
        strike = self.fault.strike
        content = self._content(request)
        if self.well or self.strikes >= strike.most or not strike.hits(request, self.number):
            self.answered.add(prompt_of(request))
            return replace(completion(content), delay=0.0 if self.well else self.fault.pace)
        response = self.fault.answer(content)
        if not self.strikes:
            self.struck, self.struck_at = response, time.monotonic()
        self.strikes += 1
        return response

    def _content(self, request: dict[str, Any]) -> str:
        """As many new items as asked for: GoodTeacher would begin again with those it gave before."""
        prompt = prompt_of(request)
        covered = re.findall(r"^- (.*)$", prompt, re.MULTILINE)
        more = re.sub(r"^(Write )(\d+)", lambda match: f"{match[1]}{int(match[2]) + len(covered)}", prompt, flags=re.M)
        asked = re.search(r"^Write (\d+)", prompt, re.MULTILINE)
        reply = json.loads(self._teacher({**request, "messages": [{"role": "user", "content": more}]}).body)
        content = str(reply["choices"][0]["message"]["content"])
        if asked is None:
            return content
        items = json.loads(content)
        for name, values in items.items():
            new = [value for value in values if (value["question"] if name == "pairs" else value) not in covered]
            items[name] = new[: int(asked[1])]
        return json.dumps(items, ensure_ascii=False)


def prompt_of(request: dict[str, Any]) -> str:
    return str(request["messages"][-1]["content"])


@contextlib.contextmanager
def impatience(deadline: float, longest_wait: float) -> Iterator[None]:
    """Builds that retry soon and seldom and wait no longer than told: the command line has no options for it.

    This is the only place that knows the product's insides.
    """
    check = TeacherSettings.__post_init__

    def hurried(settings: TeacherSettings) -> None:
        check(settings)
        for name, value in {"deadline": deadline, "retries": RETRIES, "backoff": BACKOFF}.items():
            object.__setattr__(settings, name, value)

    with (
        mock.patch.object(TeacherSettings, "__post_init__", hurried),
        # Nobody here speaks TLS, and reading the system's certificates takes as long as all the calls of a build.
        mock.patch.object(ssl.SSLContext, "load_verify_locations"),
        mock.patch.object(refusals, "MOST_WAIT", longest_wait),
        mock.patch.object(throttle, "RAMP_START", 0.05),
    ):
        yield


def _build(server: Provider, folder: Path, fault: Fault) -> tuple[int, str]:
    """The exit code of the command, and what it printed on stderr."""
    book = folder / "book.md"
    book.write_text(BOOK, "utf-8")
    size = ["--variants", "3", "--max-pairs", "3", "--run", "book", "--runs-dir", str(folder / "runs")]
    arguments = ["build", str(book), "--base-url", server.base_url, "--teacher-model", "m", *size, *fault.options]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as error:
        return main(arguments), error.getvalue()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def _rows(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """The dataset's rows but for `call`, which hashes the server's port and the attempt."""
    lines = [line for split in ("train", "val", "test") for line in files.get(f"{split}.jsonl", b"").splitlines()]
    return [{key: value for key, value in json.loads(line).items() if key != "call"} for line in lines]


@cache
def rows_of_a_good_build() -> tuple[dict[str, Any], ...]:
    """The rows of a build that nothing hinders."""
    well = Fault("none", "any", Strike("no call", lambda request, number: False), openai)
    with tempfile.TemporaryDirectory() as folder, provider(_Server(well)) as server:
        assert _build(server, Path(folder), well)[0] == 0
        return tuple(_rows(_files(Path(folder) / "runs" / "book" / "dataset")))


def play(fault: Fault, folder: Path) -> Seen:
    """Build in `folder` against a server that commits `fault`, and again once it is well."""
    dataset = folder / "runs" / "book" / "dataset"
    script = _Server(fault)
    with provider(script) as server:
        started = time.monotonic()
        with impatience(fault.deadline, fault.longest_wait):
            exit_code, error = _build(server, folder, fault)
        seconds = time.monotonic() - started
        requests, answered, first = len(server.requests), set(script.answered), _files(dataset)
        later = [at for at in server.times if at > script.struck_at + 0.15]
        manifest = read_json(dataset / "manifest.json") if first else None
        rejects = read_jsonl(dataset / "rejected.jsonl") if first else []

        script.well = True
        with impatience(10.0, 120.0):
            again_exit_code, _ = _build(server, folder, fault)
        again, second = server.requests[requests:], _files(dataset)
    return Seen(
        exit_code,
        requests,
        error,
        rejects,
        len(_rows(first)),
        script.struck,
        later[0] - script.struck_at if later else 0.0,
        seconds,
        manifest,
        [_format(request) for request in server.requests[:requests]],
        len(answered),
        again_exit_code,
        len(again),
        sum(prompt_of(request) in answered for request in again),
        first == second if first else _rows(second) == list(rows_of_a_good_build()),
    )


# --- the accounting -------------------------------------------------------------------------------------------

ASKED = ("base_qa", "paraphrase", "heldout_wordings", "spellings")
_COUNTED = {
    "base_qa": ("base_qa",),
    "paraphrase": ("paraphrase",),
    "heldout_wordings": ("heldout_wordings",),
    "spellings": ("spellings", "check_spellings"),
    "dedupe": ("dedupe_pairs", "dedupe_rows"),
    "held_form": ("held_forms",),
    "audit": ("audit",),
}
"""Stage of a reject → the stages of the manifest whose `rejected` it is counted in."""


def broken_identities(seen: Seen) -> list[str]:
    """Where a dataset's accounting does not add up; empty where it does, and where there is no dataset."""
    if seen.manifest is None:
        return []
    tallies = seen.manifest["accounting"]
    broken = []
    for stage, tally in tallies.items():
        if tally["asked"] != tally["received"] + tally["short"]:
            broken.append(f"{stage}: asked is not received + short: {tally}")
        if tally["received"] != tally["kept"] + tally["rejected"]:
            broken.append(f"{stage}: received is not kept + rejected: {tally}")
    for stage, counted in _COUNTED.items():
        told = sum(reject["stage"] == stage for reject in seen.rejects)
        if told != sum(tallies[name]["rejected"] for name in counted if name in tallies):
            broken.append(f"{told} rejects of stage {stage}, and the manifest has another number")
    unread = sum(reject["stage"] == "reply" for reject in seen.rejects)
    if unread > sum(tallies.get(stage, {"short": 0})["short"] for stage in ASKED):
        broken.append(f"{unread} unreadable replies left less than that short")
    if tallies["audit"]["kept"] != seen.rows:
        broken.append(f"{seen.rows} rows in the files, {tallies['audit']['kept']} in the manifest")
    lines = BOOK.count("\n")
    for reject in seen.rejects:
        known = reject["stage"] in {*_COUNTED, "reply", "surplus"}
        first, last = reject["lines"]
        if not (known and reject["reason"] and reject["heading_path"] and reject["source"] and reject["section_id"]):
            broken.append(f"a reject does not say what it is: {str(reject)[:300]}")
        if not (isinstance(reject["reply"], str) and 1 <= first <= last <= lines):
            broken.append(f"a reject does not say where it is from: {str(reject)[:300]}")
    return broken
