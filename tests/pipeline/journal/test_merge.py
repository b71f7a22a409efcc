"""Merge: a journal gets all that another holds and it lacks, with what it cost, and nothing that damage made up."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.journal.test_database import answer, buy, purchase
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.database import log_of
from wukong_pipe.journal.merge import merge
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import Prices, Tokens
from wukong_pipe.journal.store import Journal
from wukong_pipe.teacher.ledger import Ledger

THERE, HERE = Path("there.sqlite"), Path("here.sqlite")
PRICES = Prices(Decimal(3), Decimal(7), "EUR")


@pytest.fixture(autouse=True)
def _stands_in_an_empty_folder(empty_home: Path) -> None:
    assert empty_home.is_dir()


@pytest.fixture
def there() -> Iterator[Journal]:
    with Journal(THERE) as journal:
        yield journal


def execute(path: Path, statement: str, *values: Any) -> list[Any]:
    """What a statement does to a file, as damage would."""
    with closing(sqlite3.connect(path)) as db, db:
        return list(db.execute(statement, values))


def send_batch(journal: Journal, numbers: range) -> int:
    """A batch of these requests that the provider has accepted."""
    wanted = [purchase(number) for number in numbers]
    sends = journal.open_sends(wanted, [Tokens(9000, 700)] * len(wanted), 0, PRICES)
    batch = journal.open_batch(f"mark-{numbers.start}", list(zip(wanted, sends, strict=True)))
    journal.file_batch(batch, f"file-{numbers.start}")
    journal.name_batch(batch, f"batch-{numbers.start}")
    return batch


def collect(journal: Journal, batch: int) -> None:
    """Answer all of a batch, and end it."""
    numbers = {purchase(number).key: number for number in range(100)}
    for wanted, send, *_ in journal.batch_items(batch):
        number = numbers[wanted.key]
        journal.record(answer(number), send, Tokens(500 + number, 90))
    journal.end_batch(batch)


def keys(journal: Journal) -> list[str]:
    return [call.key for call in journal.calls()]


def cost(journal: Journal) -> Decimal | None:
    """What a run is booked at, as a ceiling sees it."""
    return Ledger(journal, "run", Prices(Decimal(0), Decimal(0), "EUR"))._cost


# --- what is added --------------------------------------------------------------------------------------------


def test_all_that_a_journal_lacks_is_added(there: Journal) -> None:
    buy(there, range(3))
    there.open_sends([purchase(7)], [Tokens(9000, 700)], 0, PRICES)
    send_batch(there, range(10, 12))
    there.allow("run", "section", 3)
    there.refuse_rung("http://x/v1", "m", 0)
    assert merge(THERE, HERE).added == 3
    with Journal(HERE) as here:
        assert list(here.calls()) == list(there.calls())
        assert list(here.sends()) == list(there.sends())
        assert here.open_batches("http://x/v1", "m") == there.open_batches("http://x/v1", "m")
        assert here.batch_items(1) == there.batch_items(1)
        assert here.allowance("run", "section") == 3
        assert here.rung("http://x/v1", "m") == 1


def test_what_was_open_is_settled_where_the_other_journal_knows_more(there: Journal) -> None:
    buy(there, range(2))
    there.open_sends([purchase(7)], [Tokens(9000, 700)], 0, PRICES)
    batch = send_batch(there, range(10, 12))
    there.allow("run", "section", 1)
    execute(THERE, "PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(THERE, HERE)
    collect(there, batch)
    there.close_send(3, "unbilled", Tokens(), 429, 1.0, "busy")
    there.allow("run", "section", 2)
    assert merge(THERE, HERE).added == 2
    for _ in range(2):
        with Journal(HERE) as here:
            assert keys(here) == keys(there)
            assert list(here.sends()) == list(there.sends())
            assert here.open_batches("http://x/v1", "m") == []
            assert here.allowance("run", "section") == 3
        # An older state changes nothing, and nor does a second merge.
        shutil.copy(HERE, "merged.sqlite")
        assert merge(THERE, HERE).added == 0


def test_journals_that_numbered_their_rows_apart_are_united(there: Journal) -> None:
    buy(there, range(2))
    send_batch(there, range(10, 12))
    with Journal(HERE) as here:
        buy(here, range(1, 5))
        send_batch(here, range(20, 23))
    for added in (1, 0):
        assert merge(THERE, HERE).added == added
        with Journal(HERE) as here:
            batches = here.open_batches("http://x/v1", "m")
            assert [batch.remote for batch in batches] == ["batch-20", "batch-10"]
            assert [[item[0] for item in here.batch_items(batch.id)] for batch in batches] == [
                [purchase(number) for number in range(20, 23)],
                [purchase(number) for number in range(10, 12)],
            ]
            assert set(keys(here)) == {answer(number).key for number in range(5)}
            assert {send.key for send in here.sends()} == {
                purchase(number).key for number in (*range(5), *range(10, 12), *range(20, 23))
            }


def test_requests_that_left_twice_in_a_second_stay_two(there: Journal) -> None:
    for _ in range(2):
        there.open_sends([purchase(1)], [Tokens(9000, 700)], 0, PRICES)
    execute(THERE, "UPDATE sends SET created = '2026-01-01T00:00:00+00:00'")
    for _ in range(2):
        merge(THERE, HERE)
        with Journal(HERE) as here:
            assert len(list(here.sends())) == 2


def test_rows_that_stand_in_the_log_alone_are_added() -> None:
    """A killed process may leave a log that is larger than the file."""
    path, killed = Path("new.sqlite"), Path("killed.sqlite")
    with Journal(path) as journal:
        journal._db.connection.execute("PRAGMA wal_autocheckpoint = 0")
        buy(journal, range(300))
        shutil.copy(path, killed)
        shutil.copy(log_of(path), log_of(killed))
    assert killed.stat().st_size < 300 * 20
    assert merge(killed, HERE).added == 300


# --- what it cost ---------------------------------------------------------------------------------------------


def test_a_call_whose_request_is_lost_is_booked_at_what_it_cost(there: Journal) -> None:
    dear = replace(answer(1), tokens_in=7, tokens_out=4, cost="0.000049", currency="EUR")
    there.record(dear)
    there.record(replace(answer(2), error="the provider rejected the request (400): moderation", cost="0"))
    there.record(replace(answer(3), base_url="offline"))
    assert merge(THERE, HERE).added == 3
    with Journal(HERE) as here:
        sends = {send.key: send for send in here.sends()}
        assert set(sends) == {dear.key, answer(2).key}, "the embedded teacher is free"
        assert (sends[dear.key].tokens_in, sends[dear.key].tokens_out, sends[dear.key].currency) == (7, 4, "EUR")
        assert (sends[answer(2).key].tokens_in, sends[answer(2).key].tokens_out) == (0, 0)
        booked = cost(here)
        assert booked is not None
        assert Decimal("0.000049") <= booked < Decimal("0.0000490001")


def test_a_request_comes_with_its_prices(there: Journal) -> None:
    batch = send_batch(there, range(10, 12))
    collect(there, batch)
    send_batch(there, range(20, 22))
    merge(THERE, HERE)
    with Journal(HERE) as here:
        assert cost(here) == cost(there) == PRICES.cost(Tokens(510 + 511 + 2 * 9000, 180 + 2 * 700))


def test_journals_from_before_there_was_a_ledger_are_booked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("wukong_pipe.journal.database.MIGRATIONS", MIGRATIONS[:3])
        with Journal(THERE):
            pass
    columns = [name for (name,) in execute(THERE, "SELECT name FROM pragma_table_info('calls')")]
    values = [getattr(answer(1), name) for name in columns]
    execute(THERE, f"INSERT INTO calls VALUES ({', '.join('?' * len(values))})", *values)
    assert merge(THERE, HERE).added == 1
    with Journal(HERE) as here:
        assert list(here.calls()) == [answer(1)]
        assert here.booked("run") == [(1, Tokens(501, 90), "", "")]


# --- what damage does -----------------------------------------------------------------------------------------


def test_a_batch_whose_answers_are_lost_is_collected_again(there: Journal) -> None:
    """The provider has the answers still, and was paid for them."""
    batch = send_batch(there, range(10, 13))
    collect(there, batch)
    execute(THERE, "UPDATE calls SET reply = x'00' WHERE key = ?", answer(11).key)
    before = cost(there)
    assert merge(THERE, HERE).added == 2
    with Journal(HERE) as here:
        (open_again,) = here.open_batches("http://x/v1", "m")
        ((wanted, *_),) = here.batch_items(open_again.id)
        assert wanted == purchase(11)
        assert cost(here) == before


def test_a_call_of_an_open_batch_that_is_held_is_not_waited_for(there: Journal) -> None:
    """Its answer could not be written a second time."""
    batch = send_batch(there, range(10, 12))
    execute(THERE, "PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(THERE, HERE)
    collect(there, batch)
    execute(THERE, "UPDATE sends SET outcome = 'opem' WHERE key = ?", answer(10).key)
    execute(THERE, "UPDATE calls SET reply = x'00' WHERE key = ?", answer(11).key)
    before = cost(there)
    assert merge(THERE, HERE).added == 1
    with Journal(HERE) as here:
        (batch_here,) = here.open_batches("http://x/v1", "m")
        assert [item[0] for item in here.batch_items(batch_here.id)] == [purchase(11)]
        booked = cost(here)
        assert before is not None
        assert booked is not None
        assert booked >= before
        collect(here, batch_here.id)
        assert len(keys(here)) == 2


@pytest.mark.parametrize("seed", range(20))
def test_noise_in_any_table_leaves_a_journal_that_can_be_used(there: Journal, seed: int) -> None:
    buy(there, range(20))
    send_batch(there, range(30, 40))
    collect(there, send_batch(there, range(40, 50)))
    there.allow("run", "section", 2)
    there.refuse_rung("http://x/v1", "m", 0)
    execute(THERE, "PRAGMA wal_checkpoint(TRUNCATE)")
    data, chance = bytearray(THERE.read_bytes()), random.Random(seed)
    for _ in range(chance.choice([1, 20, 200])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    noisy = Path("noisy.sqlite")
    noisy.write_bytes(data)
    merge(noisy, HERE)
    assert sound_version(HERE) == len(MIGRATIONS)
    assert merge(noisy, HERE).added == 0
    true = {call.key: call for call in there.calls()}
    with Journal(HERE) as here:
        assert all(call == true[call.key] for call in here.calls())
        assert cost(here) is not None
        assert {call.key for call in here.calls()} <= {send.key for send in here.sends()}
        for batch in here.open_batches("http://x/v1", "m"):
            assert not {item[0].key for item in here.batch_items(batch.id)} & set(keys(here))


@pytest.mark.parametrize("damage", ["key = 'another'", "attempt = 1", "request = x'00'", "send = 99"])
def test_a_request_of_a_batch_that_its_key_does_not_prove_is_left_out(there: Journal, damage: str) -> None:
    send_batch(there, range(10, 12))
    execute(THERE, f"UPDATE batch_items SET {damage} WHERE rowid = 1")
    merge(THERE, HERE)
    with Journal(HERE) as here:
        assert [item[0] for item in here.batch_items(1)] == [purchase(11)]
        assert len(list(here.sends())) == 2, "it may be billed"


def test_a_file_whose_tables_have_no_readable_name_adds_nothing(there: Journal) -> None:
    buy(there, range(1))
    execute(THERE, "PRAGMA wal_checkpoint(TRUNCATE)")
    THERE.write_bytes(THERE.read_bytes().replace(b"base_url TEXT", b"base_\xff\xcfl TEXT"))
    assert merge(THERE, HERE).added == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE sends SET outcome = 'opem' WHERE id = 1",
        "UPDATE sends SET tokens_in = -1 WHERE id = 1",
        "UPDATE sends SET tokens_out = 'many' WHERE id = 1",
        "UPDATE sends SET price_in = '3x' WHERE id = 1",
        "UPDATE sends SET price_in = 'NaN' WHERE id = 1",
        "UPDATE sends SET price_in = '' WHERE id = 1",
        "UPDATE sends SET run = x'ff' WHERE id = 1",
        "UPDATE sends SET run = CAST(x'ff' AS TEXT) WHERE id = 1",
    ],
)
def test_a_request_that_cannot_have_been_written_so_is_left_out(there: Journal, damage: str) -> None:
    send_batch(there, range(10, 12))
    execute(THERE, damage)
    merge(THERE, HERE)
    with Journal(HERE) as here:
        assert [send.key for send in here.sends()] == [purchase(11).key]
        assert [item[0] for item in here.batch_items(1)] == [purchase(11)]


def test_of_a_damaged_file_nothing_is_written(there: Journal) -> None:
    buy(there, range(1))
    execute(THERE, "PRAGMA wal_checkpoint(TRUNCATE)")
    before = THERE.read_bytes()
    merge(THERE, HERE)
    assert THERE.read_bytes() == before
    assert merge(Path("missing.sqlite"), HERE).added == 0
