"""What the page and the terminal share: the table of levels with their parts, what became of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.records import SIDES
from wukong_trainer.report.metrics_records import LevelPart, Metrics
from wukong_trainer.scoring.score_names import PRIMARY

OUTCOMES = ("lost", "both_wrong", "won", "both_right", "unscored")
"""What tuning did to an answer. What is wrong comes first: it is what a reader can do something about."""


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """A line of the table: ("wording", "", …) is the level, ("wording", "unseen", …) a part of it."""

    level: str
    part: str
    scores: LevelPart


def comparisons(metrics: Metrics) -> list[ComparisonLine]:
    """Each level, then its parts: the forms of wording, and the kinds of question if there are others than "base"."""
    lines: list[ComparisonLine] = []
    for name in LEVELS:
        if level := metrics.levels.get(name):
            parts = level.by_form | level.by_nearness | (level.by_kind if level.by_kind.keys() != {"base"} else {})
            lines.append(ComparisonLine(name, "", level))
            lines += [ComparisonLine(name, part, scores) for part, scores in parts.items()]
        if groups := metrics.groups.get(name):
            apart = {"polar": groups.polar, "explained": groups.explained}
            lines += [ComparisonLine(name, part, scores) for part, scores in apart.items() if scores]
    return lines


def place_of(row: Mapping[str, Any]) -> str:
    """The section that a row of answers.jsonl is about, as "guide.md › Guide › Chapter 1"."""
    return " › ".join([str(row.get("source", "")), *map(str, row.get("heading_path") or [])])


def is_hit(side: Mapping[str, Any]) -> bool | None:
    """Whether one side of a row of answers.jsonl is a hit, by the score of its version; None where it has no score."""
    score = side.get(PRIMARY, side.get("key_fact_hit"))
    return None if score is None else float(score) >= 1


def outcome(row: Mapping[str, Any]) -> str:
    """One of OUTCOMES: what tuning did to the answer in this row of answers.jsonl."""
    base, tuned = (is_hit(row[side]) for side in SIDES)
    if base is None or tuned is None:
        return "unscored"
    if base == tuned:
        return "both_right" if base else "both_wrong"
    return "won" if tuned else "lost"
