"""The sample: an order of all pairs, of which every beginning is a fair picture of the whole.

Hashes alone decide it: neither what a pair says nor who reads it moves it forward or back. A section of 30 pairs has a
pair in every thirtieth of the order, so that whoever stops has read of each section about its share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol, TypeVar

from wukong_pipe.language.hashing import fraction


class Placed(Protocol):
    """What a sample is drawn of."""

    @property
    def id(self) -> str: ...
    @property
    def section_id(self) -> str: ...


T = TypeVar("T", bound=Placed)


def sample_order(pairs: Sequence[T]) -> list[T]:
    """The pairs in the order of the sample."""
    sections: dict[str, list[T]] = defaultdict(list)
    for pair in pairs:
        sections[pair.section_id].append(pair)
    keys: dict[str, float] = {}
    for members in sections.values():
        members.sort(key=lambda pair: fraction("rank", pair.id))
        # The second hash places a pair within its part: by the first one alone, the first pairs of large sections
        # would stand before those of small ones.
        keys |= {pair.id: (rank + fraction("place", pair.id)) / len(members) for rank, pair in enumerate(members)}
    return sorted(pairs, key=lambda pair: keys[pair.id])
