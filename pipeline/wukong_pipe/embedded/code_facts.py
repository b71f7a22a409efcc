"""Facts of code: a command or statement with a gap in place of its last word.

wukong-pipe journal --recover    → cloze: wukong-pipe journal ____ → --recover
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from wukong_pipe.corpus.unit import Unit
from wukong_pipe.corpus.worth import statements
from wukong_pipe.embedded.questions import GAP, Fact

_LAST_WORD = re.compile(r"(?P<before>.*\w.*\s)(?P<answer>(?=[^\s]*[^\W\d_]{2})[^\s#]{2,40})")
MAX_LINE = 160
"""Characters of a line that is asked for, at most."""


def code_facts(unit: Unit) -> Iterator[Fact]:
    """As many lines of a piece of code as it is worth, each asked for its last word."""
    yield from islice(_gapped_lines(unit), unit.facts)


def _gapped_lines(unit: Unit) -> Iterator[Fact]:
    for line in statements(unit.words):
        match = _LAST_WORD.fullmatch(" ".join(line.split()))
        if match and len(line) <= MAX_LINE and match["answer"] not in match["before"]:
            yield Fact("cloze", (("gapped", match["before"] + GAP),), match["answer"], (unit,))
