"""The free checks on what a reviewer types, as the next build applies them to it."""

from __future__ import annotations

from dataclasses import replace

from wukong_pipe.checks.candidates import read_pair, stored_candidate
from wukong_pipe.checks.findings import Finding
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.edits.mending import mended, problem_of
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, Row, Section
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair, ReviewReject, ReviewRow
from wukong_pipe.stages.heldout_wordings import too_like


def check(
    library: Library,
    pair: ReviewPair,
    question: str,
    answer: str,
    facts: Facts | None = None,
    row_id: str | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with a text: the reject for which the build leaves the row out, or doubts, which only warn; nothing
    where the source is gone, for then the build has no such pair.

    Args:
        facts: None where they follow from the answer.
        row_id: the row of the pair whose question is worded so; None where none is worded anew.
    """
    typed = _typed(library, pair, question, answer, facts)
    if typed is None:
        return ()
    row, section = typed
    if reason := problem_of(row, section):
        return (Finding(reason, "reject"),)
    found = check_pair(stored_candidate(row.instruction, row.output, row.evidence, row.lines, section), section)
    repeats = _repeats_held_question(library, pair, question, row_id) if row_id else None
    return (*found, Finding(repeats, "doubt")) if repeats else found


def _repeats_held_question(library: Library, pair: ReviewPair, question: str, row_id: str) -> Reason | None:
    """That dedupe takes a row for one that is held out, or for one that is trained where it is held out itself: of such
    rows the build keeps one, and the test may lose its question."""
    own = next(row for row in pair.rows if row.id == row_id)
    for other, row in library.asking(question):
        held = next((one for one in (row, own) if one.split != "train"), None)
        if row.id != row_id and held and not _is_gone(library, other, row):
            level = Reason.of(held.level or held.split)
            return Reason.of("repeats-held-question", question=row.question[:80], level=level)
    return None


def _is_gone(library: Library, pair: ReviewPair, row: ReviewRow) -> bool:
    """Whether a decision takes a row of a pair out, or words its question anew."""
    now = next(wording for wording in library.shown(pair).wordings if wording.row is row)
    return now.dropped or now.question != row.question


def problem(
    library: Library, pair: ReviewPair, question: str, answer: str, facts: Facts | None = None
) -> Reason | None:
    """The reject of `check` alone: the doubts take their time."""
    typed = _typed(library, pair, question, answer, facts)
    return typed and problem_of(*typed)


def check_reject(library: Library, reject: ReviewReject, question: str, answer: str) -> tuple[Finding, ...]:
    """What is wrong with a reject that is let in so, as `check` says it of a pair."""
    section = library.section(reject.section_id)
    if section is None:
        return ()
    if reject.base:
        there = [pair for pair in library.pairs if pair.section_id == section.id]
        own = next((pair for pair in there if pair.question == reject.base), None)
        if own is None:
            return ()
        others = [pair.question for pair in there if pair is not own]
        if reject.is_tested and too_like(question.strip(), own.question, others):
            return (Finding(Reason.of("rescue-leak"), "reject"),)
        return check(library, own, question, library.shown(own).now.answer)
    read = read_pair({**reject.item, "question": question, "answer": answer}, section)
    return (Finding(read, "reject"),) if isinstance(read, Reason) else check_pair(read, section)


def _typed(
    library: Library, pair: ReviewPair, question: str, answer: str, facts: Facts | None
) -> tuple[Row, Section] | None:
    """The row that a text makes, and its section; None where that is gone."""
    section = library.section(pair.section_id)
    if section is None:
        return None
    before = library.shown(pair).before
    own = replace(pair.own, instruction=before.question, output=before.answer, facts=before.facts)
    return mended(own, question.strip(), [Edit(id=pair.id, output=answer.strip(), facts=facts)]), section
