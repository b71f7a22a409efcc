"""A damaged journal that is opened gives a true call or a sentence that names the cure, never a false call."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.database import log_of
from wukong_pipe.journal.records import Call, Purchase, Tokens, call_key, canonical
from wukong_pipe.journal.store import Journal

PAGE = 4096
FRAME = 24 + PAGE
SIZES = (50, 300, 1000, 2500, 4000, 4100, 9000, 20_000, 50_000)


def tried(times: int) -> Callable[[Any], Any]:
    """So many places of damage."""
    return settings(max_examples=times, deadline=None, suppress_health_check=list(HealthCheck))


def purchase(number: int) -> Purchase:
    text = random.Random(number).randbytes(40 + 30 * (number % 9)).hex()
    request = canonical({"messages": [text], "parameters": {"max_tokens": 700}})
    return Purchase(call_key(request, 0), "http://x/v1", "m", 0, "run", "base_qa", "base_qa.zh@1", request)


def answer(number: int) -> Call:
    reply = random.Random(-1 - number).randbytes(SIZES[number % 7] if number % 20 else SIZES[number // 20 % 2 + 7])
    values: tuple[Any, ...] = (reply, 200, 0, 500 + number, 90, 0.5 + number, "2026-01-01T00:00:00+00:00")
    return Call(*astuple(purchase(number)), *values)


def buy(journal: Journal, numbers: range) -> None:
    """Record the answers of these numbers, each with its request."""
    for number in numbers:
        (send,) = journal.open_sends([purchase(number)], [Tokens(9000, 700)], 0, None)
        journal.record(answer(number), send, Tokens(500 + number, 90))


@dataclass(frozen=True)
class Image:
    """The bytes of a journal and its log, as a killed process leaves them, and the calls in it."""

    main: bytes
    log: bytes
    calls: dict[str, Call]

    @contextmanager
    def written(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "journal.sqlite"
            path.write_bytes(self.main)
            log_of(path).write_bytes(self.log)
            yield path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """A journal whose first calls stand in the file and whose last ones stand in the log."""
    path = tmp_path_factory.mktemp("sound") / "journal.sqlite"
    with Journal(path) as journal:
        buy(journal, range(45))
        assert journal._db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        buy(journal, range(45, 60))
        return Image(path.read_bytes(), log_of(path).read_bytes(), {call.key: call for call in journal.calls()})


def read_all(path: Path, image: Image) -> None:
    """Read a journal; what it gives must be true, and what it cannot give it must tell in a sentence."""
    told = ""
    try:
        with Journal(path) as journal:
            for key, call in image.calls.items():
                assert journal.get(key) in (call, None)
            for call in journal.calls():
                assert call == image.calls[call.key]
            list(journal.sends())
            journal.booked("run")
    except WorkspaceError as error:
        told = str(error)
    assert not told or ("--recover" in told and "\n" not in told)


def opened_damaged(image: Image, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["main", "log"]))
    body = bytearray(getattr(image, name))
    # The first page says what all others mean: most of the tries go there.
    limit = data.draw(st.sampled_from([100, PAGE, len(body)]))
    start = data.draw(st.integers(0, limit - 1))
    length = data.draw(st.sampled_from([1, 1, 2, 50, PAGE]))
    seed = data.draw(st.integers(0, 10**6))
    noise = random.Random(seed).randbytes(length) if seed % 3 else bytes([seed // 3 % 256]) * length
    body[start : start + length] = noise[: len(body) - start]
    harmed = replace(image, main=bytes(body)) if name == "main" else replace(image, log=bytes(body))
    with harmed.written() as path:
        read_all(path, image)


test_a_damaged_journal_gives_a_true_call_or_a_sentence = tried(20)(given(data=st.data())(opened_damaged))
test_a_thousand_damaged_journals = pytest.mark.long(tried(1000)(given(data=st.data())(opened_damaged)))


@tried(8)
@given(kept=st.integers(0, 10**6))
def test_a_torn_journal_gives_a_true_call_or_a_sentence(image: Image, kept: int) -> None:
    with replace(image, main=image.main[: kept % len(image.main)]).written() as path:
        read_all(path, image)


def test_an_index_that_leads_to_another_call_gives_a_sentence(tmp_path: Path) -> None:
    """SQLite takes the rowid from the index and does not look at the row's key again; both calls have good seals."""
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        for number in range(2, 5):
            journal.record(answer(number))
    body = bytearray(path.read_bytes())
    key = answer(3).key.encode()
    index = next(n for n in range(0, len(body), PAGE) if body[n] == 0x0A and key in body[n : n + PAGE])
    at = body.index(key, index)
    assert body[at + 64] == 2, "the rowid"
    body[at + 64] = 3
    path.write_bytes(body)
    with Journal(path) as journal, pytest.raises(WorkspaceError, match=r"index.*--recover"):
        journal.get(answer(3).key)


def test_what_sqlite_quotes_of_a_broken_page_stays_one_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path):
        pass
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE calls (key", b'CREATE TABLE calls "y\n\r'))
    with pytest.raises(WorkspaceError, match="--recover") as caught:
        Journal(path).get("k")
    assert len(str(caught.value.__cause__).splitlines()) > 1
    assert len(str(caught.value).splitlines()) == 1


def test_a_torn_end_of_the_log_is_no_damage(image: Image) -> None:
    torn = replace(image, log=image.log[: 32 + 11 * FRAME + 500])
    with torn.written() as path, Journal(path) as journal:
        assert sum(1 for _ in journal.calls()) > 44


def test_an_empty_file_beside_a_log_is_damage(image: Image) -> None:
    """SQLite would take it for a new database and delete the log."""
    with replace(image, main=b"").written() as path:
        with pytest.raises(WorkspaceError, match="--recover"):
            Journal(path)
        assert log_of(path).read_bytes() == image.log
