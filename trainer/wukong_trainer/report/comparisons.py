"""What the page and the terminal share: tables of comparisons, what became of an answer."""

from __future__ import annotations

from typing import Any

from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.scoring.scores import PRIMARY

OUTCOMES = ("won", "lost", "both_wrong", "both_right")
"""What tuning did to an answer, those where it changed something first."""


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
