"""How a stage asks a teacher: a `Request` goes in, a checked `Reply` comes out, bought at most once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from wukong_pipe.errors import StoppedShort, WukongError
from wukong_pipe.journal.records import Call, Purchase, Tokens, call_key, canonical, now
from wukong_pipe.journal.store import Journal
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section
from wukong_pipe.teacher.ledger import NO_COST, NOTHING
from wukong_pipe.teacher.refusals import is_about_content, rejection
from wukong_pipe.teacher.replies import read_completion, read_object


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
class AnswerTask:
    """Ask `count` other wordings of the answer to a question, other than those it has."""

    section: Section
    question: str
    answer: str
    count: int
    covered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a teacher, as the build means it; how a server is spoken to is the teacher's business.

    `messages` and `schema` are what a language model gets and what the journal's key hashes. `task` is the
    same request as data, for the embedded teacher, which reads Markdown and not instructions.
    """

    stage: str
    """"base_qa", "judge", "paraphrase", "answers" or "eval_judge"."""
    prompt: str
    """Name, language and hash of the prompt file: base_qa.zh@1f0c5a2b."""
    messages: tuple[dict[str, str], ...]
    schema: dict[str, Any]
    """JSON Schema of the reply, an object."""
    task: BaseQATask | ParaphraseTask | AnswerTask | None
    """None for what templates cannot answer: a judgement."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one attempt."""

    call: str
    """The journal's key of the call; empty where none was answered."""
    value: dict[str, Any] | None
    """The reply as JSON, where it could be read and is an object holding the array asked for; else None."""
    problem: Reason | None
    """Why `value` is None; None where it is not."""
    raw: str
    """The teacher's own words, for rejected.jsonl."""
    is_cut: bool = False
    """Whether it ended at max_tokens: asked for less, the teacher might finish."""
    is_final: bool = False
    """Whether the provider refuses the request for good: asking it again is of no use."""
    is_new: bool = field(default=False, compare=False)
    """Whether it was bought now, and not read from the journal."""


class Ask(Protocol):
    """Attempt 0, 1 or 2 of a request: read from the journal if it is there, bought and journalled if not."""

    async def __call__(self, request: Request, attempt: int) -> Reply:
        """
        Raises:
            TeacherError: the teacher cannot be used at all.
            StoppedShort: the teacher failed too often, or a ceiling is reached; what was bought is kept.
            Interrupted: the user stopped the run.
        """
        ...


# --- journal first ------------------------------------------------------------------------------------------


class Unanswered(Exception):
    """One request brought no answer while others did: it stays unanswered in this build, and the run goes on."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Backend(Protocol):
    """Where the answers come from that the journal lacks. `base_url`, `model` and `parameters` are hashed."""

    @property
    def base_url(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def parameters(self) -> dict[str, Any]: ...

    async def buy(self, purchase: Purchase, request: Request) -> Call:
        """Get an answer, retrying where that helps, and commit it to the journal before it is returned.

        Raises:
            TeacherError: the teacher cannot be used at all.
            StoppedShort: the teacher failed too often, or a ceiling is reached.
            Unanswered: it failed too often on this request alone.
        """
        ...

    def stop(self, end: WukongError) -> None:
        """Send nothing more: who waits to send is told `end`. Requests in flight still reach the journal."""
        ...


@dataclass(frozen=True, slots=True)
class OfflineBackend:
    """A teacher inside this process: a plain function from a request to the reply's JSON text."""

    model: str
    answer: Callable[[Request, int], str]
    journal: Journal
    base_url: str = "offline"
    parameters: dict[str, Any] = field(default_factory=dict)

    async def buy(self, purchase: Purchase, request: Request) -> Call:
        """The function's answer in the form every teacher's has, so that all replies are read by one path."""
        start = time.monotonic()
        message = {"role": "assistant", "content": self.answer(request, purchase.attempt)}
        completion = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        body = json.dumps(completion).encode("ascii")
        call = Call(
            **asdict(purchase),
            reply=body,
            status=200,
            rung=0,
            tokens_in=None,
            tokens_out=None,
            seconds=time.monotonic() - start,
            created=now(),
        )
        self.journal.record(call)
        return call

    def stop(self, end: WukongError) -> None:
        """Nothing ever waits here."""


@dataclass(slots=True)
class Used:
    """The answers a build used, old or new: what the dataset cost, whoever paid when."""

    calls: int = 0
    tokens: Tokens = NOTHING
    cost: dict[str, Decimal] = field(default_factory=dict)
    """By currency."""
    unpriced: int = 0
    """Calls with tokens and without a price."""


