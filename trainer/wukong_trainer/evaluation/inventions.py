"""What answers state that nobody told the student: numbers and names that neither source nor question holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.metrics import LEVELS, SIDES
from wukong_trainer.scoring.paired_difference import cluster_of, paired

InventedIn = Callable[[str, dict[str, Any]], tuple[list[str], list[str] | None, int] | None]
"""The numbers and names of an answer to a row that neither its source nor its question holds; those that its section,
its headings and its question do not hold, None where the section is gone; how many the answer states in all. None
where nobody has the source any more."""


def mark_invented(
    rows: Sequence[dict[str, Any]],
    invented_in: InventedIn,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any] | None:
    """`metrics["hallucination"]`; each side of a row whose source is known gets `invented_terms`.

    Two questions are answered. What stands nowhere in the source was made up. What stands in the source but not in
    the section that the question is about was mixed up at best, and right at times: a fact may be told in two places.

    Returns:
        missing: rows without their source; n, base, tuned, difference, ci95 as `_told` has them; `levels`, the same
        of each; `outside_section`, the same of all that the row's section, headings and question do not hold. None
        where no source is known.
    """
    nowhere: list[_Told] = []
    outside: list[_Told] = []
    for done, row in enumerate(rows):
        progress(done, len(rows))
        found = [invented_in(said(row[side]["answer"]), row) for side in SIDES]
        known = [its for its in found if its is not None]
        if len(known) < len(SIDES):
            continue
        for side, (terms, _, _) in zip(SIDES, known, strict=True):
            row[side]["invented_terms"] = terms
        nowhere.append((row, [(len(terms), stated) for terms, _, stated in known]))
        near = [(len(terms), stated) for _, terms, stated in known if terms is not None]
        if len(near) == len(SIDES):
            outside.append((row, near))
    progress(len(rows), len(rows))
    if not nowhere:
        return None
    by_level = {level: [told for told in nowhere if told[0]["level"] == level] for level in LEVELS}
    return {
        "missing": len(rows) - len(nowhere),
        **_told(nowhere),
        "levels": {level: _told(told) for level, told in by_level.items() if told},
        "outside_section": _told(outside),
    }


_Told = tuple[dict[str, Any], list[tuple[int, int]]]
"""A row and, of each side, how many terms its answer invents and how many it states."""


def _told(found: Sequence[_Told]) -> dict[str, Any]:
    """n; for base and tuned: stated and invented (numbers and names), share (invented / stated) and answers (the share
    of answers that invent something); difference and ci95 of the latter."""
    inventing = [[float(counts[at][0] > 0) for _, counts in found] for at in range(len(SIDES))]
    answers = paired(inventing[0], inventing[1], [cluster_of(row) for row, _ in found])
    sides = {}
    for at, side in enumerate(SIDES):
        invented, stated = (sum(counts[at][i] for _, counts in found) for i in range(2))
        share = invented / stated if stated else 0.0
        sides[side] = {"stated": stated, "invented": invented, "share": share, "answers": answers[side]}
    return {"n": len(found)} | sides | {"difference": answers["difference"], "ci95": answers["ci95"]}
