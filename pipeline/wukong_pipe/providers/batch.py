"""Buying answers by the file, through a provider's Batch API: half the price, within a day.

All that the build asks at the same time is a wave and goes up together. What is sent is journalled first, and found
again by whoever runs next.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wukong_pipe.bounded import parse
from wukong_pipe.errors import StoppedShort, TeacherError, WorkspaceError, WukongError
from wukong_pipe.journal.records import Call, Purchase, Tokens, now
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.batch_api import BatchApi, Refused
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.request import PROMPT_ONLY, awaited, first_rung, hashed_parameters, offer_of, wire_body
from wukong_pipe.teacher.journalled import Unanswered
from wukong_pipe.teacher.ledger import Ledger, Reservation
from wukong_pipe.teacher.refusals import REFUSED, classify, ending, was_refused, words_of
from wukong_pipe.teacher.replies import MOST_OF_A_REPLY
from wukong_pipe.teacher.requests import Request

MOST_REQUESTS, MOST_BYTES = 50_000, 190_000_000
"""A file's, a little under OpenAI's 200 MB: https://developers.openai.com/api/docs/guides/batch#rate-limits"""
TRIES = 3
"""So often a request goes up that comes back without an answer."""
DAYS = 2
"""After so many a batch can bring nothing any more: its window is one."""
MOST_OF_A_LINE = 2 * MOST_OF_A_REPLY
"""Bytes of a line of results, in which a reply's letters may be spelt out; of a longer one the beginning is kept."""
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"(\w{1,100})"')
_QUIET = 20
"""Turns of the event loop without a new request, after which all that can ask have asked."""
_NOT_RUN = {"batch_expired", "batch_cancelled"}
"""Codes of lines that were never worked on."""
# “Enqueued token limit reached”, “Maximum content size limit exceeded”, “too many requests in the file”. Not “Billing
# hard limit has been reached”.
_SIZE = re.compile(r"^(?!.*billing).*(?:limit|exceed|too (?:large|big|many)|more than)", re.I | re.S)


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
    rung: int
    data: bytes
    offer: Tokens


@dataclass(slots=True)
class _Sent:
    """A batch that may bring answers."""

    id: int
    mark: str
    file: str
    remote: str
    created: str
    rung: int
    limit_name: str
    items: dict[str, tuple[Purchase, Reservation]]
    """What is not settled yet, by key."""
    has_temperature: bool = False
    answered: int = 0
    too_large: bool = False
    end: WukongError | None = None
    """What one of its lines says that ends the run."""

    @property
    def name(self) -> str:
        """What it is called before the user."""
        return f"Batch {self.remote}" if self.remote else "A batch"


