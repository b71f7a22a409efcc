"""What the templates show of a pair: texts in the page's language, nothing to work out."""

from __future__ import annotations

from dataclasses import dataclass

from wukong_pipe.language.page_words import Words
from wukong_pipe.reasons import Lang
from wukong_pipe.review import decision_lines
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review.stale import Stale
from wukong_pipe.review.versions import Shown, Wording
from wukong_pipe.review_page.document import Piece, marked_text
from wukong_pipe.review_page.typed_facts import typed_facts


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
        can_take_back=bool(decision_lines.take_back(library.decisions, pair)),
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
