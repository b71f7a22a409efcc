"""Asking the verifier about numbered items, some at a time, until each has an answer or the attempts are used up.

Of the request {"questions": "1. Who landed Eagle?\\n2. When?"} the reply {"answers": [{"question": 1, …}]} answers the
first item; the second is asked again, alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wukong_pipe.schema import check_item
from wukong_pipe.teacher.attempts import ATTEMPTS
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import Prompts
from wukong_pipe.teacher.requests import Ask, Reply, Request, excerpt
from wukong_pipe.verify.verdicts import UNANSWERED, Verdict

STAGE = "verify"
"""The stage of all its requests."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who reads a second time, and how much is put before it at once."""

    ask: Ask
    prompts: Prompts
    batch_size: int = 8
    """Items in one call; a reader that errs gets fewer."""
    about: str = ""
    """What the user says that the documents are about."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply says of one item: {"question": 1, "evidence": [3], "answer": "Neil Armstrong"}."""

    item: Mapping[str, Any]
    reply: Reply

    @property
    def words(self) -> str:
        """Its reason, in one sentence."""
        return excerpt(self.item["reason"].strip(), MOST_WORDS)


MOST_WORDS = 500
"""Characters of a reason, which is asked for in one sentence."""


def reply_schema(array: str, number: str, **properties: Any) -> dict[str, Any]:
    """The JSON Schema of a reply whose `array` has an object for each item asked about; `number` says for which."""
    properties = {number: {"type": "integer"}, **properties}
    item = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    return {
        "type": "object",
        "properties": {array: {"type": "array", "items": item}},
        "required": [array],
        "additionalProperties": False,
    }


@dataclass(slots=True)
class Heard:
    """What the verifier says of the items of one batch; of the rest it said nothing that can be read."""

    said: dict[int, Said] = field(default_factory=dict)
    rest: Verdict = UNANSWERED
    """The verdict on the others: unsettled where a call got no answer."""

    def verdicts(self, batch: Sequence[int], known: Mapping[int, Verdict]) -> dict[int, Verdict]:
        """A verdict on each item of the batch: the known ones, and the rest."""
        return {index: known.get(index, self.rest) for index in batch}


async def ask_of_each(batch: Sequence[int], ask: Ask, request: Callable[[Sequence[int]], Request]) -> Heard:
    """Ask about the items of a batch until each is spoken of, or the attempts are used up.

    What a reply leaves out is asked again without the rest; what a reply that was cut leaves out, in halves.

    Args:
        batch: indices of items, in the order in which the request numbers them, from 1.
        request: the request about items of these indices, in this order.
    """
    heard = Heard()
    waiting = deque([(batch, 0, "")])
    while waiting:
        part, attempt, last_call = waiting.popleft()
        asked = request(part)
        asked = replace(asked, last_call=last_call, schema=_of_items(asked.schema, len(part)))
        reply = await ask(asked, attempt)
        if not reply.call:
            heard.rest = Verdict("unanswered", reply.problem, is_settled=False)
            break
        for number, item in _numbered(reply, asked.schema).items():
            if 1 <= number <= len(part):
                heard.said[part[number - 1]] = Said(item, reply)
        left = [index for index in part if index not in heard.said]
        if left and not reply.is_final and attempt + 1 < ATTEMPTS:
            half = (len(left) + 1) // 2 if reply.is_cut else len(left)
            waiting.extend((rest, attempt + 1, reply.call) for rest in (left[:half], left[half:]) if rest)
    return heard


def _of_items(schema: dict[str, Any], count: int) -> dict[str, Any]:
    """The schema of a reply about so many items: a weak model would stop after the first."""
    (array,) = schema["required"]
    items = {**schema["properties"][array], "minItems": count, "maxItems": count}
    return {**schema, "properties": {array: items}}


def _numbered(reply: Reply, schema: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The items of a reply that fit their schema, each under the number that it names first; of two, the first."""
    (array,) = schema["required"]
    item_schema = schema["properties"][array]["items"]
    number = item_schema["required"][0]
    found: dict[int, dict[str, Any]] = {}
    for item in reply.value[array] if reply.value is not None else []:
        if check_item(item, item_schema) is None:
            found.setdefault(item[number], item)
    return found


def in_batches(order: Sequence[int], size: int) -> list[Sequence[int]]:
    """The indices in the same order, so many at a time."""
    return [order[start : start + size] for start in range(0, len(order), size)]


async def of_all(jobs: Sequence[Callable[[], Awaitable[dict[int, Verdict]]]]) -> dict[int, Verdict]:
    """The verdicts of all jobs, which run at once: with a Batch API they are one wave, and a wave may take a day."""
    parts = await in_pool(jobs, lambda job: job(), max(1, len(jobs)))
    return {index: verdict for part in parts for index, verdict in part.items()}


def listed(texts: Iterable[str]) -> str:
    """The texts under their numbers, as a prompt shows them; no line of a text can pass for the next number."""
    return "\n".join(f"{number}. {indented(text)}" for number, text in enumerate(texts, 1))


def indented(text: str) -> str:
    return "\n   ".join(text.splitlines())
