"""How a stage asks a teacher: a `Request` goes in, a checked `Reply` comes out, bought at most once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from wukong_pipe.errors import StoppedShort
from wukong_pipe.journal import Call, Failure, Journal, call_key, canonical, now
from wukong_pipe.records import Section
from wukong_pipe.replies import read_completion, read_object


@dataclass(frozen=True, slots=True)
class BaseQATask:
    """Ask `quota` pairs of a section, other than those whose questions it has."""

    section: Section
    quota: int
    covered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParaphraseTask:
    """Ask `count` other wordings of a question, other than those it has."""

    section: Section
    question: str
    count: int
    covered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a teacher, as the build means it; how a server is spoken to is the teacher's business.

    `messages` and `schema` are what a language model gets and what the journal's key hashes. `task` is the
    same request as data, for the embedded teacher, which reads Markdown and not instructions.
    """

    stage: str
    """"base_qa" or "paraphrase"."""
    prompt: str
    """Name, language and hash of the prompt file: base_qa.zh@1f0c5a2b."""
    messages: tuple[dict[str, str], ...]
    schema: dict[str, Any]
    """JSON Schema of the reply, an object."""
    task: BaseQATask | ParaphraseTask


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one attempt."""

    call: str
    """The journal's key of the call."""
    value: dict[str, Any] | None
    """The reply as JSON, where it could be read and is an object holding the array asked for; else None."""
    problem: str
    """Why `value` is None, in a few words; empty where it is not."""
    raw: str
    """The teacher's own words, for rejected.jsonl."""


class Ask(Protocol):
    """Attempt 0, 1 or 2 of a request: read from the journal if it is there, bought and journalled if not."""

    async def __call__(self, request: Request, attempt: int) -> Reply:
        """
        Raises:
            TeacherError: the teacher cannot be used at all.
            StoppedShort: the teacher failed too often; what was bought is kept.
        """
        ...


# --- journal first ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bought:
    """What one purchase brought: the bytes, before anyone has looked at them."""

    body: bytes
    seconds: float
    status: int = 200
    rung: int = 0
    error: str = ""
    """The provider's words where it refused this request for good."""


@dataclass(frozen=True, slots=True)
class Failed:
    """One HTTP call on the way to a purchase that brought no answer."""

    status: int | None
    rung: int
    seconds: float
    error: str


