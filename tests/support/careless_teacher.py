"""A provider that answers well but for one item of each reply, and writes one item too many: what there is to reject,
and to rescue."""

from __future__ import annotations

import json
from typing import Any

from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Response, completion


class CarelessTeacher:
    """Spoils the first item of each reply of two or more, and adds one that nobody asked for.

    “A clock has 3 hands.” becomes “A clock has 3 hands, 7777 in all.”: a number that the evidence does not hold.
    """

    def __init__(self) -> None:
        self._good = GoodTeacher()

    def __call__(self, request: dict[str, Any]) -> Response:
        response = self._good(request)
        reply = json.loads(json.loads(response.body)["choices"][0]["message"]["content"])
        for array, key in (("pairs", "answer"), ("questions", "")):
            items = reply.get(array) or []
            if len(items) > 1:
                reply[array] = [_spoilt(items[0], key), *items[1:], _another(items[1], key)]
        return completion(json.dumps(reply, ensure_ascii=False))


def _spoilt(item: Any, key: str) -> Any:
    if key:
        return {
            **item,
            "question": f"To begin with: {item['question']}",
            key: f"{item[key].rstrip('.。')}, 7777 in all.",
        }
    return f"Of 7777: {item}"


def _another(item: Any, key: str) -> Any:
    if key:
        return {**item, "question": f"For all who would like to know it exactly: {item['question']}"}
    return f"For all who would like to know it exactly: {item}"
