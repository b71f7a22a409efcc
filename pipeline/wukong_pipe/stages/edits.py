"""The user's own decisions on rows, applied in every build, and checked like what a teacher wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wukong_pipe.checks.candidates import stored_candidate
from wukong_pipe.checks.findings import rejected
from wukong_pipe.checks.named_facts import facts_of
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.language.fact_matching import found
from wukong_pipe.language.plurals import counted
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, Row, Section
from wukong_pipe.stages.edits_file import Edit


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

    rows: list[Row]
    taken: list[Taken]
    applied: int
    unused: list[Edit]
    """Edits whose row or pair is not there (any more)."""
    answered: frozenset[str] = frozenset()
    """Ids of the rows whose answer the user has written."""
    used: int = 0
    """How many edits found a row or pair of theirs."""
    touched: frozenset[str] = frozenset()
    """Ids of the rows that an edit changed or took out."""
    facts: tuple[ChangedFacts, ...] = ()
    """Of the rows that were kept."""

    @property
    def line(self) -> str:
        """What the edits did, for the screen; "" where there were none."""
        if not self.used:
            return ""
        dropped = sum(taken.reason.code == "dropped-by-edit" for taken in self.taken)
        counts = {"dropped": dropped, "changed": self.applied, "left out by the checks": len(self.taken) - dropped}
        did = [f"{counted(count, 'row')} {what}" for what, count in counts.items() if count]
        return f"{counted(self.used, 'edit')} applied: {', '.join(did)}."

    def warnings(self, path: Path) -> list[str]:
        """What the author of the edits should know, a sentence each."""
        gone = [f"{path}, line {edit.line}: there is no row or pair {edit.id} in this build." for edit in self.unused]
        return gone + [f"The row is left out: {taken.reason}." for taken in self.taken if taken.reason.code == "edit"]


def apply_edits(rows: Iterable[Row], edits: Sequence[Edit], sections: Mapping[str, Section]) -> Edited:
    """Rows with the user's corrections; an edited row keeps its id, and must pass the checks of a pair.

    What a pair's edit says holds for all of its rows; what a row's own edit says comes on top of it. A question is
    edited by its row's id alone: all wordings of a pair with one text would be one row.
    """
    by_id = {edit.id: edit for edit in edits}
    used: set[str] = set()
    kept: list[Row] = []
    taken: list[Taken] = []
    answered: set[str] = set()
    touched: set[str] = set()
    facts: list[ChangedFacts] = []
    applied = 0
    for row in rows:
        of_row = [by_id[name] for name in (row.pair_id, row.id) if name in by_id]
        used |= {edit.id for edit in of_row}
        of_row = [edit for edit in of_row if edit.drop or edit.mends]
        if not of_row:
            kept.append(row)
            continue
        touched.add(row.id)
        if dropping := next((edit for edit in of_row if edit.drop), None):
            taken.append(Taken(row, Reason.of("dropped-by-edit", line=dropping.line)))
            continue
        changed = _changed(row, of_row)
        last = of_row[-1]
        if reason := _problem(changed, sections[row.section_id]):
            taken.append(Taken(changed, Reason.of("edit", line=last.line, reason=reason)))
            continue
        kept.append(changed)
        applied += 1
        if any(edit.output is not None for edit in of_row):
            answered.add(row.id)
        if changed.facts != row.facts:
            facts.append(ChangedFacts(row.id, last.id, row.facts, changed.facts))
    unused = [edit for edit in edits if edit.id not in used]
    count = sum(edit.changes for edit in edits if edit.id in used)
    return Edited(kept, taken, applied, unused, frozenset(answered), count, frozenset(touched), tuple(facts))


def _changed(row: Row, edits: Iterable[Edit]) -> Row:
    """A row as its pair's edit and its own want it."""
    own = next((edit.instruction for edit in edits if edit.id == row.id), None)
    question, answer, facts = row.instruction if own is None else own, row.output, row.facts
    for edit in edits:
        if edit.output is not None and edit.output != answer:
            # The teacher's facts were of the teacher's answer.
            answer, facts = edit.output, facts_of((), question, edit.output)
        facts = facts if edit.facts is None else edit.facts
    is_same = (question, answer) == (row.instruction, row.output)
    verified = row.verified if is_same else "unasked"
    return replace(row, instruction=question, output=answer, verified=verified, facts=facts)


def _problem(row: Row, section: Section) -> Reason | None:
    candidate = stored_candidate(row.instruction, row.output, row.evidence, row.lines, section)
    if reason := rejected(check_pair(candidate, section)):
        return reason
    # A score that looks for what the reference itself lacks finds every answer wrong.
    there = found(row.facts, row.output, row.output)
    lost = next((fact for fact, stands in zip(row.facts, there, strict=True) if not stands), None)
    return Reason.of("fact-not-in-answer", words=lost[0]) if lost else None
