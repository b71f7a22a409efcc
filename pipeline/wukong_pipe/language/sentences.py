"""Sentences of running text, Chinese and English: where each begins and ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.plain_words import ABBREVIATIONS, ABBREVIATIONS_IN_CAPITALS

_IDEOGRAPH = re.compile(f"[{CJK}]")
_CLOSERS = "”’」』）)】》\"'*_`"
_ABBREVIATION = re.compile(rf"(?:\b(?:[A-Z]|{'|'.join(map(re.escape, ABBREVIATIONS_IN_CAPITALS))})|\.[A-Za-z])$")
_ABBREVIATION_IN_LOWER_CASE = re.compile(rf"(?:\b(?:{'|'.join(map(re.escape, ABBREVIATIONS)).lower()})|\.[a-z])$")
_BEFORE_A_STOP = 8
"""The search for an abbreviation looks at this many characters before a full stop."""
_NOT_SPACE = re.compile(r"\S")
_CAPITAL = re.compile("[A-Z]")
_SMALL_LETTER = re.compile("[a-z]")
UNCAPITALISED = 200
"""A text of so many small letters to each capital is a transcript of speech: its sentences begin with none."""


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the sentences in running text; together they cover all that is not white space.

    。！？；… end a sentence anywhere. Full stops, ! and ? end one only before white space, a Chinese character or the
    end of the text. A full stop does not end one after an abbreviation or an initial, so `4.0`, `Dr. von Braun` and
    `U.S. Navy` stay whole, nor before a small letter, unless the text has (almost) no capitals. The time is linear in
    the length of `text`.
    """
    start = 0
    capitalised = _is_capitalised(text)
    abbreviation = _ABBREVIATION if capitalised else _ABBREVIATION_IN_LOWER_CASE
    for match in re.finditer(r"[。！？；…]+|[!?]+|\.+", text):
        end = match.end()
        while end < len(text) and text[end] in _CLOSERS:
            end += 1
        mark = match.group()
        if mark[0] in ".!?":
            if end < len(text) and not text[end].isspace() and not _IDEOGRAPH.match(text[end]):
                continue
            before = text[max(start, match.start() - _BEFORE_A_STOP) : match.start()]
            if mark == "." and (abbreviation.search(before) or (capitalised and _goes_on(text, end))):
                continue
        if start <= end:
            yield from _trimmed(text, start, end)
            start = end
    yield from _trimmed(text, start, len(text))


def _goes_on(text: str, end: int) -> bool:
    """Whether the next word after a full stop begins with a small letter: then the sentence goes on."""
    following = _NOT_SPACE.search(text, end)
    return following is not None and following.group().islower()


def _is_capitalised(text: str) -> bool:
    """Whether a text begins its sentences with capitals; of a text too short to tell, this is assumed."""
    small = len(_SMALL_LETTER.findall(text))
    return small < UNCAPITALISED or small < UNCAPITALISED * len(_CAPITAL.findall(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    chunk = text[start:end]
    if chunk.strip():
        yield start + len(chunk) - len(chunk.lstrip()), start + len(chunk.rstrip())


def sentences(text: str) -> list[str]:
    """The sentences of running text, without the white space between them."""
    return [text[start:end] for start, end in sentence_spans(text)]
