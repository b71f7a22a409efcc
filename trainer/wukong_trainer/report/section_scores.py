"""Which sections of the source the tuned model answers worst, from the rows of answers.jsonl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from wukong_trainer.report.blocks import Block
from wukong_trainer.report.comparisons import is_hit, place_of
from wukong_trainer.report.tables import Table
from wukong_trainer.report.words import Words, filled, percent

WORST = 12
"""Sections shown."""


def section_scores(answers: Sequence[Mapping[str, Any]], level: str, words: Words) -> Block | None:
    """The sections with the fewest right answers on a level, the worst first; None where there are no two to compare.

    A row of one's own test may name no section, and is left out.
    """
    hits: dict[str, list[tuple[bool, bool]]] = {}
    for row in answers:
        base, tuned = is_hit(row["base"]), is_hit(row["tuned"])
        if row.get("level") == level and row.get("heading_path") and base is not None and tuned is not None:
            hits.setdefault(place_of(row), []).append((base, tuned))
    if len(hits) < 2:
        return None
    # Of sections that are alike, the one with more questions says more.
    worst = sorted(hits, key=lambda place: (fmean(tuned for _, tuned in hits[place]), -len(hits[place])))[:WORST]
    lines = []
    for place in worst:
        shares = [percent(fmean(side), words) for side in zip(*hits[place], strict=True)]
        lines.append((place, [str(len(hits[place])), *shares]))
    sentence = filled(words["section_scores_about"], level=words[level], n=len(worst), all=len(hits))
    return Block("section_scores", [sentence], Table([words[key] for key in ("n", "base", "tuned")], lines))
