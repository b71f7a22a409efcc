"""The user's decisions on rows: edits.jsonl of a run, which is read, and added to at its end.

Of an id the last line that was not taken back is in force, as a whole; the lines are shown in `edit_line`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from wukong_pipe import bounded
from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.files import is_torn, sync_folder
from wukong_pipe.language.hashing import digest
from wukong_pipe.printable import one_line
from wukong_pipe.stages.edit_line import Edit as Edit
from wukong_pipe.stages.edit_line import Texts as Texts
from wukong_pipe.stages.edit_line import read_line

TORN = "torn"
"""The one key of a line that holds what a writer left that was stopped in the middle of its line."""


Known = dict[tuple[int, bytes], Edit]
"""Lines that were read before, by number and text: who reads a file often keeps them, and passes them in."""


def read_edits(path: Path, known: Known | None = None) -> list[Edit]:
    """The decisions in force, in the order of their lines; none where there is no file.

    Raises:
        DataError: see `history`.
    """
    standing: dict[str, list[Edit]] = {}
    for edit in history(path, known):
        of_id = standing.setdefault(edit.id, [])
        if not edit.undo:
            of_id.append(edit)
        elif of_id:
            of_id.pop()
    return sorted((of_id[-1] for of_id in standing.values() if of_id), key=lambda edit: edit.line)


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
    """Add decisions to the end of the file; when this returns, they are on the disk.

    Several processes may do so at once. A person may have saved the file without a last line feed, and a writer may
    have been killed in the middle of a line: neither spoils what is added.

    Raises:
        DataError: one of them could not be read again; nothing is written.
        WorkspaceError: the file cannot be written; it stands as it was.
    """
    for edit in edits:
        read_line(edit.to_json(), 0, f"{path}, the line to be added,")
    added = b"".join(_line(edit.to_json()) for edit in edits)
    try:
        with _locked(path) as file:
            end, rest = _end(file)
            if is_torn(rest):
                # What it holds stays readable, but no build fails for it.
                begin, text = end - len(rest), _line({TORN: rest.decode("utf-8", "replace")}) + added
            else:
                begin, text = end, (b"\n" if rest else b"") + added
            _write(file, begin, text, rest[: end - begin])
            sync_folder(path.parent)
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error.strerror}. The decision is not kept.") from error


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


# --- writing ----------------------------------------------------------------------------------------------------


def _line(value: Mapping[str, Any]) -> bytes:
    try:
        return (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8")
    except UnicodeEncodeError:  # A lone surrogate: UTF-8 has its escape alone.
        return (json.dumps(value) + "\n").encode("ascii")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """The file, made where there is none, while nobody else writes to it."""
    while True:
        with open(path, "r+b", buffering=0, opener=_made) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # An editor may have put another file in its place since: what is written to this one would be lost.
            if _is_at(path, file):
                yield file
                return


def _made(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def _is_at(path: Path, file: IO[bytes]) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _end(file: IO[bytes]) -> tuple[int, bytes]:
    """The size of the file, and what stands behind its last line feed."""
    size = begin = file.seek(0, os.SEEK_END)
    rest = b""
    while begin and b"\n" not in rest:
        begin = max(0, begin - 2**16)
        file.seek(begin)
        rest = file.read(size - begin)
    return size, rest.rpartition(b"\n")[2]


def _write(file: IO[bytes], begin: int, text: bytes, before: bytes) -> None:
    """Write `text` at `begin`, onto the disk; where that fails, put back what stood there before."""
    try:
        file.seek(begin)
        while text:
            text = text[file.write(text) :]
        os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            file.seek(begin)
            file.write(before)
            file.truncate()
        raise
