"""What a batch brings: it is waited for, its answers are journalled, and each request without one is settled."""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wukong_pipe.bounded import parse
from wukong_pipe.errors import StoppedShort, TeacherError, WukongError
from wukong_pipe.journal.records import Purchase
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.batch_api import BatchApi, Refused
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.dialect import Dialect, DialectLadder
from wukong_pipe.teacher.ledger import Ledger, Reservation
from wukong_pipe.teacher.refusals import REFUSED, ending, was_refused, words_of
from wukong_pipe.teacher.replies import MOST_OF_A_REPLY

DAYS = 2
"""After so many a batch can bring nothing any more: its window is one."""
MOST_OF_A_LINE = 2 * MOST_OF_A_REPLY
"""Bytes of a line of results, in which a reply's letters may be spelt out; of a longer one the beginning is kept."""
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"(\w{1,100})"')
_NOT_RUN = {"batch_expired", "batch_cancelled"}
"""Codes of lines that were never worked on."""
# “Enqueued token limit reached”, “Maximum content size limit exceeded”, “too many requests in the file”. Not “Billing
# hard limit has been reached”.
_SIZE = re.compile(r"^(?!.*billing).*(?:limit|exceed|too (?:large|big|many)|more than)", re.I | re.S)


@dataclass(slots=True)
class SentBatch:
    """A batch that may bring answers."""

    id: int
    mark: str
    file: str
    remote: str
    created: str
    dialect: Dialect
    items: dict[str, tuple[Purchase, Reservation]]
    """What is not settled yet, by key."""
    answered: int = 0
    too_large: bool = False
    end: WukongError | None = None
    """What one of its lines says that ends the run."""

    @property
    def name(self) -> str:
        """What it is called before the user."""
        return f"Batch {self.remote}" if self.remote else "A batch"


