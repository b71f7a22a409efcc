r"""Characters that nobody sees: spelt out where others' words are shown, found where they would be trained on.

A leaf: the page and the terminal of both packages show a text through it.
"""

from __future__ import annotations

import unicodedata

_KEPT = "\n\t\u200c\u200d"
"""Line breaks, tabs, and the joiners that hold Persian and pictures together."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0")
"""What Unicode calls letters or marks and draws as nothing."""


def printable(text: str) -> str:
    r"""`text` as a terminal or page may have it: what would move a cursor, colour it, turn the direction of writing
    (CVE-2021-42574) or stay unseen is spelt out. Line breaks, tabs and joiners stay. Twice is as good as once.

    >>> printable("\x1b[31mred \u202egnp.exe")
    '\\x1b[31mred \\u202egnp.exe'
    """
    if text.isprintable() and _BLANK.isdisjoint(text):
        return text
    return "".join(_spelt(char) if char not in _KEPT and _is_unseen(char) else char for char in text)


def one_line(text: str) -> str:
    """`printable`, with white space folded."""
    return printable(" ".join(text.split()))


def _is_unseen(char: str) -> bool:
    # Lone surrogates (Cs) could not even be written as UTF-8.
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or char in _BLANK


def _spelt(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# --- what has no business in a question or answer ---------------------------------------------------------------

_JOINERS = "\u200b\u200c\u200d"
_MARKS_OF_DIRECTION = "\u200e\u200f\u061c"
_JOINING = ((0x0600, 0x109F), (0x1780, 0x18AF), (0xA800, 0xABFF), (0x10A00, 0x11FFF))
"""Arabic to Myanmar, Khmer, Mongolian and their like: scripts whose letters are joined, kept apart or parted into words
by characters without width."""


def unseen_in(text: str) -> str:
    """The first character of a text that nobody sees and that its script does not need, spelt out; "" for none.

    Line breaks, tabs, U+2028 and U+2029 are white space. A joiner or space without width may stand behind a letter of a
    script that has them, a joiner also between two pictures (👩‍🚀), a mark of direction in a text that has letters
    written from right to left.
    """
    # A question stands above its answer: a line break alone must not lead to a look at each character.
    if text.replace("\n", "").isprintable() and _BLANK.isdisjoint(text):
        return ""
    for at, char in enumerate(text):
        if _is_unseen(char) and not _has_its_place(text, at):
            return _spelt(char)
    return ""


def _has_its_place(text: str, at: int) -> bool:
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if char in "\n\t\u2028\u2029" or (char == "\r" and after == "\n"):
        return True
    if char in _MARKS_OF_DIRECTION:
        return any(other.isalpha() and unicodedata.bidirectional(other) in {"R", "AL"} for other in text)
    if char not in _JOINERS or not before:
        return False
    if any(first <= ord(before) <= last for first, last in _JOINING):
        return True
    pictures = unicodedata.category(before) in {"So", "Sk"} or before == "\ufe0f"
    return char == "\u200d" and pictures and unicodedata.category(after or " ") == "So"
