"""The runs folder: where each file stands, how it is written so that none is lost, and who may write."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wukong_pipe import bounded
from wukong_pipe.errors import DataError, WorkspaceError

Kinds = Mapping[str, tuple[type, type]]
"""Of values by their names: list or dict, and what each of its entries is."""
MANIFEST: Kinds = {
    "sources": (list, dict),
    "quota": (list, dict),
    **dict.fromkeys(("calls", "accounting"), (dict, dict)),
    **dict.fromkeys(("splits", "levels"), (dict, int)),
    **dict.fromkeys(("teacher", "settings", "coverage", "audit"), (dict, object)),
    "files": (dict, str),
}
NOTE: Kinds = {"sources": (dict, str), "paths": (list, str)}
"""Of build.json."""
LONGEST_NAME = 120
"""Bytes of a run's name."""
LONGEST_FOLDER_NAME = 255
"""Bytes of any folder's name (https://man7.org/linux/man-pages/man3/limits.h.3p.html, NAME_MAX)."""
RECORD = "wukong.json"
"""What an adapter or model was trained on, beside its weights."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run's folder and the places of its files."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    @property
    def manifest(self) -> Path:
        return self.dataset / "manifest.json"

    @property
    def edits(self) -> Path:
        return self.folder / "edits.jsonl"

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter"

    @property
    def full_model(self) -> Path:
        return self.folder / "model"

    @property
    def trained(self) -> bool:
        """Whether there is a tuned model."""
        return self.adapter.is_dir() or self.full_model.is_dir()

    @property
    def merged(self) -> Path:
        return self.folder / "merged"

    @property
    def student(self) -> Path:
        return self.folder / "student"

    @property
    def train(self) -> Path:
        return self.folder / "train"

    @property
    def answers(self) -> Path:
        return self.folder / "eval" / "answers.jsonl"

    @property
    def metrics(self) -> Path:
        return self.folder / "eval" / "metrics.json"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    def forget_evaluation(self) -> None:
        """Remove scores and report: they are about a dataset or adapter that is being replaced."""
        for path in (self.metrics, self.answers, self.report):
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The runs folder as a whole: one journal, one lock, one folder a run."""

    folder: Path

    @property
    def journal(self) -> Path:
        return self.folder / "journal.sqlite"

    def run(self, name: str) -> Run:
        """The run of that name, be it there or not.

        Raises:
            WorkspaceError: it is no run name: it might leave the runs folder, or be an option to a shell's commands.
        """
        if self._holds(name):
            return Run(self.folder / name)
        taken = name.startswith((".", "-", self.journal.name))
        if not name or taken or len(name.encode("utf-8", "replace")) > LONGEST_NAME or name != _named(name):
            raise WorkspaceError(
                f"{name!r} is no run name: use letters, digits, dots, dashes and underscores, and start with a letter "
                "or digit."
            )
        return Run(self.folder / name)

    def run_after(self, path: Path) -> Run:
        """The run that is named after a file or folder; what no run's name may hold becomes a dash."""
        stem = path.resolve().stem
        if self._holds(stem):
            return self.run(stem)
        name = _named(unicodedata.normalize("NFC", stem)).encode("utf-8", "replace")[:LONGEST_NAME]
        return self.run(name.decode("utf-8", "ignore").lstrip(".-") or "run")

    def _holds(self, name: str) -> bool:
        """Whether a folder of that name stands here: versions before this one took names that are none any more."""
        is_inside = name.isprintable() and not name.startswith(".") and not set(name) & set("/\\")
        is_short = len(name.encode("utf-8", "replace")) <= LONGEST_FOLDER_NAME
        return bool(name) and is_inside and is_short and (self.folder / name).is_dir()

    def existing_run(self, name: str) -> Run:
        """The run of that name, which must be there.

        Raises:
            WorkspaceError: it is not; the sentence lists those that are.
        """
        run = self.run(name)
        if not run.folder.is_dir():
            folders = self.folder.iterdir() if self.folder.is_dir() else ()
            names = sorted(path.name for path in folders if path.is_dir() and not path.name.startswith("."))
            others = f"; there are {', '.join(names)}." if names else ": start with `wukong-pipe build PATH`."
            raise WorkspaceError(f"There is no run “{name}” in {self.folder}{others}")
        return run

    def last_run(self) -> Run:
        """The run used last.

        Raises:
            WorkspaceError: nothing was ever built or trained here, or what was used last is gone.
        """
        marker = self.folder / ".last"
        if marker.is_file():
            name = bounded.read_bytes(marker).decode("utf-8", "replace").strip()
            if self._holds(name):
                return self.run(name)
        raise WorkspaceError(
            f"There is no run in {self.folder}: start with `wukong-pipe build PATH` (or name one with --run)."
        )

    def remember(self, run: Run) -> None:
        """Make `run` the one that later commands take without --run."""
        write_text(self.folder / ".last", run.name + "\n")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the workspace's lock; the kernel frees it when the holder dies, however it dies.

        Raises:
            WorkspaceError: the folder cannot be written, or another process holds the lock (its pid is named).
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise WorkspaceError(
                f"Cannot write to the runs folder {self.folder} ({error.strerror}); choose another with --runs-dir."
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise WorkspaceError(
                    f"Process {holder} is writing to {self.folder}; wait for it or use another --runs-dir."
                ) from None
            try:
                lock.truncate(0)
                lock.write(str(os.getpid()))
                lock.flush()
            except OSError as error:
                raise WorkspaceError(f"Cannot write to the runs folder {self.folder}: {error.strerror}.") from error
            yield


def _named(text: str) -> str:
    """The text with a dash for all that is no letter, mark, digit, dot, dash or underscore."""
    return "".join(char if char in "._-" or unicodedata.category(char)[0] in "LMN" else "-" for char in text)


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
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        raise WorkspaceError(f"{path} cannot be written: {error.strerror}.") from error


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


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
