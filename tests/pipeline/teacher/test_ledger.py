"""The ledger: never below the provider's bill, and never above the ceiling where the provider keeps its word."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from wukong_pipe.commands.build import spent_so_far
from wukong_pipe.errors import CeilingReached, Interrupted, WorkspaceError
from wukong_pipe.journal.records import Prices, Purchase, Send, Tokens
from wukong_pipe.journal.store import Journal
from wukong_pipe.teacher.ledger import Ceilings, Ledger, Reservation, money

PRICES = Prices(Decimal(1), Decimal(2))
OFFER = Tokens(100_000, 200_000)
PRICE = Decimal("0.5")
"""Of the offer."""


def wanted(key: str = "k") -> Purchase:
    return Purchase(key, "http://x/v1", "m", 0, "run", "base_qa", "base_qa.zh@1", b"{}")


def body(usage: Any = None) -> bytes:
    completion = {"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]}
    return json.dumps(completion | ({} if usage is None else {"usage": usage})).encode()


def usage_of(tokens: Tokens) -> dict[str, Any]:
    return {"prompt_tokens": tokens.prompt, "completion_tokens": tokens.completion}


def answer(ledger: Ledger, reservation: Reservation, usage: Any = None, key: str = "k", error: str = "") -> Any:
    return ledger.answered(reservation, wanted(key), body(usage), status=200, rung=0, seconds=1.0, error=error)


def fail(ledger: Ledger, reservation: Reservation, unbilled: bool) -> None:
    ledger.failed(reservation, status=429 if unbilled else None, seconds=1.0, error="no", unbilled=unbilled)


def cost_of(send: Send) -> Decimal:
    return Prices(Decimal(send.price_in), Decimal(send.price_out)).cost(Tokens(send.tokens_in, send.tokens_out))


def booked(journal: Journal) -> Decimal:
    return sum(map(cost_of, journal.sends()), Decimal(0))


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


def costing(journal: Journal, most: str | None, calls: int | None = None, prices: Prices = PRICES) -> Ledger:
    return Ledger(journal, "run", prices, Ceilings(None if most is None else Decimal(most), calls))


# --- what is booked -------------------------------------------------------------------------------------------


def test_a_request_is_booked_at_its_offer_before_it_leaves(journal: Journal) -> None:
    ledger = costing(journal, "1")
    asyncio.run(ledger.reserve(wanted(), OFFER, 1))
    (send,) = journal.sends()
    assert (send.outcome, send.tokens_in, send.tokens_out, send.rung) == ("open", 100_000, 200_000, 1)
    assert (ledger.cost, ledger.in_flight, booked(journal)) == (PRICE, 1, PRICE)


@pytest.mark.parametrize(
    ("usage", "used"),
    [
        (usage_of(Tokens(1000, 2000)), Tokens(1000, 2000)),
        (usage_of(Tokens(0, 0)), Tokens(0, 0)),
        (None, OFFER),
        ({"prompt_tokens": 1000}, Tokens(1000, OFFER.completion)),
        ({"prompt_tokens": -1000, "completion_tokens": -1}, OFFER),
        ({"prompt_tokens": "1000", "completion_tokens": True}, OFFER),
        ("many", OFFER),
    ],
)
def test_an_answer_is_booked_at_what_it_used_and_at_the_offer_where_that_is_missing(
    journal: Journal, usage: Any, used: Tokens
) -> None:
    ledger = costing(journal, "1")
    call = answer(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)), usage)
    (send,) = journal.sends()
    assert (send.outcome, Tokens(send.tokens_in, send.tokens_out)) == ("answered", used)
    assert (ledger.spent.tokens, ledger.cost) == (used, PRICES.cost(used))
    assert (Decimal(call.cost), call.currency) == (PRICES.cost(used), "USD")
    assert journal.get("k") == call
    assert (ledger.in_flight, ledger.spent.answered, ledger.overcharged) == (0, 1, "")


def test_a_request_that_was_refused_costs_nothing(journal: Journal) -> None:
    ledger = costing(journal, "1")
    fail(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)), unbilled=True)
    call = answer(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)), usage_of(OFFER), error="moderation")
    assert [send.outcome for send in journal.sends()] == ["unbilled", "answered"]
    assert booked(journal) == ledger.cost == Decimal(call.cost) == 0
    assert (ledger.spent.failed, ledger.spent.unknown) == (1, Tokens())


def test_a_request_of_unknown_outcome_stays_booked(journal: Journal) -> None:
    ledger = costing(journal, "1")
    fail(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)), unbilled=False)
    (send,) = journal.sends()
    assert (send.outcome, ledger.spent.unknown, booked(journal)) == ("unknown", OFFER, PRICE)


def test_a_request_of_a_killed_process_stays_booked(journal: Journal) -> None:
    asyncio.run(costing(journal, "1").reserve(wanted(), OFFER, 0))
    resumed = costing(journal, "0.9")
    with pytest.raises(CeilingReached):
        asyncio.run(resumed.reserve(wanted(), OFFER, 0))
    assert resumed.cost == 0, "nothing was sent by this invocation"


def test_earlier_requests_keep_the_prices_of_then(journal: Journal) -> None:
    asyncio.run(costing(journal, "1").reserve(wanted(), OFFER, 0))
    free = Prices(Decimal(0), Decimal(0))
    assert costing(journal, "0.5", prices=free).fitting([OFFER] * 9) == 9
    with pytest.raises(CeilingReached):
        costing(journal, "0.4", prices=free).fitting([OFFER])


def test_requests_from_before_there_were_prices_count_at_those_of_now(journal: Journal) -> None:
    asyncio.run(Ledger(journal, "run").reserve(wanted(), OFFER, 0))
    with pytest.raises(CeilingReached):
        costing(journal, "0.9").fitting([OFFER])
    assert costing(journal, "1").fitting([OFFER]) == 1


def test_amounts_are_exact(journal: Journal) -> None:
    ledger = costing(journal, None, prices=Prices(Decimal("0.1"), Decimal("0.2"), "CNY"))
    for number in range(3):
        answer(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)), usage_of(Tokens(1, 0)), f"k{number}")
    assert ledger.cost == Decimal("0.0000003")
    assert {call.cost for call in journal.calls()} == {"0.0000001"}


def test_amounts_for_people_never_look_like_nothing() -> None:
    assert money(Decimal("1.5"), "USD") == "1.5000 USD"
    assert money(Decimal("0.0000003"), "USD") == "3e-7 USD"
    assert money(Decimal(0), "USD") == "0.0000 USD"


# --- ceilings -------------------------------------------------------------------------------------------------


def test_a_cost_ceiling_needs_prices(journal: Journal) -> None:
    with pytest.raises(ValueError, match="prices"):
        Ledger(journal, "run", None, Ceilings(cost=Decimal(1)))


def test_who_does_not_fit_waits_for_a_settlement_and_then_goes_on(journal: Journal) -> None:
    async def build() -> None:
        ledger = costing(journal, "0.7")
        first = await ledger.reserve(wanted(), OFFER, 0)
        waiting = asyncio.create_task(ledger.reserve(wanted("l"), OFFER, 0))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert len(list(journal.sends())) == 1
        answer(ledger, first, usage_of(Tokens(10, 10)))
        await asyncio.wait_for(waiting, 1)

    asyncio.run(build())
    assert len(list(journal.sends())) == 2


def test_with_nothing_in_flight_and_no_room_the_ceiling_is_reached(journal: Journal) -> None:
    ledger = costing(journal, "0.7")
    answer(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)))
    with pytest.raises(CeilingReached, match=r"0\.7000 USD.*0\.5000 USD are booked.*0\.5000 USD.*--max-cost"):
        asyncio.run(ledger.reserve(wanted("l"), OFFER, 0))
    assert len(list(journal.sends())) == 1


def test_a_waiter_that_no_settlement_helped_is_told(journal: Journal) -> None:
    async def build() -> None:
        ledger = costing(journal, "0.7")
        first = await ledger.reserve(wanted(), OFFER, 0)
        waiting = asyncio.create_task(ledger.reserve(wanted("l"), OFFER, 0))
        await asyncio.sleep(0.01)
        answer(ledger, first)
        with pytest.raises(CeilingReached, match="--max-cost"):
            await asyncio.wait_for(waiting, 1)

    asyncio.run(build())


def test_the_ceiling_itself_may_be_spent(journal: Journal) -> None:
    ledger = costing(journal, "0.5")
    asyncio.run(ledger.reserve(wanted(), OFFER, 0))


def test_the_ceiling_of_calls_counts_every_request_of_the_run_that_may_be_billed(journal: Journal) -> None:
    asyncio.run(costing(journal, None).reserve(wanted(), OFFER, 0))
    ledger = costing(journal, None, calls=3)
    fail(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)), unbilled=True)
    assert ledger.fitting([OFFER] * 5) == 2
    assert costing(journal, None, calls=3).fitting([OFFER] * 5) == 2
    fail(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)), unbilled=False)
    asyncio.run(ledger.reserve(wanted(), OFFER, 0))
    with pytest.raises(CeilingReached, match=r"3 calls.*--max-calls"):
        asyncio.run(ledger.reserve(wanted(), OFFER, 0))
    other = Ledger(journal, "another run", PRICES, Ceilings(calls=1))
    assert other.fitting([OFFER]) == 1


def test_of_requests_that_leave_together_so_many_are_taken_as_fit(journal: Journal) -> None:
    ledger = costing(journal, "1.2")
    assert ledger.fitting([OFFER] * 5) == 2
    ledger.reserve_all([wanted("a"), wanted("b")], [OFFER, OFFER], 0)
    assert (ledger.fitting([OFFER]), ledger.in_flight, booked(journal)) == (0, 2, 2 * PRICE)


def test_the_end_wakes_whoever_waits_and_lets_nothing_more_leave(journal: Journal) -> None:
    async def build() -> None:
        ledger = costing(journal, "0.7")
        await ledger.reserve(wanted(), OFFER, 0)
        waiting = [asyncio.create_task(ledger.reserve(wanted(key), OFFER, 0)) for key in "lm"]
        await asyncio.sleep(0.01)
        ledger.stop(Interrupted("stopped by the user"))
        ledger.stop(WorkspaceError("a later end"))
        for task in waiting:
            with pytest.raises(Interrupted):
                await asyncio.wait_for(task, 1)
        with pytest.raises(Interrupted):
            ledger.fitting([Tokens()])

    asyncio.run(build())
    assert len(list(journal.sends())) == 1


def test_an_overcharge_is_booked_in_full_named_and_nothing_leaves_after_it(journal: Journal) -> None:
    ledger = costing(journal, "10")
    first, second = ledger.reserve_all([wanted(), wanted("l")], [OFFER, OFFER], 0)
    used = Tokens(100_000, 200_001)
    answer(ledger, first, usage_of(used))
    assert ledger.cost == PRICES.cost(used) + PRICE
    assert all(part in ledger.overcharged for part in ("http://x/v1", "200001", "200000", "booked in full"))
    with pytest.raises(CeilingReached, match="http://x/v1 billed"):
        asyncio.run(ledger.reserve(wanted("m"), Tokens(1, 1), 0))
    answer(ledger, second, usage_of(Tokens(1, 1)), "l")
    assert journal.get("l") is not None


def test_without_a_ceiling_an_overcharge_is_named_and_the_run_goes_on(journal: Journal) -> None:
    ledger = costing(journal, None)
    answer(ledger, asyncio.run(ledger.reserve(wanted(), OFFER, 0)), usage_of(Tokens(2**63 - 1, 0)))
    assert ledger.overcharged
    asyncio.run(ledger.reserve(wanted("l"), OFFER, 0))
    assert costing(journal, None).fitting([OFFER]) == 1


# --- a provider of any behaviour ------------------------------------------------------------------------------

TOKENS = st.integers(0, 300_000)
OFFERS = st.builds(Tokens, TOKENS, TOKENS)
RATES = st.decimals(0, 20, places=3)
PRICE_LISTS = st.builds(Prices, RATES, RATES)
AMOUNTS = st.decimals(0, 30, places=2)
CEILINGS = st.builds(
    Ceilings,
    st.one_of(AMOUNTS, AMOUNTS, AMOUNTS, st.none()),
    st.one_of(st.none(), st.none(), st.integers(0, 60)),
)
SHARE = st.tuples(st.integers(0, 100), st.integers(0, 100))
"""Percent of the offer that the provider bills."""
USAGE = ["true", "true", "missing", "only prompt", "only completion", "negative", "garbage"]
FAILURES = ["billed", "billed in part", "refused", "refused for good"]


def part(offer: Tokens, share: tuple[int, int]) -> Tokens:
    return Tokens(offer.prompt * share[0] // 100, offer.completion * share[1] // 100)


class HonestProvider(RuleBasedStateMachine):
    """A build, its deaths and resumptions, and a provider that bills no more than it was offered."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "journal.sqlite"
        self.loop = asyncio.new_event_loop()
        self.asked = 0
        self.bill: dict[int, Tokens] = {}
        self.paid = Decimal(0)
        """The bill in money, at the prices that were given for each call."""
        self.allowed: Decimal | None = None
        """The ceiling under which the last request left."""

    @initialize(prices=PRICE_LISTS, ceilings=CEILINGS)
    def start(self, prices: Prices, ceilings: Ceilings) -> None:
        self.prices, self.ceilings = prices, ceilings
        self.in_flight: list[tuple[Reservation, str]] = []
        self.waiting: list[asyncio.Task[Reservation]] = []
        self.noticed = 0
        self.journal = Journal(self.path)
        # A process dies here, not the machine.
        self.journal._db.connection.execute("PRAGMA synchronous = OFF")
        self.ledger = Ledger(self.journal, "run", prices, ceilings)

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def look(self) -> None:
        """Let those who wait look again."""
        for _ in range(3 + len(self.waiting)):
            self.run(asyncio.sleep(0))
        for task in [task for task in self.waiting if task.done()]:
            self.waiting.remove(task)
            if task.exception() is None:
                self.left(task)
            else:
                assert isinstance(task.exception(), CeilingReached)
        # Who waits is always woken by someone.
        assert self.in_flight or not self.waiting

    def left(self, task: asyncio.Task[Reservation]) -> None:
        assert not self.noticed, "nothing leaves once an overcharge was noticed"
        self.in_flight.append((task.result(), task.get_name()))
        self.bill[task.result().send] = Tokens()
        self.allowed = self.ceilings.cost
        sends = sum(send.outcome != "unbilled" for send in self.journal.sends())
        assert self.ceilings.calls is None or sends <= self.ceilings.calls
        assert self.ceilings.cost is None or self.noticed or booked(self.journal) <= self.ceilings.cost

    def charge(self, reservation: Reservation, tokens: Tokens) -> None:
        self.bill[reservation.send] = tokens
        self.paid += self.prices.cost(tokens)

    @rule(offer=OFFERS, times=st.integers(1, 4))
    def ask(self, offer: Tokens, times: int) -> None:
        before, sure = booked(self.journal), not self.in_flight and not self.waiting
        for _ in range(times):
            self.asked += 1
            key = f"k{self.asked}"
            self.waiting.append(self.loop.create_task(self.ledger.reserve(wanted(key), offer, 0), name=key))
        calls = len(list(self.journal.sends()))
        self.look()
        room = self.ceilings.cost is None or before + self.prices.cost(offer) <= self.ceilings.cost
        if sure and room and not self.noticed and (self.ceilings.calls is None or calls < self.ceilings.calls):
            assert self.in_flight, "what fits leaves"

    @precondition(lambda self: self.in_flight)
    @rule(which=st.integers(0, 99), kind=st.sampled_from(USAGE), share=SHARE)
    def answers(self, which: int, kind: str, share: tuple[int, int]) -> None:
        reservation, key = self.in_flight.pop(which % len(self.in_flight))
        tokens = part(reservation.offer, share)
        self.charge(reservation, tokens)
        usage: Any = usage_of(tokens)
        if kind == "missing":
            usage = None
        elif kind.startswith("only"):
            usage = {f"{kind[5:]}_tokens": usage[f"{kind[5:]}_tokens"]}
        elif kind == "negative":
            usage = {"prompt_tokens": -tokens.prompt - 1, "completion_tokens": tokens.completion}
        elif kind == "garbage":
            usage = [{}, "x", {"prompt_tokens": 1.5, "completion_tokens": None}][which % 3]
        answer(self.ledger, reservation, usage, key)
        self.look()

    @precondition(lambda self: self.in_flight)
    @rule(which=st.integers(0, 99), kind=st.sampled_from(FAILURES), share=SHARE)
    def fails(self, which: int, kind: str, share: tuple[int, int]) -> None:
        reservation, key = self.in_flight.pop(which % len(self.in_flight))
        if kind == "refused for good":
            answer(self.ledger, reservation, None, key, "moderation")
        else:
            if kind != "refused":
                self.charge(reservation, reservation.offer if kind == "billed" else part(reservation.offer, share))
            fail(self.ledger, reservation, unbilled=kind == "refused")
        self.look()

    @rule(prices=PRICE_LISTS, ceilings=CEILINGS, same=st.booleans(), share=SHARE)
    def dies_and_resumes(self, prices: Prices, ceilings: Ceilings, same: bool, share: tuple[int, int]) -> None:
        for reservation, _ in self.in_flight:
            self.charge(reservation, part(reservation.offer, share))
        self.die()
        self.start(self.prices if same else prices, self.ceilings if same else ceilings)

    def die(self) -> None:
        for task in self.waiting:
            task.cancel()
            with suppress(asyncio.CancelledError):
                self.run(task)
        self.journal.__exit__(None, None, None)

    @invariant()
    def the_ledger_is_not_below_the_bill(self) -> None:
        for number, send in enumerate(self.journal.sends(), 1):
            assert send.tokens_in >= self.bill[number].prompt
            assert send.tokens_out >= self.bill[number].completion
        assert booked(self.journal) >= self.paid

    @invariant()
    def the_bill_is_not_above_the_ceiling(self) -> None:
        assert self.allowed is None or self.paid <= self.allowed

    def teardown(self) -> None:
        self.die()
        self.loop.close()
        self.folder.cleanup()


