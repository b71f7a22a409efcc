"""An OpenAI-compatible endpoint for a tuned model as it was trained: adapter, precision, template, system prompt.

Requests are answered by the handlers of `transformers serve`. Its own application is left aside: it also loads any
model that a request names, unloads the one it has for any web page that posts to /reset, and knows no system prompt.
"""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from jinja2 import TemplateError
from starlette.middleware.trustedhost import TrustedHostMiddleware
from transformers import GenerationConfig
from transformers.cli.serving.chat_completion import ChatCompletionHandler
from transformers.cli.serving.model_manager import ModelManager, TimedModel
from transformers.cli.serving.utils import GenerationState

from wukong_trainer.data import chat_prompt
from wukong_trainer.generate import stop_ids
from wukong_trainer.tuned import Tuned

HOST = "127.0.0.1"
SECONDS_TO_STOP = 5
"""How long answers in flight may take once the server is told to stop."""


def application(tuned: Tuned, name: str, max_new_tokens: int) -> FastAPI:
    """The endpoint: /v1/chat/completions, /v1/models, /health, and /generate as the tutorials have it.

    Args:
        name: what requests call the model.
        max_new_tokens: where an answer is cut whose request does not say it.
    """
    model = tuned.model.eval()
    model.generation_config = GenerationConfig(
        eos_token_id=sorted(stop_ids(model, tuned.tokenizer)), pad_token_id=tuned.tokenizer.pad_token_id
    )
    manager = _OneModel()
    manager.force_model = name
    # A timer of no length: the model is never unloaded.
    manager.loaded_models[name] = TimedModel(model, timeout_seconds=-1, processor=tuned.tokenizer)
    handler = ChatCompletionHandler(manager, GenerationState())
    app = FastAPI(title=name, docs_url=None, redoc_url=None, openapi_url=None)
    # A web page can name a host of its own that resolves to this machine (DNS rebinding).
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:  # noqa: ARG001
        # OpenAI's clients show what stands there.
        return JSONResponse({"error": {"message": error.detail, "type": "invalid_request_error"}}, error.status_code)

    async def answer(body: dict[str, Any]) -> Any:
        turns = body.get("messages")
        if not isinstance(turns, list) or not turns or not all(_is_message(turn) for turn in turns):
            raise HTTPException(422, "“messages” must be a list of objects with role and content.")
        if turns[0]["role"] not in {"system", "developer"}:
            # The system message alone: a question may be more than one part.
            body["messages"] = [*chat_prompt("", tuned.system)[:-1], *turns]
        body.setdefault("generation_config", json.dumps(_generation(model, body, max_new_tokens)))
        try:
            return await handler.handle_request(body, f"chatcmpl-{uuid.uuid4().hex}")
        except (TypeError, ValueError, KeyError, TemplateError) as error:
            raise HTTPException(422, f"The request is not as it must be: {error}.") from error

    @app.post("/v1/chat/completions")
    async def chat_completions(body: dict[str, Any]) -> Any:
        response = await answer(body)
        if isinstance(response, StreamingResponse):
            response.body_iterator = _ended(response.body_iterator)
        return response

    @app.post("/generate")
    async def generate(body: dict[str, Any]) -> dict[str, str]:
        prompt, limit = body.get("prompt"), body.get("max_new_tokens", max_new_tokens)
        if not isinstance(prompt, str) or not prompt.strip():
            raise HTTPException(422, "“prompt” must be a text.")
        asked = {"messages": [{"role": "user", "content": prompt.strip()}], "max_tokens": limit}
        reply = json.loads((await answer(asked)).body)
        return {"response": reply["choices"][0]["message"]["content"]}

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "wukong-pipe"}]}

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Answer on `listener` until Ctrl-C or SIGTERM; answers in flight get a few seconds to end.

    Raises:
        KeyboardInterrupt: it was Ctrl-C.
    """
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=SECONDS_TO_STOP)
    uvicorn.Server(config).run(sockets=[listener])


class _OneModel(ModelManager):
    """The one model that is there, under its own name: none is looked for, loaded or unloaded."""

    @staticmethod
    def process_model_name(model_id: str) -> str:
        return model_id


def _is_message(turn: Any) -> bool:
    return isinstance(turn, dict) and isinstance(turn.get("role"), str) and isinstance(turn.get("content"), str | list)


def _generation(model: Any, body: dict[str, Any], max_new_tokens: int) -> dict[str, Any]:
    """Greedy, as evaluated, unless the request asks for a temperature."""
    own = model.generation_config
    sampled = bool(body.get("temperature"))
    return {
        "max_new_tokens": max_new_tokens,
        "do_sample": sampled,
        "eos_token_id": own.eos_token_id,
        "pad_token_id": own.pad_token_id,
    } | ({"temperature": body["temperature"]} if sampled else {})


async def _ended(events: AsyncIterable[Any]) -> AsyncIterator[Any]:
    """The stream with the last event that OpenAI's has, and some clients wait for."""
    async for event in events:
        yield event
    yield "data: [DONE]\n\n"
