"""Work on parts of a list that need nothing of each other: one after the other here, or at the same time elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

PART_SIZE = 50_000
"""Rows that a part aims at: of so many the join takes some 50 MiB, and larger parts take no less CPU."""


class Mapped(Protocol):
    """Does as `map` does, which does it here."""

    def __call__(self, function: Callable[[Part], Result], parts: Sequence[Part], /) -> Iterable[Result]:
        """What a pure function of a module makes of each part, in order.

        Args:
            parts: each is made when it is asked for, and let go when it is done: as few as possible are held.
        """
        ...
