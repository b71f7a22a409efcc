"""The user's own corrections: edits.jsonl of a run, applied in every build, and checked like what a teacher wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wukong_pipe.checks.candidates import stored_candidate
from wukong_pipe.checks.findings import rejected
from wukong_pipe.checks.named_facts import facts_of
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.errors import DataError
from wukong_pipe.files import read_numbered
from wukong_pipe.language.fact_matching import found
from wukong_pipe.language.plurals import counted
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, Row, Section

TEXTS = ("instruction", "output")
"""What a user may write anew besides the facts; all else follows from the source."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One line of edits.jsonl.

    {"id": "3f2a…", "output": "……"} for a row; with a pair's id for all of its rows; {"id": "3f2a…", "drop": true};
    {"id": "3f2a…", "facts": [["石敢当", "石敢當"]]}.
    """

    id: str
    line: int
    drop: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    facts: Facts | None = None


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


def read_edits(path: Path) -> list[Edit]:
    """The edits in a file, in order; none where there is no file.

    Raises:
        DataError: a line is none; the sentence names file, line and cure.
    """
    if not path.is_file():
        return []
    edits, seen = [], dict[str, int]()
    for number, line in read_numbered(path):
        edit = _read(line, number, f"{path}, line {number}")
        if edit.id in seen:
            raise DataError(f"{path}, line {number} edits {edit.id} again (line {seen[edit.id]}): keep one of the two.")
        seen[edit.id] = number
        edits.append(edit)
    return edits


def _read(line: Mapping[str, Any], number: int, where: str) -> Edit:
    name, drop = line.get("id"), line.get("drop", False)
    fields = {key: value for key, value in line.items() if key not in {"id", "drop", "facts"}}
    if not isinstance(name, str) or not name:
        raise DataError(f"{where} has no “id”: copy it from a row of the dataset (its id, or its pair_id).")
    if not isinstance(drop, bool) or drop == bool(fields or "facts" in line):
        raise DataError(f"{where} must hold either new fields ({', '.join(TEXTS)}, facts) or “drop”: true.")
    for key, value in fields.items():
        if key not in TEXTS or not isinstance(value, str) or not value.strip():
            raise DataError(f"{where}: “{key}” cannot be edited so; give {' or '.join(TEXTS)} as a text.")
    facts = _facts(line["facts"], where) if "facts" in line else None
    return Edit(name, number, drop, {key: value.strip() for key, value in fields.items()}, facts)


def _facts(value: Any, where: str) -> Facts:
    """The facts that a user wrote, each a list of its spellings."""
    facts = value if isinstance(value, list) else [value]
    for fact in facts:
        if not isinstance(fact, list) or not fact or not all(isinstance(text, str) and text.strip() for text in fact):
            raise DataError(
                f"{where}: “facts” must be a list that holds for each fact the list of its spellings, each a text, "
                'such as [["curl", "cURL"], ["8080"]].'
            )
    return tuple(tuple(dict.fromkeys(text.strip() for text in fact)) for fact in facts)


def apply_edits(rows: Iterable[Row], edits: Sequence[Edit], sections: Mapping[str, Section]) -> Edited:
    """Rows with the user's corrections; an edited row keeps its id, and must pass the checks of a pair.

    An edit of a row comes before one of its pair. A question is edited by its row's id alone: all wordings of a pair
    with one text would be one row.
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
        edit = by_id.get(row.id) or by_id.get(row.pair_id)
        if edit is None:
            kept.append(row)
            continue
        touched.add(row.id)
        used |= {edit.id} | ({row.pair_id} & by_id.keys())
        if edit.drop:
            taken.append(Taken(row, Reason.of("dropped-by-edit", line=edit.line)))
            continue
        changed = _changed(row, edit)
        reason = _problem(changed, sections[row.section_id])
        if reason:
            taken.append(Taken(changed, Reason.of("edit", line=edit.line, reason=reason)))
        else:
            kept.append(changed)
            applied += 1
            if "output" in edit.fields:
                answered.add(row.id)
            if changed.facts != row.facts:
                facts.append(ChangedFacts(row.id, edit.id, row.facts, changed.facts))
    unused = [edit for edit in edits if edit.id not in used]
    count = len(edits) - len(unused)
    return Edited(kept, taken, applied, unused, frozenset(answered), count, frozenset(touched), tuple(facts))


def _changed(row: Row, edit: Edit) -> Row:
    """A row as its edit wants it."""
    question = edit.fields.get("instruction", row.instruction) if edit.id == row.id else row.instruction
    answer = edit.fields.get("output", row.output)
    verified = "unasked" if edit.fields else row.verified
    facts = edit.facts
    if facts is None:
        # The teacher's facts were of the teacher's answer.
        facts = row.facts if answer == row.output else facts_of((), question, answer)
    return replace(row, instruction=question, output=answer, verified=verified, facts=facts)


def _problem(row: Row, section: Section) -> Reason | None:
    candidate = stored_candidate(row.instruction, row.output, row.evidence, row.lines, section)
    if reason := rejected(check_pair(candidate, section)):
        return reason
    # A score that looks for what the reference itself lacks finds every answer wrong.
    there = found(row.facts, row.output, row.output)
    lost = next((fact for fact, stands in zip(row.facts, there, strict=True) if not stands), None)
    return Reason.of("fact-not-in-answer", words=lost[0]) if lost else None
