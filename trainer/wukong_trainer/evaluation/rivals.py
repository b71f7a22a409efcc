"""Other models on the same test questions, each compared with the tuned model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.questions import leakage_of
from wukong_trainer.evaluation.records import AnsweredRow
from wukong_trainer.scoring.paired_difference import paired

if TYPE_CHECKING:
    from wukong_trainer.inference.asked_models import Contender


@dataclass(frozen=True, slots=True)
class Rival:
    """Another run's tuned model, or a model on its own."""

    contender: Contender
    record: dict[str, Any]
    """What it was trained on; {} for a model on its own."""
    places: list[int]
    """The places of the test rows that it was not trained on."""


def against(rows: Sequence[AnsweredRow], first: str, rivals: Sequence[Rival], audited: str | None) -> dict[str, Any]:
    """`metrics["against"]`: models on the same test questions, and the difference of each to the first.

    Args:
        rows: with the answers of the rivals; `tuned` is the first's.
        audited: see `leakage_of`.

    Returns:
        `first` and `models`, of each name, weights, n, dropped (leaks), leakage (see `leakage_of`), and `levels`: n,
        first, model (shares of right answers), difference and ci95 (model minus first), over the questions that
        neither was trained on.
    """
    return {"first": first, "models": [_compared(rows, rival, audited) for rival in rivals]}


def _compared(rows: Sequence[AnsweredRow], rival: Rival, audited: str | None) -> dict[str, Any]:
    name = rival.contender.name
    answered = [(row, row.against[name]) for row in rows if row.against and name in row.against]
    levels = {}
    for level in LEVELS:
        of_it = [(row, answer) for row, answer in answered if row.test.level == level and row.is_primary]
        pair = paired(
            [row.tuned.hit for row, _ in of_it],
            [answer.hit for _, answer in of_it],
            [row.test.cluster for row, _ in of_it],
        )
        if of_it:
            levels[level] = {"first": pair.pop("base"), "model": pair.pop("tuned"), **pair}
    dropped = len(rows) - len(answered)
    return {
        "name": name,
        "weights": rival.contender.weights,
        "n": len(answered),
        "dropped": dropped,
        "leakage": leakage_of(rival.record, dropped, audited),
        "levels": levels,
    }
