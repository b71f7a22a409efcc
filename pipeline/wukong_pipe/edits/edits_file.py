"""The user's decisions on rows: edits.jsonl of a run, which is read, and added to at its end.

The lines are shown in `edit_line`; which of them are in force, `standing` says.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wukong_pipe import bounded
from wukong_pipe.edits.edit_line import Edit as Edit
from wukong_pipe.edits.edit_line import Texts as Texts
from wukong_pipe.edits.edit_line import read_line
from wukong_pipe.edits.standing import Standing
from wukong_pipe.errors import DataError
from wukong_pipe.files import TORN, append_lines, is_torn
from wukong_pipe.language.hashing import digest
from wukong_pipe.printable import one_line

Known = dict[tuple[int, bytes], Edit]
"""Lines that were read before, by number and text: who reads a file often keeps them, and passes them in."""


def read_edits(path: Path, known: Known | None = None) -> list[Edit]:
    """The decisions in force, see `Standing.edits`; none where there is no file.

    Raises:
        DataError: see `history`.
    """
    return Standing(history(path, known)).edits()


def history(path: Path, known: Known | None = None) -> list[Edit]:
    """All decisions, in the order of their lines, `undo` among them; none where there is no file.

    Raises:
        DataError: a line is no decision; the sentence names file, line and cure.
    """
    return [line for line in _lines(path, {} if known is None else known) if isinstance(line, Edit)]


def decisions_hash(edits: Iterable[Edit]) -> str:
    """A hash of all that the edits change about the rows, whatever line they stand on; "" where they change nothing."""
    said = ({**edit.to_json(), **dict.fromkeys(_SAYS_NOTHING)} for edit in edits if edit.changes)
    lines = sorted(json.dumps(values, sort_keys=True) for values in said)
    return digest(*lines) if lines else ""


_SAYS_NOTHING = ("ok", "note", "tags", "section_id", "old")
"""Keys that change no row."""


def torn_lines(path: Path) -> list[str]:
    """A sentence for each line that a writer did not finish: it is passed over, for nobody was told that it is kept.

    Raises:
        DataError: see `history`.
    """
    return [
        f"{path}, line {line.line} is no whole line and is passed over, as whatever wrote it was stopped: "
        f"“{one_line(line.text)[:80]}”. Repair it, or remove it."
        for line in _lines(path, {})
        if isinstance(line, _Torn)
    ]


def append(path: Path, edits: Sequence[Edit]) -> None:
    """Add decisions to the end of the file; see `append_lines`.

    Raises:
        DataError: one of them could not be read again; nothing is written.
        WorkspaceError: the file cannot be written; it stands as it was.
    """
    for edit in edits:
        read_line(edit.to_json(), 0, f"{path}, the line to be added,")
    append_lines(path, [edit.to_json() for edit in edits])


# --- reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Torn:
    """What a writer left that was stopped in the middle of its line."""

    line: int
    text: str


def _lines(path: Path, known: Known) -> list[Edit | _Torn]:
    """The lines of the file but the blank ones."""
    try:
        with path.open("rb") as file:
            # A line that is just being written would look torn.
            fcntl.flock(file, fcntl.LOCK_SH)
            return [*_parsed(path, known)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _parsed(path: Path, known: Known) -> Iterator[Edit | _Torn]:
    for number, line in enumerate(bounded.lines(path), start=1):
        if edit := known.get((number, line)):
            yield edit
            continue
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        if is_torn(line):
            yield _Torn(number, line.decode("utf-8", "replace"))
            continue
        value = _object(line, where)
        if value.keys() == {TORN}:
            yield _Torn(number, str(value[TORN]))
        else:
            known[number, line] = edit = read_line(value, number, where)
            yield edit


def _object(line: bytes, where: str) -> Mapping[str, Any]:
    try:
        value = bounded.parse(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise DataError(f"{where} is not UTF-8: save the file as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where} is not valid JSON ({error.msg}, column {error.colno}): repair or remove the line."
        ) from None
    except ValueError as error:
        raise DataError(f"{where} cannot be read ({error}): repair or remove the line.") from None
    if not isinstance(value, dict):
        raise DataError(f'{where} holds no JSON object: a line looks like {{"id": "…", "drop": true}}.')
    return value
