"""What the templates show of a pair's section, and of what was rejected there."""

from __future__ import annotations

from dataclasses import dataclass

from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.reasons import Lang
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair, ReviewReject
from wukong_pipe.review_page.document import Block, Marks, document


@dataclass(frozen=True, slots=True)
class RejectView:
    """What was rejected, and whether it can be rescued."""

    id: str
    lang: Lang
    reason: str
    question: str
    answer: str
    spelling: str
    fact: str
    """What that is another spelling of."""
    pair_question: str
    pair_answer: str
    """Of the pair that it words in another way; "" where it does not, or where that is not known."""
    reply: str
    """What the teacher sent, where nothing else could be read from it."""
    goes: str
    """As what it comes in: "test", "wording" or "pair"."""
    is_rescued: bool
    not_rescuable: str


@dataclass(frozen=True, slots=True)
class SectionView:
    """The section of a pair."""

    title: tuple[str, ...]
    lang: str
    source: str
    first: int
    last: int
    blocks: list[Block] | None
    """None where its text is gone: its evidence stands in its place."""
    evidence: tuple[str, ...]
    rejects: list[RejectView]
    """Those that can be rescued first; without the spellings."""
    spellings: list[RejectView]
    """Spellings of facts that were refused."""


def section_view(library: Library, pair: ReviewPair, lang: Lang) -> SectionView:
    """The section of a pair, its evidence and facts marked."""
    section = library.section(pair.section_id)
    blocks = None
    first, last = pair.lines
    if section:
        spans = [span for text in pair.evidence if (span := section.place_of(text, pair.lines))]
        blocks = document(section, Marks.of(section.text, spans, library.shown(pair).now.facts))
        first, last = section.first_line, section.last_line
    views = [reject_view(library, reject, lang) for reject in library.rejects(pair.section_id)]
    rejects = sorted((view for view in views if not view.spelling), key=lambda view: bool(view.not_rescuable))
    spellings = [view for view in views if view.spelling]
    return SectionView(pair.title, pair.lang, pair.source, first, last, blocks, pair.evidence, rejects, spellings)


def reject_view(library: Library, reject: ReviewReject, lang: Lang) -> RejectView:
    decision, pair = library.decisions.of(reject.id), library.pair_worded(reject)
    return RejectView(
        id=reject.id,
        lang="zh" if is_chinese(reject.question + reject.answer) else "en",
        reason=reject.reason.sentence(lang),
        question=reject.question,
        answer=reject.answer if not pair or reject.answer != pair.answer else "",
        spelling=reject.spelling,
        fact=reject.fact,
        pair_question=pair.question if pair else reject.base,
        pair_answer=pair.answer if pair else "",
        reply="" if reject.question or reject.answer else reject.reply,
        goes="test" if reject.is_tested else "wording" if reject.base else "pair",
        is_rescued=bool(decision and decision.rescue),
        not_rescuable=reject.not_rescuable.sentence(lang) if reject.not_rescuable else "",
    )