class Backend(Protocol):
    """Where the answers come from that the journal lacks. `base_url`, `model` and `parameters` are hashed."""

    @property
    def base_url(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def parameters(self) -> dict[str, Any]: ...

    async def buy(self, request: Request, attempt: int, failed: Callable[[Failed], None]) -> Bought:
        """Get an answer, retrying where that helps; `failed` is told of every call that brought none.

        Raises:
            TeacherError: the teacher cannot be used at all.
            StoppedShort: the teacher failed too often.
        """
        ...


@dataclass(frozen=True, slots=True)
class OfflineBackend:
    """A teacher inside this process: a plain function from a request to the reply's JSON text."""

    model: str
    answer: Callable[[Request, int], str]
    base_url: str = "offline"
    parameters: dict[str, Any] = field(default_factory=dict)

    async def buy(self, request: Request, attempt: int, failed: Callable[[Failed], None]) -> Bought:  # noqa: ARG002
        """The function's answer in the form every teacher's has, so that all replies are read by one path."""
        start = time.monotonic()
        message = {"role": "assistant", "content": self.answer(request, attempt)}
        completion = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        return Bought(json.dumps(completion).encode("ascii"), time.monotonic() - start)


@dataclass(slots=True)
class Counters:
    """What this invocation asked for: tokens of the calls it bought, and of all answers it used, old or new."""

    bought: int = 0
    from_journal: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    failures: int = 0
    used_in: int = 0
    used_out: int = 0


class JournalledTeacher:
    """Reads answers from the journal and buys those it lacks; `ask` is what the stages are handed."""

    def __init__(self, journal: Journal, backend: Backend, run: str) -> None:
        self.counters = Counters()
        self._journal = journal
        self._backend = backend
        self._run = run
        # Two sections may ask the very same thing at the same time: the second waits for the first one's
        # answer.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._stopped = False

    def stop(self) -> None:
        """Buy nothing more; calls in flight still reach the journal."""
        self._stopped = True

    async def ask(self, request: Request, attempt: int) -> Reply:
        """One attempt's reply; see `Ask`.

        Raises:
            TeacherError: the teacher cannot be used at all.
            StoppedShort: the teacher failed too often; what was bought is kept.
            WorkspaceError: the journal cannot be read or written.
        """
        meaning = self._meaning(request)
        key = call_key(meaning, attempt)
        async with self._locks.setdefault(key, asyncio.Lock()):
            call = self._journal.get(key)
            if call is None:
                if self._stopped:
                    raise StoppedShort("The build was stopped before this was asked; what was bought is kept.")
                call = await self._buy(request, attempt, key, meaning)
            else:
                self.counters.from_journal += 1
        self.counters.used_in += call.tokens_in or 0
        self.counters.used_out += call.tokens_out or 0
        return _reply(call, request.schema)

    def _meaning(self, request: Request) -> bytes:
        """What the key hashes: the request as the build means it, not how the server is spoken to."""
        return canonical(
            {
                "base_url": self._backend.base_url,
                "model": self._backend.model,
                "messages": request.messages,
                "schema": request.schema,
                "parameters": self._backend.parameters,
            }
        )

    async def _buy(self, request: Request, attempt: int, key: str, meaning: bytes) -> Call:
        place = (self._backend.base_url, self._backend.model)
        label = (self._run, request.stage, request.prompt)

        def failed(fail: Failed) -> None:
            self.counters.failures += 1
            self._journal.record_failure(
                Failure(key, *place, *label, fail.status, fail.rung, fail.seconds, now(), fail.error)
            )

        bought = await self._backend.buy(request, attempt, failed)
        # No await between the purchase and the commit: nothing can cancel a call that was paid for.
        completion = read_completion(bought.body)
        call = Call(
            key,
            *place,
            attempt,
            *label,
            meaning,
            bought.body,
            bought.status,
            bought.rung,
            completion.tokens_in,
            completion.tokens_out,
            bought.seconds,
            now(),
            bought.error,
        )
        self._journal.record(call)
        self.counters.bought += 1
        self.counters.tokens_in += call.tokens_in or 0
        self.counters.tokens_out += call.tokens_out or 0
        return call


def _reply(call: Call, schema: dict[str, Any]) -> Reply:
    completion = read_completion(call.reply)
    # A lone surrogate cannot be written to a UTF-8 file; the journal keeps the bytes as they came.
    raw = completion.content.encode("utf-8", "replace").decode("utf-8")
    problem = call.error or completion.problem
    if problem:
        return Reply(call.key, None, problem, raw)
    value, problem = read_object(completion.content, schema)
    return Reply(call.key, value, problem, raw)


# --- many at a time -----------------------------------------------------------------------------------------

T = TypeVar("T")
R = TypeVar("R")


async def in_pool(
    items: Iterable[T],
    worker: Callable[[T], Awaitable[R]],
    size: int,
    done: Callable[[], None] = lambda: None,
    stop: Callable[[], None] = lambda: None,
    grace: float = 30.0,
) -> list[R]:
    """Results of `worker` for all items, in the items' order, with at most `size` at work at any time.

    After the first exception, or when cancelled, nothing new starts and `stop` is called, so that what runs buys
    nothing more; it has `grace` seconds to bring its calls in flight into the journal. Never a task an item:
    thousands of waiting requests time out unsent.
    """
    results: dict[int, R] = {}
    errors: list[Exception] = []
    queue = iter(enumerate(items))
    stopping = False

    async def work() -> None:
        try:
            for index, item in queue:
                results[index] = await worker(item)
                done()
                if stopping:
                    return
        except Exception as error:
            errors.append(error)
            raise

    tasks = [asyncio.create_task(work()) for _ in range(max(1, size))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stopping = True
        if running := [task for task in tasks if not task.done()]:
            stop()
            await asyncio.wait(running, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if errors:
        raise errors[0]
    return [results[index] for index in sorted(results)]
