"""Rows made by hand, for the tests of what happens to rows after the teacher has answered."""

from __future__ import annotations

from collections.abc import Sequence

from wukong_pipe.dataset.dedupe import Removal, dedupe
from wukong_pipe.language.hashing import digest
from wukong_pipe.records import QAPair, Row, Section


def section(name: str, text: str = "") -> Section:
    return Section("a.md", ("书", name), 1, text or f"## {name}\n正文。\n")


def pair(question: str, answer: str = "答", where: str = "节", evidence: str = "正文。") -> QAPair:
    """A pair that is of one fact with all pairs of its section that have its evidence."""
    fact = digest(where, evidence)
    return QAPair(section(where), question, answer, (evidence,), (2, 2), "base", "t", "p@1", "call", fact_id=fact)


def family(base: QAPair, wordings: Sequence[str] = ()) -> list[Row]:
    """The base row of a pair and one row a wording."""
    first = Row.of(base, base.question, "base", base.prompt, base.call)
    return [first, *(Row.of(base, text, "paraphrase", "q@1", "call2") for text in wordings)]


def row(question: str, answer: str = "答", where: str = "节") -> Row:
    return family(pair(question, answer, where))[0]


def deduped(rows: Sequence[Row], names: frozenset[str]) -> tuple[list[Row], list[Removal]]:
    """What `dedupe` keeps of rows, and what it removes."""
    found = dedupe(rows, names)
    return [rows[place] for place in found.places], [*found.removals]
