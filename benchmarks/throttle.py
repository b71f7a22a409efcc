"""How much of a server's hidden limits does the throttle use, and how often is it refused?

    python benchmarks/throttle.py [--minutes 20] [--only TEXT] >> benchmarks/throttle.md

simulates servers, and clients with more work than they can send, in virtual time: nothing is sent, nobody waits. The
rivals are what scripts usually do: a fixed pool of workers with exponential backoff, and such a pool under Inspect AI's
rules for the calls at a time (slow start, additive increase, multiplicative decrease). All have the same room.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from wukong_pipe.providers.sent_calls import Sent
from wukong_pipe.providers.throttle import Throttle

ROOM = 500
"""The calls at a time that every client is allowed."""
SETTLED = 120.0
"""Seconds after the start, or after a change, by which a client should have found the limit."""
DEADLINE = 300.0
"""Seconds that a client waits for an answer."""
TIMER = 0.001
"""Seconds that an event loop's timer is late."""
TOKENS = 1000
"""What a call uses on average (lognormal, sigma 0.5); its worst case is eight times that."""

# --- the servers --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """What a server takes, unknown to the client."""

    kind: str
    """"at a time": refuses further calls; "queue": keeps them waiting; "RPM", "TPM": requests, tokens a minute."""
    limit: int
    enforcement: str = ""
    """Of a minute's limit: "bucket" (fills steadily, holds a minute's worth, full at the start) or "window" (starts
    anew with each minute)."""
    tells: str = "nothing"
    """With a refusal: "nothing"; "Retry-After"; "a tenth", Retry-After with a tenth of the truth; or "x-ratelimit"."""
    latency: str = "0.5-20 s"
    """"0.5-20 s": lognormal, 95 % within; "0.5 s": lognormal with sigma 0.3; "2 s": always."""
    later: int = 0
    """The limit in the second half, where it changes."""
    failing: float = 0.0
    """Share of the calls that end in 5xx."""
    noise: float = 0.0
    """Share of the calls that are refused by chance, whatever the client does: others crowd the provider."""

    def __str__(self) -> str:
        return f"{self.limit}{f' then {self.later}' if self.later else ''} {self.kind} {self.enforcement}".strip()

    def seconds(self, chance: random.Random) -> float:
        """How long the work for one answer takes."""
        if self.latency == "2 s":
            return 2.0
        middle, sigma = (0.5, 0.3) if self.latency == "0.5 s" else (math.sqrt(0.5 * 20), math.log(20 / 0.5) / 2 / 1.96)
        return chance.lognormvariate(math.log(middle), sigma)


class Serving:
    """A server at work for `seconds`."""

    def __init__(self, server: Server, seconds: float) -> None:
        self.server = server
        self.change = seconds / 2 if server.later else math.inf
        self.in_flight = 0
        self._stock, self._at = float(server.limit), 0.0
        self._free = [0.0] * server.limit
        """When each of a queueing server's workers has done what it has to do so far."""

    def limit(self, now: float) -> int:
        """What it takes at this time."""
        return self.server.later if now >= self.change else self.server.limit

    def take(self, now: float, tokens: int, by_chance: bool) -> float:
        """0: accepted; else the seconds until it would be.

        Args:
            by_chance: it is refused however little the client sends.
        """
        if by_chance:
            return 1.0
        if self.server.kind == "at a time" and self.in_flight >= self.limit(now):
            return 1.0
        if self.server.kind in {"RPM", "TPM"}:
            wanted, limit = tokens if self.server.kind == "TPM" else 1, self.limit(now)
            if self.server.enforcement == "bucket":
                self._stock = min(limit, self._stock + (now - self._at) * limit / 60)
            elif now // 60 > self._at // 60:
                self._stock = limit
            self._at = now
            if self._stock < wanted:
                return (wanted - self._stock) * 60 / limit if self.server.enforcement == "bucket" else 60 - now % 60
            self._stock -= wanted
        self.in_flight += 1
        return 0.0

    def waits(self, now: float, work: float) -> float:
        """The seconds that an accepted call waits before it is worked on."""
        if self.server.kind != "queue":
            return 0.0
        start = max(now, heapq.heappop(self._free))
        heapq.heappush(self._free, start + work)
        return start - now

    def says(self, wait: float) -> tuple[float | None, dict[str, str]]:
        """Retry-After and the other headers of a refusal."""
        limit, kind = self.limit(self._at), "tokens" if self.server.kind == "TPM" else "requests"
        full = wait if self.server.enforcement == "window" else (limit - self._stock) * 60 / limit
        values = {"limit": f"{limit}", "remaining": f"{max(0, int(self._stock))}", "reset": f"{full:.3f}s"}
        return {
            "nothing": (None, {}),
            "Retry-After": (wait, {}),
            "a tenth": (wait / 10, {}),
            "x-ratelimit": (None, {f"x-ratelimit-{name}-{kind}": value for name, value in values.items()}),
        }[self.server.tells]


