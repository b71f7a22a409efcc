"""An OpenAI-compatible endpoint for a tuned model as it was trained: adapter, precision, template, system prompt.

Requests are answered by the handlers of `transformers serve`. Its own application is left aside: it also loads any
model that a request names, unloads the one it has for any web page that posts to /reset, knows no system prompt, lets a
request set whatever `generate` knows, and goes on answering a client that has left.
"""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import uvicorn
from accelerate.utils.memory import should_reduce_batch_size
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from transformers import GenerationConfig
from transformers.cli.serving.chat_completion import ChatCompletionHandler
from transformers.cli.serving.model_manager import ModelManager, TimedModel

from wukong_trainer.data.examples import Message, chat_prompt
from wukong_trainer.inference.generate import stop_ids
from wukong_trainer.use.serve_limits import (
    ANSWER_SECONDS,
    CONNECTIONS,
    BoundedBody,
    Gone,
    OneQueue,
    PatientProtocol,
    Stop,
    Stoppable,
    TooLong,
    error_response,
    unless_gone,
)
from wukong_trainer.use.serve_requests import ChatRequest, PromptRequest, Turn, complaint
from wukong_trainer.use.tuned_model import Tuned

HOST = "127.0.0.1"
SECONDS_TO_STOP = 5
"""How long answers in flight may take once the server is told to stop."""


