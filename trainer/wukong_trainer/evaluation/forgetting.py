"""What tuning cost: general questions that no corpus of ours is about, asked of base and tuned model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from wukong_trainer.data.examples import Example
from wukong_trainer.data.thoughts import said
from wukong_trainer.inference.asked_models import Asked
from wukong_trainer.scoring.figures import in_points, percent
from wukong_trainer.scoring.intervals import MIN_SECTIONS
from wukong_trainer.scoring.paired_difference import paired
from wukong_trainer.scoring.scores import PRIMARY, score

ANSWER_TOKENS = 64
"""The references are a few words; who has not said them by then does not know them."""
ON_A_CPU = 40
"""Questions that are asked by default where there is no GPU."""


def general_questions(most: int | None = None) -> list[dict[str, Any]]:
    """The bundled questions, half Chinese and half English, spread evenly over the topics where not all are wanted.

    {"lang": "zh", "topic": "地理", "example": Example("中国的首都是哪座城市？", "北京"), "accepted": ["北京"]}
    """
    text = (files("wukong_trainer.evaluation") / "general_questions.jsonl").read_text("utf-8")
    rows = [
        {
            "lang": entry["lang"],
            "topic": entry["topic"],
            "example": Example(entry["question"], entry["answers"][0]),
            "accepted": entry["answers"],
        }
        for entry in map(json.loads, text.splitlines())
    ]
    if most is None or most >= len(rows):
        return rows
    chosen: list[dict[str, Any]] = []
    for lang, wanted in (("zh", (most + 1) // 2), ("en", most // 2)):
        of_it = [row for row in rows if row["lang"] == lang]
        wanted = min(wanted, len(of_it))
        chosen += [of_it[i * len(of_it) // wanted] for i in range(wanted)]
    return chosen


def ask_general(asked: Asked, questions: Sequence[dict[str, Any]], max_new_tokens: int) -> list[dict[str, Any]]:
    """The scored answers to general questions; any accepted spelling of the answer is a hit."""
    prompts = [row["example"].prompt(asked.contender.system, asked.contender.style) for row in questions]
    step = f"{asked.contender.name}: general"
    # Who thinks first is not cut there: a thought without an answer would pass for knowledge lost.
    most = max_new_tokens if asked.contender.thinking else min(max_new_tokens, ANSWER_TOKENS)
    scored = asked.scored(questions, prompts, most, step)
    return [
        answer | {PRIMARY: max(_hit(answer["answer"], wanted, row) for wanted in row["accepted"])}
        for row, answer in zip(questions, scored, strict=True)
    ]


def _hit(answer: str, wanted: str, row: dict[str, Any]) -> float:
    return score(said(answer), wanted, row["lang"], row["example"].question)[PRIMARY]


def forgetting(
    questions: Sequence[dict[str, Any]],
    base: Sequence[dict[str, Any]],
    tuned: Sequence[dict[str, Any]],
    dropped: int = 0,
) -> dict[str, Any]:
    """`metrics["forgetting"]`: hits of both, their difference with its 95 % interval, and what it means.

    Args:
        dropped: questions that were not asked, because the tuned model was trained on them.

    Returns:
        n, dropped; base, tuned, difference, ci95 of the share of right answers; `loglik`, the same of the
        log-likelihood of the reference per token (nats); `by_lang`; `explanation`, a sentence.
    """
    own = [str(i) for i in range(len(questions))]  # A question is a subject of its own.
    hits = paired([row[PRIMARY] for row in base], [row[PRIMARY] for row in tuned], own)
    told = [i for i in range(len(own)) if base[i]["loglik"] is not None and tuned[i]["loglik"] is not None]
    loglik = paired(
        [base[i]["loglik"] for i in told], [tuned[i]["loglik"] for i in told], [own[i] for i in told], bounded=False
    )
    by_lang = {}
    for lang in sorted({row["lang"] for row in questions}):
        at = [i for i, row in enumerate(questions) if row["lang"] == lang]
        by_lang[lang] = paired([base[i][PRIMARY] for i in at], [tuned[i][PRIMARY] for i in at], [own[i] for i in at])
    return hits | {
        "dropped": dropped,
        "loglik": loglik,
        "by_lang": by_lang,
        "explanation": _explained(hits, loglik, dropped),
    }


def _explained(hits: dict[str, Any], loglik: dict[str, Any], dropped: int) -> str:
    low, high = hits["ci95"]
    size = f"{in_points(hits)}, of {hits['n']}"
    ends = " to ".join(f"{loglik[side]:.2f}".replace("-", "−") for side in ("base", "tuned"))
    likelier = f"the answers' log-likelihood per token went from {ends}"
    if not loglik["n"]:
        likelier = "the answers' log-likelihood is no number"
    if hits["n"] < MIN_SECTIONS:
        says = f"Too few general questions to tell whether tuning cost knowledge ({size})"
    elif high < 0:
        says = f"Tuning cost general knowledge: right answers fell ({size})"
    elif hits["base"] < 0.1:
        says = f"The base knows almost none of the answers ({percent(hits['base'])}), so right ones say little ({size})"
    elif low > 0:
        says = f"Right answers to general questions rose ({size})"
    else:
        says = f"No loss of general knowledge is shown ({size})"
    left_out = f"; not asked, because trained: {dropped} more" if dropped else ""
    return f"{says}; {likelier}{left_out}."