# --- the clients --------------------------------------------------------------------------------------------


class Client(Protocol):
    """What the simulation asks of a client. A call that is to be sent again is sent after so many seconds: by the
    client's leave, or without where it keeps its place."""

    keeps_places: bool

    def admit(self, now: float) -> float: ...

    def sent(self, call: int, now: float) -> None: ...

    def succeeded(self, call: int, now: float, tokens: int, retried: bool) -> None: ...

    def failed(self, call: int, now: float, attempt: int) -> float: ...

    def refused(self, call: int, now: float, told: float | None, headers: dict[str, str], attempt: int) -> float: ...


class Throttled:
    """Ours, as the teacher uses it."""

    keeps_places = False

    def __init__(self, rpm: float | None = None, tpm: float | None = None) -> None:
        self.random = random.Random(1)
        self.throttle = Throttle(most=ROOM, rpm=rpm, tpm=tpm, random=self.random)
        self.calls: dict[int, Sent] = {}

    def admit(self, now: float) -> float:
        return self.throttle.wait(now)

    def sent(self, call: int, now: float) -> None:
        self.calls[call] = self.throttle.send(now, 8 * TOKENS)

    def succeeded(self, call: int, now: float, tokens: int, retried: bool) -> None:
        self.throttle.succeeded(now, self.calls.pop(call), tokens, retried)

    def failed(self, call: int, now: float, attempt: int) -> float:
        self.throttle.failed(now, self.calls.pop(call))
        return min(2.0**attempt, 60) + self.random.uniform(0, 1)

    def refused(self, call: int, now: float, told: float | None, headers: dict[str, str], attempt: int) -> float:
        self.throttle.refused(now, self.calls.pop(call), told, headers)
        own = min(2.0**attempt, 60) + self.random.uniform(0, 1)
        return own if told is None else max(told, own if attempt else 0.0)


class Pool:
    """A fixed number of workers; each waits as long as it is told and up to a second more, or 1, 2, 4 ... 60 s less up
    to a half."""

    keeps_places = True

    def __init__(self) -> None:
        self.limit: float = ROOM
        self.in_flight = 0
        self.random = random.Random(1)

    def admit(self, now: float) -> float:  # noqa: ARG002
        return math.inf if self.in_flight >= int(self.limit) else 0.0

    def sent(self, call: int, now: float) -> None:  # noqa: ARG002
        self.in_flight += 1

    def succeeded(self, call: int, now: float, tokens: int, retried: bool) -> None:  # noqa: ARG002
        self.in_flight -= 1

    def failed(self, call: int, now: float, attempt: int) -> float:  # noqa: ARG002
        return min(2.0**attempt, 60) * self.random.uniform(0.5, 1)

    def refused(self, call: int, now: float, told: float | None, headers: dict[str, str], attempt: int) -> float:  # noqa: ARG002
        return Pool.failed(self, call, now, attempt) if told is None else told + self.random.uniform(0, 1)


