"""What the page and the terminal share: text made safe to look at, tables of comparisons, what became of an answer."""

from __future__ import annotations

import unicodedata
from typing import Any

from wukong_trainer.metrics import LEVELS
from wukong_trainer.scores import PRIMARY

OUTCOMES = ("won", "lost", "both_wrong", "both_right")
"""What tuning did to an answer, those where it changed something first."""


def visible(text: str) -> str:
    r"""`text` with control, bidi and other invisible characters as escapes; line breaks, tabs, joiners stay.

    >>> visible("\x1b[31mred \u202egnp.exe")
    '\\x1b[31mred \\u202egnp.exe'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    # Lone surrogates (Cs) could not even be written as UTF-8; joiners (U+200C, U+200D) hold Persian together.
    invisible = unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if not invisible or char in "\n\t\u200c\u200d":
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def comparisons(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The comparisons of `metrics.json` as table lines: a level, then its parts (form of wording, and kind where there
    is any but the usual one)."""
    lines: list[dict[str, Any]] = []
    for level in LEVELS:
        block = (metrics.get("levels") or {}).get(level) or {}
        if not block.get("n"):
            continue
        lines.append({"level": level, "part": "", **block})
        kinds = block.get("by_kind") or {}
        parts = (block.get("by_form") or {}) | (kinds if kinds.keys() != {"base"} else {})
        lines += [{"level": level, "part": part, **inner} for part, inner in parts.items() if inner]
    return lines


def outcome(row: dict[str, Any]) -> str:
    """One of OUTCOMES: what tuning did to this answer."""
    base, tuned = (float(row[side][PRIMARY]) >= 1 for side in ("base", "tuned"))
    if base == tuned:
        return "both_right" if base else "both_wrong"
    return "won" if tuned else "lost"
