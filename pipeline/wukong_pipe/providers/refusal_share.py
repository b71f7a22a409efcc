"""The share of calls that a server refuses by chance, and when refusals are more than that."""

from __future__ import annotations

import math

NEVER, NOTABLE = 1e-4, 0.002
"""The share of refusals that stands for none, so small that a single refusal counts; and one that is known to be."""
SURE_ODDS, LIKELY_ODDS = math.log(1000), math.log(30)
"""How likely more refusals than the usual must be: as a rule, and where what was refused before is tried again."""
MEMORY = 200
"""Calls over which the usual share of refusals is averaged."""


class RefusalShare:
    """The usual share of refusals, learned; a CUSUM test (E. S. Page, 1954) tells when they are more."""

    def __init__(self) -> None:
        self.usual = NEVER
        self._most = NEVER  # What it may grow to before refusals are looked into again.
        self._refused = self._answered = 0
        self._odds = 0.0  # Of more refusals than the usual, as a logarithm.

    @property
    def is_notable(self) -> bool:
        """Whether some calls are known to be refused by chance."""
        return self.usual > NOTABLE

    @property
    def overall(self) -> float:
        """The share of all calls that were refused, whatever for."""
        return self._refused / max(1, self._refused + self._answered)

    @property
    def _more(self) -> float:
        return min(2 * self.usual + 0.1, (1 + self.usual) / 2)

    def answered(self) -> None:
        """A call was answered."""
        self._answered += 1
        self._odds = max(0.0, self._odds + math.log((1 - self._more) / (1 - self.usual)))
        self.usual = max(NEVER, self.usual * (1 - 1 / MEMORY))

    def refused(self, is_probe: bool) -> bool:
        """A call was refused; whether refusals are more than the usual now.

        Args:
            is_probe: it tried what was refused before, and so was likely to be.
        """
        self._refused += 1
        self._odds += math.log(self._more / self.usual)
        if self._odds >= (LIKELY_ODDS if is_probe else 2 * SURE_ODDS if self.is_notable else SURE_ODDS):
            self._odds = 0.0
            return True
        if not is_probe:
            self.usual = min(self.usual + (1 - self.usual) / MEMORY, self._most)
        return False

    def learn(self, refused: int, answered: int) -> None:
        """So many were refused, and so many not, however the run was paced."""
        self.usual = max(NEVER, refused / (refused + answered))
        self._most = 1.5 * self.usual
