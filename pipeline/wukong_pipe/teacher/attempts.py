"""How often a teacher is asked for the same thing: three times, and three more for what --reask names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wukong_pipe.records import Reject

ATTEMPTS = 3
"""A request that is answered badly or in part is asked at most this often, and as often again by --reask."""


class Wanted(Protocol):
    """What asking for one section's pairs or one question's wordings has brought so far."""

    bought: bool
    """Whether any of it was bought in this build."""
    refused: bool
    """Whether asking again is of no use, unless the user wants it."""

    @property
    def subject(self) -> str:
        """The id of the section or pair."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """All ids that a user may call it by."""
        ...

    @property
    def share(self) -> float:
        """How much of what was wanted is kept; 1.0 where nothing is missing."""
        ...

    @property
    def rejects(self) -> Sequence[Reject]: ...


class Reask:
    """What the user wants asked again: all that stayed short, all that has rejects, or what these ids name."""

    def __init__(self, *what: str) -> None:
        self._short, self._rejected = "short" in what, "rejected" in what
        self._ids = set(what) - {"short", "rejected"}
        self._met: set[str] = set()

    def names(self, wanted: Wanted, min_fill: float) -> bool:
        """Whether `wanted` is to be asked again."""
        met = self._ids & set(wanted.names)
        self._met |= met
        return bool(met or (self._short and wanted.share < min_fill) or (self._rejected and wanted.rejects))

    @property
    def unmet(self) -> list[str]:
        """Ids that named nothing in this build."""
        return sorted(self._ids - self._met)


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts a build makes; those beyond the usual are granted in the journal, so that every later build reads
    as far as this one."""

    granted: Callable[[str], int] = lambda subject: 0
    grant: Callable[[str], None] = lambda subject: None
    """Grants `ATTEMPTS` more."""
    reask: Reask = field(default_factory=Reask)

    def of(self, wanted: Wanted, min_fill: float) -> Iterator[int]:
        """The numbers of the attempts that are still needed; `wanted` is looked at again before each.

        Args:
            min_fill: the share of what is wanted that is enough, once it was asked for.
        """
        for attempt in range(ATTEMPTS):
            if wanted.refused or wanted.share >= (min_fill if attempt else 1.0):
                break
            yield attempt
        end = ATTEMPTS + self.granted(wanted.subject)
        wanted.bought = False
        yield from (attempt for attempt in range(ATTEMPTS, end) if wanted.share < 1.0)
        # Where a granted attempt had to be bought now, the build that granted it was interrupted: those are the ones.
        if self.reask.names(wanted, min_fill) and wanted.share < 1.0 and not wanted.bought:
            self.grant(wanted.subject)
            yield from (attempt for attempt in range(end, end + ATTEMPTS) if wanted.share < 1.0)


USUAL = Attempts()
"""Three attempts, and nothing granted."""