class BatchResults:
    """Collects batches, one after another, and remembers what all of them brought."""

    def __init__(
        self,
        settings: TeacherSettings,
        journal: Journal,
        ledger: Ledger,
        api: BatchApi,
        ladder: DialectLadder,
        say: Callable[[str], None],
    ) -> None:
        """
        Args:
            say: told how a batch gets on.
        """
        self.answered = 0
        """Requests that were answered."""
        self.in_vain: dict[str, list[str]] = {}
        """Why a request brought no answer, each time it was sent, by key."""
        self._settings, self._journal, self._ledger = settings, journal, ledger
        self._api, self._ladder, self._say = api, ladder, say
        self._unclear_in_a_row = 0

    async def collect(self, sent: SentBatch) -> None:
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
                self.write_off(sent, "the batch was never made", unbilled=True)
                return
            self._journal.name_batch(sent.id, sent.remote)
            ended = await self._api.ended(sent.remote, self._telling(sent))
            for file in (ended.output_file_id, ended.error_file_id):
                if file:
                    await self._take_all(sent, file)
        except Refused as error:
            if error.status not in {404, 405}:
                raise ending(self._settings.base_url, error.status, error.words, used=True) from None
            self._gone(sent, error.words)
            return
        if ended.status == "failed":
            problems = (ended.errors.data if ended.errors else None) or []
            words = "; ".join(f"{problem.message} ({problem.code})" for problem in problems)
            words = self._settings.scrub(words.encode("utf-8", "replace")).decode("utf-8")
            self.refused(sent, None, words or "no explanation")
            return
        self.write_off(sent, f"{sent.name} {ended.status} without an answer to this", unbilled=False, in_vain=True)
        if sent.end is not None:
            raise sent.end

    def _telling(self, sent: SentBatch) -> Callable[[Any], None]:
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

    async def _take_all(self, sent: SentBatch, file: str) -> None:
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
                f"{sent.name}: its file {file} came from {self._settings.base_url} without any result. "
                "What was bought is kept; the same command tries again."
            )

    def _take(self, sent: SentBatch, line: bytes) -> bool:
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

    def _take_response(self, sent: SentBatch, key: str, status: int, body: bytes) -> None:
        """Settle a request that the provider answered or refused, as a live call's answer or refusal is."""
        if status == 200:
            sent.answered += 1
            self.answered += 1
            self._unclear_in_a_row = 0
            self._answer(sent, key, status, body)
            return
        words = words_of(body.decode("ascii"))
        kind = sent.dialect.kind_of(status, words)
        if kind == "unclear":
            self._unclear_in_a_row += 1
            if sent.answered or (self.answered and self._unclear_in_a_row < 3):
                kind = "rejected"
        if kind == "rejected":
            self._answer(sent, key, status, body, f"{REFUSED} ({status}): {words[:500]}")
            return
        if not self._ladder.step_down(sent.dialect, kind) and kind != "retry":
            sent.end = sent.end or ending(self._settings.base_url, status, words, used=self.answered > 0)
        self._drop(sent, key, words, status, unbilled=was_refused(status), in_vain=kind == "retry")

    def _answer(self, sent: SentBatch, key: str, status: int, body: bytes, error: str = "") -> None:
        """Journal an answer."""
        purchase, reservation = sent.items.pop(key)
        self._ledger.answered(
            reservation, purchase, body, status=status, rung=sent.dialect.rung, seconds=0.0, error=error
        )

    # --- one batch: without answers ---------------------------------------------------------------------------

    def _drop(
        self,
        sent: SentBatch,
        key: str,
        reason: str,
        status: int | None = None,
        *,
        unbilled: bool,
        in_vain: bool = False,
    ) -> None:
        """Settle a request that came back without an answer.

        Args:
            in_vain: this counts as one of its tries.
        """
        _, reservation = sent.items.pop(key)
        self._ledger.failed(reservation, status=status, seconds=0.0, error=reason[:500], unbilled=unbilled)
        if in_vain:
            self.in_vain.setdefault(key, []).append(reason if status is None else f"{status}: {reason}")

    def write_off(
        self, sent: SentBatch, reason: str, status: int | None = None, *, unbilled: bool, in_vain: bool = False
    ) -> None:
        """Settle all that has no answer, and end the batch."""
        for key in list(sent.items):
            self._drop(sent, key, reason, status, unbilled=unbilled, in_vain=in_vain)
        self._journal.end_batch(sent.id)

    def refused(self, sent: SentBatch, status: int | None, words: str) -> None:
        """Settle a file that the provider refused as a whole; where it was too large, smaller ones follow.

        Args:
            status: None where it was taken first, and the batch failed.

        Raises:
            WukongError: it was refused for another reason.
        """
        count = len(sent.items)
        self.write_off(sent, words, status, unbilled=not sent.answered)
        if count > 1 and status in {None, 400, 413, 422} and _SIZE.search(words):
            sent.too_large = True
            self._say(
                f"A file of {count} requests is too large for {self._settings.base_url}, smaller ones follow: {words}"
            )
        elif status in {404, 405}:
            raise TeacherError(f"{self._settings.base_url} has no Batch API ({words}): build without --batch.")
        elif status is None:
            message = f"{sent.name} failed at {self._settings.base_url}: {words.rstrip('.')}."
            raise StoppedShort(f"{message} What was bought is kept.") if self.answered else TeacherError(message)
        else:
            raise ending(self._settings.base_url, status, words, used=self.answered > 0)

    def _gone(self, sent: SentBatch, words: str) -> None:
        """What the provider does not know (any more) is asked again, once it can bring nothing any more.

        Raises:
            StoppedShort: it still can, to the owner of another key, and would be paid twice.
        """
        end = datetime.fromisoformat(sent.created) + timedelta(days=DAYS)
        if datetime.now(UTC) < end:
            raise StoppedShort(
                f"{sent.name} is not known at {self._settings.base_url}, or its results are not ({words.rstrip('.')}): "
                "is this the key it was sent with? To ask again now might be paid twice; the same command does so from "
                f"{end:%Y-%m-%d %H:%M} UTC on."
            )
        self.write_off(sent, words, 404, unbilled=False)
