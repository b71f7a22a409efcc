"""What calls may cost and did cost: booked before a request leaves, settled when its answer is in the journal.

The ledger is never below the provider's bill: what is not known counts as the most it can be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from wukong_pipe.errors import CeilingReached, WukongError
from wukong_pipe.journal.records import Call, Outcome, Prices, Purchase, Tokens, now
from wukong_pipe.journal.store import Journal
from wukong_pipe.teacher.replies import read_completion

NOTHING = Tokens()
NO_COST = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What a run may spend in all, earlier builds of it included; None for no ceiling."""

    cost: Decimal | None = None
    calls: int | None = None


NO_CEILINGS = Ceilings()


@dataclass(frozen=True, slots=True)
class Reservation:
    """A request that may leave: `offer` is the most it can cost."""

    send: int
    offer: Tokens
    prices: Prices | None
    """Those of the time it left: a batch may be collected under others."""


@dataclass(slots=True)
class Spent:
    """What this invocation sent and what it is booked at."""

    sends: int = 0
    answered: int = 0
    failed: int = 0
    tokens: Tokens = NOTHING
    """Of all that was sent, `unknown` included."""
    unknown: Tokens = NOTHING
    """Of requests that brought no answer and may have been billed all the same."""


class Ledger:
    """Reserves before a request leaves, settles after; holds a run under its ceilings.

    An overcharged call is booked in full; where a cost ceiling is set, nothing leaves after it was noticed.
    """

    def __init__(
        self, journal: Journal, run: str, prices: Prices | None = None, ceilings: Ceilings = NO_CEILINGS
    ) -> None:
        if ceilings.cost is not None and prices is None:
            raise ValueError("a cost ceiling needs prices")
        self.prices, self.ceilings, self.spent = prices, ceilings, Spent()
        self.overcharged = ""
        """In words, the first call that was billed above its offer; empty where there was none."""
        self._journal = journal
        self._open: dict[int, Tokens] = {}
        self._settled = asyncio.Event()
        self._end: WukongError | None = None
        booked = journal.booked(run)
        self._calls = sum(count for count, *_ in booked)
        self._cost = sum((_cost(tokens, at, prices) for _, tokens, *at in booked), NO_COST)

    @property
    def in_flight(self) -> int:
        """Requests that have left and have no answer yet."""
        return len(self._open)

    @property
    def settled(self) -> Tokens:
        """Of all that was sent, without what has no answer yet: it never falls."""
        waiting = sum(self._open.values(), NOTHING)
        return Tokens(self.spent.tokens.prompt - waiting.prompt, self.spent.tokens.completion - waiting.completion)

    @property
    def cost(self) -> Decimal | None:
        """What this invocation is booked at; None without prices."""
        return None if self.prices is None else self.prices.cost(self.spent.tokens)

    def stop(self, end: WukongError) -> None:
        """Let nothing more leave: whoever reserves is told `end`. The first end counts."""
        self._end = self._end or end
        self._wake()

    async def reserve(self, purchase: Purchase, offer: Tokens, rung: int) -> Reservation:
        """Book one request; waits where only the settlement of others can make room for it.

        Raises:
            CeilingReached: it does not fit under a ceiling, whatever the others in flight turn out to cost.
            WukongError: the run has ended; see `stop`.
        """
        while not self.fitting([offer]):
            await self._settled.wait()
        return self.reserve_all([purchase], [offer], rung)[0]

    def reserve_all(self, purchases: Sequence[Purchase], offers: Sequence[Tokens], rung: int) -> list[Reservation]:
        """Book requests that leave together and are known to fit; see `fitting`."""
        sends = self._journal.open_sends(purchases, offers, rung, self.prices)
        taken = [Reservation(send, offer, self.prices) for send, offer in zip(sends, offers, strict=True)]
        for reservation in taken:
            self.adopt(reservation)
            self._calls += 1
            self._cost += NO_COST if self.prices is None else self.prices.cost(reservation.offer)
            self.spent.sends += 1
        return taken

    def adopt(self, reservation: Reservation) -> None:
        """Take over a request that an earlier process booked and that may still be answered."""
        self._open[reservation.send] = reservation.offer
        self.spent.tokens += reservation.offer

    def fitting(self, offers: Sequence[Tokens]) -> int:
        """How many of these requests, from the first on, fit under the ceilings now. 0: wait for a settlement.

        Raises:
            CeilingReached: not even the first fits, and nothing in flight can make room.
            WukongError: the run has ended.
        """
        if self._end is not None:
            raise self._end
        count = len(offers)
        if self.ceilings.calls is not None:
            count = min(count, self.ceilings.calls - self._calls)
            if count <= 0:
                raise CeilingReached(
                    f"The ceiling of {self.ceilings.calls} calls is reached, earlier builds of this run included. "
                    "What was bought is kept; go on with a higher --max-calls."
                )
        if self.prices is None or self.ceilings.cost is None:
            return count
        left = self.ceilings.cost - self._cost
        for number, offer in enumerate(offers[:count]):
            left -= self.prices.cost(offer)
            if left >= 0:
                continue
            if number == 0 and not self._open:
                raise CeilingReached(self._over_cost(offer, self.prices, self.ceilings.cost))
            return number
        return count

    def _over_cost(self, offer: Tokens, prices: Prices, ceiling: Decimal) -> str:
        return (
            f"The ceiling of {money(ceiling, prices.currency)} does not allow another call: "
            f"{money(self._cost, prices.currency)} are booked for this run, earlier builds and calls of unknown "
            f"outcome included, and the next call may cost up to {money(prices.cost(offer), prices.currency)}. "
            "What was bought is kept; go on with a higher --max-cost."
        )

    def answered(
        self,
        reservation: Reservation,
        purchase: Purchase,
        body: bytes,
        *,
        status: int,
        rung: int,
        seconds: float,
        error: str = "",
    ) -> Call:
        """Commit an answer and what it cost, together. There is no await in here: nothing can cancel the commit of a
        call that was paid for.

        Args:
            error: the provider's words, where it refused this request for good; such an answer costs nothing.
        """
        completion = read_completion(body)
        offer = reservation.offer
        used = Tokens(
            offer.prompt if completion.tokens_in is None else completion.tokens_in,
            offer.completion if completion.tokens_out is None else completion.tokens_out,
        )
        if error:
            used = NOTHING
        prices = reservation.prices
        cost = "" if prices is None else f"{prices.cost(used):f}"
        currency = "" if prices is None else prices.currency
        call = Call(
            **asdict(purchase),
            reply=body,
            status=status,
            rung=rung,
            tokens_in=completion.tokens_in,
            tokens_out=completion.tokens_out,
            seconds=seconds,
            created=now(),
            error=error,
            cost=cost,
            currency=currency,
        )
        self._journal.record(call, reservation.send, used)
        self.spent.answered += 1
        self._close(reservation, used)
        if used.prompt > offer.prompt or used.completion > offer.completion:
            self._notice(purchase, offer, used)
        return call

    def failed(
        self, reservation: Reservation, *, status: int | None, seconds: float, error: str, unbilled: bool = False
    ) -> None:
        """Settle a request that brought no answer: booked at its offer, unless it cannot have been billed."""
        booked = NOTHING if unbilled else reservation.offer
        outcome: Outcome = "unbilled" if unbilled else "unknown"
        self._journal.close_send(reservation.send, outcome, booked, status, seconds, error)
        self.spent.failed += 1
        self.spent.unknown += booked
        self._calls -= unbilled
        self._close(reservation, booked)

    def _notice(self, purchase: Purchase, offer: Tokens, used: Tokens) -> None:
        """The provider billed more than the request could cost."""
        self.overcharged = self.overcharged or (
            f"{purchase.base_url} billed {used.prompt} tokens in and {used.completion} out for a call that could cost "
            f"{offer.prompt} and {offer.completion} at most ({purchase.model}); it is booked in full."
        )
        if self.ceilings.cost is not None:
            self.stop(CeilingReached(f"{self.overcharged} No ceiling can be kept so; what was bought is kept."))

    def _close(self, reservation: Reservation, booked: Tokens) -> None:
        del self._open[reservation.send]
        change = Tokens(booked.prompt - reservation.offer.prompt, booked.completion - reservation.offer.completion)
        self.spent.tokens += change
        prices = reservation.prices or self.prices
        self._cost += NO_COST if prices is None else prices.cost(change)
        self._wake()

    def _wake(self) -> None:
        """Let those who wait for room look again; who comes later waits for the next settlement."""
        self._settled.set()
        self._settled = asyncio.Event()


def _cost(tokens: Tokens, at: Sequence[str], prices: Prices | None) -> Decimal:
    """Tokens booked earlier, at the prices of then; at those of now where none were given."""
    if at[0]:
        return Prices(Decimal(at[0]), Decimal(at[1])).cost(tokens)
    return prices.cost(tokens) if prices else NO_COST


def money(amount: Decimal, currency: str) -> str:
    """An amount for people: four digits behind the point, more where it would be nothing."""
    shown = f"{amount:.4f}" if amount >= Decimal("0.0001") or not amount else f"{amount:.2g}"
    return f"{shown} {currency}"
