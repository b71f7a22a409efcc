"""The user's own decisions on rows, applied in every build, and checked like what a teacher wrote."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wukong_pipe.edits.edits_file import Edit, decisions_hash
from wukong_pipe.edits.mending import mended, problem_of
from wukong_pipe.edits.rescue import NOTHING_RESCUED, Rescued
from wukong_pipe.language.plurals import counted, listed
from wukong_pipe.printable import one_line
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, Reject, Row, Section
from wukong_pipe.spilled import made


@dataclass(frozen=True, slots=True)
class ChangedFacts:
    """What a score looks for in answers to a row's question, before and after an edit."""

    row_id: str
    edit_id: str
    old: Facts
    new: Facts


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that is no longer there because of an edit, and why."""

    row: Row
    reason: Reason


@dataclass(frozen=True, slots=True)
class Edited:
    """The rows after the user's corrections."""

    rows: Sequence[Row]
    taken: list[Taken]
    applied: int
    unused: list[Edit]
    """Edits whose row or pair is not there (any more)."""
    answered: frozenset[str] = frozenset()
    """Ids of the rows whose answer the user has written."""
    used: int = 0
    """How many edits that ask for a change found a row, pair or reject of theirs."""
    touched: frozenset[str] = frozenset()
    """Ids of the rows that an edit changed, took out or let in."""
    facts: tuple[ChangedFacts, ...] = ()
    """Of the rows that were kept."""
    rescued: int = 0
    """How many rejects came in."""
    without_row: tuple[Edit, ...] = ()
    """Edits that give a pair a question: only a row has one."""
    decisions: str = ""
    """Hash of the edits; see `decisions_hash`."""

    @property
    def line(self) -> str:
        """What the edits did, for the screen; "" where there were none."""
        if not self.used:
            return ""
        dropped = sum(taken.reason.code == "dropped-by-edit" for taken in self.taken)
        counts = {
            "dropped": dropped,
            "changed": self.applied,
            "rescued": self.rescued,
            "left out by the checks": len(self.taken) - dropped,
        }
        did = [f"{counted(count, 'row')} {what}" for what, count in counts.items() if count]
        return f"{counted(self.used, 'edit')} applied: {', '.join(did)}."

    def warnings(self, path: Path) -> list[str]:
        """What the author of the edits should know, a sentence each."""
        gone = [
            f"{path}, line {edit.line}: there is no {'reject' if edit.rescue else 'row or pair'} {edit.id} in this "
            "build."
            for edit in self.unused
            if edit.changes
        ]
        gone += [
            f"{path}, line {edit.line}: “instruction” changes nothing, because {edit.id} is a pair: give it with the "
            "id of the row that it words anew."
            for edit in self.without_row
        ]
        # All that was read of a section is gone once the section is edited: one sentence tells it.
        if read := [edit.line for edit in self.unused if not edit.changes]:
            gone.append(
                f"{path}: of what was read, {counted(len(read), 'line')} ({listed(read)}) fit this build no more."
            )
        return gone + [f"The row is left out: {taken.reason}." for taken in self.taken if taken.reason.code == "edit"]


def pushed_out(edited: Edited, rejects: Iterable[Reject]) -> list[str]:
    """A sentence for each row that an edit changed or let in and that is left out for what other rows say."""
    rows = ((reject, reject.candidate) for reject in rejects if reject.stage != "edit")
    return [
        f"“{one_line(row.instruction)[:80]}”, which an edit asks for, is left out: {reject.reason}."
        for reject, row in rows
        if isinstance(row, Row) and row.id in edited.touched
    ]


def apply_edits(
    rows: Sequence[Row],
    edits: Sequence[Edit],
    section_of: Callable[[str], Section],
    rescued: Rescued = NOTHING_RESCUED,
) -> Edited:
    """Rows with the user's corrections; an edited row keeps its id, and must pass the checks of a pair.

    What a pair's edit says holds for all of its rows; what a row's own edit says comes on top of it. A question is
    edited by its row's id alone: all wordings of a pair with one text would be one row.

    Args:
        section_of: gives the section of an id.
        rescued: what stands among the rows because of an edit.
    """
    by_id = {edit.id: edit for edit in edits if not edit.rescue}
    used = set(rescued.ids)
    kept = array("Q")
    mended_rows: dict[int, Row] = {}
    taken: list[Taken] = []
    answered: set[str] = set()
    touched = set(rescued.ids.values())
    facts: list[ChangedFacts] = []
    pairs = set[str]()
    for at, row in enumerate(rows if by_id else ()):
        if row.pair_id in by_id:
            pairs.add(row.pair_id)
        of_row = [by_id[name] for name in (row.pair_id, row.id) if name in by_id]
        used |= {edit.id for edit in of_row}
        of_row = [edit for edit in of_row if edit.drop or edit.mends]
        if not of_row:
            kept.append(at)
            continue
        touched.add(row.id)
        if dropping := next((edit for edit in of_row if edit.drop), None):
            taken.append(Taken(row, Reason.of("dropped-by-edit", line=dropping.line)))
            continue
        own = next((edit.instruction for edit in of_row if edit.id == row.id), None)
        changed = mended(row, own, of_row)
        last = of_row[-1]
        if reason := problem_of(changed, section_of(row.section_id)):
            taken.append(Taken(changed, Reason.of("edit", line=last.line, reason=reason)))
            continue
        kept.append(at)
        mended_rows[at] = changed
        if any(edit.output is not None for edit in of_row):
            answered.add(row.id)
        if changed.facts != row.facts:
            facts.append(ChangedFacts(row.id, last.id, row.facts, changed.facts))
    refused = {edit.id for edit, _ in rescued.refused}
    return Edited(
        rows=made(len(kept), lambda i: mended_rows.get(kept[i]) or rows[kept[i]]) if by_id else rows,
        taken=taken,
        applied=len(mended_rows),
        unused=[edit for edit in edits if edit.id not in used | refused],
        answered=frozenset(answered),
        used=sum(edit.changes for edit in edits if edit.id in used),
        touched=frozenset(touched),
        facts=tuple(facts),
        rescued=len(rescued.ids),
        without_row=tuple(edit for edit in by_id.values() if edit.instruction is not None and edit.id in pairs),
        decisions=decisions_hash(edits),
    )
