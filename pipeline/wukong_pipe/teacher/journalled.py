"""The journal between a build and its teacher: an answer is read from the journal, or bought once and kept there."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol
from weakref import WeakValueDictionary

from wukong_pipe.errors import StoppedShort, WukongError
from wukong_pipe.ids import IdSet
from wukong_pipe.journal.records import Call, Purchase, Tokens, call_key, canonical, now
from wukong_pipe.journal.store import Journal
from wukong_pipe.language.hashing import number
from wukong_pipe.reasons import Reason
from wukong_pipe.teacher.ledger import NO_COST, NOTHING
from wukong_pipe.teacher.refusals import is_about_content, rejection
from wukong_pipe.teacher.replies import read_completion, read_object
from wukong_pipe.teacher.requests import Reply, Request, temperature_at
from wukong_pipe.teacher.shard import WHOLE, Shard


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

    @property
    def slots(self) -> int:
        """Calls at a time that may be made beside each other; 0 where no call may be made that is not needed for sure,
        or where to make it now would keep others waiting."""
        ...

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

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        ...


@dataclass(frozen=True, slots=True)
class OfflineBackend:
    """A teacher inside this process: a plain function from a request to the reply's JSON text."""

    model: str
    answer: Callable[[Request, int], str]
    journal: Journal
    base_url: str = "offline"
    parameters: dict[str, Any] = field(default_factory=dict)
    slots: int = 0

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

    async def close(self) -> None:
        """There are no connections."""


@dataclass(slots=True)
class Used:
    """The answers a build used, old or new: what the dataset cost, whoever paid when."""

    calls: int = 0
    tokens: Tokens = NOTHING
    cost: dict[str, Decimal] = field(default_factory=dict)
    """By currency."""
    unpriced: int = 0
    """Calls with tokens and without a price."""

    def to_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "tokens_in": self.tokens.prompt,
            "tokens_out": self.tokens.completion,
            "cost": {currency: f"{cost.normalize():f}" for currency, cost in sorted(self.cost.items())},
            "unpriced_calls": self.unpriced,
        }


class JournalledTeacher:
    """Reads answers from the journal and buys those it lacks; `ask` is what the stages are handed."""

    def __init__(self, journal: Journal, backend: Backend, run: str, shard: Shard = WHOLE) -> None:
        self.from_journal = 0
        self.bought = 0
        self.unanswered = 0
        """Requests that brought no answer."""
        self.in_vain = 0
        """Calls that were bought before it was known that nothing needs them."""
        self.buying = 0
        """Requests that are being bought, those included that wait for their turn."""
        self.on_purchase: Callable[[], None] = lambda: None
        """Told of each request that is going to be bought."""
        self.left: Counter[int] = Counter()
        """By shard, requests that are another one's, and that the journal lacks."""
        self.used: dict[str, Used] = {}
        """By stage."""
        self._journal = journal
        self._backend = backend
        self._run, self._shard = shard.label(run), shard
        # Two sections may ask the very same thing at the same time: the second waits for the first one's
        # answer.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._end: WukongError | None = None
        self._counted = IdSet()

    @property
    def model(self) -> str:
        """The model's id, as the rows carry it."""
        return self._backend.model

    @property
    def is_language_model(self) -> bool:
        """Whether it is one, and not the embedded templates."""
        return not self.model.startswith("offline@")

    @property
    def parameters(self) -> dict[str, Any]:
        """What else shapes its answers: temperature and the like."""
        return self._backend.parameters

    @property
    def room(self) -> int:
        """How many more calls could be made now, beside those that are."""
        return max(0, self._backend.slots - self.buying)

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        await self._backend.close()

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
        reply, call = await self.answer(request, attempt)
        if call is not None:
            self.count(request.stage, call)
        return reply

    async def answer(self, request: Request, attempt: int) -> tuple[Reply, Call | None]:
        """The same without counting the answer as used; the call, where there was one."""
        meaning = self._meaning(request)
        key = call_key(meaning, attempt)
        async with self._locks.setdefault(key, asyncio.Lock()):
            call, is_new = self._journal.get(key), False
            if call is not None:
                self.from_journal += 1
            elif self._end is not None:
                raise self._end
            elif not self._shard.owns(request.section):
                self.left[owner := self._shard.owner(request.section)] += 1
                return Reply("", None, Reason.of("left-to-shard", shard=owner), ""), None
            else:
                place = (self._backend.base_url, self._backend.model)
                purchase = Purchase(key, *place, attempt, self._run, request.stage, request.prompt, meaning)
                try:
                    call = await self._buy(purchase, request)
                except Unanswered as error:
                    self.unanswered += 1
                    return Reply("", None, error.reason, ""), None
                self.bought += 1
                is_new = True
        return replace(_reply(call, request.schema), is_new=is_new), call

    async def _buy(self, purchase: Purchase, request: Request) -> Call:
        self.buying += 1
        try:
            self.on_purchase()
            return await self._backend.buy(purchase, request)
        finally:
            self.buying -= 1

    def _meaning(self, request: Request) -> bytes:
        """What the key hashes: the request as the build means it, not how the server is spoken to."""
        parameters = self._backend.parameters
        if request.warmth:
            parameters = parameters | {"temperature": temperature_at(request.warmth, parameters.get("temperature"))}
        return canonical(
            {
                "base_url": self._backend.base_url,
                "model": self._backend.model,
                "messages": request.messages,
                "schema": request.schema,
                "parameters": parameters,
            }
        )

    def count(self, stage: str, call: Call) -> None:
        """Count an answer once, however often it is used: two files may hold the same section."""
        if not self._counted.add(number(call.key)):
            return
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
