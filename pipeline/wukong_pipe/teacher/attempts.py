"""How often a teacher is asked for the same thing: three times, and three more for what --reask names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from wukong_pipe.teacher.harvest import Harvest

ATTEMPTS = 3
"""A request that is answered badly or in part is asked at most this often, and as often again by --reask."""


class Reask:
    """What the user wants asked again: all that stayed short, all that has rejects, or what these ids name."""

    def __init__(self, *what: str) -> None:
        self._short, self._rejected = "short" in what, "rejected" in what
        self._ids = set(what) - {"short", "rejected"}
        self._met: set[str] = set()

    def names(self, harvest: Harvest[Any, Any], min_fill: float) -> bool:
        """Whether the user wants the teacher to be asked for more of `harvest`."""
        met = self._ids & set(harvest.names)
        self._met |= met
        return bool(met or (self._short and harvest.share < min_fill) or (self._rejected and harvest.rejects))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked again."""
        return not (self._short or self._rejected or self._ids)

    @property
    def met(self) -> frozenset[str]:
        """Ids that named something so far."""
        return frozenset(self._met)

    def note(self, met: Set[str]) -> None:
        """These ids named something on another machine."""
        self._met |= met

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
    min_fill: float = 1.0
    """The share of what is wanted that is enough, once it was asked for."""
    all_granted: Callable[[], Mapping[str, int]] = dict
    """What was granted to all subjects."""

    def of(self, harvest: Harvest[Any, Any]) -> Iterator[int]:
        """The numbers of the attempts that are still needed; `harvest` is looked at again before each."""
        for attempt in range(ATTEMPTS):
            if harvest.is_refused or harvest.share >= (self.min_fill if attempt else 1.0):
                break
            yield attempt
        end = ATTEMPTS + self.granted(harvest.allowance)
        harvest.is_bought = False
        yield from (attempt for attempt in range(ATTEMPTS, end) if harvest.share < 1.0)
        # Where a granted attempt had to be bought now, the build that granted it was interrupted: those are the ones.
        if self.reask.names(harvest, self.min_fill) and harvest.share < 1.0 and not harvest.is_bought:
            self.grant(harvest.allowance)
            yield from (attempt for attempt in range(end, end + ATTEMPTS) if harvest.share < 1.0)


USUAL = Attempts()
"""Three attempts, and nothing granted."""
