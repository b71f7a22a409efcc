"""Is a text a question, and can it be understood alone? Limits on what a question or an answer may hold."""

from __future__ import annotations

import re

from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import ENDLESS, LONGEST
from wukong_pipe.language.sentences import sentences
from wukong_pipe.printable import unseen_in
from wukong_pipe.reasons import Reason

MAX_QUESTION = 300
MAX_ANSWER = 1500
LEANS_ON_TEXT = re.compile(
    # 本节点, 本文件 and 上下文 hold such words by chance: what follows, and what stands before, tells.
    r"(?:(?<![\u4e00-\u9fff])|(?<=[据按照在从由]))(?:上文|下文|本文|本节|本段)(?=[的中里内所提讲介说写，,、：:])"
    r"|\b(?:this|the (?:above|following|given)|according to the) (?:text|section|paragraph|document|passage|excerpt)\b"
    r"|\bthe (?:text|section|paragraph|document|source) (?:above|below)\b",
    re.IGNORECASE,
)
"""What speaks of the text that it was made from, whatever else is said."""
MAY_LEAN = re.compile(
    r"(?:(?<![\u4e00-\u9fff])|(?<=[据按照在从由对与和]))(?:上文|下文|文中|本文|本节|本段|原文|上述|前述|如上|材料中|该段|这段文字)"
    r"|\b(?:that (?:text|section|paragraph|document|source)|(?:this|according to the) source"
    r"|(?:the|that) (?:passage|excerpt)|the (?:above|below|following)"
    r"|(?:as|mentioned|listed|shown|given) (?:above|below))\b",
    re.IGNORECASE,
)
"""What mostly speaks of that text, and may be part of a word or a name: 文中子, the passage of an act."""
# IT admins and HE-AAC are no pronouns, and It Takes Two is a name.
_PRONOUN_FIRST = re.compile(r"[它他她该此]|(?:[Ii]t|[Hh]e|[Ss]he|[Tt]hey|[Ii]ts|[Hh]is|[Hh]er|[Tt]heir)\b(?!-| ?[A-Z])")
_ORDER = re.compile(
    r"(?:(?:请|麻烦|烦请)[^，。；？！]{0,16}?|(?:你|您)?(?:帮我|简要|简单|试着|分别|逐一|依次)?)"
    r"(?:列出|列举|说出|说明(?!书)|说说|说一说|讲讲|讲述|谈谈|介绍(?!信)|描述|解释(?!权)"
    r"|概括(?!来说)|概述|简述|写出|指出|举出|比较(?!难|多|少)|总结|告诉我)"
    r"|(?:please |kindly |(?:can|could|would|will) you (?:please )?)?"
    r"(?:(?:name|list|state|mention|outline)(?= (?:(?:the|an?|all|any|both|each|every|some|several|at least|one|two"
    r"|three|four|five|six|seven|eight|nine|ten|what|which|who|whom|whose|how|where|when|why|whether|its|his|her|their"
    r")\b|(?-i:[A-Z])|[\d“\"《]))"
    r"|(?:give|describe|explain|identify|specify|summari[sz]e|define|compare|enumerate"
    r"|tell (?:me|us)|say (?:what|which|who|whom|whose|how|where|when|why|whether))\b)",
    re.IGNORECASE,
)
"""How an order that asks as a question does begins: "Name the …", 请列出……; "List price" and 说明书 are things."""


def unseen(text: str) -> Reason | None:
    """Why a question or answer that nobody sees all of is not trained on. Evidence is the source's own, and may."""
    char = unseen_in(text)
    return Reason.of("invisible", character=char) if char else None


def empty(answer: str) -> Reason | None:
    """Why an answer of nothing but full stops and the like is none; a sign such as `*` may be one."""
    return None if answer.strip(" \t\r\n.。…,，;；:：!！?？") else Reason.of("empty-answer")


def too_long(answer: str) -> Reason | None:
    """Why an answer, or a numeral in it, is longer than any that is meant, None where it is not."""
    if len(answer) > MAX_ANSWER:
        return Reason.of("answer-too-long", most=MAX_ANSWER)
    return Reason.of("endless-numeral", most=LONGEST) if ENDLESS.search(answer) else None


def no_question(text: str) -> Reason | None:
    """Whether a text neither ends in a question mark nor holds an order that asks."""
    asks = text.rstrip("”\"' 」』").endswith(("？", "?")) or any(map(_ORDER.match, sentences(text)))
    return None if asks else Reason.of("no-question")


def leans(question: str) -> Reason | None:
    """Whether a question cannot be understood alone."""
    if match := LEANS_ON_TEXT.search(question):
        return Reason.of("leans-on-text", words=match.group())
    return None if len(normalise(question)) >= 3 else Reason.of("empty-question")


def may_lean(question: str) -> Reason | None:
    """Whether a question holds words that mostly speak of something said before."""
    match = MAY_LEAN.search(question) or _PRONOUN_FIRST.match(question)
    return Reason.of("leans-on-text", words=match.group()) if match else None


def pair_too_long(question: str, answer: str) -> Reason | None:
    if len(question) > MAX_QUESTION:
        return Reason.of("question-too-long", most=MAX_QUESTION)
    return too_long(answer)
