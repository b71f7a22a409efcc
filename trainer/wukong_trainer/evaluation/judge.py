"""A language model as the judge of two answers: asked in both orders, for many judges prefer what stands first.

Position bias and the remedy (swap, and call a disagreement a tie) are those of Zheng et al. (2023, "Judging
LLM-as-a-Judge with MT-Bench and Chatbot Arena", arXiv:2306.05685).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.records import SIDES, AnsweredRow, Judgement
from wukong_trainer.evaluation.sources import Comparison, JudgeReply, Sources
from wukong_trainer.scoring.intervals import sign_test
from wukong_trainer.scoring.paired_difference import paired

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"better": {"type": "string", "enum": ["A", "B", "tie"]}, "reason": {"type": "string"}},
    "required": ["better", "reason"],
    "additionalProperties": False,
}
"""What the judge replies to one `Comparison`."""

_OUTCOMES: tuple[dict[str, Literal["base", "tuned", "tie"]], ...] = (
    {"A": "base", "B": "tuned", "tie": "tie"},
    {"A": "tuned", "B": "base", "tie": "tie"},
)
"""Whose answer A and B are, in the first order and in the second."""


def both_orders(rows: Sequence[AnsweredRow], sources: Sources) -> list[Comparison]:
    """Two comparisons a row: the base's answer first, then the tuned model's first."""
    comparisons = []
    for row in rows:
        base, tuned = (said(row.by(side).text) for side in SIDES)
        about = (row.test.lang, row.test.question, row.test.reference, sources.section(row.test) or "")
        comparisons += [Comparison(*about, base, tuned), Comparison(*about, tuned, base)]
    return comparisons


def judged(rows: Sequence[AnsweredRow], replies: Sequence[JudgeReply | None]) -> list[AnsweredRow]:
    """The rows with their judgements.

    Args:
        replies: to `both_orders` of the rows.
    """
    return [replace(row, judgement=_judgement(replies[2 * i : 2 * i + 2])) for i, row in enumerate(rows)]


def _judgement(replies: Sequence[JudgeReply | None]) -> Judgement:
    replied = [reply for reply in replies if reply is not None]
    if len(replied) < len(replies):
        return Judgement("unjudged")
    orders = [outcome[reply.better] for outcome, reply in zip(_OUTCOMES, replied, strict=True)]
    agreed = orders[0] if orders[0] == orders[1] else "tie"
    return Judgement(agreed, tuple(orders), tuple(reply.reason for reply in replied))


def summary(rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """`metrics["judge"]` of judged rows.

    Returns:
        unjudged (rows of which a call of the two failed); n, wins, ties, losses of the tuned model; win_rate
        ((wins + ties/2) / n) with its 95 % interval clustered by section, and p of the sign test on what is no tie;
        consistency: the share of rows on which both orders agree; agreement: with the primary metric, over the rows
        on which both decide; `levels`: all but unjudged, of each.
    """
    found = [(row, row.judgement) for row in rows if row.judgement and row.judgement.better != "unjudged"]
    return {
        "unjudged": len(rows) - len(found),
        **_block(found),
        "levels": {
            level: _block([(row, judgement) for row, judgement in found if row.test.level == level])
            for level in dict.fromkeys(row.test.level for row, _ in found)
        },
    }


_POINTS = {"tuned": 1.0, "tie": 0.5, "base": 0.0}


def _block(judgements: Sequence[tuple[AnsweredRow, Judgement]]) -> dict[str, Any]:
    better = [judgement.better for _, judgement in judgements]
    points = [_POINTS[side] for side in better]
    # Each side's points: their difference is the share of wins less that of losses.
    rate = paired([1 - point for point in points], points, [row.test.cluster for row, _ in judgements])
    wins, losses = better.count("tuned"), better.count("base")
    consistent = [judgement.orders[0] == judgement.orders[1] for _, judgement in judgements]
    agreeing = [
        (judgement.better == "tuned") == (row.tuned.hit > row.base.hit)
        for row, judgement in judgements
        if judgement.better != "tie" and row.tuned.hit != row.base.hit
    ]
    return {
        "n": len(judgements),
        "wins": wins,
        "ties": better.count("tie"),
        "losses": losses,
        "win_rate": rate["tuned"],
        "ci95": [0.5 + bound / 2 for bound in rate["ci95"]],
        "p": sign_test(wins, losses),
        "consistency": sum(consistent) / len(consistent) if consistent else None,
        "agreement": {"n": len(agreeing), "share": sum(agreeing) / len(agreeing) if agreeing else None},
    }
