"""What others wrote is read within bounds of size and depth: what exceeds them is an error with a sentence, never a
machine without memory or a RecursionError."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from wukong_pipe.errors import DataError

MIB = 2**20
MOST_OF_A_FILE = 256 * MIB
"""Bytes of a file that is read whole: the manifest of 100,000 sections takes 60 MiB."""
MOST_OF_A_LINE = 32 * MIB
"""Bytes of a line of a file that is read line by line, and may be of any length itself."""
DEPTH = 64
"""Levels of lists and objects in each other; our own files have some ten."""
_TOO_DEEP = f"nested more than {DEPTH} levels deep"


class TooDeepError(ValueError):
    """A JSON text is nested more deeply than anything that is meant."""


def parse(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is no JSON (JSONDecodeError), or nested too deeply (TooDeepError).
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise TooDeepError(_TOO_DEEP) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError as error:
        raise ValueError("a number of more digits than any is meant to have") from error
    if exceeding(value):
        raise TooDeepError(_TOO_DEEP)
    return value


def exceeding(value: Any, depth: int = DEPTH, width: int | None = None) -> Literal["", "depth", "width"]:
    """Which bound a value's lists and objects exceed; empty where none.

    Args:
        depth: levels of them in each other.
        width: entries of one; None for any number.
    """
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(depth):
        if width is not None and any(len(each) > width for each in level):
            return "width"
        inner = (entry for each in level for entry in (each.values() if isinstance(each, dict) else each))
        level = [entry for entry in inner if isinstance(entry, (dict, list))]
        if not level:
            return ""
    return "depth"


def read_bytes(path: Path, most: int = MOST_OF_A_FILE) -> bytes:
    """What stands in a file.

    Raises:
        DataError: it is longer than `most` bytes.
        OSError: it cannot be read.
    """
    data = io.BytesIO()
    with path.open("rb") as file:
        # Piece by piece: Python makes room for all that it is told to read.
        while piece := file.read(2**16):
            data.write(piece)
            if data.tell() > most:
                raise DataError(f"{path} is longer than {most // MIB} MiB, the most that is read of such a file.")
    return data.getvalue()


def lines(path: Path, most: int = MOST_OF_A_LINE) -> Iterator[bytes]:
    """The lines of a file, with their line feeds, one at a time; a text's own lines would also end at U+2028, which may
    stand inside a JSON string.

    Raises:
        DataError: a line is longer than `most` bytes.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(most + 1):
            number += 1
            if len(line) > most:
                raise DataError(f"{path}, line {number} is longer than {most // MIB} MiB: remove it, or cut it up.")
            yield line
