"""Lists on disk: what a build makes passes from stage to stage through files, so that its memory grows by a few bytes a
record.

>>> from pathlib import Path
>>> numbers = Spilled[str](Path("/tmp"))
>>> numbers.extend(["one", "two"])
>>> numbers[1], [*made(len(numbers), lambda i: numbers[i].upper())]
('two', ['ONE', 'TWO'])
"""

from __future__ import annotations

import io
import os
import pickle
import tempfile
from abc import abstractmethod
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache, partial
from importlib import import_module
from itertools import repeat
from operator import attrgetter, eq
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.records import Section

T = TypeVar("T")
Reduced = tuple[Callable[..., Any], tuple[Any, ...]]
"""How a record is made again: by this function of these values."""

_WRITTEN_AT_ONCE = 1 << 18
"""Bytes that wait in memory to be written together."""
HELD = 1 << 20
"""Bytes of a list up to which its records stay in memory, too: most builds are small, and would read them a dozen times
from the disk."""
_SECTIONS_HELD = 256
"""Sections that records refer to and that are kept in memory: neighbours are of the same ones."""


class Listed(Sequence[T]):
    """A sequence whose records are made when they are asked for."""

    @abstractmethod
    def _at(self, place: int) -> T:
        """The record at a place that is there."""

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        if isinstance(place, slice):
            return picked(self, range(len(self))[place])
        return self._at(range(len(self))[place])

    def __iter__(self) -> Iterator[T]:
        return map(self._at, range(len(self)))

    def __eq__(self, other: object) -> bool:
        """As lists compare, record by record."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr([*self])


class _Made(Listed[T]):
    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    def _at(self, place: int) -> T:
        return self._make(place)


def made(count: int, make: Callable[[int], T]) -> Sequence[T]:
    """A sequence of so many entries, each made anew whenever it is asked for."""
    return _Made(count, make)


class _Picked(Listed[T]):
    def __init__(self, records: Sequence[T], places: Sequence[int]) -> None:
        self._places = places
        # What is picked is mostly picked from again, and each step between would ask whether the place is there.
        self._read = records._at if isinstance(records, Listed) else records.__getitem__

    def __len__(self) -> int:
        return len(self._places)

    def _at(self, place: int) -> T:
        return self._read(self._places[place])

    def __iter__(self) -> Iterator[T]:
        return map(self._read, self._places)


def picked(records: Sequence[T], places: Sequence[int]) -> Sequence[T]:
    """The records at these places, in the order of the places."""
    return _Picked(records, places)


class Spilled(Listed[T]):
    """A list whose records stand in a file without a name: the kernel removes it with the process, however that ends.

    A record's Section stands once in the list of sections, and the record refers to it by its number.
    """

    def __init__(self, folder: Path, sections: Sections | None = None, records: Iterable[T] = ()) -> None:
        """A list of these records.

        Args:
            folder: where the file is; on the disk of the dataset, since /tmp may be memory.
            sections: those that the records refer to.

        Raises:
            WorkspaceError: the disk is full.
        """
        self._folder, self._sections = folder, sections
        self._reduced = _Reducers({} if sections is None else {Section: partial(_section, sections=sections)})

        class Unpickler(pickle.Unpickler):
            """Of this list; a function that is asked once for each name, since a class is named in every record."""

            find_class = staticmethod(cache(partial(_found, sections)))

        self._unpickler = Unpickler
        self._starts, self._sizes = array("Q"), array("I")
        self._waiting, self._end = bytearray(), 0
        self._held: dict[int, T] | None = {}
        try:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise WorkspaceError(f"{folder} cannot be written: {error.strerror}.") from error
        self.extend(records)

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, record: T) -> None:
        self.put(len(self), record)

    def extend(self, records: Iterable[T]) -> None:
        for record in records:
            self.append(record)

    def put(self, place: int, record: T) -> None:
        """Set the record at a place, be those before it there already or not.

        Raises:
            WorkspaceError: the disk is full.
        """
        for _ in range(place + 1 - len(self)):
            self._starts.append(0)
            self._sizes.append(0)
        data = io.BytesIO()
        pickler = pickle.Pickler(data, pickle.HIGHEST_PROTOCOL)
        # By kind of record: a method that is asked about every text and number in it would cost more than all the rest.
        pickler.dispatch_table = self._reduced
        pickler.dump(record)
        self._starts[place], self._sizes[place] = self._end + len(self._waiting), data.tell()
        self._waiting += data.getbuffer()
        if self._held is not None:
            self._held[place] = record
            if self._end + len(self._waiting) > HELD or (self._sections is not None and not self._sections.is_held):
                self._held = None
        if len(self._waiting) >= _WRITTEN_AT_ONCE:
            self._write()

    def _write(self) -> None:
        try:
            while self._waiting:
                written = os.write(self._file.fileno(), self._waiting)
                self._end += written
                del self._waiting[:written]
        except OSError as error:
            raise WorkspaceError(f"{self._folder} cannot be written: {error.strerror}.") from error

    @property
    def is_held(self) -> bool:
        """Whether the records stand in memory, too."""
        return self._held is not None

    def _at(self, place: int) -> T:
        if self._held is not None:
            return self._held[place]
        start, size = self._starts[place], self._sizes[place]
        if start + size > self._end:
            self._write()
        try:
            data = os.pread(self._file.fileno(), size, start)
        except OSError as error:
            raise WorkspaceError(f"{self._folder} cannot be read: {error.strerror}.") from error
        record: T = self._unpickler(io.BytesIO(data)).load()
        return record


class ById(Generic[T]):
    """Records of a list, looked up by an id: 12 bytes of memory each."""

    def __init__(self, records: Sequence[T], id_of: Callable[[T], str]) -> None:
        self._records, self._index = records, IdIndex(number(id_of(record)) for record in records)

    def __contains__(self, name: str) -> bool:
        return number(name) in self._index

    def of(self, name: str) -> list[T]:
        """Those with an id, in order."""
        return [self._records[place] for place in self._index.places(number(name))]


class Sections(Listed[Section]):
    """All sections of a corpus, each with its number."""

    def __init__(self, folder: Path, sections: Iterable[Section] = ()) -> None:
        self._spilled = Spilled(folder, records=sections)
        self._places = ById(range(len(self)), lambda place: self._spilled[place].id)
        # What refers to a section comes in the order of the sections, or nearly so.
        self._kept = lru_cache(_SECTIONS_HELD)(self._spilled.__getitem__)
        self._last: tuple[Section | None, int | None] = None, None

    def __len__(self) -> int:
        return len(self._spilled)

    @property
    def is_held(self) -> bool:
        """Whether all stand in memory: if not, each record would hold a section of its own."""
        return self._spilled.is_held

    def _at(self, place: int) -> Section:
        return self._kept(place)

    def with_id(self, section_id: str) -> Section:
        """Of several that say the same at several places the last one.

        Raises:
            KeyError: there is none.
        """
        if not (places := self._places.of(section_id)):
            raise KeyError(section_id)
        return self[places[-1]]

    def number_of(self, section: Section) -> int | None:
        """None of one that is not among them."""
        if section is not self._last[0]:
            places = self._places.of(section.id)
            self._last = section, next((at for at in places if self[at].first_line == section.first_line), None)
        return self._last[1]


class _Reducers(dict[type, Callable[[Any], Reduced]]):
    """How records of each kind are written: a dataclass as the values of all its fields."""

    def __missing__(self, kind: type) -> Callable[[Any], Reduced]:
        if not is_dataclass(kind):
            raise KeyError(kind)
        values_of = attrgetter(*_names(kind))
        self[kind] = lambda record: (kind, values_of(record))
        return self[kind]


def _maker(kind: Any) -> Callable[..., Any]:
    """Makes a record of the values of all its fields, as they are: nothing in it is worked out or checked again."""
    names, new, put = _names(kind), kind.__new__, object.__setattr__

    def make(*values: Any) -> Any:
        record = new(kind)
        # A loop that does not leave C.
        deque(map(put, repeat(record), names, values), 0)
        return record

    return make


def _names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


def _section(section: Section, sections: Sections) -> Reduced:
    number = sections.number_of(section)
    return (Section, attrgetter(*_names(Section))(section)) if number is None else (_numbered, (number,))


def _numbered(number: int) -> Section:
    """Stands in a record for the section with that number; see `_found`."""
    raise pickle.UnpicklingError(f"section {number} of no list of sections")


def _found(sections: Sections | None, module: str, name: str) -> Any:
    """What makes a part of a record again, by the name that stands in it."""
    if name == _numbered.__name__ and sections is not None:
        return sections._at
    found = getattr(import_module(module), name)
    return _maker(found) if is_dataclass(found) else found
