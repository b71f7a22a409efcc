"""The free checks on what a reviewer types, as the next build applies them to it."""

from __future__ import annotations

from dataclasses import replace

from wukong_pipe.checks.candidates import stored_candidate
from wukong_pipe.checks.findings import Finding
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.records import Facts
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.stages.edits_file import Edit
from wukong_pipe.stages.mending import mended, problem_of


def check(
    library: Library, pair: ReviewPair, question: str, answer: str, facts: Facts | None = None
) -> tuple[Finding, ...]:
    """What is wrong with a text: the reject for which the build leaves the row out, or doubts, which only warn; nothing
    where the source is gone, for then the build has no such pair.

    Args:
        facts: None where they follow from the answer.
    """
    section = library.section(pair.section_id)
    if section is None:
        return ()
    before = library.shown(pair).before
    own = replace(pair.own, instruction=before.question, output=before.answer, facts=before.facts)
    row = mended(own, question.strip(), [Edit(id=pair.id, output=answer.strip(), facts=facts)])
    if reason := problem_of(row, section):
        return (Finding(reason, "reject"),)
    return check_pair(stored_candidate(row.instruction, row.output, row.evidence, row.lines, section), section)
