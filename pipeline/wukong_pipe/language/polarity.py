"""Yes or no: what a polar question is, and which of the two an answer says.

“Does it verify by default?” – “It does not, unless told to.” says no, and so does 不会，除非另有设置。
"""

from __future__ import annotations

import re

from wukong_pipe.language.fact_matching import stem
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.plain_words import CHINESE_YES, FUNCTION, NEGATIONS, NO, YES
from wukong_pipe.language.similarity import ngrams

_ASKS_IN_CHINESE = re.compile(r"吗|是否|能否|可否|有没有|(.)不\1")
_ALTERNATIVE = re.compile(r"(.)[不没]\1|(?<=[是能可])否")
"""The other half of 会不会 and 是否."""
_SENTENCE = re.compile(r"[。；！？;!?\n]|\.(?=\s|\Z)")
_CLAUSE = re.compile("[，,：:]")
_CONTRACTED = re.compile(r"n['’]t\b")
_NOT_ONLY = re.compile(r"不仅|不但|不只|\bnot only\b|\bno doubt\b", re.IGNORECASE)


def polarity_of(fact: str, question: str) -> bool | None:
    """Whether a fact is the yes or the no that a question asks for; None where it is neither.

    >>> polarity_of("Yes", "Does it verify?"), polarity_of("不会", "它会验证吗？"), polarity_of("会", "他写了什么字？")
    (True, False, None)
    """
    normal = normalise(fact)
    if normal in ("yes", "no"):
        return normal == "yes"
    if not _ASKS_IN_CHINESE.search(question):
        return None
    bare = normal.removesuffix("的")
    if bare in CHINESE_YES:
        return True
    return False if bare in NEGATIONS or (bare[:1] in NEGATIONS and bare[1:] in CHINESE_YES) else None


def says_yes(answer: str, question: str) -> bool | None:
    """Whether the first sentence of an answer that decides its question says yes; None where none does.

    What decides is a yes or no at its beginning, a clause of nothing else (“it does not”, 不会), or of the others the
    one that says most of what was asked: “By default, it verifies none” says more of it than “by default” does.
    """
    asked = _ALTERNATIVE.sub(r"\1", question)
    decisions = (_decision(sentence, asked) for sentence in _SENTENCE.split(_NOT_ONLY.sub(" ", answer)))
    return next((said for said in decisions if said is not None), None)


def _decision(sentence: str, asked: str) -> bool | None:
    clauses = [clause for clause in _CLAUSE.split(_CONTRACTED.sub(" not", sentence)) if normalise(clause)]
    if not clauses:
        return None
    first, *_ = normalise(clauses[0]).split()
    if first in YES or first in NO or first[0] in NEGATIONS:
        return first in YES
    for clause in clauses:
        words = normalise(clause).split()
        bare = words[0].removesuffix("的")
        if bare in CHINESE_YES or (bare[0] in NEGATIONS and bare[1:] in CHINESE_YES):
            return bare in CHINESE_YES
        if {*words} <= FUNCTION | YES | NO:
            return not NO & {*words}
    about = _subjects(asked)
    fullest = max(clauses, key=lambda clause: len(_subjects(clause) & about))
    if not _subjects(fullest) & about:
        return None
    return not (NO & {*normalise(fullest).split()} or _is_negated(fullest, asked))


def _is_negated(clause: str, asked: str) -> bool:
    """Whether a Chinese clause holds a 不 that is no part of a word of the question, such as 不同."""
    return any(char in NEGATIONS and clause[i : i + 2] not in asked for i, char in enumerate(clause))


def _subjects(text: str) -> frozenset[str]:
    """What a text is about: stems of its words but the small ones, and pairs of Chinese characters."""
    normal = normalise(text)
    pairs = (gram for gram in ngrams(normal, 2) if not gram.isascii())
    return frozenset(pairs) | {stem(word) for word in normal.split() if word.isascii() and word not in FUNCTION}
