"""Small words above a line of a PDF: marks of footnotes, which become Markdown's `[^1]`, exponents, and letters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wukong_pipe.conversion.pdf_rules import Word

_SMALLER = 0.85
"""A raised word has at most so many times the size of the word it stands at."""
_RAISED = 0.15
"""Its foot is by at least so many times that size higher,"""
_WITHIN = 0.35
"""and by at least so many times below the head of that word."""
_NEAR = 0.2
"""It begins so many times that size after the word, where a blank is wider,"""
_NEXT_MARK = 0.6
"""a further mark so many times its own size after the one before;"""
_BEFORE = 1.0
"""or it ends so many times that size before the first word of a line: there the note itself stands."""
_LONGEST = 8
"""Characters; what is longer is another text."""
_MARK = re.compile(r"[\[(]?(\d{1,3}(?:[-–]\d{1,3})?|[a-z]|[*∗†‡§¶‖#]{1,3}|[①-⑳])[\])]?")
_POWER = re.compile(r"[-+−–]?\d{1,3}|n|[-+−–]")
_OF_POWER = re.compile(r"^\W*\d{1,2}$|(?:^|[\d/·.(Α-Ωα-ω])(?:[kcdmnµμ]?m|in|ft|mi|[A-Za-zΑ-Ωα-ω])$|⁻$")
"""What is raised to a power: a short number, a unit of length, a letter; and what a power goes on from."""
_POWERS = str.maketrans("0123456789+-−–n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻ⁿ")
_ORDINAL = re.compile(r"[^\W\d_]{1,4}")
_WORD = re.compile(r"[^\W\d_]{2}\W*$")
_NUMBER = re.compile(r"(?:\d|\b[IVXLC]+)$")


def with_raised(words: Sequence[Word]) -> list[Word]:
    """The words of a page; what is raised stands at the foot of the line it belongs to, as what it means there.

    A number above a line must not be read as the end of the number before it: 10⁵ is not 105.
    """
    largest = max((word["size"] for word in words), default=0.0)
    read: list[Word] = []
    for word in sorted(words, key=lambda word: float(word["x0"])):
        is_small = word["size"] <= _SMALLER * largest and len(word["text"]) <= _LONGEST
        base = next((each for each in reversed(read) if _stands_at(word, each)), None) if is_small else None
        text = _after(base["text"], word["text"]) if base else ""
        read.append(_moved(word, base, text) if base and text and not _goes_on(word, words) else word)
    return [*_with_notes(read)]


def _with_notes(words: Sequence[Word]) -> Iterator[Word]:
    """The words, with the marks before notes as Markdown has them: `[^1]:`."""
    for word in words:
        mark = _MARK.fullmatch(word["text"])
        first = _first_after(word, words) if mark else None
        if mark and first:
            first["is_apart"] = True
            yield _moved(word, first, f"{_note(mark[1])}:")
        else:
            yield word


def _stands_at(word: Word, base: Word) -> bool:
    gap = word["x0"] - base["x1"]
    near = _NEXT_MARK if base["text"].startswith("[^") else _NEAR
    return bool(-_NEAR * base["size"] < gap < near * word["size"] and _is_above(word, base))


def _goes_on(word: Word, words: Sequence[Word]) -> bool:
    """Whether text follows after a blank at the same height: then it is a small line beside a large letter."""
    return any(
        _NEAR * word["size"] < other["x0"] - word["x1"] < _BEFORE * word["size"]
        and abs(other["bottom"] - word["bottom"]) < 0.1 * word["size"]
        and not _MARK.fullmatch(other["text"])
        for other in words
    )


def _is_above(word: Word, base: Word) -> bool:
    raised, within = base["bottom"] - word["bottom"], word["bottom"] - base["top"]
    size = base["size"]
    return bool(word["size"] <= _SMALLER * size and raised > _RAISED * size and within > _WITHIN * size)


def _first_after(mark: Word, words: Sequence[Word]) -> Word | None:
    """The first word of a line that the mark stands before, as before a note."""
    after = [word for word in words if 0 <= word["x0"] - mark["x1"] < _BEFORE * word["size"] and _is_above(mark, word)]
    if not after or any(_is_before(word, mark, after[0]) for word in words):
        return None
    return after[0]


def _is_before(word: Word, mark: Word, first: Word) -> bool:
    """Whether a word of the line stands to the left of the mark, so that this is within the line."""
    is_on_line = abs(word["bottom"] - first["bottom"]) < _SMALLER * first["size"] / 2
    return bool(is_on_line and 0 <= mark["x0"] - word["x1"] < 2 * first["size"])


def _moved(word: Word, base: Word, text: str) -> Word:
    """The word on the line of another, in its letters."""
    return word | {"text": text} | {key: base[key] for key in ("top", "bottom", "size", "fontname")}


def _after(before: str, text: str) -> str:
    """What a raised text says after a word; "" where it is neither a power, nor the mark of a note, nor an ordinal."""
    if _POWER.fullmatch(text) and (_OF_POWER.search(before) or not text[-1:].isalnum()):
        return text.translate(_POWERS)
    if _ORDINAL.fullmatch(text) and _NUMBER.search(before):
        return text
    marks = [_MARK.fullmatch(mark) for mark in re.split("[,;]", text)]
    is_marked = all(marks) and (not text.isalpha() or _WORD.search(before))
    return "".join(_note(mark[1]) for mark in marks if mark) if is_marked else ""


def _note(mark: str) -> str:
    # An asterisk would begin emphasis.
    return f"[^{mark.replace('*', '∗')}]"
