"""What the templates show of a pair, its section, a list and the progress: texts in the page's language, nothing to
work out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.page_words import Words, filled
from wukong_pipe.reasons import Lang
from wukong_pipe.records import Facts
from wukong_pipe.review.bound import Bound
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair, ReviewReject, Shown, Stale, Wording
from wukong_pipe.review_page.document import Block, Marks, Piece, document, marked_text

SPELLINGS = " | "
"""What separates the spellings of a fact where it is typed."""


@dataclass(frozen=True, slots=True)
class WordingView:
    """One way to ask a pair's question."""

    id: str
    question: str
    pieces: tuple[Piece, ...]
    """The question as it is set."""
    where: str
    """The split, of a test row its level."""
    state: str
    """"dropped", "mended", or "" where nothing was decided."""
    before: str
    """The teacher's wording, where it was mended."""
    other_answer: str
    """Its answer where it is worded unlike the pair's."""


@dataclass(frozen=True, slots=True)
class PairView:
    """A pair as it is read and edited."""

    id: str
    lang: str
    state: str
    stood: int
    """The line of the newest decision on it: what is typed is about the pair as it stood then."""
    can_take_back: bool
    """Whether something was decided on it, or on what its rows ask."""
    kind: str
    kind_means: str
    where: str
    own: WordingView
    answer: tuple[Piece, ...]
    answer_text: str
    answer_before: str
    facts: tuple[tuple[tuple[Piece, ...], ...], ...]
    """Of each fact its spellings, as they are set."""
    facts_before: str
    """"" where they are the teacher's."""
    facts_text: str
    """One fact a line, as it is typed."""
    verified: str
    doubts: list[str]
    wordings: list[WordingView]
    note: str
    tags: str
    stale: str
    """The state that a decision gave it before its section changed; else ""."""


@dataclass(frozen=True, slots=True)
class RejectView:
    """What was rejected, and whether it can be rescued."""

    id: str
    lang: Lang
    stage: str
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


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list."""

    id: str
    question: tuple[Piece, ...]
    state: str
    is_doubtful: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class ProgressView:
    """How far the reading is, and what may be said of the rest."""

    read: int
    sample: int
    """Of the random sample; of those that are read."""
    pairs: int
    bound: str
    """"64 read, 2 wrong: at most 9 % …"."""
    enough: str
    """That it is enough, how many more make it so, or that nothing does."""
    is_enough: bool


def pair_view(library: Library, pair: ReviewPair, stale: Stale | None, words: Words, lang: Lang) -> PairView:
    """A pair with what was decided laid over it."""
    shown, decision = library.shown(pair), library.decisions.of(pair.id)
    has_other_facts = shown.now.facts != shown.before.facts
    own, *others = (_wording(wording, shown.now.answer, words) for wording in shown.wordings)
    return PairView(
        id=pair.id,
        lang=pair.lang,
        state=library.state(pair),
        stood=library.decisions.newest_of(pair),
        can_take_back=bool(library.decisions.take_back(pair)),
        kind=words.get(f"kind_{pair.kind}", pair.kind),
        kind_means=words.get(f"means_kind_{pair.kind}", ""),
        where=words["comma"].join(dict.fromkeys(_where(split, pair.level, words) for split in pair.splits)),
        own=own,
        answer=marked_text(shown.now.answer, shown.now.facts),
        answer_text=shown.now.answer,
        answer_before=shown.before.answer if shown.before.answer != shown.now.answer else "",
        facts=tuple(tuple(marked_text(spelling) for spelling in fact) for fact in shown.now.facts),
        facts_before=" · ".join(typed_facts(shown.before.facts).splitlines()) if has_other_facts else "",
        facts_text=typed_facts(shown.now.facts),
        verified=words.get(f"verified_{_verified(pair, shown)}", pair.verified),
        doubts=[reason.sentence(lang) for reason in library.doubts(pair)],
        wordings=others,
        note=decision.note if decision else "",
        tags=", ".join(decision.tags) if decision else "",
        stale=_state_of(stale, words) if stale and library.state(pair) == "unread" else "",
    )


def _verified(pair: ReviewPair, shown: Shown) -> str:
    """What the teacher's second reading is worth: nothing of a text that was mended since."""
    is_same = (shown.now.question, shown.now.answer) == (pair.question, pair.answer)
    return "changed" if pair.verified == "yes" and not is_same else pair.verified


def _wording(wording: Wording, answer: str, words: Words) -> WordingView:
    row = wording.row
    is_mended = wording.question != row.question
    return WordingView(
        id=row.id,
        question=wording.question,
        pieces=marked_text(wording.question),
        where=_where(row.split, row.level, words),
        state="dropped" if wording.dropped else "mended" if is_mended else "",
        before=row.question if is_mended else "",
        other_answer=wording.answer if wording.answer != answer else "",
    )


def _where(split: str, level: str, words: Words) -> str:
    return words.get(f"level_{level}" if split == "test" and level else f"split_{split}", split)


def _state_of(stale: Stale, words: Words) -> str:
    edit = stale.edit
    state = "dropped" if edit.drop else "mended" if edit.mends else "accepted"
    return words[f"state_{state}"]


def typed_facts(facts: Facts) -> str:
    """Facts as they are typed: one a line, its spellings separated by “ | ”."""
    return "\n".join(SPELLINGS.join(spellings) for spellings in facts)


def facts_typed(text: str) -> Facts:
    """The facts that somebody typed.

    >>> facts_typed("curl | cURL\\n\\n8080")
    (('curl', 'cURL'), ('8080',))
    """
    lines = ([spelling.strip() for spelling in line.split("|")] for line in text.splitlines())
    facts = (tuple(dict.fromkeys(filter(None, spellings))) for spellings in lines)
    return tuple(filter(None, facts))


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
        stage=reject.stage,
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


def entries(library: Library, pairs: Sequence[ReviewPair], current: str) -> list[Entry]:
    """Pairs as lines of the list."""
    return [
        Entry(
            pair.id,
            marked_text(_question(library, pair)),
            library.state(pair),
            library.is_doubtful(pair),
            pair.id == current,
        )
        for pair in pairs
    ]


def _question(library: Library, pair: ReviewPair) -> str:
    # `shown` lays decisions over all rows of a pair, which takes its time for a list of them.
    is_decided = any(library.decisions.of(id_) for id_ in (pair.id, pair.rows[0].id))
    return library.shown(pair).now.question if is_decided else pair.question


def progress_view(read: int, bound: Bound, limit: float, words: Words) -> ProgressView:
    """The progress of all pairs, and the bound in words."""
    return ProgressView(
        read=read,
        sample=bound.read,
        pairs=bound.pairs,
        bound=_bound_sentence(bound, words),
        enough=_enough_sentence(bound, limit, words),
        is_enough=bound.more_needed == 0,
    )


def _bound_sentence(bound: Bound, words: Words) -> str:
    if not bound.read:
        return words["bound_none"]
    if bound.read == bound.pairs:
        return filled(words["all_read"], n=bound.pairs, wrong=bound.wrong)
    return filled(words["bound"], read=bound.read, wrong=bound.wrong, at_most=bound.at_most)


def _enough_sentence(bound: Bound, limit: float, words: Words) -> str:
    if bound.read == bound.pairs:
        return ""
    values = {"limit": ceil(100 * limit - 1e-9), "n": bound.more_needed}
    key = "too_many" if bound.more_needed is None else "more" if bound.more_needed else "enough"
    return filled(words[key], **values)