class OverchargingProvider(HonestProvider):
    """The same, but now and then it bills more than it was offered, and says so."""

    @precondition(lambda self: self.in_flight)
    @rule(
        which=st.integers(0, 99),
        more=st.tuples(st.sampled_from([0, 0, 7]), st.integers(1, 2**40)),
        turned=st.booleans(),
    )
    def overcharges(self, which: int, more: tuple[int, int], turned: bool) -> None:
        reservation, key = self.in_flight.pop(which % len(self.in_flight))
        tokens = reservation.offer + Tokens(*(more[::-1] if turned else more))
        self.charge(reservation, tokens)
        answer(self.ledger, reservation, usage_of(tokens), key)
        assert "billed" in self.ledger.overcharged
        self.noticed += self.ceilings.cost is not None
        self.look()

    def the_bill_is_not_above_the_ceiling(self) -> None:
        """It may be, by what was in flight; `left` asserts that nothing follows."""


def behaviours(machine: type[RuleBasedStateMachine], times: int, steps: int) -> Any:
    how = settings(max_examples=times, stateful_step_count=steps, deadline=None)
    return type(machine.__name__, (machine.TestCase,), {"settings": how})


TestAnHonestProvider = behaviours(HonestProvider, 40, 20)
TestAnOverchargingProvider = behaviours(OverchargingProvider, 20, 20)
TestAThousandHonestProviders = pytest.mark.long(behaviours(HonestProvider, 1000, 30))
TestAThousandOverchargingProviders = pytest.mark.long(behaviours(OverchargingProvider, 1000, 30))


