"""What the preview of a replacement shows of each text that it would change."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from wukong_pipe.checks.findings import Finding
from wukong_pipe.records import Facts
from wukong_pipe.review.bulk import Preview
from wukong_pipe.review.checking import check
from wukong_pipe.review.library import Library
from wukong_pipe.review_page.document import Piece
from wukong_pipe.review_page.typed_facts import SPELLINGS


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A text that would change, its pair, and what the free checks say of it."""

    pair_id: str
    number: int
    """Of the pair, in the order of the documents."""
    question: str
    """What an answer that changes answers; "" where a question changes."""
    before: tuple[Piece, ...]
    """What goes is marked."""
    after: tuple[Piece, ...]
    """What comes is marked."""
    facts_before: tuple[Piece, ...]
    """Of an answer; empty where they stay."""
    facts_after: tuple[Piece, ...]
    findings: tuple[Finding, ...]


def change_view(library: Library, change: Preview, find: str, by: str) -> ChangeView:
    """A change as a line of the preview."""
    pair, then = library.by_id[change.pair_id], change.then
    now = library.shown(pair).now
    has_other_facts = change.row_id is None and then.facts != now.facts
    facts_before, facts_after = (_listed(facts) if has_other_facts else "" for facts in (now.facts, then.facts))
    # Where spellings become one, or go, the marks have no place.
    is_replaced = facts_after == facts_before.replace(find, by)
    return ChangeView(
        pair_id=pair.id,
        number=pair.number,
        question="" if change.row_id else now.question,
        before=_marked(change.before, find, find),
        after=_marked(change.before, find, by),
        facts_before=_marked(facts_before, find, find),
        facts_after=_marked(facts_before, find, by) if is_replaced else _plain(facts_after),
        findings=check(library, pair, then.question, then.answer, then.facts, change.row_id),
    )


def _listed(facts: Facts) -> str:
    return " · ".join(SPELLINGS.join(spellings) for spellings in facts)


def _marked(text: str, find: str, by: str) -> tuple[Piece, ...]:
    """A text in which words are replaced, what stands in their place marked."""
    first, *rest = (_plain(part) for part in text.split(find))
    mark = (Piece(by, is_evidence=True),) if by else ()
    return (*first, *chain.from_iterable((*mark, *part) for part in rest))


def _plain(text: str) -> tuple[Piece, ...]:
    return (Piece(text),) if text else ()
