"""Does an answer turn round what its evidence says? By a denial, or by facts of two things that changed places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from wukong_pipe.checks.comparing import COARSE, FINE, STATEMENT, Known, clauses, content
from wukong_pipe.language.identifiers import without_fences
from wukong_pipe.language.quantities import amounts
from wukong_pipe.reasons import Reason

EVIDENCE = Reason.of("evidence")
"""What an answer is compared with; who compares with another text puts that in its place."""
_NEGATION = re.compile(
    r"[不没未无](?![同论过仅但])"
    r"|\b(?:not|never|no(?!\. ?\d)|nor|neither|none|nobody|nothing|without|cannot)\b|n['’]t\b",
    re.I,
)
_ALMOST = re.compile(
    r"[不没未无非免只仅唯除难拒禁停失另]|n['’]t\b"
    r"|\b(?:no|not|never|nor|neither|none|nobody|nothing|without|cannot|unable|instead|rather|only|except|but|other"
    r"|unlike|alone|just|before|until|lost|cut|(?:fail|lack|miss|prevent|avoid|ignor|disabl)\w*|un\w+ed)\b",
    re.I,
)
"""What denies, or says so much of a denial that another text may put it as one."""
_EITHER = re.compile(r"(.)[没不]\1")
"""能不能, 有没有: whether."""
_ANSWERS_NO = re.compile(r"^\s*(?:No|Not)\b[,.;:，。]?|^(?:不是|不会|不能|不可以|没有|否|不)[，。,；]", re.I)


def denied(answer: str, known: Known) -> Reason | None:
    """A negation where nothing that is known denies anything; the "No" that answers a question is none."""
    match = _NEGATION.search(_EITHER.sub("", _ANSWERS_NO.sub("", answer)))
    if match is None or _ALMOST.search(known.text):
        return None
    return Reason.of("denies", words=match.group(), source=EVIDENCE)


def crossed(answer: str, known: Known) -> Reason | None:
    """Facts of two things that changed places: clauses of the answer mix what the evidence keeps apart."""
    prose = without_fences(answer)
    for records in ([clause for text in known.evidence for clause in clauses(text)], known.evidence):
        told = {record: content(record) for record in records}
        times = Counter(word for about in told.values() for word in about)
        own = {record: frozenset(word for word in about if times[word] == 1) for record, about in told.items()}
        own = {record: mine for record, mine in own.items() if mine}
        if len(own) < 2:
            continue  # There is nothing to mix.
        if mixed := _mixed(prose, list(own.values())) or _of_another(prose, own):
            return Reason.of("mixed", words=mixed[:40], source=EVIDENCE)
    return None


def _mixed(answer: str, own: Sequence[frozenset[str]]) -> str | None:
    """A clause that holds what is the own of two statements, where another clause mixes the same two."""
    for split_at in (FINE, COARSE, STATEMENT):
        seen: set[tuple[int, int]] = set()
        if len(parts := clauses(answer, split_at)) < 2:
            continue
        for clause in parts:
            pairs = set(combinations([i for i, mine in enumerate(own) if mine & content(clause)], 2))
            if pairs & seen:
                return clause
            seen |= pairs
    return None


def _of_another(answer: str, own: Mapping[str, frozenset[str]]) -> str | None:
    """A clause that gives the figure of one thing to another: of "3 t for A and 5 t for B" it says "5 t for A"."""
    for clause in clauses(answer, FINE):
        about = content(clause)
        # The cheap test first: most clauses say what is the own of one record at most.
        if sum(not about.isdisjoint(mine) for mine in own.values()) < 2:
            continue
        figures = [_figures(record) & mine for record, mine in own.items()]
        names = [mine - figure for mine, figure in zip(own.values(), figures, strict=True)]
        given = [i for i, figure in enumerate(figures) if figure & about]
        named = [i for i, name in enumerate(names) if name & about]
        if len(given) == len(named) == 1 and given != named and figures[named[0]]:
            return clause
    return None


def _figures(text: str) -> frozenset[str]:
    """The amounts of a text that are no part of a name or of a date."""
    return frozenset(quantity.value for quantity in amounts(text).quantities if quantity.unit[:1] not in ("#", ""))
