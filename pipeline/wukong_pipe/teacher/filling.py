"""What the stages that ask a teacher have in common: they ask until there is enough, and account for every item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, Protocol

from wukong_pipe.records import Reject, Section, Tally
from wukong_pipe.teacher.attempts import Attempts, Wanted
from wukong_pipe.teacher.requests import MOST_SHOWN, Ask, Reply, Request, excerpt

LEAST_SHOWN, SHOWN = 100, 2000
"""Characters of a reply, and of each text in an item, beside an item that was rejected: the fewer the more items there
are, or the file of rejects would grow with the square of the reply."""


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
    most = min(max(LEAST_SHOWN, MOST_SHOWN // max(1, len(given))), SHOWN)
    asked, section, raw = result.missing, result.section, excerpt(reply.raw, most)
    received = given[:asked]
    tally = Tally(asked=asked, received=len(received), short=asked - len(received))
    if reply.value is None:
        result.rejects.append(Reject("reply", reply.problem, section, result.about, excerpt(reply.raw), reply.call))
    for item in received:
        reason = keep(item)
        if reason is None:
            tally.kept += 1
        else:
            result.rejects.append(Reject(stage, reason, section, _excerpts(shown(item), most), raw, reply.call))
            tally.rejected += 1
    what = "pairs" if stage == "base_qa" else "wordings"
    for item in given[asked:]:
        reason = f"more than the {asked} {what} asked for"
        result.rejects.append(Reject("surplus", reason, section, _excerpts(shown(item), most), raw, reply.call))
    result.tally.add(tally)


def _excerpts(value: Any, most: int) -> Any:
    """A value with each of its texts cut after so many characters."""
    if isinstance(value, str):
        return excerpt(value, most)
    if isinstance(value, dict):
        return {excerpt(key, most): _excerpts(entry, most) for key, entry in value.items()}
    return [_excerpts(entry, most) for entry in value] if isinstance(value, list) else value
