"""`Shard`: which part of a build's calls this machine buys, where several machines share a build out.

Each request is about one section, and belongs to the shard of that section. What a shard's journal lacks of the others
is not bought here: it comes with their journals, by `wukong-pipe journal --merge`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.language.hashing import digest
from wukong_pipe.records import Section


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `number` of `count`, from 1; the only one of 1 is the whole build."""

    number: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @staticmethod
    def of(text: str) -> Shard:
        """The shard that the user names.

        >>> Shard.of("2/3")
        Shard(number=2, count=3)

        Raises:
            ValueError: it is no number of as many.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"{text!r} is no shard: give its number and how many there are, as 2/3.")
        return Shard(int(match[1]), int(match[2]))

    def owner(self, section: Section | None) -> int:
        """The number of the shard that buys what is asked about a section; what is asked about none is the first's."""
        if section is None:
            return 1
        # By what a prompt shows of it: two sections that differ in their file or in blank lines alone ask the same, and
        # it is bought once.
        return int(digest(section.title, numbered(section).text), 16) % self.count + 1

    def owns(self, section: Section | None) -> bool:
        return self.owner(section) == self.number

    def label(self, run: str) -> str:
        """The name under which the journal keeps its calls, so that it has ceilings and batches of its own; the journal
        takes it apart by `run_and_shard`.

        >>> Shard(2, 3).label("docs"), Shard().label("docs")
        ('docs:2/3', 'docs')
        """
        return run if self == WHOLE else f"{run}:{self}"


WHOLE = Shard()
"""All of a build."""


def after_round(shard: Shard, wave: str, waits_for: Sequence[int], *, is_last: bool) -> str:
    """What is bought after a wave of a shard's build, and what its user does next.

    Args:
        waits_for: the shards that have yet to buy their part of the wave.
        is_last: whether nothing comes after it.
    """
    others = ", ".join(f"{number}/{shard.count}" for number in waits_for)
    if is_last:
        first = f"when {others} have bought theirs, add" if others else "add"
        return (
            f"Shard {shard} has bought all that is its own. Next: {first} the journals to one machine's with "
            "`wukong-pipe journal --merge FOLDER...`, and build there without --shard: that makes no call."
        )
    return (
        f"Shard {shard} has bought what it can for now. Before it goes on, its journal needs {wave} of {others}. Next: "
        "add the journals to each other with `wukong-pipe journal --merge FOLDER...`, and run the same command again."
    )
