"""What the stages that ask a teacher have in common: they ask until there is enough, and account for every item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, Protocol

from wukong_pipe.attempts import Attempts, Wanted
from wukong_pipe.records import Reject, Section, Tally
from wukong_pipe.teacher import Ask, Reply, Request, excerpt


class Filling(Wanted, Protocol):
    """Something that is filled with the items of replies."""

    rejects: list[Reject]
    tally: Tally

    @property
    def section(self) -> Section: ...

    @property
    def missing(self) -> int:
        """How many items the next request asks for."""
        ...

    @property
    def about(self) -> dict[str, Any]:
        """What it is to be filled with, as it stands beside a reply that is rejected whole."""
        ...


async def replies(
    result: Wanted, ask: Ask, request: Callable[[], Request], attempts: Attempts, min_fill: float
) -> AsyncIterator[tuple[Request, Reply]]:
    """Ask until `result` has enough of what is wanted or the attempts are used up.

    Args:
        request: makes the request for what is still missing; each reply is taken before the next is asked for.
    """
    for attempt in attempts.of(result, min_fill):
        asked = request()
        reply = await ask(asked, attempt)
        yield asked, reply
        if not reply.call:
            # Unanswered now, and so bought first by the next build: what follows would not be asked there.
            break
        result.refused, result.bought = reply.is_final, result.bought or reply.is_new


def take(
    result: Filling,
    reply: Reply,
    stage: Literal["base_qa", "paraphrase", "answers"],
    items: str,
    keep: Callable[[Any], str | None],
    shown: Callable[[Any], dict[str, Any]],
) -> None:
    """Read one reply into `result`: every item ends among what is kept or the rejects.

    Args:
        items: what the reply calls them.
        keep: adds an item to `result`, or says why not.
        shown: an item as it stands in rejected.jsonl.
    """
    given = reply.value[items] if reply.value is not None else []
    asked, section, raw = result.missing, result.section, excerpt(reply.raw)
    received = given[:asked]
    tally = Tally(asked=asked, received=len(received), short=asked - len(received))
    if reply.value is None:
        result.rejects.append(Reject("reply", reply.problem, section, result.about, reply.raw, reply.call))
    for item in received:
        reason = keep(item)
        if reason is None:
            tally.kept += 1
        else:
            result.rejects.append(Reject(stage, reason, section, shown(item), raw, reply.call))
            tally.rejected += 1
    what = "pairs" if stage == "base_qa" else "wordings"
    for item in given[asked:]:
        reason = f"more than the {asked} {what} asked for"
        result.rejects.append(Reject("surplus", reason, section, shown(item), raw, reply.call))
    result.tally.add(tally)
