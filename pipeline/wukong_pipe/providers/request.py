"""What a request looks like on its way to a server that speaks OpenAI's protocol, one call or a line of a batch."""

from __future__ import annotations

import json
import shlex
from typing import Any

from wukong_pipe.journal.records import Batch, Tokens, run_and_shard
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.teacher.replies import read_completion
from wukong_pipe.teacher.requests import Request, temperature_at

JSON_SCHEMA, JSON_OBJECT, PROMPT_ONLY = range(3)
"""The rungs of the support ladder, best first."""


def hashed_parameters(settings: TeacherSettings) -> dict[str, Any]:
    """What the journal's key hashes of the settings: every parameter of the reply itself."""
    parameters: dict[str, Any] = {"max_tokens": settings.max_tokens}
    if settings.extra_body:
        parameters["extra_body"] = settings.extra_body
    if settings.temperature is not None:
        parameters["temperature"] = settings.temperature
    return parameters


def wire_body(settings: TeacherSettings, request: Request, rung: int, limit_name: str) -> dict[str, Any]:
    """The JSON that leaves: no field that nobody asked for, for some servers refuse what they do not know.

    Args:
        limit_name: "max_tokens", or "max_completion_tokens" for models that want that.
    """
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": list(request.messages),
        limit_name: settings.max_tokens,
    }
    if (temperature := temperature_at(request.warmth, settings.temperature)) is not None:
        body["temperature"] = temperature
    if rung == JSON_SCHEMA:
        schema = {"name": request.stage, "strict": True, "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif rung == JSON_OBJECT:
        body["response_format"] = {"type": "json_object"}
    return body | settings.extra_body


def offer_of(body: dict[str, Any], settings: TeacherSettings) -> Tokens:
    """The most that a request can cost: a token is at least one byte of UTF-8, and the reply has its limit."""
    return Tokens(len(json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")), settings.max_tokens)


def first_rung(journal: Journal, request: Request) -> int:
    """The rung to start on after the last attempt's reply.

    DeepSeek's json_object and vLLM's grammars now and then give nothing, or an endless run of white space: the same
    question without them is answered.
    """
    last = journal.get(request.last_call) if request.last_call else None
    return PROMPT_ONLY if last is not None and read_completion(last.reply).is_blank else JSON_SCHEMA


def awaited(batch: Batch) -> str:
    """Why a request is not sent: it would be paid for twice."""
    name = f"Batch {batch.remote}" if batch.remote else "A batch"
    run, shard = run_and_shard(batch.run)
    of = f"--shard {shard} --run" if shard else "--run"
    return (
        f"{name} of the run “{batch.run}” may still bring this answer: collect it with --batch {of} {shlex.quote(run)}."
    )