class JournalledTeacher:
    """Reads answers from the journal and buys those it lacks; `ask` is what the stages are handed."""

    def __init__(self, journal: Journal, backend: Backend, run: str) -> None:
        self.from_journal = 0
        self.bought = 0
        self.used: dict[str, Used] = {}
        """By stage."""
        self._journal = journal
        self._backend = backend
        self._run = run
        # Two sections may ask the very same thing at the same time: the second waits for the first one's
        # answer.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._end: WukongError | None = None
        self._counted: set[str] = set()

    def stop(self, why: Exception) -> None:
        """Buy nothing more: who asks for what the journal lacks is told why."""
        self._end = self._end or (why if isinstance(why, WukongError) else StoppedShort(str(why)))
        self._backend.stop(self._end)

    async def ask(self, request: Request, attempt: int) -> Reply:
        """One attempt's reply; see `Ask`.

        Raises:
            TeacherError: the teacher cannot be used at all.
            StoppedShort: the teacher failed too often, or a ceiling is reached; what was bought is kept.
            Interrupted: the user stopped the run.
            WorkspaceError: the journal cannot be read or written.
        """
        meaning = self._meaning(request)
        key = call_key(meaning, attempt)
        async with self._locks.setdefault(key, asyncio.Lock()):
            call, is_new = self._journal.get(key), False
            if call is not None:
                self.from_journal += 1
            elif self._end is not None:
                raise self._end
            else:
                place = (self._backend.base_url, self._backend.model)
                purchase = Purchase(key, *place, attempt, self._run, request.stage, request.prompt, meaning)
                try:
                    call = await self._backend.buy(purchase, request)
                except Unanswered as error:
                    return Reply("", None, error.reason, "")
                self.bought += 1
                is_new = True
        self._count(request.stage, call)
        return replace(_reply(call, request.schema), is_new=is_new)

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

    def _count(self, stage: str, call: Call) -> None:
        """Count an answer once, however often it is used: two files may hold the same section."""
        if call.key in self._counted:
            return
        self._counted.add(call.key)
        used = self.used.setdefault(stage, Used())
        used.calls += 1
        used.tokens += Tokens(call.tokens_in or 0, call.tokens_out or 0)
        if call.cost:
            used.cost[call.currency] = used.cost.get(call.currency, NO_COST) + Decimal(call.cost)
        elif call.tokens_in is not None:
            used.unpriced += 1


def _reply(call: Call, schema: dict[str, Any]) -> Reply:
    completion = read_completion(call.reply)
    # A lone surrogate cannot be written to a UTF-8 file; the journal keeps the bytes as they came.
    raw = completion.content.encode("utf-8", "replace").decode("utf-8")
    problem = rejection(call.status, call.error) if call.error else completion.problem
    if problem:
        # A refusal, or an answer in the wrong field, stands beside the content.
        raw = raw if raw.strip() else call.reply.decode("utf-8", "replace")
        return Reply(
            call.key,
            None,
            problem,
            raw,
            completion.is_cut,
            bool(call.error) and is_about_content(call.status, call.reply),
        )
    value, problem = read_object(completion.content, schema)
    return Reply(call.key, value, problem, raw)


MOST_SHOWN = 40_000
"""Characters of a reply beside a reject; a whole one of the usual 8,192 tokens has as many."""


def excerpt(raw: str, most: int = MOST_SHOWN) -> str:
    """The beginning of a teacher's words; the journal has them whole."""
    return raw if len(raw) <= most else f"{raw[:most]}… ({len(raw)} characters, whole in the journal)"


# --- many at a time -----------------------------------------------------------------------------------------

T = TypeVar("T")
R = TypeVar("R")


async def in_pool(
    items: Sequence[T],
    worker: Callable[[T], Awaitable[R]],
    size: int,
    done: Callable[[], None] = lambda: None,
    stop: Callable[[Exception], None] = lambda error: None,
) -> list[R]:
    """Results of `worker` for all items, in the items' order, with at most `size` at work at any time.

    After the first exception nothing new starts and `stop` is told of it, so that what runs buys nothing more; its
    calls in flight reach the journal before the exception goes on. A cancelled pool ends at once. Never a task an
    item: thousands of waiting requests time out unsent.
    """
    results: dict[int, R] = {}
    queue = iter(enumerate(items))
    first: Exception | None = None

    async def work() -> None:
        nonlocal first
        for index, item in queue:
            if first is not None:
                return
            try:
                results[index] = await worker(item)
            except Exception as error:
                if first is None:
                    first = error
                    stop(error)
                return
            done()
            # What is read from the journal never waits: signals and other workers must have their turn.
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(work()) for _ in range(min(size, len(items)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if first is not None:
        raise first
    return [results[index] for index in sorted(results)]
