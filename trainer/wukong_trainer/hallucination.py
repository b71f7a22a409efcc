"""What answers state that nobody told the student: numbers and names that neither source nor question holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wukong_trainer.paired import paired, section_of
from wukong_trainer.thoughts import said

InventedIn = Callable[[str, dict[str, Any]], tuple[list[str], int] | None]
"""The numbers and names of an answer to a row that neither its source nor its question holds, and how many it states
in all; None where nobody has the source any more."""


def mark_invented(rows: Sequence[dict[str, Any]], invented_in: InventedIn) -> dict[str, Any] | None:
    """`metrics["hallucination"]`; where the source is known each side gets `invented`, 0 or 1, and `invented_terms`.

    Returns:
        n and missing (rows with and without their source); for base and tuned: stated and invented (numbers and
        names), share (invented / stated), answers (share of answers that invent something); difference and ci95 of
        the latter. None where no source is known.
    """
    stated = {"base": 0, "tuned": 0}
    known = []
    for row in rows:
        found = {side: invented_in(said(row[side]["answer"]), row) for side in stated}
        for side, its in found.items():
            if its is not None:
                terms, count = its
                row[side] |= {"invented": float(bool(terms)), "invented_terms": terms}
                stated[side] += count
        if None not in found.values():
            known.append(row)
    if not known:
        return None
    inventing = {side: [row[side]["invented"] for row in known] for side in stated}
    answers = paired(inventing["base"], inventing["tuned"], [section_of(row) for row in known])
    sides = {
        side: {
            "stated": stated[side],
            "invented": (count := sum(len(row[side]["invented_terms"]) for row in known)),
            "share": count / stated[side] if stated[side] else 0.0,
            "answers": answers[side],
        }
        for side in stated
    }
    numbers_of = {"n": len(known), "missing": len(rows) - len(known)}
    return numbers_of | sides | {"difference": answers["difference"], "ci95": answers["ci95"]}
