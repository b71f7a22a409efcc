"""Recovery: of a damaged journal, every call that stands whole is saved byte for byte, and nothing false."""

from __future__ import annotations

import random
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import Call, Prices, Purchase, Send, Tokens, call_key, canonical
from wukong_pipe.journal.recover import recover
from wukong_pipe.journal.sqlite_pages import log_of
from wukong_pipe.journal.store import Journal, recovered_of

PAGE = 4096
FRAME = 24 + PAGE
URL = "http://x/v1"
OFFER = Tokens(9000, 700)
CREATED = "2026-01-01T00:00:00+00:00"
SIZES = (50, 300, 1000, 2500, 4000, 4100, 9000, 20_000, 50_000)
INNER, LEAF = 0x05, 0x0D


def tried(times: int) -> Callable[[Any], Any]:
    """So many places of damage."""
    return settings(max_examples=times, deadline=None, suppress_health_check=list(HealthCheck))


def purchase(number: int) -> Purchase:
    text = random.Random(number).randbytes(40 + 30 * (number % 9)).hex()
    request = canonical({"messages": [text], "parameters": {"max_tokens": 700}})
    return Purchase(call_key(request, 0), URL, "m", 0, "run", "base_qa", "base_qa.zh@1", request)


def answer(number: int) -> Call:
    reply = random.Random(-1 - number).randbytes(SIZES[number % 7] if number % 20 else SIZES[number // 20 % 2 + 7])
    values: tuple[Any, ...] = (reply, 200, 0, 500 + number, 90, 0.5 + number, CREATED)
    return Call(*astuple(purchase(number)), *values)


def fill(path: Path, checkpointed: int = 44, calls: int = 60) -> Journal:
    """A journal whose first rows stand in the file and whose last ones stand in the log."""
    journal = Journal(path)
    for number in range(calls):
        (send,) = journal.open_sends([purchase(number)], [OFFER], 0, None)
        journal.record(answer(number), send, Tokens(500 + number, 90))
        if number == 20:
            journal.refuse_rung(URL, "m", 0)
            journal.allow("run", "section", 3)
        if number == 30:
            wanted = [purchase(1000), purchase(1001)]
            sends = journal.open_sends(wanted, [OFFER, OFFER], 0, None)
            journal.name_batch(journal.open_batch("mark", list(zip(wanted, sends, strict=True))), "batch-1")
        if number == checkpointed:
            # Dropped pages go to the freelist.
            journal._db.execute("CREATE TABLE gone AS SELECT key, reply FROM calls LIMIT 10")
            journal._db.execute("DROP TABLE gone")
            assert journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    return journal


@dataclass(frozen=True)
class Image:
    """The bytes of a journal and its log, as a killed process leaves them, and what stands in it."""

    main: bytes
    log: bytes
    calls: dict[str, Call]
    sends: dict[int, Send]

    def but(self, main: bytes | None = None, log: bytes | None = None) -> Image:
        return replace(self, main=self.main if main is None else main, log=self.log if log is None else log)

    def page(self, number: int) -> bytes:
        return self.main[(number - 1) * PAGE : number * PAGE]

    def pages(self, kind: int) -> list[int]:
        return [number for number in range(2, len(self.main) // PAGE + 1) if self.page(number)[0] == kind]

    @contextmanager
    def written(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "journal.sqlite"
            path.write_bytes(self.main)
            log_of(path).write_bytes(self.log)
            yield path


def read_image(path: Path, journal: Journal) -> Image:
    return Image(
        path.read_bytes(),
        log_of(path).read_bytes(),
        {call.key: call for call in journal.calls()},
        dict(enumerate(journal.sends(), 1)),
    )


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    path = tmp_path_factory.mktemp("sound") / "journal.sqlite"
    with fill(path) as journal:
        return read_image(path, journal)


# --- where a call stands, by its content, without any knowledge of SQLite's trees -----------------------------


@pytest.fixture(scope="module")
def stands(image: Image) -> dict[str, tuple[set[int], set[int]]]:
    """By key: the pages of the file and the frames of the log (counted from 0) that hold a part of the call."""
    window, owners = 8, dict[bytes, str]()
    for call in image.calls.values():
        for part in (call.request, call.reply, call.seal().encode()):
            owners |= {part[at : at + window]: call.key for at in range(0, len(part) - window + 1, window)}
            owners[part[-window:]] = call.key
    places: dict[str, tuple[set[int], set[int]]] = {key: (set(), set()) for key in image.calls}
    for which, data, start, step in ((0, image.main, 0, PAGE), (1, image.log, 32, FRAME)):
        for number in range((len(data) - start) // step):
            block = data[start + number * step : start + (number + 1) * step]
            for at in range(len(block) - window + 1):
                if (key := owners.get(block[at : at + window])) is not None:
                    places[key][which].add(number)
    return places


def intact(image: Image, stands: dict[str, tuple[set[int], set[int]]], harm: Image) -> set[str]:
    """The calls no part of which was harmed, wherever it stands; in the log, a frame needs the one before, whose
    checksum it goes on from, and a commit that is whole behind it."""
    pages = len(image.main) // PAGE
    whole_pages = {n for n in range(pages) if harm.main[n * PAGE : (n + 1) * PAGE] == image.page(n + 1)}
    starts = range(32, len(image.log), FRAME)
    whole = [harm.log[at : at + FRAME] == image.log[at : at + FRAME] for at in starts]
    held = [now and before for now, before in zip(whole, [harm.log[:32] == image.log[:32], *whole], strict=False)]
    commits = [n for n, at in enumerate(starts) if held[n] and image.log[at + 4 : at + 8] != bytes(4)]
    last = max(commits, default=-1)
    whole_frames = {n for n in range(len(held)) if held[n] and n <= last}
    # Without the magic or the first commit, only the first salts that verify are known: they are the newest here.
    return {key for key, (main, log) in stands.items() if main <= whole_pages and log <= whole_frames}


def saved(harm: Image) -> tuple[dict[str, Call], dict[int, Send]]:
    """What recovery saves, after checking that it took nothing away and that the new journal works."""
    with harm.written() as path:
        result = recover(path)
        assert result.damaged.read_bytes() == harm.main
        assert log_of(result.damaged).read_bytes() == harm.log
        with Journal(path) as journal:
            calls = {call.key: call for call in journal.calls()}
            assert all(journal.get(key) == call for key, call in calls.items())
            sends = list(journal.sends())
            numbers = [number for (number,) in journal._db.execute("SELECT id FROM sends ORDER BY id")]
            assert (result.calls, result.sends) == (len(calls), len(sends))
            # The ledger is not below the bill of the calls it has.
            booked = {send.key: send for send in sends if send.outcome == "answered"}
            for call in calls.values():
                assert booked[call.key].tokens_in >= (call.tokens_in or 0)
            fresh = Purchase("new", URL, "m", 0, "run", "base_qa", "p", b"{}")
            (number,) = journal.open_sends([fresh], [OFFER], 0, None)
            journal.record(replace(next(iter(calls.values()), answer(0)), key="new"), number, OFFER)
        return calls, dict(zip(numbers, sends, strict=True))


def check(image: Image, stands: dict[str, tuple[set[int], set[int]]], harm: Image) -> dict[str, Call]:
    """Recover a damaged image: everything whole is there, and all that is there is true."""
    calls, _ = saved(harm)
    assert calls.items() <= image.calls.items()
    assert intact(image, stands, harm) <= set(calls)
    return calls


def zeroed(data: bytes, start: int, length: int) -> bytes:
    length = max(0, min(length, len(data) - start))
    return data[:start] + bytes(length) + data[start + length :]


# --- one kind of damage after the other -----------------------------------------------------------------------


def test_the_image_has_every_kind_of_page(image: Image) -> None:
    assert len(image.calls) == 60
    assert image.pages(INNER)
    assert len(image.pages(LEAF)) > 20
    assert len(image.log) > 20 * FRAME
    assert struct.unpack(">I", image.main[36:40])[0] > 0, "a freelist"
    assert max(len(call.reply) for call in image.calls.values()) == 50_000


def test_all_of_a_sound_journal_is_saved(image: Image) -> None:
    with image.written() as path:
        result = recover(path)
        assert (result.calls, result.sends, result.lost_calls, result.lost_sends) == (60, 62, 0, 0)
        with Journal(path) as journal:
            assert list(journal.calls()) == list(image.calls.values())
            assert list(journal.sends()) == list(image.sends.values())
            assert journal.rung(URL, "m") == 1
            assert journal.allowance("run", "section") == 3
            (batch,) = journal.open_batches(URL, "m")
            assert (batch.mark, batch.remote) == ("mark", "batch-1")
            assert [item for item, *_ in journal.batch_items(batch.id)] == [purchase(1000), purchase(1001)]


@pytest.mark.parametrize(
    ("harm", "lost"),
    [
        pytest.param(lambda i: i.but(main=zeroed(i.main, 0, 100)), False, id="the header"),
        pytest.param(lambda i: i.but(main=zeroed(i.main, 0, PAGE)), False, id="the page of the schema"),
        pytest.param(lambda i: i.but(main=i.main[:16] + b"\x20\0" + i.main[18:]), False, id="the page size"),
        pytest.param(
            lambda i: i.but(main=zeroed(i.main, PAGE * (i.pages(INNER)[0] - 1), PAGE)), False, id="an inner page"
        ),
        pytest.param(
            lambda i: i.but(main=zeroed(i.main, PAGE * (int.from_bytes(i.main[32:36], "big") - 1), PAGE)),
            False,
            id="the freelist",
        ),
        pytest.param(
            lambda i: i.but(main=zeroed(i.main, PAGE * (i.pages(LEAF)[12] - 1), PAGE)), None, id="a leaf page"
        ),
        pytest.param(lambda i: i.but(main=i.main[: len(i.main) // 2 + 100]), True, id="torn in the middle"),
        pytest.param(lambda i: i.but(main=b""), True, id="nothing but the log"),
        pytest.param(lambda i: i.but(main=zeroed(i.main, len(i.main) // 3, 20 * PAGE + 77)), True, id="zeros"),
        pytest.param(lambda i: i.but(log=zeroed(i.log, 0, 32)), None, id="the header of the log"),
        pytest.param(lambda i: i.but(log=zeroed(i.log, 32 + 9 * FRAME, 2 * FRAME)), None, id="frames of the log"),
        pytest.param(lambda i: i.but(log=i.log[: len(i.log) // 2]), True, id="the log torn"),
        pytest.param(lambda i: i.but(log=b""), True, id="no log"),
    ],
)
def test_what_stands_behind_damage_is_saved(
    image: Image,
    stands: dict[str, tuple[set[int], set[int]]],
    harm: Callable[[Image], Image],
    lost: bool | None,
) -> None:
    calls = check(image, stands, harm(image))
    if lost is not None:
        assert (len(calls) < 60) == lost


def test_an_overflow_page_takes_one_call_with_it(image: Image, stands: dict[str, tuple[set[int], set[int]]]) -> None:
    for key, (pages, frames) in stands.items():
        if frames or len(pages) < 5:
            continue
        hit = max(pages, key=lambda number: image.main[number * PAGE] != LEAF)
        calls = check(image, stands, image.but(main=zeroed(image.main, hit * PAGE, PAGE)))
        assert set(image.calls) - set(calls) == {key}
        return
    pytest.fail("no call with a long reply stands in the file alone")


def harmed_ranges(image: Image, stands: dict[str, tuple[set[int], set[int]]], data: st.DataObject) -> None:
    harm = image
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(["main", "log"]))
        body = getattr(harm, name)
        start, length = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(1, 6 * PAGE))
        if data.draw(st.booleans()):
            body = zeroed(body, start, length)
        else:
            noise = random.Random(start).randbytes(length)
            body = body[:start] + noise[: len(body) - start] + body[start + length :]
        harm = harm.but(**{name: body})
    if data.draw(st.integers(0, 3)) == 0:
        harm = harm.but(main=harm.main[: data.draw(st.integers(0, len(harm.main)))])
    check(image, stands, harm)


test_ranges_of_zeros_or_noise_anywhere = tried(8)(given(data=st.data())(harmed_ranges))
test_three_hundred_ranges = pytest.mark.long(tried(300)(given(data=st.data())(harmed_ranges)))


def flipped_bytes(
    image: Image, stands: dict[str, tuple[set[int], set[int]]], flips: list[tuple[bool, float, int]]
) -> None:
    main, log = bytearray(image.main), bytearray(image.log)
    for in_log, where, mask in flips:
        body = log if in_log else main
        body[int(where * len(body))] ^= mask
    check(image, stands, image.but(bytes(main), bytes(log)))


FLIPS = st.lists(st.tuples(st.booleans(), st.floats(0, 0.999999), st.integers(1, 255)), min_size=1, max_size=30)
test_flipped_bytes_make_no_false_call = tried(5)(given(flips=FLIPS)(flipped_bytes))
test_three_hundred_times_flipped_bytes = pytest.mark.long(tried(300)(given(flips=FLIPS)(flipped_bytes)))


@pytest.mark.long
def test_every_single_page_and_frame(image: Image, stands: dict[str, tuple[set[int], set[int]]]) -> None:
    for number in range(len(image.main) // PAGE):
        check(image, stands, image.but(main=zeroed(image.main, number * PAGE, PAGE)))
    for number in range(len(image.log) // FRAME):
        check(image, stands, image.but(log=zeroed(image.log, 32 + number * FRAME, FRAME)))


# --- sends ----------------------------------------------------------------------------------------------------


def test_a_lost_send_of_a_saved_call_is_written_anew(image: Image) -> None:
    """Wherever pages of sends are lost, the ledger is not below what the calls cost (`saved` checks that), and a send
    that was not lost is as it was."""
    lost_any = False
    for number in image.pages(LEAF):
        if b"open" not in image.page(number) and b"answered" not in image.page(number):
            continue
        _, sends = saved(image.but(main=zeroed(image.main, (number - 1) * PAGE, PAGE)))
        for place, send in sends.items():
            before = image.sends.get(place)
            assert before is not None
            # A hole may be filled with another lost send of the same page.
            assert send == before or send.outcome in ("answered", "open")
            lost_any = lost_any or send != before
    assert lost_any


def test_without_usage_a_lost_send_is_booked_at_the_most_it_can_have_been(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    prices = Prices(Decimal("0.5"), Decimal("1.5"))
    with Journal(path) as journal:
        for number in (1, 2):
            (send,) = journal.open_sends([purchase(number)], [OFFER], 0, prices)
            journal.record(replace(answer(number), tokens_in=None, tokens_out=None), send, OFFER)
        journal._db.execute("DELETE FROM sends WHERE id = 1")
    recover(path)
    with Journal(path) as journal:
        anew, kept = journal.sends()
    assert kept.tokens_in == OFFER.prompt
    assert (anew.key, anew.outcome) == (purchase(1).key, "answered")
    assert (anew.tokens_in, anew.tokens_out) == (len(purchase(1).request), 700)
    assert (anew.price_in, anew.price_out, anew.currency) == ("0.5", "1.5", "USD")


def test_calls_of_the_embedded_teacher_need_no_send(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.record(replace(answer(1), base_url="offline"))
    assert recover(path).sends == 0


def test_the_newest_version_of_a_send_counts(image: Image) -> None:
    """Each stands in the log once open and once answered."""
    _, sends = saved(image)
    assert sends == image.sends


def test_a_batch_whose_sends_are_lost_can_still_be_fetched(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        (send,) = journal.open_sends([purchase(1)], [OFFER], 0, None)
        journal.open_batch("mark", [(purchase(1), send)])
        journal._db.execute("DELETE FROM sends")
    recover(path)
    with Journal(path) as journal:
        (batch,) = journal.open_batches(URL, "m")
        ((item, number, booked, _),) = journal.batch_items(batch.id)
    assert (item.key, item.request, number) == (purchase(1).key, purchase(1).request, send)
    assert booked.completion == 700


# --- older and other journals ---------------------------------------------------------------------------------


def test_a_call_from_before_seals_is_taken_if_its_key_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    good, bad = answer(1), replace(answer(2), key="0" * 64)
    with monkeypatch.context() as earlier:
        earlier.setattr("wukong_pipe.journal.store.MIGRATIONS", MIGRATIONS[:4])
        with Journal(path) as journal:
            for call in (good, bad):
                journal._db.execute(f"INSERT INTO calls VALUES ({', '.join('?' * 16)})", astuple(call)[:16])
    assert recover(path).calls == 1
    with Journal(path) as journal:
        assert list(journal.calls()) == [good]


@pytest.mark.slow
@pytest.mark.parametrize("size", [512, 1024, 65536])
def test_any_page_size_is_read(tmp_path: Path, size: int) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA page_size = {size}")
        db.execute("VACUUM")
    db.close()
    with fill(path, checkpointed=20, calls=30) as journal:
        assert journal._db.execute("PRAGMA page_size").fetchone() == (size,)
        whole = read_image(path, journal)
    calls, _ = saved(whole)
    assert calls == whole.calls
    # The header of the log says the size, too.
    calls, _ = saved(whole.but(main=zeroed(whole.main, 0, 100)))
    assert calls == whole.calls


def test_of_a_file_that_is_no_journal_nothing_is_saved_and_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database at all" * 500)
    result = recover(path)
    assert (result.calls, result.sends) == (0, 0)
    assert result.damaged.read_bytes() == b"not a database at all" * 500


def test_where_there_is_no_journal_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="There is no journal"):
        recover(tmp_path / "journal.sqlite")


def test_what_was_lost_is_counted(image: Image) -> None:
    with image.but(main=image.main[: len(image.main) // 2]).written() as path:
        result = recover(path)
    assert result.calls < 60
    assert result.lost_calls > 0


def test_a_second_recovery_keeps_what_the_first_one_put_away(image: Image) -> None:
    with image.written() as path:
        first = recover(path)
        second = recover(path)
        assert (first.damaged.name, second.damaged.name) == ("journal.sqlite.damaged", "journal.sqlite.damaged-2")
        assert first.damaged.read_bytes() == image.main
        assert second.calls == 60


# --- a crash in the middle ------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", range(5))
def test_a_crash_in_the_middle_loses_nothing(image: Image, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Whichever of its renames is the first that did not happen: the old journal stands, or the new one, or a sentence
    says how to finish."""
    left = steps
    rename = Path.rename

    def crash(path: Path, target: Path) -> Path:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return rename(path, target)

    harm = image.but(main=zeroed(image.main, 0, PAGE))
    with harm.written() as path:
        log_of(path).with_name("journal.sqlite-shm").write_bytes(b"shared")
        with monkeypatch.context() as killed:
            killed.setattr(Path, "rename", crash)
            with pytest.raises(KeyboardInterrupt):
                recover(path)
        if steps:
            assert recovered_of(path).exists()
            with pytest.raises(WorkspaceError, match=r"interrupted.*--recover"):
                Journal(path)
        else:
            assert path.read_bytes() == harm.main
            assert log_of(path).read_bytes() == harm.log
        result = recover(path)
        assert result.calls == 60
        assert result.damaged.name == "journal.sqlite.damaged"
        assert result.damaged.read_bytes() == harm.main
        assert log_of(result.damaged).read_bytes() == harm.log
        with Journal(path) as journal:
            assert sum(1 for _ in journal.calls()) == 60


# --- opening a damaged journal --------------------------------------------------------------------------------


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
    with image.but(**{name: bytes(body)}).written() as path:
        read_all(path, image)


test_a_damaged_journal_gives_a_true_call_or_a_sentence = tried(20)(given(data=st.data())(opened_damaged))
test_a_thousand_damaged_journals = pytest.mark.long(tried(1000)(given(data=st.data())(opened_damaged)))


@tried(8)
@given(kept=st.integers(0, 10**6))
def test_a_torn_journal_gives_a_true_call_or_a_sentence(image: Image, kept: int) -> None:
    with image.but(main=image.main[: kept % len(image.main)]).written() as path:
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


def test_a_log_with_a_broken_place_is_not_taken_for_its_end(image: Image) -> None:
    """SQLite would open it, drop the commits behind the broken place, and delete the log."""
    for at in (5, 32 + 7 * FRAME + 100):
        harm = image.but(log=image.log[:at] + bytes([image.log[at] ^ 1]) + image.log[at + 1 :])
        with harm.written() as path:
            with pytest.raises(WorkspaceError, match="--recover"):
                Journal(path)
            assert log_of(path).read_bytes() == harm.log
            assert recover(path).calls > 55


def test_a_torn_end_of_the_log_is_no_damage(image: Image) -> None:
    with image.but(log=image.log[: 32 + 11 * FRAME + 500]).written() as path, Journal(path) as journal:
        assert sum(1 for _ in journal.calls()) > 44


def test_an_empty_file_beside_a_log_is_damage(image: Image) -> None:
    """SQLite would take it for a new database and delete the log."""
    with image.but(main=b"").written() as path:
        with pytest.raises(WorkspaceError, match="--recover"):
            Journal(path)
        assert log_of(path).read_bytes() == image.log
