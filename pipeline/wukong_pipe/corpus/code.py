"""How a code block is split: one unit, or several where it is long, cut at its blank lines.

```python
import httpx                      → one piece of its lines, without the fence: "import httpx\\nhttpx.get(url)"
httpx.get(url)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it.token import Token

MAX_LINES = 15
"""A piece grows over blank lines while it has no more lines than this."""
_DIRECTIVE = re.compile(r"\s*(?:\.\. +[\w:-]+::.*|:[\w -]+:.*)?")
_OPTIONS = re.compile(r"\A(?:[ \t]*:[\w-]+:.*(?:\n|\Z))+")
ADMONITION = re.compile(
    r"\{(?:admonition|attention|caution|danger|dropdown|error|hint|important|note|seealso|tip|warning)\}"
)
"""The info of a fence that holds no code but an admonition of MyST."""


@dataclass(frozen=True, slots=True)
class CodePiece:
    """Some lines of a code block: lines `first` to `last`, exclusive, of the text; fence lines belong to its ends."""

    first: int
    last: int
    code: str


def pieces(block: Token) -> Iterator[CodePiece]:
    """The pieces of a code block, in order; none where it is empty."""
    assert block.map
    lines = block.content.split("\n")
    top = block.map[0] + (block.type == "fence")
    packed = _packed(lines)
    for number, (begin, end) in enumerate(packed):
        first = block.map[0] if number == 0 else top + begin
        last = block.map[1] if number == len(packed) - 1 else top + end
        yield CodePiece(first, last, "\n".join(lines[begin:end]))


def _packed(lines: list[str]) -> list[tuple[int, int]]:
    """(first, after the last) of each piece, without blank lines at its ends."""
    packed: list[tuple[int, int]] = []
    begin: int | None = None
    for at, line in enumerate([*lines, ""]):
        if line.strip():
            begin = at if begin is None else begin
        elif begin is not None:
            if packed and at - packed[-1][0] <= MAX_LINES:
                packed[-1] = (packed[-1][0], at)
            else:
                packed.append((begin, at))
            begin = None
    return packed


def without_options(body: str, fence: str) -> str:
    """The content of an admonition in a fence, as long as it was: spaces stand for its options and closing mark."""
    masked = _OPTIONS.sub(_blank, body, count=1)
    return re.sub(rf"(?m)^[ \t]*{fence}+[ \t]*\Z", _blank, masked.rstrip()) + body[len(body.rstrip()) :]


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\r\n]", " ", match.group())


def is_directive(block: Token) -> bool:
    """Whether a fence only tells a tool what to write in its place, as `{eval-rst}` with `.. autofunction::` does."""
    return block.info.startswith("{") and all(map(_DIRECTIVE.fullmatch, block.content.split("\n")))
