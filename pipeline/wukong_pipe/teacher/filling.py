"""Filling a harvest reply by reply: `replies` asks until there is enough, `take` accounts for each item of a reply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from wukong_pipe.reasons import Reason
from wukong_pipe.records import Reject, Stage, Tally
from wukong_pipe.teacher.attempts import Attempts
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.requests import MOST_SHOWN, Ask, Reply, Request, excerpt

Item = TypeVar("Item")

LEAST_SHOWN, SHOWN = 100, 2000
"""Characters of a reply, and of each text in an item, beside an item that was rejected: the fewer the more items there
are, or the file of rejects would grow with the square of the reply."""
SURPLUS = {"base_qa": "surplus-pairs", "spellings": "surplus-facts"}
"""The reason for what exceeds the number asked for, where it is no wording."""


async def replies(
    harvest: Harvest[Any, Any], ask: Ask, request: Callable[[], Request], attempts: Attempts
) -> AsyncIterator[tuple[Request, Reply]]:
    """Ask until the harvest has enough of what is wanted or the attempts are used up.

    Args:
        request: makes the request for what is still missing; each reply is taken before the next is asked for.
    """
    last_call = ""
    for attempt in attempts.of(harvest):
        asked = replace(request(), warmth=attempt, last_call=last_call)
        reply = await ask(asked, attempt)
        yield asked, reply
        if not reply.call or not harvest.is_settled:
            # Unanswered now, and so bought first by the next build: what follows would not be asked there.
            break
        last_call = reply.call
        harvest.is_refused, harvest.is_bought = reply.is_final, harvest.is_bought or reply.is_new


@dataclass(frozen=True, slots=True)
class Refused:
    """An item of a reply that is not kept, and why."""

    reason: Reason
    by: Literal["checks", "verify"] = "checks"
    doubt: Reason | None = None
    """What the checks doubted, where the verifier then decided."""


@dataclass(frozen=True, slots=True)
class Decided(Generic[Item]):
    """What becomes of the items of a reply, in their order: what is kept of each, or why it is not."""

    outcomes: Sequence[Item | Refused]
    is_settled: bool = True
    """Whether the verifier answered all it was asked about them."""

    def among(self, screened: Sequence[object]) -> Decided[Item]:
        """The same for all items, where these outcomes are of those that the free checks had let through."""
        decided = iter(self.outcomes)
        outcomes = [one if isinstance(one, Refused) else next(decided) for one in screened]
        return Decided(outcomes, self.is_settled)


async def take(
    harvest: Harvest[Any, Any],
    reply: Reply,
    stage: Literal["base_qa", "paraphrase", "heldout_wordings", "answers", "spellings"],
    array: str,
    judged: Callable[[Sequence[Any]], Awaitable[Decided[Any]]],
    about: Mapping[str, Any],
    item_key: str = "",
) -> None:
    """Read one reply into the harvest: every item ends among what is kept or among the rejects.

    Args:
        array: the key of the reply's array of items.
        judged: what becomes of the items, in their order.
        about: what stands in rejected.jsonl beside an item, and beside a reply that is rejected whole.
        item_key: the key under which an item stands there; without one an object stands there as it is.
    """

    def shown(item: Any) -> dict[str, Any]:
        candidate = item if isinstance(item, dict) and not item_key else {item_key or "item": item}
        cut: dict[str, Any] = _excerpts({**about, **candidate}, most)
        return cut

    def rejected(stage: Stage, refused: Refused, item: Any, number: int) -> Reject:
        place = f"{harvest.allowance}/{number}"
        return Reject(stage, refused.reason, section, shown(item), raw, reply.call, place, refused.doubt)

    items = reply.value[array] if reply.value is not None else []
    most = min(max(LEAST_SHOWN, MOST_SHOWN // max(1, len(items))), SHOWN)
    asked, section, raw = harvest.missing, harvest.section, excerpt(reply.raw, most)
    received = items[:asked]
    tally = Tally(asked=asked, received=len(received), short=asked - len(received))
    if reply.problem is not None:
        whole = excerpt(reply.raw)
        harvest.rejects.append(
            Reject("reply", reply.problem, section, dict(about), whole, reply.call, harvest.allowance)
        )
    decided = await judged(received)
    harvest.is_settled = decided.is_settled
    for number, (item, outcome) in enumerate(zip(received, decided.outcomes, strict=True)):
        if isinstance(outcome, Refused):
            by: Stage = "verify" if outcome.by == "verify" else stage
            harvest.rejects.append(rejected(by, outcome, item, number))
            tally.rejected += 1
        else:
            harvest.kept.append(outcome)
            tally.kept += 1
    for number, item in enumerate(items[asked:], start=asked):
        reason = Reason.of(SURPLUS.get(stage, "surplus-wordings"), wanted=asked)
        harvest.rejects.append(rejected("surplus", Refused(reason), item, number))
    harvest.tally.add(tally)


def _excerpts(value: Any, most: int) -> Any:
    """A value with each of its texts cut after so many characters."""
    if isinstance(value, str):
        return excerpt(value, most)
    if isinstance(value, dict):
        return {excerpt(key, most): _excerpts(entry, most) for key, entry in value.items()}
    return [_excerpts(entry, most) for entry in value] if isinstance(value, list) else value
