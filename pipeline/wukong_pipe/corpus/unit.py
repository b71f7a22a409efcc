"""One thing that a section says: a verbatim slice, how a prompt shows it, and how many pairs it is worth."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.tables import worth_of_row
from wukong_pipe.corpus.worth import worth_of_code, worth_of_words

Kind = Literal["sentence", "item", "row", "code", "heading", "image", "autodoc"]
_ENDS_A_SENTENCE = re.compile(r"[.。!！?？…]$")
_QUOTED_LINE = re.compile(r"(?<=[\r\n])[ \t]*(?:>[ \t]?)+")


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence, list item, table row or piece of code of a section; or what says nothing: a heading, an image, or
    a line in whose place a tool writes documentation.

    {"kind": "row", "start": 96, "end": 110, "text": "| 出云棍 | 石敢当 |", "words": "出云棍 石敢当", "lead": "",
     "header": ["武器", "掉落者"], "cells": ["出云棍", "石敢当"]}
    {"kind": "code", "start": 40, "end": 88, "text": "Install it:\\n\\n```sh\\npip install httpx\\n```",
     "words": "pip install httpx", "announced": "Install it:"}
    """

    kind: Kind
    start: int
    end: int
    text: str
    """section.text[start:end], verbatim."""
    words: str
    """The text without markup, list marker and bold lead-in; of code the code, without what encloses it."""
    lead: str = ""
    """The bold term that a list item or paragraph begins with, or the term that is defined; of code that of what
    announces it."""
    header: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    announced: str = ""
    """The sentence before code that announces it."""

    @property
    def is_telling(self) -> bool:
        """Whether the unit can be evidence."""
        return self.kind in {"sentence", "item", "row", "code"}

    @property
    def facts(self) -> int:
        """How many pairs this unit is worth; one that only announces or names what follows says nothing to ask for."""
        if self.kind == "row":
            return worth_of_row(self.cells)
        if self.kind == "code":
            return worth_of_code(self.words)
        is_label = self.kind == "sentence" and not self.words and not _ENDS_A_SENTENCE.search(self.lead)
        return worth_of_words(self.words or self.lead) if self.is_telling and not is_label else 0

    @property
    def shown(self) -> str:
        """The unit as a prompt shows it: in one line, without debris and padding; code as it stands, below what
        announces it.

        “武器: 出云棍 | 掉落者: 石敢当”
        """
        if self.kind == "code":
            return "\n".join(filter(None, (self.announced, self.words)))
        if self.kind == "row":
            named = zip_longest(self.header, self.cells, fillvalue="")
            return " | ".join(f"{head}: {cell}" if head else cell for head, cell in named if cell)
        return shown(self.text)


def moved(unit: Unit, by: int) -> Unit:
    """The unit at another place."""
    return replace(unit, start=unit.start + by, end=unit.end + by)


def shown(markdown: str) -> str:
    """Markdown in one line, without debris and marks of a quotation."""
    return " ".join(clean(_QUOTED_LINE.sub("", markdown)).text.split())
