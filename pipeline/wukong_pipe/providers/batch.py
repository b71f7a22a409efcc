"""Buying answers by the file, through a provider's Batch API: half the price, within a day.

All that the build asks at the same time is a wave and goes up together. What is sent is journalled first, and found
again by whoever runs next.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wukong_pipe.errors import StoppedShort, WorkspaceError, WukongError
from wukong_pipe.journal.records import Call, Purchase, Tokens, now
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.batch_api import BatchApi, Refused
from wukong_pipe.providers.batch_results import BatchResults, SentBatch
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.dialect import Dialect, DialectLadder
from wukong_pipe.providers.request import awaited, hashed_parameters, offer_of
from wukong_pipe.reasons import Reason
from wukong_pipe.teacher.journalled import Unanswered
from wukong_pipe.teacher.ledger import Ledger, Reservation
from wukong_pipe.teacher.requests import Request

MOST_REQUESTS, MOST_BYTES = 50_000, 190_000_000
"""A file's, a little under OpenAI's 200 MB: https://developers.openai.com/api/docs/guides/batch#rate-limits"""
TRIES = 3
"""So often a request goes up that comes back without an answer."""
_QUIET = 20
"""Turns of the event loop without a new request, after which all that can ask have asked."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody who waits for an answer."""

    purchase: Purchase
    request: Request
    answer: asyncio.Future[Call]


@dataclass(frozen=True, slots=True)
class _Line:
    """A request's line in a file, and the most that it can cost."""

    purchase: Purchase
    dialect: Dialect
    data: bytes
    offer: Tokens


