"""Which stretches of a Chinese text another text and plain words cannot cover: Chinese marks no words, so a new name
shows only as characters that nothing explains."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wukong_pipe.checks.comparing import CHINESE_RUN
from wukong_pipe.language import plain_words


def uncovered(text: str, known: str) -> Iterator[tuple[int, int, float]]:
    """The stretches of a text that pieces of the known text and plain words cannot cover, each with its weight.

    The cover is the cheapest one, found by dynamic programming: a piece of two or more characters of the known text
    and a plain word are free, a character of the known text costs a third, any other one.
    """
    best = [0.0, *[float("inf")] * len(text)]
    last: list[tuple[int, float]] = [(0, 0.0)] * (len(text) + 1)
    for i in range(len(text)):
        for j, cost in _pieces(text, i, known):
            if best[i] + cost < best[j]:
                best[j], last[j] = best[i] + cost, (i, cost)
    j, end, weight = len(text), 0, 0.0
    found = []
    while j > 0:
        i, cost = last[j]
        if cost > PLAIN_COST:
            end, weight = end or j, weight + cost
        if end and (cost <= PLAIN_COST or i == 0):
            found.append((j if cost <= PLAIN_COST else i, end, weight))
            end, weight = 0, 0.0
        j = i
    return reversed(found)


PLAIN_COST = 0.01


_LATIN_OR_FIGURE = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?|.", re.ASCII)


def _pieces(text: str, i: int, known: str) -> Iterator[tuple[int, float]]:
    """Where a piece that starts at `i` may end, and what it costs."""
    if not CHINESE_RUN.match(text[i]):
        figure = _LATIN_OR_FIGURE.match(text, i)
        yield (figure.end() if figure else i + 1), 0.0
        return
    is_known = True
    for length in range(1, min(12, len(text) - i) + 1):
        piece = text[i : i + length]
        # No longer piece stands in a text that lacks this one, and to search a whole book for each would take long.
        is_known = is_known and piece in known
        if length >= 2 and is_known:
            yield i + length, 0.0
        elif piece in plain_words.CHINESE:
            yield i + length, 0.0 if length > 1 else PLAIN_COST
    yield i + 1, 0.34 if text[i] in known else 1.0
