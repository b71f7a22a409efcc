"""Rows of a damaged SQLite file, read from its pages one by one: where an inner page or the header is broken, SQLite
itself reaches nothing of what stands behind it.

Knows of the format (https://www.sqlite.org/fileformat2.html) what a scan needs: leaf pages of tables, records, overflow
chains, and the frames of the write-ahead log. Text is UTF-8 and nothing is reserved at the end of pages, unless the
header says so.
"""

from __future__ import annotations

import contextlib
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Value = int | float | str | bytes | None
Row = tuple[int, tuple[Value, ...]]
"""A rowid, and the record that stands under it."""

MAGIC = b"SQLite format 3\0"
TABLE_LEAF = b"\x0d"
LOG_HEADER, FRAME_HEADER = 32, 24
ORDERS = {0x377F0682: "<", 0x377F0683: ">"}
"""The byte order of the log's checksums, by its magic number."""
HOST_ORDER = "<" if sys.byteorder == "little" else ">"
WIDTHS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
"""Bytes of a value that is neither text nor blob, by its serial type."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Bytes of a page, and of it those in use."""

    size: int = 4096
    usable: int = 4096


@dataclass(frozen=True, slots=True)
class Frame:
    """One version of a page in the log, and where its bytes begin."""

    page: int
    offset: int


@dataclass(slots=True)
class Log:
    """The frames of a write-ahead log whose checksums hold, oldest first."""

    newest: list[Frame] = field(default_factory=list)
    """Committed, and not yet copied to the file."""
    older: list[Frame] = field(default_factory=list)
    """Left from before the log last began anew: all of them were copied to the file."""
    broken: int | None = None
    """Where damage begins that has committed frames behind it, which SQLite does not look for; None for nowhere."""


def log_of(path: Path) -> Path:
    """The write-ahead log beside a database."""
    return path.with_name(path.name + "-wal")


def layouts(path: Path) -> list[Layout]:
    """What the page size may be, by what the headers say that are readable; the usual one last."""
    header, log = _read(path, 0, 100), _read(log_of(path), 0, LOG_HEADER)
    sizes = []
    if header.startswith(MAGIC) and len(header) == 100:
        # 65,536 is written as 1.
        size = int.from_bytes(header[16:18], "big") * (65536 if header[16:18] == b"\0\1" else 1)
        sizes += [Layout(size, size - header[20])]
    if _is_whole(log):
        size = int.from_bytes(log[8:12], "big")
        sizes += [Layout(size, size)]
    sizes += [Layout()]
    return list(dict.fromkeys(one for one in sizes if 512 <= one.size <= 65536 and one.size & (one.size - 1) == 0))