def application(tuned: Tuned, name: str, max_new_tokens: int, *, answer_seconds: float = ANSWER_SECONDS) -> FastAPI:
    """The endpoint: /v1/chat/completions, /v1/models, /health, and /generate as the tutorials have it.

    Args:
        name: what requests call the model.
        max_new_tokens: where an answer is cut whose request does not say it.
        answer_seconds: an answer that takes longer is given up.
    """
    app = FastAPI(title=name, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(BoundedBody)
    # A web page can name a host of its own that resolves to this machine (DNS rebinding).
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    service = _Service(tuned, name, max_new_tokens, answer_seconds)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:  # noqa: ARG001
        return error_response(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> JSONResponse:  # noqa: ARG001
        parameter, message = complaint(error.errors())
        return error_response(400, message, parameter=parameter)

    @app.post("/v1/chat/completions")
    async def chat_completions(chat: ChatRequest, request: Request) -> Response:
        return await service.answer(chat, request)

    @app.post("/generate")
    async def generate(body: PromptRequest, request: Request) -> Response:
        turns = [Turn(role="user", content=body.prompt)]
        reply = await service.answer(ChatRequest(messages=turns, max_tokens=body.max_new_tokens), request)
        if reply.status_code != 200:
            return reply
        return JSONResponse({"response": json.loads(bytes(reply.body))["choices"][0]["message"]["content"]})

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "wukong-pipe"}]}

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/")
    def start() -> PlainTextResponse:
        return PlainTextResponse(
            f"wukong-pipe serves “{name}” here. Give OpenAI's clients this address followed by /v1, or POST "
            '{"prompt": "…"} to /generate, with Content-Type: application/json.\n'
        )

    return app


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Answer on `listener` until Ctrl-C or SIGTERM; answers in flight get a few seconds to end.

    Raises:
        KeyboardInterrupt: it was Ctrl-C.
    """
    uvicorn.Server(server_config(app)).run(sockets=[listener])


def server_config(app: FastAPI) -> uvicorn.Config:
    """How the application is served: by a server that drops clients who do not say what they want."""
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_level="warning",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )


class _Service:
    """Answers requests whose parameters are as they may be."""

    def __init__(self, tuned: Tuned, name: str, max_new_tokens: int, answer_seconds: float) -> None:
        self.tuned, self.name = tuned, name
        self.max_new_tokens, self.answer_seconds = max_new_tokens, answer_seconds
        model = tuned.model.eval()
        self._ends = {
            "eos_token_id": sorted(stop_ids(model, tuned.tokenizer)),
            "pad_token_id": tuned.tokenizer.pad_token_id,
        }
        model.generation_config = GenerationConfig(**self._ends)
        manager = _OneModel()
        manager.force_model = name
        # A timer of no length: the model is never unloaded.
        manager.loaded_models[name] = TimedModel(model, timeout_seconds=-1, processor=tuned.tokenizer)
        self._queue = Stoppable()
        self._handler = ChatCompletionHandler(manager, OneQueue(self._queue))

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together that the model reads."""
        places = getattr(self.tuned.model.config.get_text_config(), "max_position_embeddings", None)
        return int(min(places or self.tuned.tokenizer.model_max_length, self.tuned.tokenizer.model_max_length))

    async def answer(self, chat: ChatRequest, request: Request) -> Response:
        if chat.model not in (None, self.name):
            return error_response(400, f"The model served here is “{self.name}”, and no other.", parameter="model")
        if (chat.limit() or 1) > self.context:
            message = f"The model reads {self.context} tokens, and an answer of {chat.limit()} is asked for."
            return error_response(400, message, parameter="max_tokens")
        messages = [turn.message() for turn in chat.messages]
        if messages[0]["role"] != "system":
            # The system message alone: a question may be more than one part.
            messages = [*chat_prompt("", self.tuned.system)[:-1], *messages]
        options = chat.chat_template_kwargs
        try:
            tokens = await run_in_threadpool(self._tokens, messages, options.model_dump() if options else {})
        except Exception as error:  # A template says what it will.
            message = f"The model's chat template does not take this conversation: {type(error).__name__}: {error}"
            return error_response(400, message[:300], parameter="messages")
        room = self.context - tokens
        if room < 1:
            message = f"The conversation has {tokens} tokens, and the model reads {self.context}, its answer included."
            return error_response(400, message, parameter="messages", code="context_length_exceeded")
        limit = min(chat.limit() or self.max_new_tokens, room)
        config = {"max_new_tokens": limit, **self._ends, **chat.sampling()}
        body = {"messages": messages, "generation_config": json.dumps(config), **chat.passed_on()}
        return await self._generated(body, request)

    def _tokens(self, messages: list[Message], options: dict[str, Any]) -> int:
        text = self.tuned.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **options)
        return len(self.tuned.tokenizer(text, add_special_tokens=False)["input_ids"])

    async def _generated(self, body: dict[str, Any], request: Request) -> Response:
        name, stop = f"chatcmpl-{uuid.uuid4().hex}", Stop(self.answer_seconds)
        self._queue.stops[name] = stop
        try:
            response = await unless_gone(request.receive, stop, self._handler.handle_request(body, name))
        except Gone:
            return Response(status_code=499)  # Nobody reads it.
        except TooLong as error:
            return error_response(504, str(error), code="timeout")
        except RuntimeError as error:
            if not should_reduce_batch_size(error):
                raise
            return error_response(503, "There is not memory enough for this request: send a shorter one.")
        finally:
            del self._queue.stops[name]
        if isinstance(response, StreamingResponse):
            response.body_iterator = _ended(response.body_iterator)
        return response


class _OneModel(ModelManager):
    """The one model that is there, under its own name: none is looked for, loaded or unloaded."""

    @staticmethod
    def process_model_name(model_id: str) -> str:
        return model_id


ERROR = 'data: {"error": "', '"}\n\n'
"""How transformers writes an error into a stream, whatever signs it holds."""


async def _ended(events: AsyncIterable[Any]) -> AsyncIterator[Any]:
    """The stream, errors as OpenAI's clients read them, with the last event that OpenAI's has and some wait for."""
    async for event in events:
        if isinstance(event, str) and event.startswith(ERROR[0]):
            message = event.removeprefix(ERROR[0]).removesuffix(ERROR[1])
            yield f"data: {json.dumps({'error': {'message': message, 'type': 'server_error'}})}\n\n"
        else:
            yield event
    yield "data: [DONE]\n\n"