class Adaptive(Pool):
    """The pool under Inspect AI's rules: 20 workers at first; twice as many after a clean round, 5 % more once there
    was a cut; x0.8 once an episode; no growth for 15 s after a refusal, and longer by its Retry-After."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = 20.0
        self.calm, self.cut, self.clean, self.peak = 0.0, False, 0, 0

    def sent(self, call: int, now: float) -> None:
        super().sent(call, now)
        self.peak = max(self.peak, self.in_flight)

    def succeeded(self, call: int, now: float, tokens: int, retried: bool) -> None:
        super().succeeded(call, now, tokens, retried)
        if retried or now < self.calm:
            return
        self.clean += 1
        if self.clean >= max(self.limit, 4):
            if self.peak >= 0.8 * self.limit:
                self.limit = min(ROOM, self.limit + max(1, 0.05 * self.limit) if self.cut else 2 * self.limit)
            self.clean, self.peak = 0, self.in_flight

    def failed(self, call: int, now: float, attempt: int) -> float:
        self.clean = 0
        return super().failed(call, now, attempt)

    def refused(self, call: int, now: float, told: float | None, headers: dict[str, str], attempt: int) -> float:
        if now >= self.calm:
            self.limit, self.cut = max(1, 0.8 * self.limit), True
        self.calm, self.clean = max(self.calm, now + 15 + (told or 0)), 0
        return super().refused(call, now, told, headers, attempt)


# --- the simulation -----------------------------------------------------------------------------------------


@dataclass
class Score:
    """What a client got from a server, after it should have settled (True) and before (False)."""

    used: dict[bool, float] = field(default_factory=lambda: {False: 0.0, True: 0.0})
    """Of the limit: answers, tokens, or seconds of work."""
    room: dict[bool, float] = field(default_factory=dict)
    """What a perfect client would have used."""
    calls: Counter[bool] = field(default_factory=Counter)
    refused: Counter[bool] = field(default_factory=Counter)

    def __str__(self) -> str:
        settled = self.used[True] / self.room[True]
        whole = sum(self.used.values()) / sum(self.room.values())
        return f"{settled:.2f} | {whole:.2f} | {self.refused[True] / max(1, self.calls[True]):.1%}"


def simulate(server: Server, client: Client, seconds: float) -> Score:
    """A client with endless work against a server."""
    chance, serving, score = random.Random(0), Serving(server, seconds), Score()
    settled_from = SETTLED + (serving.change if server.later else 0.0)
    a_second = 1 if server.kind in {"at a time", "queue"} else 1 / 60
    score.room = {
        False: server.limit * a_second * min(serving.change, settled_from) + server.later * a_second * SETTLED,
        True: (server.later or server.limit) * a_second * (seconds - settled_from),
    }
    events: list[tuple[float, int, Callable[[float], None]]] = []
    order = itertools.count()
    again: list[tuple[int, int]] = []
    asking = 0

    def at(when: float, what: Callable[[float], None]) -> None:
        heapq.heappush(events, (when, next(order), what))

    def ask(number: int, now: float) -> None:
        nonlocal asking
        if number != asking:  # Something happened since this timer was set, and set another.
            return
        while (wait := client.admit(now)) == 0.0:
            tokens, attempt = again.pop() if again else (round(TOKENS * chance.lognormvariate(-0.125, 0.5)), 0)
            call = next(order)
            client.sent(call, now)
            send(call, tokens, attempt, now)
        asking += 1
        if wait < math.inf:
            at(now + wait + TIMER, partial(ask, asking))

    def send(call: int, tokens: int, attempt: int, now: float) -> None:
        score.calls[now >= settled_from] += 1
        by_chance = server.noise > 0 and chance.random() < server.noise
        if wait := serving.take(now, tokens, by_chance):
            says = serving.says(wait) if not by_chance else (1.0 if server.tells == "Retry-After" else None, {})
            at(now + chance.uniform(0.05, 0.3), partial(refused, call, tokens, attempt, *says))
            return
        work = server.seconds(chance)
        latency = serving.waits(now, work) + work
        if latency > DEADLINE or chance.random() < server.failing:
            at(now + min(latency, DEADLINE), partial(failed, call, tokens, attempt))
        else:
            at(now + latency, partial(answered, call, tokens, attempt, work))

    def answered(call: int, tokens: int, attempt: int, work: float, now: float) -> None:
        serving.in_flight -= 1
        score.used[now >= settled_from] += {"RPM": 1, "TPM": tokens}.get(server.kind, work)
        client.succeeded(call, now, tokens, attempt > 0)
        ask(asking, now)

    def failed(call: int, tokens: int, attempt: int, now: float) -> None:
        serving.in_flight -= 1
        resend(call, tokens, attempt, client.failed(call, now, attempt), now)

    def refused(call: int, tokens: int, attempt: int, told: float | None, headers: dict[str, str], now: float) -> None:
        score.refused[now >= settled_from] += 1
        resend(call, tokens, attempt, client.refused(call, now, told, headers, attempt), now)

    def resend(call: int, tokens: int, attempt: int, wait: float, now: float) -> None:
        if client.keeps_places:
            at(now + wait, partial(send, call, tokens, attempt + 1))
        else:
            at(now + wait, partial(come_back, tokens, attempt + 1))
            ask(asking, now)

    def come_back(tokens: int, attempt: int, now: float) -> None:
        again.append((tokens, attempt))
        ask(asking, now)

    ask(0, 0.0)
    while events and events[0][0] < seconds:
        now, _, what = heapq.heappop(events)
        what(now)
    return score


# --- the tables ---------------------------------------------------------------------------------------------

AT_A_TIME = [Server("at a time", limit) for limit in (1, 5, 50, 200)]
A_MINUTE = [
    Server(kind, limit, enforcement)
    for enforcement in ("bucket", "window")
    for kind, limit in (("RPM", 60), ("RPM", 500), ("RPM", 5000), ("TPM", 60_000), ("TPM", 1_000_000))
]
HARD = [
    *(Server("queue", limit) for limit in (1, 5, 50)),
    *(Server("at a time", 50, later=later) for later in (10, 200)),
    *(Server("RPM", 500, "window", later=later) for later in (150, 2000)),
    *(Server("at a time", 50, failing=failing) for failing in (0.05, 0.3)),
    Server("RPM", 500, "window", failing=0.05),
]
NOISY = [
    replace(server, noise=noise, tells=tells)
    for server in (
        Server("at a time", ROOM, latency="0.5 s"),
        Server("at a time", ROOM),
        Server("at a time", 50, latency="0.5 s"),
        Server("at a time", 50),
        Server("RPM", 500, "bucket"),
        Server("RPM", 500, "window"),
        Server("TPM", 1_000_000, "bucket"),
    )
    for noise in (0.01, 0.05, 0.2)
    for tells in ("nothing", "Retry-After")
]
"""The first never refuses a call for its limit: it takes as many as the client may send."""


def rows() -> list[Server]:
    """All servers, in the table's order."""
    told = [replace(server, tells=tells) for server in AT_A_TIME for tells in ("nothing", "Retry-After", "a tenth")]
    every = ("nothing", "Retry-After", "a tenth", "x-ratelimit")
    told += [replace(server, tells=tells) for server in A_MINUTE for tells in every]
    return [
        *told,
        *(replace(server, latency=latency) for latency in ("0.5 s", "2 s") for server in (*AT_A_TIME, *A_MINUTE)),
        *HARD,
        *NOISY,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20, help="virtual minutes a run")
    parser.add_argument("--only", default="", help="the rows that hold this")
    options = parser.parse_args()
    columns = "settled | whole | 429"
    print(f"| limit | tells | latency | {columns} | pool: {columns} | AIMD: {columns} |")
    print("|---|---|---|" + "---:|" * 9)
    for server in rows():
        failing = f", {server.failing:.0%} fail" if server.failing else ""
        failing += f", {server.noise:.0%} noise" if server.noise else ""
        row = f"| {server} | {server.tells} | {server.latency}{failing} |"
        if options.only in row:
            scores = (simulate(server, client(), options.minutes * 60) for client in (Throttled, Pool, Adaptive))
            print(row, " | ".join(map(str, scores)), "|", flush=True)


if __name__ == "__main__":
    main()
