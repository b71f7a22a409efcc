"""The runs folder: where each file of a run stands, which runs there are, and who may write."""

from __future__ import annotations

import contextlib
import fcntl
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wukong_pipe import bounded
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import Kinds, write_text

MANIFEST: Kinds = {
    "sources": (list, dict),
    "quota": (list, dict),
    **dict.fromkeys(("calls", "accounting"), (dict, dict)),
    **dict.fromkeys(("splits", "levels"), (dict, int)),
    **dict.fromkeys(("teacher", "settings", "coverage", "audit", "edits"), (dict, object)),
    "files": (dict, str),
}
NOTE: Kinds = {"sources": (dict, str), "paths": (list, str), "converted": (dict, str)}
"""Of build.json."""
LONGEST_NAME = 120
"""Bytes of a run's name."""
LONGEST_FOLDER_NAME = 255
"""Bytes of any folder's name (https://man7.org/linux/man-pages/man3/limits.h.3p.html, NAME_MAX)."""
RUNS_DIR = Path("runs")
"""Where runs are kept unless another place is named."""
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
    def converted(self) -> Path:
        """The Markdown of its documents that were none."""
        return self.folder / "converted"

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

    def gguf(self, kind: str) -> Path:
        """Where the tuned model stands as a GGUF of a kind, such as q8_0."""
        return self.folder / f"gguf-{kind}"

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
    def grades(self) -> Path:
        return self.folder / "eval" / "grades.jsonl"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    def forget_evaluation(self) -> None:
        """Remove scores and report: they are about a dataset or adapter that is being replaced.

        A person's grades stay: each is about one answer, and counts wherever that answer is given again.
        """
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
