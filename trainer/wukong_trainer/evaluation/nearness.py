"""Which test wordings are near to a trained wording of their pair, and which are far: the fairer ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from wukong_pipe.files import read_jsonl
from wukong_pipe.language.similarity import similarity
from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.records import TestRow

NEAR = 0.5
"""From this similarity on a wording is near. Of wordings that one call wrote side by side half are 0.52 alike
or more to the nearest of their pair; of 1,410 that were written apart from them a tenth or so is."""


def trained_wordings(run: Run) -> dict[str, list[str]]:
    """The questions of the run's training rows by pair; rows without a pair are left out."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in read_jsonl(run.dataset / "train.jsonl"):
        if row.get("pair_id"):
            found[row["pair_id"]].append(str(row.get("instruction", "")))
    return found


def with_nearness(rows: Sequence[TestRow], trained: Mapping[str, Sequence[str]]) -> list[TestRow]:
    """The rows, each wording of a trained pair marked as near or far."""
    return [_marked(row, trained.get(row.pair_id, ())) for row in rows]


def _marked(row: TestRow, wordings: Sequence[str]) -> TestRow:
    if row.level != "wording" or not wordings:
        return row
    nearest = max(similarity(row.question, wording) for wording in wordings)
    return replace(row, nearness="near" if nearest >= NEAR else "far")
