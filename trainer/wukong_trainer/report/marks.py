"""Where an answer leaves its reference: the passages that differ, the key facts it lacks, the names it adds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.key_facts import KeyFacts, key_facts
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_trainer.data.thoughts import split_thought

SHOWN = 4000
"""Characters of a text that the page shows; the whole of it stands in eval/answers.jsonl."""
COMPARED = 1500
"""Longer answers or references are shown without marks."""
MATCHES = 20_000
"""With more pairs of equal words, as where a student repeats itself, comparing would take minutes: no "extra"."""

Piece = tuple[str, str]
"""(mark, text); the mark is "", "extra", "strange" or "fact"."""

_TOKEN = re.compile(rf"[^\W_{CJK}]+(?:[.,]\d+)*|\s+|.", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*|第?[零〇一二两三四五六七八九十百千万亿]+")
_SEPARATORS = re.compile(r"[、；;\n，。.]|(?<!\d),(?!\d)|\band\b")


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer as the page shows it."""

    thought: str
    """What stood inside <think>, cut to SHOWN."""
    pieces: list[Piece]
    missing: list[str]
    """Key facts of the reference that the answer does not state, as the reference spells them."""
    cut: int
    """Characters of answer and thought that are not shown."""


def mark(answer: str, reference: str, context: str, invented: Iterable[Any] = ()) -> Marked:
    """Compare an answer with its reference, word by word, a Chinese text character by character.

    Args:
        context: the question and its heading path: what stands there, the answer did not make up.
        invented: terms that the evaluation found to be made up, marked wherever they stand.

    Returns:
        The answer in pieces: "extra" does not stand in the reference at that place, "strange" is a number, a name
        or a quoted term that neither reference nor context holds.
    """
    thought, said = split_thought(answer)
    shown = said[:SHOWN]
    marks = [""] * len(shown)
    if max(len(shown), len(reference)) <= COMPARED:
        for start, end in _differences(shown, reference):
            marks[start:end] = ["extra"] * (end - start)
        for start, end in _strange(shown, f"{reference}\n{context}", invented):
            marks[start:end] = ["strange"] * (end - start)
    return Marked(
        thought=thought[:SHOWN],
        pieces=_pieces(shown, marks),
        missing=_missing(said, reference),
        cut=len(said[SHOWN:]) + len(thought[SHOWN:]),
    )


def mark_reference(reference: str) -> list[Piece]:
    """The reference in pieces, its key facts marked as "fact", cut to SHOWN."""
    shown = reference[:SHOWN]
    marks = [""] * len(shown)
    facts = key_facts(reference)
    for match in _NUMBER.finditer(shown):
        if numbers(match.group()) & facts.numbers:
            marks[match.start() : match.end()] = ["fact"] * len(match.group())
    for spelling in _spellings(reference, facts).values():
        for match in re.finditer(re.escape(spelling), shown):
            marks[match.start() : match.end()] = ["fact"] * len(spelling)
    return _pieces(shown, marks)


def _pieces(text: str, marks: list[str]) -> list[Piece]:
    """Neighbouring characters with the same mark as one piece."""
    pieces: list[Piece] = []
    start = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or marks[i] != marks[start]:
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


def _missing(answer: str, reference: str) -> list[str]:
    """The key facts of the reference that the answer does not state, numbers in ascending order first."""
    facts = key_facts(reference)
    if facts.found_in(answer):
        return []
    none: frozenset[str] = frozenset()
    lost = [number for number in facts.numbers if not KeyFacts(frozenset({number}), none).found_in(answer)]
    spelled = _spellings(reference, facts)
    terms = [term for term in facts.terms if not KeyFacts(none, frozenset({term})).found_in(answer)]
    names = sorted(spelled.get(term, term) for term in terms)
    # The 11 of a missing Apollo 11 goes without saying.
    lost = [number for number in lost if number not in numbers("\n".join(names))]
    return sorted(lost, key=lambda number: (len(number), number)) + names


def _spellings(reference: str, facts: KeyFacts) -> dict[str, str]:
    """How the reference writes each of the facts' terms, where that can be found."""
    candidates = [*quoted(reference), *latin_names(reference), *map(str.strip, _SEPARATORS.split(reference)), reference]
    return {normalise(text): text for text in reversed(candidates) if normalise(text) in facts.terms}
