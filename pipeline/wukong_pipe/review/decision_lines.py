"""The lines of edits.jsonl that a decision takes: to accept, drop or mend a pair, to let a reject in, to take back.

A line that decides replaces what stood of its id as a whole. A new line therefore says again what a decision that
stands says besides: a pair that was mended stays so when it is accepted, and keeps its note when it is mended again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from wukong_pipe.edits.edits_file import Edit, Texts
from wukong_pipe.records import Facts
from wukong_pipe.review.decisions import Decisions
from wukong_pipe.review.pairs import ReviewPair, ReviewReject
from wukong_pipe.review.versions import Wording, old_answer, old_question, shown


def accept(decisions: Decisions, pair: ReviewPair) -> list[Edit]:
    """That a pair was read and is right as it is shown."""
    stood = _mending(decisions, pair)
    return [replace(_of_pair(decisions, pair, stood.output, stood.facts), ok=True)]


def drop(decisions: Decisions, pair: ReviewPair) -> list[Edit]:
    """That a pair goes, with all its rows."""
    return [replace(_of_pair(decisions, pair), drop=True)]


def mend(
    decisions: Decisions,
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
        note: None to keep the one that stands; the same for `tags`.
        is_read: False where many are changed alike, which makes none of them read.
    """
    version, mending, answer = shown(decisions, pair), _mending(decisions, pair), answer.strip()
    # What is as it is shown stays as it was decided: a dataset may have the text of a line that told no old one.
    is_same = answer == version.now.answer
    output = mending.output if is_same else None if answer == old_answer(decisions, pair) else answer
    if is_same and facts == version.now.facts:
        facts = mending.facts
    elif output is None and facts == version.before.facts:
        facts = None
    line = replace(_of_pair(decisions, pair, output, facts), ok=is_read or mending.ok)
    line = replace(line, note=line.note if note is None else note, tags=line.tags if tags is None else tuple(tags))
    lines = [
        replace(_of_row(decisions, pair, place), instruction=questions.get(wording.row.id, wording.question).strip())
        for place, wording in enumerate(version.wordings)
        if _is_to_be_worded(decisions, wording, questions)
    ]
    return [*lines, line] if line.ok or line.mends else lines


def _is_to_be_worded(decisions: Decisions, wording: Wording, questions: Mapping[str, str]) -> bool:
    """Whether a row needs a line of its own: for its question, or because what stands of it would cover the answer of
    its pair."""
    stood = decisions.of(wording.row.id)
    if stood and stood.drop:
        return False
    covers = stood is not None and (stood.output is not None or stood.facts is not None)
    return covers or questions.get(wording.row.id, wording.question).strip() != wording.question


def drop_row(decisions: Decisions, pair: ReviewPair, row_id: str) -> list[Edit]:
    """That one row of a pair goes."""
    places = (place for place, row in enumerate(pair.rows) if row.id == row_id)
    return [replace(_of_row(decisions, pair, place), drop=True) for place in places]


def take_back(decisions: Decisions, pair: ReviewPair) -> list[Edit]:
    """That what was decided last on a pair does not stand: its line, and what was said of its rows at once with it, or
    these alone; of a pair that was let in and nobody decided on since, that it was. A wording that was dropped is
    brought back by itself."""
    of_rows = {
        decisions.line_of(row.id): row.id for row in pair.rows if (edit := decisions.of(row.id)) and not edit.drop
    }
    last = max([decisions.line_of(pair.id), *of_rows])
    if not last:
        return [Edit(id=pair.rescued, undo=True)] if pair.rescued and decisions.of(pair.rescued) else []
    # The lines of one decision follow one another in the file, that of the pair last.
    before = takewhile(of_rows.__contains__, range(last - 1, 0, -1))
    return [Edit(id=id_, undo=True) for id_ in (of_rows.get(last, pair.id), *map(of_rows.__getitem__, before))]


def rescue(reject: ReviewReject, question: str | None = None, answer: str | None = None) -> list[Edit]:
    """That a reject is to come in; with other words where they are given."""
    line = Edit(
        id=reject.id,
        rescue=True,
        instruction=None if question == reject.question else question,
        output=None if answer == reject.answer else answer,
        section_id=reject.section_id,
        old=Texts(reject.question, reject.answer),
    )
    return [line]


def _mending(decisions: Decisions, pair: ReviewPair) -> Edit:
    """What stands of a pair that is not dropped."""
    stood = decisions.of(pair.id)
    return stood if stood and not stood.drop else Edit(id=pair.id)


def _of_pair(decisions: Decisions, pair: ReviewPair, output: str | None = None, facts: Facts | None = None) -> Edit:
    """A line on a pair with that answer and these facts, and with the note and tags that stand."""
    stood = decisions.of(pair.id)
    old_facts = None if (output, facts) == (None, None) else decisions.old_facts(pair)
    return Edit(
        id=pair.id,
        output=output,
        facts=facts,
        note=stood.note if stood else "",
        tags=stood.tags if stood else (),
        section_id=pair.section_id,
        old=Texts(old_question(decisions, pair, 0), old_answer(decisions, pair), old_facts),
    )


def _of_row(decisions: Decisions, pair: ReviewPair, place: int) -> Edit:
    row = pair.rows[place]
    old = decisions.old(row.id)
    told = Texts(old_question(decisions, pair, place), old.output if old else row.answer)
    return Edit(id=row.id, section_id=pair.section_id, old=told)
