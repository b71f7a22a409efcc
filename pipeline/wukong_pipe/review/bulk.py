"""The same change in many pairs at once, with a preview."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts
from wukong_pipe.review import decision_lines
from wukong_pipe.review.checking import problem
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review.versions import Version, Wording


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replacement would change in one place."""

    pair_id: str
    row_id: str | None
    """The row whose question changes; None where the answer of the pair and its facts do."""
    before: str
    after: str
    then: Version
    """The whole text that the checks are asked about."""
    problem: Reason | None
    """Why the build would leave the row out: such a change is not made."""


def replace(library: Library, find: str, by: str, pairs: Iterable[ReviewPair]) -> list[Preview]:
    """What changes where these words are replaced in questions, wordings and answers.

    What was dropped stays as it is.
    """
    return [preview for pair in pairs for preview in _of_pair(library, find, by, pair)]


def replacements(library: Library, find: str, by: str, pairs: Iterable[ReviewPair]) -> list[Edit]:
    """The decisions that make these changes, but those that have a problem. No pair is thereby read."""
    edits = []
    for pair in pairs:
        changes = [preview for preview in _of_pair(library, find, by, pair) if not preview.problem]
        now = library.shown(pair).now
        answer = next((change.after for change in changes if change.row_id is None), now.answer)
        facts = _replaced(now.facts, find, by) if answer != now.answer else now.facts
        questions = {change.row_id: change.after for change in changes if change.row_id}
        if changes:
            edits += decision_lines.mend(library.decisions, pair, questions, answer, facts, is_read=False)
    return edits


def _of_pair(library: Library, find: str, by: str, pair: ReviewPair) -> Iterator[Preview]:
    if not find or library.state(pair) == "dropped":
        return
    shown = library.shown(pair)
    now = shown.now
    for wording in shown.wordings:
        if find in wording.question and not wording.dropped:
            after = wording.question.replace(find, by)
            yield _preview(library, pair, wording, after, Version(after, wording.answer, now.facts))
    if find in now.answer:
        after = now.answer.replace(find, by)
        then = Version(now.question, after, _replaced(now.facts, find, by))
        yield _preview(library, pair, None, after, then)


def _preview(library: Library, pair: ReviewPair, wording: Wording | None, after: str, then: Version) -> Preview:
    reason = problem(library, pair, then.question, then.answer, then.facts)
    before = wording.question if wording else library.shown(pair).now.answer
    return Preview(pair.id, wording.row.id if wording else None, before, after, then, reason)


def _replaced(facts: Facts, find: str, by: str) -> Facts:
    """The facts of an answer in which words were replaced; a spelling that was nothing else goes."""
    new = (
        tuple(dict.fromkeys(text for spelling in fact if (text := spelling.replace(find, by).strip())))
        for fact in facts
    )
    return tuple(fact for fact in new if fact)


def accept_all(library: Library, pairs: Sequence[ReviewPair]) -> list[Edit]:
    """That each of the pairs that nobody decided on is right."""
    unread = (pair for pair in pairs if library.state(pair) == "unread")
    return [edit for pair in unread for edit in decision_lines.accept(library.decisions, pair)]


def drop_all(library: Library, pairs: Sequence[ReviewPair]) -> list[Edit]:
    """That each of the pairs goes; those that are dropped already are passed over."""
    there = (pair for pair in pairs if library.state(pair) != "dropped")
    return [edit for pair in there for edit in decision_lines.drop(library.decisions, pair)]
