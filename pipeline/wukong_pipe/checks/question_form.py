"""Is a text a question, and can it be understood alone? Limits on what a question or an answer may hold."""

from __future__ import annotations

import re

from wukong_pipe.language.quantities import ENDLESS
from wukong_pipe.language.text import LONGEST, normalise
from wukong_pipe.printable import unseen_in

MAX_QUESTION = 300
MAX_ANSWER = 1500
LEANS_ON_TEXT = re.compile(
    r"上文|下文|文中|本文|本节|本段|原文|上述|前述|如上|材料中|该段|这段文字"
    r"|\b(?:the|this|that) (?:above |following |given )?(?:text|passage|section|paragraph|document|excerpt|source)\b"
    r"|\b(?:the (?:above|below|following)|as (?:above|below)|(?:mentioned|listed|shown|given) (?:above|below))\b",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"(?:请|麻烦|烦请)?(?:你|您)?(?:帮我|简要|简单|试着|分别|逐一|依次)?"
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
_PRONOUN_FIRST = re.compile(r"^(?:它|他|她|它们|他们|该|此)|^(?:it|he|she|they|its|his|her|their)\b", re.IGNORECASE)


def unseen(text: str) -> str | None:
    """Why a question or answer that nobody sees all of is not trained on. Evidence is the source's own, and may."""
    char = unseen_in(text)
    return f"holds an invisible character: {char}" if char else None


def too_long(answer: str) -> str | None:
    """Why an answer, or a numeral in it, is longer than any that is meant, None where it is not."""
    if len(answer) > MAX_ANSWER:
        return f"answer longer than {MAX_ANSWER} characters"
    return f"answer holds a numeral of more than {LONGEST} characters" if ENDLESS.search(answer) else None


def check_question(question: str) -> str | None:
    """Whether a text is a question that can be understood alone."""
    if not question.rstrip("”\"' 」』").endswith(("？", "?")) and not _ORDER.match(question):
        return "not a question: it does not end in a question mark"
    if match := LEANS_ON_TEXT.search(question) or _PRONOUN_FIRST.search(question):
        return f"does not stand alone: “{match.group()}”"
    return None if len(normalise(question)) >= 3 else "no question in it"


def pair_too_long(question: str, answer: str) -> str | None:
    if len(question) > MAX_QUESTION:
        return f"question longer than {MAX_QUESTION} characters"
    return too_long(answer)
