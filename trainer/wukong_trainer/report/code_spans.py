"""Where a text writes code in backticks, as Markdown has it: `inline`, and blocks between fences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Setting = Literal["", "code", "block"]
"""How a part of a text is set: as text, as code in a line, as a block of code."""

_FENCE = r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^`\n]*(?:\n(?P<block>.*?))??(?:\n[ ]{0,3}(?P=fence)[`~]*[ ]*(?:\n|\Z)|\Z)"
_INLINE = r"(?<!`)(?P<ticks>`+)(?!`)(?P<inline>[^\n]+?)(?<!`)(?P=ticks)(?!`)"
_CODE = re.compile(rf"{_FENCE}|{_INLINE}", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text from `start` to `end`, without the backticks round it."""

    setting: Setting
    start: int
    end: int


def parts_of(text: str) -> Iterator[Part]:
    """The parts of a text in their order; a fence that is never closed holds all the rest.

    >>> [(part.setting, "Use `x` here."[part.start : part.end]) for part in parts_of("Use `x` here.")]
    [('', 'Use '), ('code', 'x'), ('', ' here.')]
    """
    done = 0
    for match in _CODE.finditer(text):
        if done < match.start():
            yield Part("", done, match.start())
        if match["inline"] is not None:
            yield Part("code", *match.span("inline"))
        elif match["block"]:
            yield Part("block", *match.span("block"))
        done = match.end()
    if done < len(text):
        yield Part("", done, len(text))
