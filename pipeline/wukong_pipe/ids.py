"""Where ids stand in a list: sorted arrays in the place of a dictionary, 12 bytes an entry instead of some 200.

>>> index = IdIndex([7, 9, 7])
>>> index.places(7), 8 in index, [*index.firsts()], [*index.groups()]
([0, 2], False, [0, 1, 0], [[0, 2], [1]])

An id is a number of 64 bits: see `number`. That two of ten million are alike by chance is as likely as 3 in a million,
and no more likely than that two ids of rows are, which have as many bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any


class IdIndex:
    """The places of each id of a list."""

    def __init__(self, ids: Iterable[int]) -> None:
        import numpy as np  # Imported here: --help must not load it.

        keys = np.fromiter(ids, np.uint64)
        order = np.argsort(keys, kind="stable")
        self._keys, self._order = keys[order], order.astype(np.uint32)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[int]:
        """The ids, from the lowest on."""
        return map(int, self._keys)

    def places(self, *wanted: int) -> list[int]:
        """The places of some ids, those of each id in order."""
        import numpy as np

        keys = np.array(wanted, np.uint64)
        begins, ends = np.searchsorted(self._keys, keys, "left"), np.searchsorted(self._keys, keys, "right")
        found: list[int] = [
            place
            for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
            if begin < end
            for place in self._order[begin:end].tolist()
        ]
        return found

    def __contains__(self, wanted: int) -> bool:
        return bool(self.places(wanted))

    def _begins(self) -> Any:
        """Where each id's entries begin among the sorted ones."""
        import numpy as np

        changes = np.append(True, self._keys[1:] != self._keys[:-1])[: len(self._keys)]
        return np.flatnonzero(changes)

    def firsts(self) -> Any:
        """Of each place the first one with the same id."""
        import numpy as np

        begins = self._begins()
        firsts = np.empty(len(self), np.uint32)
        counts = np.diff(np.append(begins, len(self)))
        firsts[self._order] = np.repeat(self._order[begins], counts)
        return firsts

    def groups(self) -> Iterator[list[int]]:
        """The places of each id, in the order of the first ones."""
        import numpy as np

        begins = self._begins()
        ends = np.append(begins[1:], len(self))
        for at in np.argsort(self._order[begins], kind="stable"):
            yield self._order[begins[at] : ends[at]].tolist()


_HELD = 1 << 16
"""Ids that a growing set keeps in a Python set before they go into its array."""


class IdSet:
    """A set that grows: some 12 bytes an id, beside the newest ones."""

    def __init__(self) -> None:
        self._new: set[int] = set()
        self._old = IdIndex(())

    def add(self, number: int) -> bool:
        """Whether it was not there yet."""
        if number in self._new or number in self._old:
            return False
        self._new.add(number)
        if len(self._new) >= max(_HELD, len(self._old) // 8):
            self._old, self._new = IdIndex(chain(self._old, self._new)), set()
        return True
