"""Does a wording ask for more or for less than its base question: under a condition, at another time, of more things?

Each check gives the reason why, or None. The lists are of function words of English and Chinese.
"""

from __future__ import annotations

import re

from wukong_pipe.checks.answer_in_evidence import ordinals
from wukong_pipe.checks.base_question import BaseQuestion, base_question, scopes
from wukong_pipe.checks.comparing import character_pairs, content, stem, words
from wukong_pipe.language import plain_words
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair

_CONDITION = re.compile(
    r"(?:如果|若是|假如|要是|除了)[^，。；？]*|[^，。；？]{0,16}(?:的话|情况下|状态下|期间|以外)"
    r"|\b(?:if(?! (?:some|any)one asks)|unless|except|besides|excluding|not counting"
    r"|leaving out|without|despite)\b[^,?]*",
    re.IGNORECASE,
)


_CONDITIONAL = re.compile(
    r"如果|若是|假如|要是|除了|的话|情况下|状态下|期间|以外"
    r"|\b(?:if|unless|except|besides|excluding|counting|leaving|without|despite)\b",
    re.IGNORECASE,
)
"""Words of which every condition holds one: looked for first, which is far quicker."""


def same_conditions(question: str, pair: QAPair) -> Reason | None:
    """A condition of the base question stays; one about what it does not speak of stays out."""
    if not (_CONDITIONAL.search(pair.question) or _CONDITIONAL.search(question)):
        return None
    for match in _CONDITION.finditer(pair.question):
        if not content(match.group()) & content(question) and not _nobody_else(question):
            return Reason.of("condition-gone", words=match.group()[:30].strip())
    for match in _CONDITION.finditer(question):
        about = content(match.group())
        if about and not about & base_question(pair).about and not _CONDITION.search(pair.question):
            return Reason.of("condition-new", words=match.group()[:30].strip())
    return None


def _nobody_else(question: str) -> bool:
    """Whether a wording has a condition of its own, or says "with nobody" for "without"."""
    return bool(_CONDITION.search(question) or re.search(r"\bwith (?:no|nobody|none|nothing|zero)\b", question, re.I))


def same_scope(question: str, pair: QAPair) -> Reason | None:
    """A wording asks for all, any, both or only where its base question or its source does."""
    base = base_question(pair)
    if new := scopes(question) - base.scopes:
        return Reason.of("scope-new", words=min(new))
    if _BOTH.search(question) and not _TWO.search(f"{pair.question} ; {pair.answer}"):
        return Reason.of("scope-new", words="both")
    return None


_BOTH = re.compile(r"\bboth\b", re.I)
_TWO = re.compile(r"\b(?:both|two|and|or|pair|couple|double|twin|either|each)\b|[,&/]", re.I)


# --- times and circumstances -----------------------------------------------------------------------------------

_CIRCUMSTANCE = re.compile(
    r"\b(?:during|after|before|until|while|once|when(?! (?:was|were|is|are|did|do|does|has|have|had|will|can|could)\b)"
    r"|since|with(?! (?:no|nobody|none|nothing|zero)\b)|without|under|amid|back (?:on|in|at)"
    r"|on (?:its|their|his|her|the) (?:way|return)|in the (?:first|second|last) half)\b((?:\s+[\w'’-]+){1,6})",
    re.IGNORECASE,
)
_OF_VERBS = re.compile(r"\b(?:with|under)\b", re.IGNORECASE)
"""Prepositions that belong to many a verb: "filled with". What they bring must not stand in the source either."""
_LINK = """
a an the of its his her their it he she they them him me us you that this these those which who what was were is are to
be been being had has have did do does in on at for by and or as from with so no not
"""
_LINKS = frozenset(_LINK.split())
_CHINESE_TIME = re.compile(
    r"(?P<what>[^，。；？、]{2,14}?)(?:(?P<before>之前|以前)|(?P<after>之后|以后)|之时|(?<!什么)的?时候|当中|时(?=[，,]))"
)
_LETTERS = re.compile("[A-Za-z]{2}")
_TIME = re.compile("[之以][前后时]|时候|当中|时[，,]")
# No 前, 先 or 后 of a name such as 虎先锋 and 皇后.
_BEFORE = re.compile("之前|以前|前[，,]|先于|早于")
_AFTER = re.compile("(?<![皇王太天])后(?![羿裔])")


