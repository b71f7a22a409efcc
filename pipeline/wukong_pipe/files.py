"""Files of ours: written so that a crash loses none, and read with a sentence for what is damaged.

A leaf: both packages write and read their files through it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

from wukong_pipe import bounded
from wukong_pipe.errors import DataError, WorkspaceError

Kinds = Mapping[str, tuple[type, type]]
"""Of values by their names: list or dict, and what each of its entries is."""


def half_of(path: Path) -> Path:
    """Where `path` stands while it is written: one name, for there is one writer, so that what a killed one left is
    written over."""
    return path.with_name(f".{path.name}.tmp")


def write_text(path: Path, text: str | Iterable[str]) -> None:
    """Write `path`, given whole or piece by piece, so that a crash leaves either the old file or the new one, never
    half of one.

    Raises:
        WorkspaceError: it cannot be written; the old file stands as it was.
    """
    half = half_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("w", encoding="utf-8", newline="") as file:
            file.writelines([text] if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
        # The rename itself is durable only once the folder is synced.
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        raise WorkspaceError(f"{path} cannot be written: {error.strerror}.") from error


def sync_folder(folder: Path) -> None:
    """Put the names of a folder's files on the disk, be it this process or one that was killed that made them.

    Raises:
        OSError: it cannot be done.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


TORN = "torn"
"""The one key of a line that holds what a writer left that was stopped in the middle of its line."""


def append_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add objects to the end of a JSONL file; when this returns, they are on the disk.

    Several processes may do so at once. A person may have saved the file without a last line feed, and a writer may
    have been killed in the middle of a line: neither spoils what is added, and what stands there stays readable.

    Raises:
        WorkspaceError: the file cannot be written; it stands as it was.
    """
    added = b"".join(map(_line, rows))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path) as file:
            end, rest = _end(file)
            if is_torn(rest):
                begin, text = end - len(rest), _line({TORN: rest.decode("utf-8", "replace")}) + added
            else:
                begin, text = end, (b"\n" if rest else b"") + added
            _write_at(file, begin, text, rest[: end - begin])
            sync_folder(path.parent)
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error.strerror}. Nothing was added to it.") from error


def _line(row: Mapping[str, Any]) -> bytes:
    # A lone surrogate, which UTF-8 cannot hold, becomes its escape, as JSON writes it.
    return (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


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


def _write_at(file: IO[bytes], begin: int, text: bytes, before: bytes) -> None:
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


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?$)')


def is_torn(line: bytes) -> bool:
    """Whether a line is what a killed writer left of one: it has no end, and an object begins that does not end.

    A line that a person wrote with a mistake ends its object: that is an error with a sentence, and is not passed over.
    """
    signs = _STRING.sub(b"", line)
    return line.startswith(b"{") and not line.endswith(b"\n") and signs.count(b"{") > signs.count(b"}")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, piece by piece: the manifest of a large corpus is never held as one text."""
    write_text(path, chain(json_pieces(value), "\n"))


def json_pieces(value: Any, line: str = "\n") -> Iterator[str]:
    """The text of `json.dumps(value, ensure_ascii=False, indent=2)` in pieces. Entries of any sequence or mapping are
    taken one at a time, where `json` knows lists that are held whole.

    >>> "".join(json_pieces({"sections": range(2)}))
    '{\\n  "sections": [\\n    0,\\n    1\\n  ]\\n}'

    Args:
        line: the line break and indent of the line on which the value begins.

    Raises:
        TypeError: a key is no string, or a part is nothing that JSON has.
    """
    inner = f"{line}  "
    if isinstance(value, Mapping):
        before = "{"
        for key, entry in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key of JSON is a string, and {key!r} is none")
            yield f"{before}{inner}{json.dumps(key, ensure_ascii=False)}: "
            yield from json_pieces(entry, inner)
            before = ","
        yield f"{line}}}" if value else "{}"
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        before = "["
        for entry in value:
            yield f"{before}{inner}"
            yield from json_pieces(entry, inner)
            before = ","
        yield f"{line}]" if value else "[]"
    else:
        yield json.dumps(value, ensure_ascii=False)


def json_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The lines of a JSONL file, one at a time: a big dataset is never held as one text."""
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def jsonl(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json_lines(rows))


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        DataError: the file is missing, too large or too deep, or is not JSON; the sentence names the line.
    """
    try:
        return bounded.parse(bounded.read_bytes(path).decode("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(f"{path}{where} is not valid JSON; restore the file or run the step again.") from error
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}); restore the file or run the step again.") from error


def read_object(path: Path, kinds: Kinds) -> dict[str, Any]:
    """The object in a JSON file of ours, which somebody may have edited.

    Args:
        kinds: of the values that are lists or objects of one kind, where they are there.

    Raises:
        DataError: see `read_json`; or it holds something else, or one of these values is something else.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise DataError(f"{path} holds no JSON object; run the step that writes it again.")
    for key, (outer, inner) in kinds.items():
        entries = value.get(key, outer())
        each = entries.values() if isinstance(entries, dict) else entries
        if not isinstance(entries, outer) or not all(isinstance(entry, inner) for entry in each):
            raise DataError(f"{path} is not as it was written (“{key}”); restore the file or run the step again.")
    return value


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file, in order; see `read_numbered`."""
    return [row for _, row in read_numbered(path)]


def read_numbered(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file, each with its line, in order, one at a time; blank lines are passed over.

    Raises:
        DataError: a line is torn, too long or too deep, or holds no object; the sentence names file and line.
    """
    before = 0
    try:
        for number, line in enumerate(bounded.lines(path), start=1):
            if line.strip():
                yield number, _object(line, before, f"{path}", number)
            before += len(line)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None


def _object(line: bytes, before: int, path: str, number: int) -> dict[str, Any]:
    """The object on a line, behind `before` bytes."""
    try:
        row = bounded.parse(line.rstrip(b"\r\n").decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {before + error.start}); convert it first.") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {number} is not valid JSON ({error.msg}, column {error.colno}); "
            "repair or remove the line, or build the dataset again."
        ) from error
    except ValueError as error:
        raise DataError(
            f"{path}, line {number} cannot be read ({error}); repair or remove the line, or build the dataset again."
        ) from error
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number} holds no JSON object; every line must be one row.")
    return row


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
