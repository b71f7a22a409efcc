"""A reviewer's decisions: what stands of edits.jsonl, by id; the lines that a decision takes; and taking back.

A line replaces what stood of its id as a whole. A new line therefore says again what a decision that stands says
besides: a pair that was mended stays so when it is accepted, and keeps its note when it is mended again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from threading import RLock

from wukong_pipe.records import Facts
from wukong_pipe.review.file_stamp import stamp
from wukong_pipe.review.pairs import ReviewPair, ReviewReject, Shown, State, Version, Wording
from wukong_pipe.review.pairs import Stale as Stale
from wukong_pipe.review.stale import Holder, stale
from wukong_pipe.stages.edits_file import Edit, Texts, append, history
from wukong_pipe.stages.mending import mended


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
        seen, standing, original = stamp(self._path), defaultdict[str, list[Edit]](list), dict[str, Texts]()
        lines = history(self._path)
        for edit in lines:
            _take(edit, standing, original)
        # Others read meanwhile: they see all of what stood, or all of what stands.
        self._standing, self._original, self._seen = standing, original, seen
        self._last_line = lines[-1].line if lines else 0
        self.version += 1

    # --- what stands -------------------------------------------------------------------------------------------------

    def of(self, id_: str) -> Edit | None:
        """What stands of a pair, row or reject."""
        stack = self._standing.get(id_)
        return stack[-1] if stack else None

    def newest_of(self, pair: ReviewPair) -> int:
        """The line of the newest decision that stands of a pair or a row of it; 0 where none does."""
        stand = (self.of(id_) for id_ in (pair.id, *(row.id for row in pair.rows)))
        return max((edit.line for edit in stand if edit), default=0)

    def standing(self) -> list[Edit]:
        """All that stands, in the order of the lines."""
        with self._lock:
            return sorted((stack[-1] for stack in self._standing.values() if stack), key=lambda edit: edit.line)

    def state(self, pair: ReviewPair) -> State:
        """What was decided about a pair; a decision about one of its wordings alone does not make it read."""
        edit = self.of(pair.id)
        if edit is None or not (edit.ok or edit.drop):
            return "accepted" if pair.rescued and self.of(pair.rescued) else "unread"
        if edit.drop:
            return "dropped"
        own = self.of(pair.rows[0].id)
        return "mended" if edit.mends or (own is not None and own.changes) else "accepted"

    def shown(self, pair: ReviewPair) -> Shown:
        """The pair with the decisions laid over it, and what it was before."""
        of_pair = self.of(pair.id)
        answer = self._old_answer(pair) or pair.answer
        own = replace(pair.own, instruction=self._old_question(pair, 0), output=answer)
        wordings = []
        for place, row in enumerate(pair.rows):
            of_row = self.of(row.id)
            laid = [edit for edit in (of_pair, of_row) if edit]
            # Other wordings of the answer are the rows' own, as long as no decision has changed the answer.
            answer = row.answer if row.answer != pair.answer else own.output
            before = replace(own, id=row.id, instruction=self._old_question(pair, place), output=answer)
            now = mended(before, of_row.instruction if of_row else None, laid)
            wordings.append(Wording(row, now.instruction, now.output, any(edit.drop for edit in laid)))
            if not place:
                shown = Version(now.instruction, now.output, now.facts)
        return Shown(shown, Version(own.instruction, own.output, own.facts), tuple(wordings))

    def _old_answer(self, pair: ReviewPair) -> str:
        """What a pair answered before the first decision on it; "" where nobody knows: the dataset may have the text of
        a line that was written by hand and told no old one."""
        old = self._original.get(pair.id)
        return old.output if old else pair.answer

    def _old_question(self, pair: ReviewPair, place: int) -> str:
        """What a row asked before the first decision on it: a dataset that was rebuilt has the mended text."""
        row = pair.rows[place]
        old = self._original.get(row.id)
        return old.instruction if old and old.instruction else row.question

    def stale(self, library: Holder) -> list[Stale]:
        """The decisions whose id is nowhere in the dataset, each with the pair that is most alike now."""
        return stale(library, self.standing())

    def since_the_start(self) -> tuple[int, int]:
        """How many decisions stand that did not when this began, and how many that did were taken back."""
        with self._lock:
            standing = self.standing()
            new = sum(edit.line > self._lines_at_start for edit in standing)
            return new, len(self._ids_at_start - {edit.id for edit in standing})

    # --- the lines of a decision -------------------------------------------------------------------------------------

    def accept(self, pair: ReviewPair, note: str | None = None, tags: Sequence[str] | None = None) -> list[Edit]:
        """That a pair was read and is right as it is shown.

        Args:
            note: None to keep the one that stands; the same for `tags`.
        """
        stood = self.of(pair.id)
        line = replace(self._of_pair(pair, note, tags), ok=True)
        return [replace(line, output=stood.output, facts=stood.facts) if stood and not stood.drop else line]

    def drop(self, pair: ReviewPair, note: str | None = None, tags: Sequence[str] | None = None) -> list[Edit]:
        """That a pair goes, with all its rows."""
        return [replace(self._of_pair(pair, note, tags), drop=True)]

    def mend(
        self,
        pair: ReviewPair,
        questions: Mapping[str, str],
        answer: str,
        facts: Facts | None,
        note: str | None = None,
        tags: Sequence[str] | None = None,
        is_read: bool = True,
    ) -> list[Edit]:
        """That a pair is right so: the lines for what is other than before, and that it was read.

        Args:
            questions: by the ids of their rows; of a row that is not named nothing changes.
            facts: None where they follow from the answer.
            is_read: False where many are changed alike, which makes none of them read.
        """
        shown, stood = self.shown(pair), self.of(pair.id)
        mending = stood if stood and not stood.drop else Edit(id=pair.id)
        answer = answer.strip()
        # What is as it is shown stays as it was decided: a dataset may have the text of a line that told no old one.
        is_same = answer == shown.now.answer
        output = mending.output if is_same else None if answer == self._old_answer(pair) else answer
        if is_same and facts == shown.now.facts:
            facts = mending.facts
        elif output is None and facts == shown.before.facts:
            facts = None
        line = replace(self._of_pair(pair, note, tags), ok=is_read or mending.ok, output=output, facts=facts)
        lines = [
            replace(self._of_row(pair, place), instruction=questions.get(wording.row.id, wording.question).strip())
            for place, wording in enumerate(shown.wordings)
            if self._is_to_be_worded(wording, questions)
        ]
        return [*lines, line] if line.ok or line.mends else lines

    def _is_to_be_worded(self, wording: Wording, questions: Mapping[str, str]) -> bool:
        """Whether a row needs a line of its own: for its question, or because what stands of it would cover the answer
        of its pair."""
        stood = self.of(wording.row.id)
        if stood and stood.drop:
            return False
        covers = stood is not None and (stood.output is not None or stood.facts is not None)
        return covers or questions.get(wording.row.id, wording.question).strip() != wording.question

    def drop_row(self, pair: ReviewPair, row_id: str) -> list[Edit]:
        """That one row of a pair goes."""
        return [
            replace(self._of_row(pair, place), drop=True) for place, row in enumerate(pair.rows) if row.id == row_id
        ]

    def take_back(self, pair: ReviewPair) -> list[Edit]:
        """That what was decided last on a pair does not stand: its line, and what was said of its rows at once with it,
        or these alone; of a pair that was let in and nobody decided on since, that it was. A wording that was dropped
        is brought back by itself."""
        of_rows = {edit.line: row.id for row in pair.rows if (edit := self.of(row.id)) and not edit.drop}
        line = self.of(pair.id)
        last = max([*of_rows, *([line.line] if line else [])], default=0)
        if not last:
            return [Edit(id=pair.rescued, undo=True)] if pair.rescued and self.of(pair.rescued) else []
        # The lines of one decision follow one another in the file, that of the pair last.
        before = takewhile(of_rows.__contains__, range(last - 1, 0, -1))
        return [Edit(id=id_, undo=True) for id_ in (of_rows.get(last, pair.id), *map(of_rows.__getitem__, before))]

    def rescue(
        self,
        reject: ReviewReject,
        question: str | None = None,
        answer: str | None = None,
        facts: Facts | None = None,
    ) -> list[Edit]:
        """That a reject is to come in; with other words where they are given."""
        line = Edit(
            id=reject.id,
            rescue=True,
            instruction=None if question == reject.question else question,
            output=None if answer == reject.answer else answer,
            facts=facts,
            section_id=reject.section_id,
            old=Texts(reject.question, reject.answer),
        )
        return [line]

    def _of_pair(self, pair: ReviewPair, note: str | None, tags: Sequence[str] | None) -> Edit:
        stood = self.of(pair.id)
        return Edit(
            id=pair.id,
            note=note if note is not None else stood.note if stood else "",
            tags=tuple(tags) if tags is not None else stood.tags if stood else (),
            section_id=pair.section_id,
            old=Texts(self._old_question(pair, 0), self._old_answer(pair)),
        )

    def _of_row(self, pair: ReviewPair, place: int) -> Edit:
        row = pair.rows[place]
        old = self._original.get(row.id)
        told = Texts(self._old_question(pair, place), old.output if old else row.answer)
        return Edit(id=row.id, section_id=pair.section_id, old=told)

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
        before, now = self._seen, stamp(self._path)
        added = sum(
            len(json.dumps(edit.to_json(), ensure_ascii=False).encode("utf-8", "replace")) + 1 for edit in edits
        )
        # A file of thousands of lines is not read again where it is known what was added.
        if now.inode == (before.inode or now.inode) and now.size == before.size + added:
            for number, edit in enumerate(edits, start=self._last_line + 1):
                _take(replace(edit, line=number), self._standing, self._original)
            self._last_line += len(edits)
            self._seen = now
            self.version += 1
        else:
            self._read()


def _take(edit: Edit, standing: dict[str, list[Edit]], original: dict[str, Texts]) -> None:
    """Let a line count: it stands, or takes back what stood of its id."""
    if not edit.undo:
        standing[edit.id].append(edit)
    elif standing[edit.id]:
        standing[edit.id].pop()
    if edit.old or edit.output is not None:
        original.setdefault(edit.id, edit.old or Texts())
