"""What tuning cost: general questions that no corpus of ours is about, asked of base and tuned model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import torch

from wukong_trainer.data.examples import Example
from wukong_trainer.evaluation.leaks import copies
from wukong_trainer.evaluation.records import ScoredAnswer
from wukong_trainer.evaluation.scored import closed_book
from wukong_trainer.inference.asked_models import ModelSession
from wukong_trainer.scoring.facts import Wanted
from wukong_trainer.scoring.figures import in_points, percent
from wukong_trainer.scoring.general_knowledge import knowledge_change
from wukong_trainer.scoring.paired_difference import paired

ANSWER_TOKENS = 64
"""The references are a few words; who has not said them by then does not know them."""
ON_A_CPU = 40
"""Questions that are asked by default where there is no GPU."""


@dataclass(frozen=True, slots=True)
class GeneralQuestion:
    """A question that every model may know the answer to.

    {"lang": "zh", "topic": "地理", "question": "中国的首都是哪座城市？", "answers": ["北京"]}
    """

    lang: str
    topic: str
    example: Example
    """With the first of the accepted answers."""
    accepted: tuple[str, ...]

    @property
    def wanted(self) -> Wanted:
        """The accepted answers are the spellings of one fact."""
        return Wanted(self.example.question, self.example.output, (self.accepted,))


def general_questions(most: int | None = None) -> list[GeneralQuestion]:
    """The bundled questions, half Chinese and half English, spread evenly over the topics where not all are wanted."""
    text = (files("wukong_trainer.evaluation") / "general_questions.jsonl").read_text("utf-8")
    entries = map(json.loads, text.splitlines())
    every = [
        GeneralQuestion(
            entry["lang"], entry["topic"], Example(entry["question"], entry["answers"][0]), tuple(entry["answers"])
        )
        for entry in entries
    ]
    if most is None or most >= len(every):
        return every
    chosen: list[GeneralQuestion] = []
    for lang, wanted in (("zh", (most + 1) // 2), ("en", most // 2)):
        of_it = [question for question in every if question.lang == lang]
        wanted = min(wanted, len(of_it))
        chosen += [of_it[i * len(of_it) // wanted] for i in range(wanted)]
    return chosen


@dataclass(frozen=True, slots=True)
class GeneralSet:
    """The general questions that are asked, and how many are not because the tuned model was trained on them: these
    cannot show that nothing was forgotten."""

    questions: list[GeneralQuestion]
    dropped: int


def general_set(most: int | None, record: dict[str, Any]) -> GeneralSet:
    """The general questions for a model.

    Args:
        most: how many; None: all, or `ON_A_CPU` without a GPU.
        record: what the tuned model was trained on, which may be general rows, too.
    """
    questions = general_questions(ON_A_CPU if most is None and not torch.cuda.is_available() else most)
    unseen = copies(record, [question.example.asked for question in questions]).unseen
    return GeneralSet([questions[i] for i in unseen], len(questions) - len(unseen))


def ask_general(model: ModelSession, questions: Sequence[GeneralQuestion], max_new_tokens: int) -> list[ScoredAnswer]:
    """The scored answers to general questions; any accepted spelling of the answer is a hit."""
    # Who thinks first is not cut there: a thought without an answer would pass for knowledge lost.
    most = max_new_tokens if model.contender.thinking else min(max_new_tokens, ANSWER_TOKENS)
    return closed_book(model, questions, most, f"{model.contender.name}: general")


def forgetting(
    questions: Sequence[GeneralQuestion],
    base: Sequence[ScoredAnswer],
    tuned: Sequence[ScoredAnswer],
    dropped: int = 0,
) -> dict[str, Any]:
    """`metrics["forgetting"]`: hits of both, their difference with its 95 % interval, and what it means.

    Args:
        dropped: questions that were not asked, because the tuned model was trained on them.

    Returns:
        n, dropped; base, tuned, difference, ci95 of the share of right answers; `loglik`, the same of the
        log-likelihood of the reference per token (nats); `by_lang`; `explanation`, a sentence.
    """
    hits = _paired([(before.hit, after.hit) for before, after in zip(base, tuned, strict=True)])
    logliks = [(before.scores["loglik"], after.scores["loglik"]) for before, after in zip(base, tuned, strict=True)]
    loglik = _paired(
        [(before, after) for before, after in logliks if before is not None and after is not None], bounded=False
    )
    by_lang = {}
    for lang in sorted({question.lang for question in questions}):
        at = [i for i, question in enumerate(questions) if question.lang == lang]
        by_lang[lang] = _paired([(base[i].hit, tuned[i].hit) for i in at])
    return hits | {
        "dropped": dropped,
        "loglik": loglik,
        "by_lang": by_lang,
        "explanation": _explained(hits, loglik, dropped),
    }


def _paired(scores: Sequence[tuple[float, float]], *, bounded: bool = True) -> dict[str, Any]:
    """`paired` of scores of questions each of which is a subject of its own."""
    own = [str(i) for i in range(len(scores))]
    return paired([before for before, _ in scores], [after for _, after in scores], own, bounded=bounded)


def _explained(hits: dict[str, Any], loglik: dict[str, Any], dropped: int) -> str:
    size = f"{in_points(hits)}, of {hits['n']}"
    ends = " to ".join(f"{loglik[side]:.2f}".replace("-", "−") for side in ("base", "tuned"))
    likelier = f"the answers' log-likelihood per token went from {ends}"
    if not loglik["n"]:
        likelier = "the answers' log-likelihood is no number"
    says = _CHANGES[knowledge_change(hits["n"], hits["base"], hits["ci95"], loglik["ci95"])]
    left_out = f"; not asked, because trained: {dropped} more" if dropped else ""
    return f"{says.format(base=percent(hits['base']))} ({size}); {likelier}{left_out}."


_CHANGES = {
    "few": "Too few general questions to tell whether tuning cost knowledge",
    "lost": "Tuning cost general knowledge: right answers fell",
    "less_likely": "Tuning cost general knowledge: the answers became clearly less likely",
    "unknown": "The base knows almost none of the answers ({base}), so right ones say little",
    "gained": "Right answers to general questions rose",
    "none": "No loss of general knowledge is shown",
}