def read_log(path: Path, size: int) -> Log:
    """The write-ahead log of a database; empty where there is none.

    A frame's checksum goes on from that of the frame before, which stands in its header. So frames behind damage can
    be verified, too, all but the next one.
    """
    log, file = Log(), log_of(path)
    header = _read(file, 0, LOG_HEADER)
    order, gap = _order(header), None if _is_whole(header) else 0
    salts, before = header[16:24] if gap is None else b"", header[24:]
    waiting: list[Frame] = []
    for offset in range(LOG_HEADER, _size(file) - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        frame = _read(file, offset, FRAME_HEADER + size)
        seed, before = before, frame[16:24]
        if len(seed) < 8 or before != _checksum(seed, frame[:8] + frame[24:], order):
            gap = offset if gap is None else gap
            continue
        number, commit = struct.unpack_from(">II", frame)
        # Without the header, the first frame that can be verified is of the newest beginning.
        salts = salts or frame[8:16]
        if frame[8:16] != salts:
            log.older.append(Frame(number, offset + FRAME_HEADER))
            continue
        waiting.append(Frame(number, offset + FRAME_HEADER))
        if commit:
            # What no commit follows was rolled back, or never finished.
            log.newest += waiting
            waiting.clear()
            log.broken = gap
    return log


def is_log_broken(path: Path) -> bool:
    """Whether SQLite would take damage in the middle of the log for its end, and lose the commits behind it."""
    for layout in layouts(path):
        place = read_log(path, layout.size).broken
        # A writer may have been at work in that place; by now it is elsewhere.
        if place is not None and place == read_log(path, layout.size).broken:
            return True
    return False


def rows(path: Path, layout: Layout) -> Iterator[Row]:
    """Every row that stands whole on a table's leaf page; newest page first, so of two with one rowid the first counts.

    A row with an overflow chain comes once for each age of the chain's pages, newest first; whether it is the right
    one is for the reader to say.
    """
    pages = _Pages(path, layout)
    for page in pages.leaves():
        (cells,) = struct.unpack(">H", page[3:5])
        for cell in range(min(cells, len(page) // 4)):
            for rowid, payload in pages.payloads(page, 8 + 2 * cell):
                with contextlib.suppress(ValueError, IndexError):
                    yield rowid, tuple(_values(payload))


class _Pages:
    """The pages of a database and its log."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
        self._log = read_log(path, layout.size)
        self._newest: dict[int, list[int]] = {}
        self._older: dict[int, list[int]] = {}
        for places, frames in ((self._newest, self._log.newest), (self._older, self._log.older)):
            for frame in reversed(frames):
                places.setdefault(frame.page, []).append(frame.offset)

    def leaves(self) -> Iterator[bytes]:
        """Every version of every leaf page of a table, newest first; not of the first page, which is the schema's."""
        size = self._layout.size
        places = [(log_of(self._path), frame.offset) for frame in reversed(self._log.newest)]
        # The last page may be torn off in its middle.
        places += [(self._path, offset) for offset in range(size, _size(self._path), size)]
        places += [(log_of(self._path), frame.offset) for frame in reversed(self._log.older)]
        for file, offset in places:
            page = _read(file, offset, size)
            if page[:1] == TABLE_LEAF and len(page) > 8:
                yield page

    def payloads(self, page: bytes, pointer: int) -> Iterator[tuple[int, bytes]]:
        """The cell that is pointed to at `pointer`: its rowid and its record, the latter once for each age of the pages
        that its overflow chain goes through."""
        try:
            length, at = _varint(page, int.from_bytes(page[pointer : pointer + 2], "big"))
            rowid, at = _varint(page, at)
        except IndexError:
            return
        local = _local(length, self._layout.usable)
        if local == length:
            yield rowid, page[at : at + length]
            return
        first = int.from_bytes(page[at + local : at + local + 4], "big")
        age = deepest = 0
        while age <= deepest:
            record, number, seen = bytearray(page[at : at + local]), first, set[int]()
            while len(record) < length and number and number not in seen:
                seen.add(number)
                versions = self._versions(number)
                deepest = max(deepest, len(versions) - 1)
                block = _read(*versions[min(age, len(versions) - 1)], self._layout.usable)
                record += block[4 : 4 + length - len(record)]
                number = int.from_bytes(block[:4], "big")
            yield rowid, bytes(record)
            age += 1

    def _versions(self, number: int) -> list[tuple[Path, int]]:
        """Where a page stands, newest first."""
        log = log_of(self._path)
        return [
            *((log, offset) for offset in self._newest.get(number, ())),
            (self._path, (number - 1) * self._layout.size),
            *((log, offset) for offset in self._older.get(number, ())),
        ]


def _local(length: int, usable: int) -> int:
    """How much of a record stands on the leaf page itself."""
    if length <= usable - 35:
        return length
    least = (usable - 12) * 32 // 255 - 23
    wanted = least + (length - least) % (usable - 4)
    return wanted if wanted <= usable - 35 else least


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length integer, and where it ends."""
    value = 0
    for byte in data[at : at + 8]:
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | data[at], at + 1


def _values(record: bytes) -> Iterator[Value]:
    """The columns of a record, which must fill it."""
    end, at = _varint(record, 0)
    place = end
    while at < end:
        kind, at = _varint(record, at)
        width = WIDTHS.get(kind, (kind - 12) // 2)
        data = record[place : place + width]
        place += width
        if kind in (10, 11) or place > len(record):
            raise ValueError("no record")
        if kind >= 12:
            yield data.decode("utf-8") if kind % 2 else data
        elif kind >= 7:
            yield struct.unpack(">d", data)[0] if kind == 7 else kind - 8
        else:
            yield int.from_bytes(data, "big", signed=True) if kind else None
    if at != end or place != len(record):
        raise ValueError("no record")


def _order(header: bytes) -> str:
    return ORDERS.get(int.from_bytes(header[:4], "big"), HOST_ORDER)


def _is_whole(header: bytes) -> bool:
    """Whether a log's header is what was written."""
    return len(header) == LOG_HEADER and header[24:] == _checksum(bytes(8), header[:24], _order(header))


def _checksum(seed: bytes, data: bytes, order: str) -> bytes:
    """The log's checksum of `data`, going on from that of what stands before."""
    first, second = struct.unpack(">II", seed)
    words = struct.unpack(f"{order}{len(data) // 8 * 2}I", data[: len(data) // 8 * 8])
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return struct.pack(">II", first, second)


def _size(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


def _read(path: Path, offset: int, size: int) -> bytes:
    """Bytes of a file, as many as there are; none where the disk itself fails to read them."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(size) or b""
    except OSError:
        return b""
