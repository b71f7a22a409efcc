"""A row as its user wants it, and whether it may stand so.

“由石敢当掉落。” with {"output": "由石敢当或广智掉落。"} gets that answer, its facts, and is verified by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wukong_pipe.checks.candidates import stored_candidate
from wukong_pipe.checks.findings import rejected
from wukong_pipe.checks.named_facts import facts_of
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.language.fact_matching import found
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Row, Section


def mended(row: Row, question: str | None, edits: Iterable[Edit]) -> Row:
    """The row with another question, where one is given, and with the answer and facts of these edits; it keeps its
    id."""
    question, answer, facts = row.instruction if question is None else question, row.output, row.facts
    for edit in edits:
        if edit.output is not None and edit.output != answer:
            # The teacher's facts were of the teacher's answer.
            answer, facts = edit.output, facts_of((), question, edit.output)
        facts = facts if edit.facts is None else edit.facts
    is_same = (question, answer) == (row.instruction, row.output)
    verified = row.verified if is_same else "unasked"
    return replace(row, instruction=question, output=answer, verified=verified, facts=facts)


def problem_of(row: Row, section: Section) -> Reason | None:
    """Why a row cannot be used whoever wrote it; a doubt is none, for its writer knows what is meant."""
    candidate = stored_candidate(row.instruction, row.output, row.evidence, row.lines, section)
    if reason := rejected(check_pair(candidate, section)):
        return reason
    # A score that looks for what the reference itself lacks finds every answer wrong.
    there = found(row.facts, row.output, row.output)
    lost = next((fact for fact, stands in zip(row.facts, there, strict=True) if not stands), None)
    return Reason.of("fact-not-in-answer", words=lost[0]) if lost else None
