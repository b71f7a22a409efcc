"""English phrases of messages that count or list things: "1 section", "a, b, c and 2 more"."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

LISTED = 3
"""A message names this many things of a kind and counts the rest."""


def counted(n: int, thing: str) -> str:
    """A number of things in English: "1 section", "1,200 sections"."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def listed(things: Collection[object], separator: str = ", ") -> str:
    """The first `LISTED` things by name, and how many more there are: "a, b, c and 2 more"."""
    more = f" and {len(things) - LISTED} more" if len(things) > LISTED else ""
    return separator.join(map(str, islice(things, LISTED))) + more
