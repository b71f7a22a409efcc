"""How many pairs a unit is worth: a teacher is asked for as many as the unit can truthfully give.

What a sentence says is counted in clauses, not full stops, code in statements, a table row in cells (tables.py):

    Proxies are off.                                                       → 1
    石庚于2018年立项，2020年公布，2024年发售，三天内卖出一千万份。            → 2
"""

from __future__ import annotations

import math
import re

from wukong_pipe.language.chinese import CJK

MOST = 4
"""A sentence or item is worth so many pairs at most: of a longer one the same would be asked again."""
_ANNOUNCES_CODE = re.compile(r"(?:\.\.\.|…)\s*$")
_SIGNPOST = re.compile(
    r"[：:]\s*$|^(?:下表|如下|The following|As follows)|(?:as follows|如下)[.。]$"
    # A caption: the number of a figure or table, and its name.
    r"|^(?:图|表)\s*\d+(?:[-.–]\d+)*(?:\s*[:：.．]|\s)[^。！？]*$"
    r"|^(?:Fig(?:ure|\.)|Table)\s*\d+(?:[-.–]\d+)*\s*[:.][^.!?]*$"
)
"""Words that only announce what follows or name what stands beside them."""
_CLAUSE_END = re.compile(
    r"[，,；;：:。！？!?()（）—]+|\.\s|\s[-–]\s|\s(?:and|but|or|which|who|while|when|if|because|so that)\s"
)
_TOKEN = re.compile(f"[{CJK}]|[^\\W_{CJK}]+")
_CLAUSE = {True: 5, False: 4}
"""Fewer characters (Chinese) or words (English) are no clause but a part of one."""
_CLAUSES_A_PAIR = 2

_COMMENT = re.compile(r"\s*(?:#(?!\[|!|include)|//|--\s|/\*|\*[\s/]|<!--|;|\"\"\"|\'\'\')")
_PROMPT = re.compile(r"\s*(?:\$|>>>|\.\.\.|PS>)\s")
_STATEMENT = re.compile(r"\w")
_STATEMENTS_A_PAIR = 5
_MOST_OF_CODE = 3


def announces_code(words: str) -> bool:
    """Whether a sentence before code leads to it: “You can disable it:”, “You can disable it...”."""
    return bool(_SIGNPOST.search(words) or _ANNOUNCES_CODE.search(words))


def worth_of_words(words: str) -> int:
    """The pairs that a sentence or list item is worth: one for two clauses, at least one; a signpost none."""
    if _SIGNPOST.search(words):
        return 0
    clauses = sum(map(_is_clause, _CLAUSE_END.split(words)))
    return max(1, min(MOST, math.ceil(clauses / _CLAUSES_A_PAIR)))


def _is_clause(part: str) -> bool:
    tokens = _TOKEN.findall(part)
    return len(tokens) >= _CLAUSE[any(not token.isascii() for token in tokens)] or any(map(str.isdigit, tokens))


def worth_of_code(code: str) -> int:
    """The pairs that code is worth: one for a command, up to three for a long example; comments and output none."""
    count = len(statements(code))
    return min(_MOST_OF_CODE, 1 + count // _STATEMENTS_A_PAIR) if count or _STATEMENT.search(code) else 0


def statements(code: str) -> list[str]:
    """The lines of code that say something, without prompts; of a session in a terminal what was typed."""
    lines = [line for line in code.splitlines() if _STATEMENT.search(line)]
    if any(_PROMPT.match(line) for line in lines):
        return [_PROMPT.sub("", line, count=1) for line in lines if _PROMPT.match(line)]
    return [line for line in lines if not _COMMENT.match(line)]