def same_time(question: str, pair: QAPair) -> Reason | None:
    """No "after …", "during …" or "with …" comes in that is about something which the base question does not name."""
    base = base_question(pair)
    for match in _CIRCUMSTANCE.finditer(question) if _LETTERS.search(question) else ():
        said = [word for word in words(in_figures(match[1])) if word not in _LINKS]
        known = base.stems | base.placed
        if _OF_VERBS.match(match.group()):
            said, known = [word for word in said if word not in plain_words.ENGLISH], known | base.told
        if said and not {stem(word) for word in said} & known:
            return Reason.of("words-new", words=match.group()[:40])
    for match in _CHINESE_TIME.finditer(question) if _TIME.search(question) else ():
        if (match["before"] and _BEFORE.search(pair.question)) or (match["after"] and _AFTER.search(pair.question)):
            continue
        about = character_pairs(match["what"])
        own = about - plain_words.CHINESE
        if own and not about & base.placed and not own & base.characters:
            return Reason.of("words-new", words=match.group())
    return None


# --- things ----------------------------------------------------------------------------------------------------

_AND = re.compile(
    r"(?<![\w'’-])([\w'’-]+)\s+(?:and|or)\s+(?:(?:the|its|their|his|her|an?|all|any|other)\s+)*([\w'’-]+(?:\s+[\w'’-]+)?)",
    re.I,
)
_CHINESE_AND = re.compile(r"([\u4e00-\u9fff]{2})(?:和|与|以及|跟)([\u4e00-\u9fff]{2,3})")


def same_things(question: str, pair: QAPair) -> Reason | None:
    """What the base question asks of one thing, a wording does not ask of two, nor of the sixth, nor of another row."""
    base = base_question(pair)
    return _joined(question, base) or _ordinal(question, base) or _other_cell(question, base)


def _joined(question: str, base: BaseQuestion) -> Reason | None:
    """Something new that stands beside what the base question names: "the crew and the engineers" for "the crew"."""
    for match in _AND.finditer(question):
        first, others = words(match[1]), [word for word in words(match[2]) if word not in _LINKS]
        known = first and first[-1] not in plain_words.ENGLISH and stem(first[-1]) in base.stems
        if known and others and not _ASKS.fullmatch(others[0]) and not {stem(word) for word in others} & base.stems:
            return Reason.of("asks-of-more", words=match.group())
    for match in _CHINESE_AND.finditer(question):
        known = match[1] not in plain_words.CHINESE and match[1] in base.pair.question
        if known and not character_pairs(match[2]) & (
            base.characters | base.placed | character_pairs(base.pair.answer)
        ):
            return Reason.of("asks-of-more", words=match.group())
    return None


_ASKS = re.compile(
    "what|which|who|whom|whose|how|where|when|why|did|does|do|was|were|is|are|had|has|have"
    "|give|tell|name|say|state|list|show|describe|explain",
    re.I,
)
"""Words with which a second clause begins that asks: what follows "and" is then no second thing."""


def _ordinal(question: str, base: BaseQuestion) -> Reason | None:
    """ "The sixth mission" where nothing speaks of a sixth."""
    new = ordinals(question) - ordinals(base.known.text) - {"first"}
    return Reason.of("words-new", words=min(new)) if new else None


def _other_cell(question: str, base: BaseQuestion) -> Reason | None:
    """A cell of another row of the table."""
    asked = normalise(in_figures(question))
    for cell, form in base.other_cells:
        if stands_in(form, asked):
            return Reason.of("another-row", words=cell)
    return None
