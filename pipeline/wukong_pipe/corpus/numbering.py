"""A section under numbers, as a prompt shows it: a stand-in until units are numbered."""

from __future__ import annotations

from dataclasses import dataclass

from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.records import Section


@dataclass(frozen=True, slots=True)
class NumberedSection:
    text: str
    units: tuple[str, ...]


def numbered(section: Section) -> NumberedSection:
    pieces: list[str] = []
    fence = False
    for line in clean(section.header + section.text).text.split("\n"):
        if fence:
            pieces[-1] += "\n" + line
        elif line.strip():
            pieces.append(line.strip())
        if line.strip().startswith("```"):
            fence = not fence
    return NumberedSection("\n".join(f"[{n}] {p}" for n, p in enumerate(pieces, 1)), tuple(pieces))