class BatchBackend:
    """Buys answers wave by wave."""

    slots = 0

    def __init__(
        self, settings: TeacherSettings, journal: Journal, ledger: Ledger, run: str, say: Callable[[str], None]
    ) -> None:
        """
        Args:
            say: told how a batch gets on.
        """
        self.settings = settings
        self.base_url, self.model, self.parameters = settings.base_url, settings.model, hashed_parameters(settings)
        self._journal, self._ledger, self._run, self._say = journal, ledger, run, say
        self._api, self._ladder = BatchApi(settings), DialectLadder(settings, journal)
        self._results = BatchResults(settings, journal, ledger, self._api, self._ladder, say)
        self._waiting: dict[str, _Waiting] = {}
        """By key: a teacher asks each only once at a time."""
        self._buying: asyncio.Task[None] | None = None
        self._most_requests, self._one_by_one = MOST_REQUESTS, False
        self._end: Exception | None = None

    async def close(self) -> None:
        """End the buying and close the connections. A batch stays with the provider, and open in the journal."""
        if self._buying is not None:
            self._buying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._buying
        await self._api.close()

    def stop(self, end: WukongError) -> None:
        """Send nothing more, and wait for no batch: the next build collects it."""
        self._ledger.stop(end)
        if self._buying is not None:
            self._buying.cancel()
        self._give_up(end)

    async def buy(self, purchase: Purchase, request: Request) -> Call:
        """An answer, or the provider's final refusal of this one request; it is in the journal.

        Raises:
            TeacherError: the teacher cannot be used, or has no Batch API.
            StoppedShort: it cannot be used any more, or a ceiling is reached.
            Unanswered: this request came back without an answer each time, and others with one.
            WorkspaceError: the answer is on its way in a batch of another run.
        """
        if self._end is not None:
            raise self._end
        answer: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        self._waiting[purchase.key] = _Waiting(purchase, request, answer)
        if self._buying is None or self._buying.done():
            self._buying = asyncio.create_task(self._buy_waves())
        try:
            return await answer
        finally:
            self._waiting.pop(purchase.key, None)

    # --- waves ------------------------------------------------------------------------------------------------

    async def _buy_waves(self) -> None:
        try:
            await self._adopt()
            while await self._all_have_asked():
                await self._buy_wave()
        except Exception as error:
            self._give_up(error)

    async def _all_have_asked(self) -> bool:
        """Hand out what there is, and whether anything is to be bought then.

        Whoever builds either waits for an answer or works without waiting: a few turns show who is left.
        """
        self._hand_out()
        quiet = 0
        while quiet < _QUIET:
            before = set(self._waiting)
            await asyncio.sleep(0)
            quiet = quiet + 1 if before == set(self._waiting) else 0
        return bool(self._waiting)

    def _hand_out(self) -> None:
        """Give the journal's answers to those who wait for them, and tell those who have asked too often in vain.

        Raises:
            StoppedShort: that is all that this teacher has brought.
        """
        for key, waiting in self._waiting.items():
            reasons = self._results.in_vain.get(key, [])
            if waiting.answer.done():
                continue
            if (call := self._journal.get(key)) is not None:
                waiting.answer.set_result(call)
            elif len(reasons) >= TRIES and self._results.answered:
                waiting.answer.set_exception(Unanswered(Reason.of("no-answer", tries=TRIES, words=reasons[-1])))
            elif len(reasons) >= TRIES:
                raise StoppedShort(
                    f"The Batch API at {self.base_url} brought no answer {TRIES} times, last with: {reasons[-1]}. "
                    "What was bought is kept; the same command tries again."
                )

    def _give_up(self, error: Exception) -> None:
        """Tell everyone, now and later, why nothing more comes."""
        self._end = self._end or error
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(self._end)

    async def _buy_wave(self) -> None:
        """Send what is waited for, as far as limits and ceilings allow, and settle all that was sent."""
        for key in self._waiting:
            if (batch := self._journal.open_batch_of(key)) is not None:
                raise WorkspaceError(awaited(batch))
        lines = sorted(map(self._line, self._waiting.values()), key=lambda line: line.dialect.rung)
        # Never none: nothing is in flight that could make room, and so the ledger raises.
        fitting = self._ledger.fitting([line.offer for line in lines])
        if fitting < len(lines):
            self._say(f"{fitting} of {len(lines)} requests fit under the ceiling; what they leave of it is used next.")
        files = list(self._files(lines[:fitting]))
        sent = [await self._send(file) for file in (files[:1] if self._one_by_one else files)]
        for one in sent:
            if one.items:  # None where the file was refused.
                await self._results.collect(one)
        if any(one.too_large for one in sent):
            # Providers limit a file, and what is queued in all.
            self._most_requests, self._one_by_one = max(1, max(map(len, files)) // 2), True

    def _line(self, waiting: _Waiting) -> _Line:
        dialect = self._ladder.dialect(waiting.request)
        body = self._ladder.body(waiting.request, dialect)
        line = {"custom_id": waiting.purchase.key, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return _Line(waiting.purchase, dialect, json.dumps(line).encode("ascii") + b"\n", offer_of(body, self.settings))

    def _files(self, lines: Sequence[_Line]) -> Iterator[list[_Line]]:
        """The lines cut into files of one dialect each, within the provider's limits."""
        file: list[_Line] = []
        size = 0
        for line in lines:
            is_full = len(file) == self._most_requests or size + len(line.data) > MOST_BYTES
            if file and (is_full or line.dialect != file[0].dialect):
                yield file
                file, size = [], 0
            file.append(line)
            size += len(line.data)
        yield file

    # --- one batch: sent, or found again ----------------------------------------------------------------------

    async def _send(self, lines: Sequence[_Line]) -> SentBatch:
        """Book and journal a batch, then send it: whatever dies in between, it is found again by its mark.

        Raises:
            WukongError: the provider cannot be reached, or refuses it for another reason than its size.
        """
        purchases, dialect = [line.purchase for line in lines], lines[0].dialect
        reserved = self._ledger.reserve_all(purchases, [line.offer for line in lines], dialect.rung)
        wanted = list(zip(purchases, reserved, strict=True))
        mark = uuid.uuid4().hex
        number = self._journal.open_batch(mark, [(purchase, taken.send) for purchase, taken in wanted])
        items = {purchase.key: (purchase, taken) for purchase, taken in wanted}
        sent = SentBatch(number, mark, "", "", now(), dialect, items)
        try:
            sent.file = await self._api.upload(f"{mark}.jsonl", b"".join(line.data for line in lines))
            self._journal.file_batch(number, sent.file)
            sent.remote = await self._api.create(mark, sent.file)
        except WukongError as error:
            if not sent.file:  # And so no batch.
                self._results.write_off(sent, str(error), unbilled=True)
            raise
        except Refused as error:
            self._results.refused(sent, error.status, error.words)
            return sent
        self._journal.name_batch(number, sent.remote)
        self._say(f"Batch {sent.remote} is sent: {len(lines)} requests.")
        return sent

    async def _adopt(self) -> None:
        """Collect the batches that an earlier build of this run left open.

        Raises:
            WukongError: what was sent may still bring answers, but not now.
        """
        for batch in self._journal.open_batches(self.base_url, self.model):
            if batch.run != self._run:
                continue
            items = self._journal.batch_items(batch.id)
            if not items:
                self._journal.end_batch(batch.id)
                continue
            rung, created = self._journal.batch_sent(batch.id)
            dialect = Dialect(rung)
            sent = SentBatch(batch.id, batch.mark, batch.file, batch.remote, created, dialect, {})
            for purchase, send, booked, prices in items:
                sent.items[purchase.key] = purchase, Reservation(send, booked, prices)
                self._ledger.adopt(sent.items[purchase.key][1])
            self._say(f"{sent.name} of an earlier build is collected.")
            await self._results.collect(sent)
