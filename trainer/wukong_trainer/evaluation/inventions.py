"""What answers state that nobody told the student: numbers and names that neither source nor question holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.records import SIDES, AnsweredRow, ScoredAnswer
from wukong_trainer.evaluation.sources import Sources
from wukong_trainer.scoring.paired_difference import paired


@dataclass(frozen=True, slots=True)
class _Count:
    """How many terms the answers to a row invent and state, each base and tuned.

    _Count("wording", "a.md\\x1f出云棍", invented=(2, 0), stated=(3, 2))
    """

    level: str
    cluster: str
    invented: tuple[int, ...]
    stated: tuple[int, ...]


def mark_invented(
    rows: Sequence[AnsweredRow],
    sources: Sources,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[AnsweredRow], dict[str, Any] | None]:
    """The rows, each answer with its `invented_terms` where the source is known; and `metrics["hallucination"]`.

    Two questions are answered. What stands nowhere in the source was made up. What stands in the source but not in
    the section that the question is about was mixed up at best, and right at times: a fact may be told in two places.

    Returns:
        The metrics are None where no source is known; else missing: rows without their source; n, base, tuned,
        difference, ci95 as `_rates` has them; `levels`, the same of each; `outside_section`, the same of all that the
        row's section, headings and question do not hold.
    """
    marked: list[AnsweredRow] = []
    nowhere: list[_Count] = []
    outside: list[_Count] = []
    for done, row in enumerate(rows):
        progress(done, len(rows))
        found = [sources.inventions(said(row.by(side).text), row.test) for side in SIDES]
        known = [each for each in found if each is not None]
        if len(known) < len(SIDES):
            marked.append(row)
            continue
        base, tuned = known
        marked.append(replace(row, base=_with(row.base, base.nowhere), tuned=_with(row.tuned, tuned.nowhere)))
        about = (row.test.level, row.test.cluster)
        stated = (base.stated, tuned.stated)
        nowhere.append(_Count(*about, (len(base.nowhere), len(tuned.nowhere)), stated))
        if base.outside_section is not None and tuned.outside_section is not None:
            outside.append(_Count(*about, (len(base.outside_section), len(tuned.outside_section)), stated))
    progress(len(rows), len(rows))
    if not nowhere:
        return marked, None
    by_level = {level: [count for count in nowhere if count.level == level] for level in LEVELS}
    return marked, {
        "missing": len(rows) - len(nowhere),
        **_rates(nowhere),
        "levels": {level: _rates(counts) for level, counts in by_level.items() if counts},
        "outside_section": _rates(outside),
    }


def _with(answer: ScoredAnswer, terms: Sequence[str]) -> ScoredAnswer:
    return replace(answer, invented_terms=tuple(terms))


def _rates(counts: Sequence[_Count]) -> dict[str, Any]:
    """n; for base and tuned: stated and invented (numbers and names), share (invented / stated) and answers (the share
    of answers that invent something); difference and ci95 of the latter."""
    inventing = [[float(count.invented[at] > 0) for count in counts] for at in range(len(SIDES))]
    answers = paired(inventing[0], inventing[1], [count.cluster for count in counts])
    sides = {}
    for at, side in enumerate(SIDES):
        invented, stated = sum(count.invented[at] for count in counts), sum(count.stated[at] for count in counts)
        share = invented / stated if stated else 0.0
        sides[side] = {"stated": stated, "invented": invented, "share": share, "answers": answers[side]}
    return {"n": len(counts)} | sides | {"difference": answers["difference"], "ci95": answers["ci95"]}
