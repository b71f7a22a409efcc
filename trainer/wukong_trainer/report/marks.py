"""An answer marked beside its reference: the facts in it, other passages, names and numbers from nowhere, code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.fact_matching import Facts, places
from wukong_pipe.language.identifiers import identifiers
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_trainer.data.thoughts import split_thought
from wukong_trainer.report.code_spans import Setting, parts_of
from wukong_trainer.scoring.facts import Wanted, facts_found

SHOWN = 4000
"""Characters of a text that the page shows; the whole of it stands in eval/answers.jsonl."""
COMPARED = 1500
"""Longer answers or references are shown without marks."""
MATCHES = 20_000
"""With more pairs of equal words (a student that repeats itself) the comparison takes minutes: no "extra" is marked."""

Piece = tuple[str, str]
"""(mark, text); the mark is "", "extra", "strange" or "fact"."""

_TOKEN = re.compile(rf"[^\W_{CJK}]+(?:[.,]\d+)*|\s+|.", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*|第?[零〇一二两三四五六七八九十百千万亿]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a text as the page sets it, in pieces."""

    setting: Setting
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer as the page shows it."""

    thought: str
    """The text inside <think>, cut to SHOWN characters."""
    segments: list[Segment]
    missing: list[str]
    """Facts that the answer does not state, in their first spelling."""
    reworded: list[str]
    """Facts that it states in a spelling that stands nowhere in it letter by letter, and so cannot be marked."""
    cut: int
    """Characters of answer and thought that are not shown."""


def mark(answer: str, wanted: Wanted, context: str, invented: Iterable[Any] = ()) -> Marked:
    """Compare an answer with its reference, word by word, a Chinese text character by character.

    Args:
        context: the question and its heading path. What stands there, the answer has not made up.
        invented: terms that the evaluation found in no source; they are marked wherever they stand.

    Returns:
        The answer in pieces: "fact" is one that a right answer holds, "extra" does not stand in the reference at that
        place, "strange" is a number, a name or a quoted term that neither reference nor context holds.
    """
    thought, text = split_thought(answer)
    shown = text[:SHOWN]
    marks = [""] * len(shown)
    if max(len(shown), len(wanted.reference)) <= COMPARED:
        _set(marks, _differences(shown, wanted.reference), "extra")
        _set(marks, _strange(shown, f"{wanted.reference}\n{context}", invented), "strange")
    there = facts_found(text, wanted) if wanted.facts else []
    found = [fact for fact, is_there in zip(wanted.facts, there, strict=True) if is_there]
    code = identifiers(wanted.reference)
    spans_of = {fact: list(_spans(shown, fact, code)) for fact in found}
    for spans in spans_of.values():
        _set(marks, spans, "fact")
    return Marked(
        thought=thought[:SHOWN],
        segments=_segments(shown, marks),
        missing=[fact[0] for fact, is_there in zip(wanted.facts, there, strict=True) if not is_there],
        reworded=[fact[0] for fact in found if not spans_of[fact]],
        cut=len(text[SHOWN:]) + len(thought[SHOWN:]),
    )


def mark_reference(reference: str, facts: Facts) -> list[Segment]:
    """The reference with the facts of its question marked as "fact", cut to SHOWN."""
    shown = reference[:SHOWN]
    marks = [""] * len(shown)
    for fact in facts:
        _set(marks, _spans(shown, fact, identifiers(reference)), "fact")
    return _segments(shown, marks)


def unmarked(text: str) -> list[Segment]:
    """A text without marks, its code set as code."""
    return _segments(text, [""] * len(text))


def _set(marks: list[str], spans: Iterable[tuple[int, int]], kind: str) -> None:
    for start, end in spans:
        marks[start:end] = [kind] * (end - start)


def _spans(text: str, fact: Sequence[str], code: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Where a text holds a spelling of a fact letter by letter."""
    for spelling in fact:
        yield from places(spelling, text, code)


def _segments(text: str, marks: list[str]) -> list[Segment]:
    return [Segment(part.setting, _pieces(text, marks, part.start, part.end)) for part in parts_of(text)]


def _pieces(text: str, marks: list[str], start: int, end: int) -> list[Piece]:
    """Neighbouring characters with the same mark as one piece."""
    pieces: list[Piece] = []
    for i in range(start + 1, end + 1):
        if i == end or marks[i] != marks[start]:
            pieces.append((marks[start], text[start:i]))
            start = i
    return pieces


def _differences(answer: str, reference: str) -> Iterator[tuple[int, int]]:
    """Spans of the answer that the reference does not have at that place."""
    spans, ours = _words(answer)
    _, theirs = _words(reference)
    counts = Counter(theirs)
    if sum(counts[word] for word in ours) > MATCHES:
        return
    start = 0
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        text = "".join(ours[block.a : block.a + block.size])
        # Single characters meet by chance; a text cut into confetti says nothing.
        inside = 0 < block.a < len(ours) - block.size
        if inside and sum(char.isalnum() for char in text) < 2:
            continue
        here = spans[block.a][0] if block.a < len(spans) else len(answer)
        if answer[start:here].strip():
            yield start, here
        start = spans[block.a + block.size - 1][1] if block.size else here


def _words(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """The spans of words, Chinese characters, white space and punctuation; and what stands there, case folded."""
    spans = [match.span() for match in _TOKEN.finditer(text)]
    return spans, [text[start:end].casefold() for start, end in spans]


def _strange(answer: str, known: str, invented: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """Spans of numbers, names and quoted terms that do not stand in `known`, and of what `invented` names."""
    known_numbers, normal = numbers(known), normalise(known)
    for match in _NUMBER.finditer(answer):
        if numbers(match.group()) - known_numbers:
            yield match.span()
    names = {name for name in quoted(answer) | latin_names(answer) if normalise(name) not in normal}
    for name in names | {term for term in invented if isinstance(term, str) and term}:
        for match in re.finditer(re.escape(name), answer):
            yield match.span()
