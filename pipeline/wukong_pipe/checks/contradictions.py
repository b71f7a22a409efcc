"""Does an answer turn round what its evidence says? By an opposite, a negation, or facts that changed places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations

from wukong_pipe.checks.comparing import COARSE, FIGURE, FINE, STATEMENT, Known, clauses, content, words
from wukong_pipe.language import plain_words
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import amounts
from wukong_pipe.reasons import Reason

EVIDENCE = Reason.of("evidence")
"""What an answer is compared with; who compares with another text puts that in its place."""


def opposite_said(answer: str, known: Known) -> Reason | None:
    """A word of which the evidence holds the opposite, and not itself."""
    said, evidence = frozenset(words(_WITH_NOBODY.sub("without", answer))), known.told
    for side in sorted(frozenset[int]().union(*(_SIDES_WITH.get(word, ()) for word in said))):
        here, there = _SIDES[side]
        if evidence & there and not evidence & here and not said & there:
            return Reason.of("opposite", words=min(said & here), source=EVIDENCE)
    told = _without_pronouns(answer)
    for these, those in _chinese_opposites(known):
        own = next((word for word in these if word in told), "")
        if own and not any(word in told for word in those):
            return Reason.of("opposite", words=own, source=EVIDENCE)
    return None


_WITH_NOBODY = re.compile(r"\bwith (?:no|nobody|none|nothing|zero)\b", re.I)
_SIDES = [sides for pair in plain_words.OPPOSITES for sides in (pair, pair[::-1])]
_SIDES_WITH: dict[str, list[int]] = {}
for _number, (_here, _) in enumerate(_SIDES):
    for _word in _here:
        _SIDES_WITH.setdefault(_word, []).append(_number)
_CHINESE_SIDES = [
    sides
    for left, right in plain_words.CHINESE_OPPOSITES
    for sides in ((left.split(), right.split()), (right.split(), left.split()))
]


@lru_cache(maxsize=64)
def _chinese_opposites(known: Known) -> list[tuple[list[str], list[str]]]:
    """Words that what is known does not use, beside their opposites that it does."""
    source, evidence = _without_pronouns(known.text), " ".join(known.evidence)
    return [
        (these, those)
        for these, those in _CHINESE_SIDES
        if any(word in evidence for word in those) and not any(word in source for word in these)
    ]


def _without_pronouns(text: str) -> str:
    return _PRONOUN.sub("", text)


_PRONOUN = re.compile("前者|后者|前提|以后者|之前者")


_NEGATION = re.compile(
    r"不(?!仅|但(?!能)|同|过|少|断|妨|论|管|止|只(?!能)|得不)|(?<![出埋沉淹])没(?!收|落)|未|无(?!论|头)|并非|从不|免(?!费)"
    r"|\b(?:not|never|no|nor|neither|none|nobody|nothing|without|cannot|unable"
    r"|instead of|rather than|failed|declined|refused)\b|n['’]t\b",
    re.I,
)
_EITHER = re.compile(r"(有|能|会|是|要|可|肯|该|算|用|难)[没不]\1|离不开|放不下|少不了|免不了|不得不|\bno\. ?\d", re.I)
_EXCLUSIVE = re.compile(
    r"只|仅|唯|除(?!了?[^，。；]*(?:还|也))|以外|之外|难以|很少|拒|禁|免(?!费)|独(?![立特])|单(?![机人位元])|停|(?<!损)失"
    r"|短时|另"
    r"|\b(?:only|sole|solely|except|but|other"
    r"|uncrewed|unmanned|unable|unlike|alone|just|lack\w*|before|until|abort\w*|cancel\w*|miss(?:e[sd]|ing)?|lost|cut"
    r"|prevent\w*|instead)\b",
    re.I,
)


def denied(answer: str, known: Known) -> Reason | None:
    """A clause that denies what the evidence says, or says what the evidence denies."""
    said = clauses(_NUMBERED.sub("number ", answer))
    # What one cell of a table denies, it does not deny of another.
    source = [clause for text in known.evidence for cell in _cells(text) for clause in clauses(cell)]
    whole = " ".join(source)
    if normalise(answer) in normalise(whole):
        return None
    for clause in said:
        if match := _NEGATION.search(_EITHER.sub("", clause)):
            most = max((len(content(other) & content(clause)) for other in source), default=0)
            alike = [other for other in source if most and len(content(other) & content(clause)) == most] or [whole]
            if not any(is_negative(other, or_exclusive=True) for other in alike):
                return Reason.of("denies", words=match.group(), source=EVIDENCE)
    for clause in source if not is_negative(known.around) else ():
        if match := _NEGATION.search(_EITHER.sub("", clause)):
            about = content(clause) - content(known.around)
            alike = sorted(said, key=lambda other: -len(content(other) & about))
            if alike and len(content(alike[0]) & about) >= 2 and not is_negative(alike[0], or_exclusive=True):
                return Reason.of("negation-of-source-gone", words=match.group(), source=EVIDENCE)
    return None


_NUMBERED = re.compile(r"\bno\. ?(?=\d)", re.I)


def _cells(text: str) -> list[str]:
    """The cells of a table row, any other text as it is."""
    return text.strip("| ").split("|") if text.startswith("|") else [text]


def is_negative(text: str, or_exclusive: bool = False) -> bool:
    """Whether a text denies something; 能不能 and 离不开 do not. `or_exclusive`: an "only" or "except" counts too."""
    denies = _NEGATION.search(text) and _NEGATION.search(_EITHER.sub("", text))
    return bool(denies or (or_exclusive and _EXCLUSIVE.search(text)))


def crossed(answer: str, known: Known) -> Reason | None:
    """Facts of two things that changed places: clauses of the answer mix what the evidence keeps apart."""
    for records in _records(known):
        told = [content(record) for record in records]
        own = [mine.difference(*(other for j, other in enumerate(told) if j != i)) for i, mine in enumerate(told)]
        first = [i for i, _ in sorted(enumerate(own), key=lambda item: _position(item[1], known.around))]
        for split_at in (FINE, COARSE, STATEMENT):
            mixed: set[tuple[int, int]] = set()
            for clause in clauses(answer, split_at):
                held = {i for i, mine in enumerate(own) if mine & content(clause)}
                held |= {first[place] for word, place in _PRONOUNS.items() if word in clause}
                pairs = set(combinations(sorted(held), 2))
                if pairs & mixed:
                    return Reason.of("mixed", words=clause[:40], source=EVIDENCE)
                mixed |= pairs
    for clause in clauses(answer, FINE):
        if _in_wrong_column(clause, known):
            return Reason.of("another-column", words=clause[:40], source=EVIDENCE)
    if known.question and _in_wrong_column(answer, known, known.question):
        return Reason.of("answer-of-another-column", source=EVIDENCE)
    return _of_another(answer, known)


def _of_another(answer: str, known: Known) -> Reason | None:
    """A clause that gives the figure of one thing to another: of "3 t for A and 5 t for B" it says "5 t for A"."""
    for records in _records(known):
        told = [content(record) for record in records]
        own = [mine.difference(*(other for j, other in enumerate(told) if j != i)) for i, mine in enumerate(told)]
        figures = [_figures(record) & mine for record, mine in zip(records, own, strict=True)]
        for clause in clauses(answer, FINE):
            about = content(clause)
            given = [i for i, mine in enumerate(figures) if mine & about]
            named = [i for i, mine in enumerate(own) if (mine - figures[i]) & about]
            if len(given) == len(named) == 1 and given != named and len(figures[named[0]]) > 0:
                return Reason.of("mixed", words=clause[:40], source=EVIDENCE)
    return None


def _figures(text: str) -> frozenset[str]:
    """The amounts of a text that are no part of a name or of a date."""
    return frozenset(quantity.value for quantity in amounts(text).quantities if quantity.unit[:1] not in ("#", ""))


_PRONOUNS = {"前者": 0, "后者": 1, "the former": 0, "the latter": 1}


def _records(known: Known) -> Iterator[Sequence[str]]:
    """The evidence as statements of which each is about another thing."""
    for split_at in (COARSE, FINE):
        pieces = [clause for text in known.evidence for clause in clauses(text, split_at)]
        # Items of one list may change places; where each comes with its figure they are statements.
        if len(pieces) > 1 and (
            split_at is COARSE or sum(bool(FIGURE.search(in_figures(piece))) for piece in pieces) > 1
        ):
            yield pieces
    if len(known.evidence) > 1:
        yield known.evidence


def _in_wrong_column(clause: str, known: Known, question: str = "") -> bool:
    """Whether a clause gives a cell of a table row the head of another column, that it or its question names."""
    said, asked = content(clause), content(question)
    heads, cells = [[content(text) for text in side] for side in zip(*known.columns, strict=True)] or [[], []]
    named = {
        i
        for i, (head, cell) in enumerate(zip(heads, cells, strict=True))
        if (asked if question else said) & head.difference(*heads[:i], *heads[i + 1 :]) and not asked & cell
    }
    given = {i for i, cell in enumerate(cells) if said & cell.difference(*cells[:i], *cells[i + 1 :])}
    return bool(named and given) and not named & given


def _position(marks: frozenset[str], text: str) -> int:
    lower = in_figures(text).casefold()
    return min((at for mark in marks if (at := lower.find(mark)) >= 0), default=len(lower))
