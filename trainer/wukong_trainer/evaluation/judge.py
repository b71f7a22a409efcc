"""A language model as the judge of two answers: asked in both orders, for many judges prefer what stands first.

Position bias and the remedy (swap, and call a disagreement a tie) are those of Zheng et al. (2023, "Judging
LLM-as-a-Judge with MT-Bench and Chatbot Arena", arXiv:2306.05685).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.open_book import SourceOf
from wukong_trainer.scoring.intervals import sign_test
from wukong_trainer.scoring.paired_difference import cluster_of, paired
from wukong_trainer.scoring.scores import PRIMARY

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"better": {"type": "string", "enum": ["A", "B", "tie"]}, "reason": {"type": "string"}},
    "required": ["better", "reason"],
    "additionalProperties": False,
}
"""What the judge replies to one `Comparison`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question to the judge."""

    lang: str
    question: str
    reference: str
    source: str
    """Empty where nobody has the section any more."""
    a: str
    b: str


AskJudge = Callable[[Sequence[Comparison]], list[dict[str, Any] | None]]
"""Asks the judge all of them and gives a reply by `SCHEMA` for each, None where a call failed."""

_OUTCOMES = ({"A": "base", "B": "tuned", "tie": "tie"}, {"A": "tuned", "B": "base", "tie": "tie"})


def judge(rows: Sequence[dict[str, Any]], ask: AskJudge, source_of: SourceOf) -> dict[str, Any]:
    """Have every row of answers.jsonl judged; each row gets `judge`, and the whole is `metrics["judge"]`.

    Returns:
        unjudged (rows of which a call of the two failed); n, wins, ties, losses of the tuned model; win_rate
        ((wins + ties/2) / n) with its 95 % interval clustered by section, and p of the sign test on what is no tie;
        consistency: the share of rows on which both orders agree; agreement: with the primary metric, over the rows
        on which both decide; `levels`: all but unjudged, of each.
    """
    swapped = []
    for row in rows:
        answers = [said(row["base"]["answer"]), said(row["tuned"]["answer"])]
        about = (row["lang"], row["instruction"], row["reference"], source_of(row) or "")
        swapped += [Comparison(*about, *answers), Comparison(*about, *reversed(answers))]
    replies = ask(swapped)
    for i, row in enumerate(rows):
        row["judge"] = _judgement(replies[2 * i : 2 * i + 2])
    return summary(rows)


def _judgement(replies: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    if any(reply is None for reply in replies):
        return {"better": "unjudged", "orders": [], "reasons": []}
    replied = [reply for reply in replies if reply is not None]
    orders = [outcome[reply["better"]] for outcome, reply in zip(_OUTCOMES, replied, strict=True)]
    agreed = orders[0] if orders[0] == orders[1] else "tie"
    return {"better": agreed, "orders": orders, "reasons": [reply["reason"] for reply in replied]}


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`metrics["judge"]` of judged rows; see `judge`."""
    judged = [row for row in rows if row["judge"]["better"] != "unjudged"]
    return {
        "unjudged": len(rows) - len(judged),
        **_block(judged),
        "levels": {
            level: _block([row for row in judged if row["level"] == level])
            for level in dict.fromkeys(row["level"] for row in judged)
        },
    }


_POINTS = {"tuned": 1.0, "tie": 0.5, "base": 0.0}


def _block(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = [row["judge"]["better"] for row in rows]
    points = [_POINTS[better] for better in found]
    # Each side's points: their difference is the share of wins less that of losses.
    rate = paired([1 - point for point in points], points, [cluster_of(row) for row in rows])
    wins, losses = found.count("tuned"), found.count("base")
    consistent = [row["judge"]["orders"][0] == row["judge"]["orders"][1] for row in rows]
    both = [
        (row["judge"]["better"] == "tuned") == (row["tuned"][PRIMARY] > row["base"][PRIMARY])
        for row in rows
        if row["judge"]["better"] != "tie" and row["tuned"][PRIMARY] != row["base"][PRIMARY]
    ]
    return {
        "n": len(rows),
        "wins": wins,
        "ties": found.count("tie"),
        "losses": losses,
        "win_rate": rate["tuned"],
        "ci95": [0.5 + bound / 2 for bound in rate["ci95"]],
        "p": sign_test(wins, losses),
        "consistency": sum(consistent) / len(consistent) if consistent else None,
        "agreement": {"n": len(both), "share": sum(both) / len(both) if both else None},
    }