class BatchBackend:
    """Buys answers wave by wave."""

    def __init__(
        self, settings: TeacherSettings, journal: Journal, ledger: Ledger, run: str, say: Callable[[str], None]
    ) -> None:
        """
        Args:
            say: told how a batch gets on.
        """
        self.settings = self._wire = settings
        self.base_url, self.model, self.parameters = settings.base_url, settings.model, hashed_parameters(settings)
        self._journal, self._ledger, self._run, self._say = journal, ledger, run, say
        self._api = BatchApi(settings)
        self._waiting: dict[str, _Waiting] = {}
        """By key: a teacher asks each only once at a time."""
        self._buying: asyncio.Task[None] | None = None
        self._rung, self._limit_name = journal.rung(self.base_url, self.model), "max_tokens"
        self._most_requests, self._one_by_one = MOST_REQUESTS, False
        self._answered = 0
        self._unclear_in_a_row = 0
        self._in_vain: dict[str, list[str]] = {}
        """Why a request brought no answer, each time it was sent."""
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
            reasons = self._in_vain.get(key, [])
            if waiting.answer.done():
                continue
            if (call := self._journal.get(key)) is not None:
                waiting.answer.set_result(call)
            elif len(reasons) >= TRIES and self._answered:
                waiting.answer.set_exception(Unanswered(f"no answer after {TRIES} tries: {reasons[-1]}"))
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
        lines = sorted(map(self._line, self._waiting.values()), key=lambda line: line.rung)
        # Never none: nothing is in flight that could make room, and so the ledger raises.
        fitting = self._ledger.fitting([line.offer for line in lines])
        if fitting < len(lines):
            self._say(f"{fitting} of {len(lines)} requests fit under the ceiling; what they leave of it is used next.")
        files = list(self._files(lines[:fitting]))
        sent = [await self._send(file) for file in (files[:1] if self._one_by_one else files)]
        for one in sent:
            if one.items:  # None where the file was refused.
                await self._collect(one)
        if any(one.too_large for one in sent):
            # Providers limit a file, and what is queued in all.
            self._most_requests, self._one_by_one = max(1, max(map(len, files)) // 2), True

    def _line(self, waiting: _Waiting) -> _Line:
        rung = max(self._rung, first_rung(self._journal, waiting.purchase))
        body = wire_body(self._wire, waiting.request, rung, self._limit_name)
        line = {"custom_id": waiting.purchase.key, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return _Line(waiting.purchase, rung, json.dumps(line).encode("ascii") + b"\n", offer_of(body, self.settings))

    def _files(self, lines: Sequence[_Line]) -> Iterator[list[_Line]]:
        """The lines cut into files of one rung each, within the provider's limits."""
        file: list[_Line] = []
        size = 0
        for line in lines:
            is_full = len(file) == self._most_requests or size + len(line.data) > MOST_BYTES
            if file and (is_full or line.rung != file[0].rung):
                yield file
                file, size = [], 0
            file.append(line)
            size += len(line.data)
        yield file

    # --- one batch: sent, or found again ----------------------------------------------------------------------

    async def _send(self, lines: Sequence[_Line]) -> _Sent:
        """Book and journal a batch, then send it: whatever dies in between, it is found again by its mark.

        Raises:
            WukongError: the provider cannot be reached, or refuses it for another reason than its size.
        """
        purchases, rung = [line.purchase for line in lines], lines[0].rung
        reserved = self._ledger.reserve_all(purchases, [line.offer for line in lines], rung)
        wanted = list(zip(purchases, reserved, strict=True))
        mark = uuid.uuid4().hex
        number = self._journal.open_batch(mark, [(purchase, taken.send) for purchase, taken in wanted])
        items = {purchase.key: (purchase, taken) for purchase, taken in wanted}
        has_temperature = self._wire.temperature is not None
        sent = _Sent(number, mark, "", "", now(), rung, self._limit_name, items, has_temperature)
        try:
            sent.file = await self._api.upload(f"{mark}.jsonl", b"".join(line.data for line in lines))
            self._journal.file_batch(number, sent.file)
            sent.remote = await self._api.create(mark, sent.file)
        except WukongError as error:
            if not sent.file:  # And so no batch.
                self._write_off(sent, str(error), unbilled=True)
            raise
        except Refused as error:
            self._refused(sent, error.status, error.words)
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
            sent = _Sent(batch.id, batch.mark, batch.file, batch.remote, created, rung, "max_tokens", {})
            sent.has_temperature = self.settings.temperature is not None
            for purchase, send, booked, prices in items:
                sent.items[purchase.key] = purchase, Reservation(send, booked, prices)
                self._ledger.adopt(sent.items[purchase.key][1])
            self._say(f"{sent.name} of an earlier build is collected.")
            await self._collect(sent)

    # --- one batch: collected ---------------------------------------------------------------------------------

    async def _collect(self, sent: _Sent) -> None:
        """Wait for a batch to end, journal what it brought, and settle what it did not.

        Raises:
            WukongError: it may still bring answers, but not now; or it said that the run cannot go on.
        """
        try:
            if sent.file and not sent.remote:
                sent.remote = await self._api.find(sent.mark, sent.file)
            if not sent.remote:
                if sent.file:
                    # Refused where the file is not this key's: then nor would its batch be listed.
                    await self._api.know(sent.file)
                self._write_off(sent, "the batch was never made", unbilled=True)
                return
            self._journal.name_batch(sent.id, sent.remote)
            ended = await self._api.ended(sent.remote, self._telling(sent))
            for file in (ended.output_file_id, ended.error_file_id):
                if file:
                    await self._take_all(sent, file)
        except Refused as error:
            if error.status not in {404, 405}:
                raise ending(self.base_url, error.status, error.words, used=True) from None
            self._gone(sent, error.words)
            return
        if ended.status == "failed":
            problems = (ended.errors.data if ended.errors else None) or []
            words = "; ".join(f"{problem.message} ({problem.code})" for problem in problems)
            words = self.settings.scrub(words.encode("utf-8", "replace")).decode("utf-8")
            self._refused(sent, None, words or "no explanation")
            return
        self._write_off(sent, f"{sent.name} {ended.status} without an answer to this", unbilled=False, in_vain=True)
        if sent.end is not None:
            raise sent.end

    def _telling(self, sent: _Sent) -> Callable[[Any], None]:
        """What tells the user of every tenth that is done of a batch, and of every new status."""
        shown = ("", 0)

        def tell(batch: Any) -> None:
            nonlocal shown
            done = sum(getattr(batch.request_counts, name, 0) or 0 for name in ("completed", "failed"))
            total = getattr(batch.request_counts, "total", 0) or len(sent.items)
            if shown != (batch.status, 10 * done // total):
                shown = batch.status, 10 * done // total
                self._say(f"{time.strftime('%H:%M')} {sent.name}: {batch.status}, {done} of {total} requests done.")

        return tell

    async def _take_all(self, sent: _Sent, file: str) -> None:
        """Journal what stands in a result file.

        Raises:
            StoppedShort: this is no result file.
        """
        understood = False
        for line in io.BytesIO(await self._api.content(file)):
            understood = self._take(sent, line) or understood
            await asyncio.sleep(0)  # Each line is safe by itself: here the user may stop.
        if not understood:
            raise StoppedShort(
                f"{sent.name}: its file {file} came from {self.base_url} without any result. "
                "What was bought is kept; the same command tries again."
            )

    def _take(self, sent: _Sent, line: bytes) -> bool:
        """Settle the request that a line of a result file is about; False where it is no such line."""
        if len(line) > MOST_OF_A_LINE and (named := _CUSTOM_ID.search(line, 0, 1000)):
            if (key := named[1].decode("ascii")) in sent.items:
                self._take_response(sent, key, 200, line[:MOST_OF_A_REPLY])
            return True
        try:
            result = parse(line)
            key = result["custom_id"]
            if key not in sent.items:
                return True  # A second answer, or one that an earlier build has taken.
        except (ValueError, LookupError, TypeError):
            return False
        response, error = result.get("response"), result.get("error")
        status = response.get("status_code") if isinstance(response, dict) else None
        if isinstance(status, int):
            self._take_response(sent, key, status, json.dumps(response.get("body")).encode("ascii"))
        else:
            not_run = isinstance(error, dict) and error.get("code") in _NOT_RUN
            words = words_of(json.dumps(error)) if error else "no response"
            self._drop(sent, key, words, unbilled=not_run, in_vain=True)
        return True

    def _take_response(self, sent: _Sent, key: str, status: int, body: bytes) -> None:
        """Settle a request that the provider answered or refused, as a live call's answer or refusal is."""
        if status == 200:
            sent.answered += 1
            self._answered += 1
            self._unclear_in_a_row = 0
            self._answer(sent, key, status, body)
            return
        words = words_of(body.decode("ascii"))
        kind = classify(
            status,
            words,
            rungs_left=sent.rung < PROMPT_ONLY,
            limit_name=sent.limit_name,
            has_temperature=sent.has_temperature,
        )
        if kind == "unclear":
            self._unclear_in_a_row += 1
            if sent.answered or (self._answered and self._unclear_in_a_row < 3):
                kind = "rejected"
        if kind == "rejected":
            self._answer(sent, key, status, body, f"{REFUSED} ({status}): {words[:500]}")
            return
        if kind == "rung":
            self._journal.refuse_rung(self.base_url, self.model, sent.rung)
            self._rung = max(self._rung, sent.rung + 1)
        elif kind == "limit_name":
            self._limit_name = "max_completion_tokens"
        elif kind == "temperature":
            self._wire = replace(self._wire, temperature=None)
        elif kind != "retry":
            sent.end = sent.end or ending(self.base_url, status, words, used=self._answered > 0)
        self._drop(sent, key, words, status, unbilled=was_refused(status), in_vain=kind == "retry")

    def _answer(self, sent: _Sent, key: str, status: int, body: bytes, error: str = "") -> None:
        """Journal an answer."""
        purchase, reservation = sent.items.pop(key)
        self._ledger.answered(reservation, purchase, body, status=status, rung=sent.rung, seconds=0.0, error=error)

    # --- one batch: without answers ---------------------------------------------------------------------------

    def _drop(
        self, sent: _Sent, key: str, reason: str, status: int | None = None, *, unbilled: bool, in_vain: bool = False
    ) -> None:
        """Settle a request that came back without an answer.

        Args:
            in_vain: this counts as one of its tries.
        """
        _, reservation = sent.items.pop(key)
        self._ledger.failed(reservation, status=status, seconds=0.0, error=reason[:500], unbilled=unbilled)
        if in_vain:
            self._in_vain.setdefault(key, []).append(reason if status is None else f"{status}: {reason}")

    def _write_off(
        self, sent: _Sent, reason: str, status: int | None = None, *, unbilled: bool, in_vain: bool = False
    ) -> None:
        """Settle all that has no answer, and end the batch."""
        for key in list(sent.items):
            self._drop(sent, key, reason, status, unbilled=unbilled, in_vain=in_vain)
        self._journal.end_batch(sent.id)

    def _refused(self, sent: _Sent, status: int | None, words: str) -> None:
        """Settle a file that the provider refused as a whole; where it was too large, smaller ones follow.

        Args:
            status: None where it was taken first, and the batch failed.

        Raises:
            WukongError: it was refused for another reason.
        """
        count = len(sent.items)
        self._write_off(sent, words, status, unbilled=not sent.answered)
        if count > 1 and status in {None, 400, 413, 422} and _SIZE.search(words):
            sent.too_large = True
            self._say(f"A file of {count} requests is too large for {self.base_url}, smaller ones follow: {words}")
        elif status in {404, 405}:
            raise TeacherError(f"{self.base_url} has no Batch API ({words}): build without --batch.")
        elif status is None:
            message = f"{sent.name} failed at {self.base_url}: {words.rstrip('.')}."
            raise StoppedShort(f"{message} What was bought is kept.") if self._answered else TeacherError(message)
        else:
            raise ending(self.base_url, status, words, used=self._answered > 0)

    def _gone(self, sent: _Sent, words: str) -> None:
        """What the provider does not know (any more) is asked again, once it can bring nothing any more.

        Raises:
            StoppedShort: it still can, to the owner of another key, and would be paid twice.
        """
        end = datetime.fromisoformat(sent.created) + timedelta(days=DAYS)
        if datetime.now(UTC) < end:
            raise StoppedShort(
                f"{sent.name} is not known at {self.base_url}, or its results are not ({words.rstrip('.')}): is this "
                "the key it was sent with? To ask again now might be paid twice; the same command does so from "
                f"{end:%Y-%m-%d %H:%M} UTC on."
            )
        self._write_off(sent, words, 404, unbilled=False)
