"""Yes or no: what a polar question is, and which of the two an answer says.

| question | answer | says |
|---|---|---|
| Does it verify? | Of course it does. | yes: a clause of small words alone decides |
| Does it verify? | By default, it verifies HTTPS. | yes: it states what was asked |
| Does it verify? | It never verifies. | no: the denial stands before what was asked |
| Does it verify? | It verifies without delay. | yes: “without” denies the delay |
| Does it verify? | Verification is off. | – what was asked, to verify, is not said |
| Does it verify by default? | Yes, but not by default. | – both |
| 未登录会保存吗？ | 未登录会保存。 | yes: 未 stands in the question |
| 未登录会保存吗？ | 不会保存。 | no: 不 stands before what was asked |
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wukong_pipe.language.fact_matching import stem
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.plain_words import (
    AUXILIARIES,
    CHINESE_YES,
    FUNCTION,
    NEGATIONS,
    NO,
    SUBORDINATING,
    YES,
)
from wukong_pipe.language.similarity import ngrams

_ASKS_IN_CHINESE = re.compile(r"吗|是否|能否|可否|有没有|(.)不\1")
_ASKS_IN_ENGLISH = re.compile(rf"(?:\A|[.,;:!?]\s+)(?:{'|'.join(sorted(AUXILIARIES))})(?:n['’]t)?\b", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"(.)[不没]\1|(?<=[是能可])否")
"""The other half of 会不会 and 是否."""
_SENTENCE = re.compile(r"([^。；！？;!?\n.]|\.(?!\s|\Z))*([。；！？;!?\n.]|\Z)")
_CLAUSE = re.compile(r"[，,：:]|\s(?=(?:but|though|although|whereas)\b)", re.IGNORECASE)
_CONTRAST = re.compile(r"\s*(?:but|though|although|except|但|不过|然而|可是)", re.IGNORECASE)
_CONTRACTED = re.compile(r"n['’]t\b")
_NOT_ONLY = re.compile(r"不仅|不但|不只|\bnot only\b|\bno doubt\b", re.IGNORECASE)
_NO_LONGER = re.compile(r"\bno longer\b", re.IGNORECASE)
_WHETHER = re.compile(r"\bwhether\b|是否|能否", re.IGNORECASE)
_BARE = re.compile("(?:当然|答案是?)?(.+?)[的吧啊呀呢哦]?")
_DENIED = re.compile(f"[{''.join(sorted(NEGATIONS))}](?:再|法|{'|'.join(sorted(CHINESE_YES, key=len, reverse=True))})*")


def polarity_of(fact: str, question: str) -> bool | None:
    """Whether a fact is the yes or the no that a question asks for; None where it is neither.

    >>> polarity_of("Yes", "Does it verify?"), polarity_of("不会", "它会验证吗？"), polarity_of("会", "他写了什么字？")
    (True, False, None)
    """
    normal = normalise(fact)
    if normal in ("yes", "no"):
        return normal == "yes"
    return _bare_decision(normal) if normal and _ASKS_IN_CHINESE.search(question) else None


def leading_decision(answer: str, question: str) -> str | None:
    """The yes or no with which the answer to a polar question begins; None where it begins otherwise.

    >>> leading_decision("No, it is slow.", "Is it fast?"), leading_decision("会，默认验证。", "它会验证吗？")
    ('No', '会')
    """
    first = re.split(r"[^\w'’]", answer.strip(), maxsplit=1)[0]
    asks = _ASKS_IN_ENGLISH if first.isascii() else _ASKS_IN_CHINESE
    return first if asks.search(question) and polarity_of(first, question) is not None else None


def says_yes(answer: str, question: str) -> bool | None:
    """Whether the first sentence of an answer that decides its question says yes; None where none does.

    The table above has the rules. Questions that the answer begins with, such as its own again, decide nothing.
    """
    asked = _ALTERNATIVE.sub(r"\1", question)
    for sentence in _sentences(_NO_LONGER.sub("not", _CONTRACTED.sub(" not", _NOT_ONLY.sub(" ", answer)))):
        clauses = [clause for clause in _CLAUSE.split(sentence) if normalise(clause)]
        said = _decision(clauses, asked)
        if said is not None:
            return None if said and any(_objects(clause, asked) for clause in clauses[1:]) else said
        if any(_is_both(clause) for clause in clauses):
            return None
    return None


def _sentences(text: str) -> Iterator[str]:
    for match in _SENTENCE.finditer(text):
        if match[2] not in ("?", "？"):
            yield match.group()


def _decision(clauses: list[str], asked: str) -> bool | None:
    """What the clauses of a sentence decide: a yes or no first, then a clause of small words, then the fullest one."""
    for i, clause in enumerate(clauses):
        words = normalise(clause).split()
        if _is_both(clause):
            return None
        # “Yes, …”, “The answer is yes”; but “no matter what” behind a comma says nothing.
        if said := {"yes", "no"} & {words[0] if i == 0 else "", words[-1]}:
            return "yes" in said
        if {*words} <= FUNCTION | YES | NO and {*words} & (YES | NO | AUXILIARIES) and words[0] not in SUBORDINATING:
            return not NO & {*words}
        if len(words) == 1 and (bare := _bare_decision(words[0])) is not None:
            return bare
    about = _subjects(asked)
    told = [clause for clause in clauses if _subjects(clause) & about and not _WHETHER.search(clause)]
    if not told:
        return None
    fullest = max(told, key=lambda clause: len(_subjects(clause) & about))
    if _denies(fullest, asked):
        return False
    return True if _states(fullest, asked) else None


def _objects(clause: str, asked: str) -> bool:
    """Whether a clause behind a yes takes it back, as “but not by default” does; “but not HTTP” does not."""
    match = _CONTRAST.match(clause)
    if match is None or not _denies(clause, asked):
        return False
    return all(word in _subjects(asked) for word in _subjects(clause[match.end() :]) if word.isascii())


def _is_both(clause: str) -> bool:
    return {"yes", "no"} <= {*normalise(clause).split()}


def _bare_decision(normal: str) -> bool | None:
    """What a Chinese clause says that is nothing but a yes or no: 会, 当然不会, 是的."""
    match = _BARE.fullmatch(normal)
    bare = match[1] if match else normal
    if bare in CHINESE_YES:
        return True
    return False if bare in NEGATIONS or (bare[:1] in NEGATIONS and bare[1:] in CHINESE_YES) else None


def _denies(clause: str, asked: str) -> bool:
    """Whether a denial in a clause is about what was asked, and is no part of the question itself."""
    pairs = _subjects(asked)
    for match in _DENIED.finditer(clause):
        beginning = clause[match.start() : match.start() + 2]
        modal, behind = match.group()[1:], clause[match.end() : match.end() + 2]
        if beginning not in asked and (behind in pairs or (modal and modal in asked)):
            return True
    words, asks = normalise(clause).split(), normalise(asked).split()
    return any(word in NO and word not in asks and _is_about(words, i, pairs) for i, word in enumerate(words))


def _is_about(words: list[str], i: int, about: frozenset[str]) -> bool:
    """Whether the denial at a place is about what was asked: it stands before it, or behind an auxiliary."""
    behind = next((stem(word) for word in words[i + 1 :] if word not in FUNCTION), None)
    if behind is None or behind in about or words[i] in ("none", "nothing"):
        return True
    return i > 0 and words[i - 1] in AUXILIARIES and not about <= {stem(word) for word in words[:i]}


def _states(clause: str, asked: str) -> bool:
    """Whether a clause says the verb of an English question, or “it does” in its place; “fails to verify” does not."""
    verb = _verb(asked)
    if verb is None:
        return True
    words = normalise(clause).split()
    if words[-1] in AUXILIARIES:
        return True
    places = [i for i, word in enumerate(words) if stem(word) == verb]
    return any(i == 0 or words[i - 1] != "to" for i in places) or (bool(places) and f"to {verb}" in asked)


def _verb(asked: str) -> str | None:
    """The stem of what an English question asks of its subject; None where that cannot be told.

    It is the first word behind a pronoun, and else the second one: “Does it verify”, “Does httpx verify”.
    """
    match = _ASKS_IN_ENGLISH.search(asked)
    if not match:
        return None
    words = [word for word in normalise(asked[match.end() :]).split() if word.isalpha()]
    own = [stem(word) for word in words if word not in FUNCTION]
    at = 0 if words[:1] and words[0] in FUNCTION - {"a", "an", "the"} else 1
    return own[min(at, len(own) - 1)] if own else None


def _subjects(text: str) -> frozenset[str]:
    """What a text is about: stems of its words but the small ones, and pairs of Chinese characters."""
    normal = normalise(text)
    pairs = (gram for gram in ngrams(normal, 2) if not gram.isascii())
    return frozenset(pairs) | {stem(word) for word in normal.split() if word.isascii() and word not in FUNCTION}
