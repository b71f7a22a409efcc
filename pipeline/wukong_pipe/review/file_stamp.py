"""What tells whether a file is another one than when it was read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    inode: int
    time: int
    size: int


def stamp(path: Path) -> Stamp:
    """The stamp of a file as it is now; one that is not there has one, too."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return Stamp(0, 0, 0)
    return Stamp(found.st_ino, found.st_mtime_ns, found.st_size)
