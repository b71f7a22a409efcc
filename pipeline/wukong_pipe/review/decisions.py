"""A reviewer's decisions: what stands of edits.jsonl, by id; writing them down, and taking the newest back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import RLock

from wukong_pipe.edits.edits_file import Edit, Known, Texts, append, history
from wukong_pipe.edits.standing import Standing
from wukong_pipe.records import Facts
from wukong_pipe.review.file_stamp import stamp
from wukong_pipe.review.pairs import ReviewPair


class Decisions:
    """The decisions in force; safe to be used by several threads."""

    version = 0
    """Another number whenever another decision stands."""

    def __init__(self, path: Path) -> None:
        """The decisions in a file, which need not be there.

        Raises:
            DataError: it cannot be read.
        """
        self._path = path
        self._lock = RLock()
        self._known: Known = {}
        self._batches: list[tuple[str, ...]] = []
        """The ids of what was recorded at once by this process: it is taken back at once, too."""
        self._read()
        self._lines_at_start, self._ids_at_start = self._last_line, {edit.id for edit in self.standing()}

    def refresh(self) -> bool:
        """Read the file again if another process changed it; whether it did.

        Raises:
            DataError: it cannot be read; what stood before stands on.
        """
        with self._lock:
            changed = stamp(self._path) != self._seen
            if changed:
                self._read()
            return changed

    def _read(self) -> None:
        seen, lines = stamp(self._path), history(self._path, self._known)
        old, old_facts = dict[str, Texts](), dict[str, Facts | None]()
        for edit in lines:
            told = edit.old or Texts()
            if edit.old or edit.output is not None:
                old.setdefault(edit.id, told)
            if edit.changes_facts:
                old_facts.setdefault(edit.id, told.facts)
        # Others read meanwhile: they see all of what stood, or all of what stands.
        self._standing, self._old, self._old_facts, self._seen = Standing(lines), old, old_facts, seen
        self._last_line = lines[-1].line if lines else 0
        self.version += 1

    # --- what stands -------------------------------------------------------------------------------------------------

    def of(self, id_: str) -> Edit | None:
        """What stands of a pair, row or reject."""
        return self._standing.of(id_)

    def newest_of(self, pair: ReviewPair) -> int:
        """The newest line that stands of a pair or a row of it; 0 where none does."""
        return max(map(self.line_of, (pair.id, *(row.id for row in pair.rows))))

    def line_of(self, id_: str) -> int:
        """The newest line that stands of a pair, row or reject; 0 where none does."""
        return self._standing.line_of(id_)

    def standing(self) -> list[Edit]:
        """All that stands, in the order of the lines."""
        return self._standing.edits()

    def old(self, id_: str) -> Texts | None:
        """The texts of a pair or row before the first decision on it, as that one tells them; empty where it changed
        them and does not tell, None where no line has to."""
        return self._old.get(id_)

    def old_facts(self, pair: ReviewPair) -> Facts | None:
        """What a score looked for before the first decision on a pair that changed it, as that one tells it; None
        where it does not tell."""
        return self._old_facts.get(pair.id, pair.facts)

    def since_the_start(self) -> tuple[int, int]:
        """How many decisions stand that did not when this began, and how many that did were taken back."""
        standing = self.standing()
        new = sum(self.line_of(edit.id) > self._lines_at_start for edit in standing)
        return new, len(self._ids_at_start - {edit.id for edit in standing})

    # --- writing -----------------------------------------------------------------------------------------------------

    def record(self, edits: Sequence[Edit]) -> None:
        """Write decisions to the file; when this returns, they are on the disk.

        Raises:
            DataError: one of them is none; nothing is written.
            WorkspaceError: the file cannot be written.
        """
        if edits:
            with self._lock:
                self._append(edits)
                if len(edits) > 1 and not edits[0].undo:
                    self._batches.append(tuple(edit.id for edit in edits))

    def undo(self) -> tuple[str, ...]:
        """Take back the newest decision that stands, with what was recorded at once with it, and say whose they were;
        nothing where none stands."""
        with self._lock:
            self.refresh()
            standing = [edit.id for edit in self.standing()]
            if not standing:
                return ()
            batch = next((some for some in reversed(self._batches) if standing[-len(some) :] == [*some]), None)
            if batch:
                self._batches.remove(batch)
            batch = batch or (standing[-1],)
            self._append([Edit(id=id_, undo=True) for id_ in reversed(batch)])
            return batch

    def _append(self, edits: Sequence[Edit]) -> None:
        # What cannot be read is said before anything is written.
        self.refresh()
        append(self._path, edits)
        self._read()