def test_a_batch_collected_under_other_prices_is_settled_at_those_it_was_sent_at(journal: Journal) -> None:
    first = Ledger(journal, "run", Prices(Decimal(1), Decimal(1)))
    (reservation,) = first.reserve_all([wanted()], [Tokens(1_000_000, 1_000_000)], 0)
    later = Ledger(journal, "run", Prices(Decimal(4), Decimal(4)), Ceilings(cost=Decimal(10)))
    later.adopt(reservation)
    body = b'{"choices": [], "usage": {"prompt_tokens": 500000, "completion_tokens": 500000}}'
    call = later.answered(reservation, wanted(), body, status=200, rung=0, seconds=1.0)
    assert call.cost == "1"
    # 1 of 10 is spent, and an offer of two million tokens now costs 8.
    assert later.fitting([Tokens(1_000_000, 1_000_000)] * 3) == 1


def test_progress_shows_what_was_used_and_never_falls(journal: Journal) -> None:
    ledger, shown = Ledger(journal, "run", PRICES), list[Tokens]()

    async def story() -> None:
        assert spent_so_far(ledger) == ""
        first, second = [await ledger.reserve(wanted(key), OFFER, 0) for key in "ab"]
        shown.append(ledger.settled)
        assert spent_so_far(ledger) == "0 calls, 0 tokens in, 0 out, 0.0000 USD"
        answer(ledger, first, usage_of(Tokens(1000, 20)), "a")
        shown.append(ledger.settled)
        assert spent_so_far(ledger) == "1 calls, 1,000 tokens in, 20 out, 0.0010 USD"
        fail(ledger, second, unbilled=False)
        shown.append(ledger.settled)

    asyncio.run(story())
    assert shown == [Tokens(), Tokens(1000, 20), Tokens(1000, 20) + OFFER]
