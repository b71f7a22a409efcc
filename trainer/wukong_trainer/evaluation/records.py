"""The rows of an evaluation: a test row, an answer with its scores, and the answers of both models side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wukong_pipe.language.fact_matching import Facts
from wukong_trainer.data.examples import Example
from wukong_trainer.scoring.facts import Wanted
from wukong_trainer.scoring.score_names import PRIMARY

Side = Literal["base", "tuned"]
SIDES: tuple[Side, ...] = ("base", "tuned")
ALONE = "row "
"""Begins the cluster of a row that names no section and no group: it stands for itself."""


@dataclass(frozen=True, slots=True)
class TestRow:
    """A held-out question with its reference answer.

    {"id": "cb1a0dc6ae74539c", "pair_id": "4db2e079688aebd9", "section_id": "3284f4b0dc2675f6",
     "cluster": "a.md\\u001f出云棍", "kind": "paraphrase", "level": "wording", "lang": "zh", "source": "a.md",
     "heading_path": ["出云棍"]}
    """

    id: str
    pair_id: str
    section_id: str
    cluster: str
    """Rows of one cluster are alike, and the interval counts them so: a section, a group, or the row alone."""
    kind: str
    level: str
    """One of `metrics.LEVELS`."""
    lang: str
    source: str
    heading_path: tuple[str, ...]
    example: Example
    """The question and the reference, as the student reads them."""
    facts: Facts = ()
    """Each in its spellings, without those that a sibling's fact shares."""
    facts_from: Literal["named", "derived", "none"] = "none"
    """Whether the facts came with the row, or follow from its reference."""
    section: str = field(default="", repr=False)
    """Headings and text that the question is about; "" where nobody has them any more."""
    nearness: Literal["", "near", "far"] = ""
    """Whether a wording is close to the trained one of its pair that is nearest; "" where that is not known."""

    @property
    def question(self) -> str:
        """What the user says last."""
        return self.example.question

    @property
    def reference(self) -> str:
        """The right answer."""
        return self.example.output

    @property
    def wanted(self) -> Wanted:
        """What a right answer holds."""
        return Wanted(self.question, self.reference, self.facts, self.kind, self.section)

    def to_json(self) -> dict[str, Any]:
        """The keys of the row that answers.jsonl carries on."""
        return {
            "id": self.id,
            "pair_id": self.pair_id,
            "section_id": self.section_id,
            "cluster": self.cluster,
            "kind": self.kind,
            "level": self.level,
            "lang": self.lang,
            "source": self.source,
            "heading_path": list(self.heading_path),
            "facts": [list(fact) for fact in self.facts],
            "facts_from": self.facts_from,
            "scored_as": self.wanted.group,
            "nearness": self.nearness,
        }


@dataclass(frozen=True, slots=True)
class Grade:
    """What a language model that saw question, reference and source says of one answer.

    {"value": "partly", "reason": "It names the smith and not the year."}
    """

    value: Literal["right", "partly", "wrong", "ungraded"]
    """ "ungraded" where the call failed."""
    reason: str = ""

    @property
    def is_right(self) -> bool:
        return self.value == "right"

    def to_json(self) -> dict[str, Any]:
        """The key `grade` of a side of a row of answers.jsonl."""
        return {"value": self.value, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """What a model answered, the scores of it, and the judge's grade.

    {"answer": "铁匠打造了它。", "stopped_by_eos": true, "loglik": -0.41, "loglik_per_char": -0.52,
     "fact_hit": 1.0, "exact": 0.0, "f1": 0.8, …, "invented_terms": []}
    """

    text: str
    """With the thought before the answer, if there is one; the scores leave the thought out."""
    stopped_by_eos: bool
    scores: Mapping[str, float | None]
    """By name: the log-likelihoods of the reference, where they were computed (None for NaN); and `scores.score`."""
    invented_terms: tuple[str, ...] | None = None
    """Numbers and names that neither source nor question holds; None where the source is not known."""
    grade: Grade | None = None
    """None where no judge is wanted."""

    @property
    def hit(self) -> float:
        """The primary score: 1 where the answer is right, else 0, also where the question has no facts."""
        return self.scores[PRIMARY] or 0.0

    @property
    def measures(self) -> dict[str, float | None]:
        """All numbers by name."""
        return {"stopped_by_eos": self.stopped_by_eos, **self.scores}

    def to_json(self) -> dict[str, Any]:
        """One side of a row of answers.jsonl."""
        invented = {} if self.invented_terms is None else {"invented_terms": list(self.invented_terms)}
        graded = {} if self.grade is None else {"grade": self.grade.to_json()}
        return {"answer": self.text, **self.measures, **invented, **graded}


@dataclass(frozen=True, slots=True)
class Judgement:
    """Which answer a language model finds better, in both orders.

    {"better": "tuned", "orders": ["tuned", "tuned"], "reasons": ["It names the smith.", "B names nobody."]}
    """

    better: Literal["base", "tuned", "tie", "unjudged"]
    orders: tuple[str, ...] = ()
    """What it preferred where the base's answer stood first, and where it stood second."""
    reasons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The key `judge` of a row of answers.jsonl."""
        return {"better": self.better, "orders": list(self.orders), "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class AnsweredRow:
    """A row of answers.jsonl: a question, and what every model answered.

    {"id": "cb1a0dc6ae74539c", …, "form": "seen", "instruction": "谁打造了它？", "reference": "铁匠",
     "base": {"answer": "不知道", …}, "tuned": {"answer": "铁匠", …}}
    """

    test: TestRow
    form: str
    """Whether the question's template was "seen" or is "unseen" in training; "" where that is not known."""
    base: ScoredAnswer
    tuned: ScoredAnswer
    open_book: ScoredAnswer | None = None
    """The base's, with the section in its prompt."""
    against: Mapping[str, ScoredAnswer] | None = None
    """The rivals', by name, without those that were trained on the question; None where there are no rivals."""
    judgement: Judgement | None = None

    @property
    def is_primary(self) -> bool:
        """Whether the primary score is about the question: it has one to three facts, and is neither yes/no nor an
        explanation."""
        return self.test.wanted.group == "facts"

    def by(self, side: Side) -> ScoredAnswer:
        """The answer of the base or of the tuned model."""
        return self.base if side == "base" else self.tuned

    def to_json(self) -> dict[str, Any]:
        """The row as answers.jsonl holds it."""
        row = self.test.to_json() | {
            "form": self.form,
            "instruction": self.test.question,
            "reference": self.test.reference,
            "base": self.base.to_json(),
            "tuned": self.tuned.to_json(),
        }
        if self.open_book is not None:
            row["open_book"] = self.open_book.to_json()
        if self.against is not None:
            row["against"] = {name: answer.to_json() for name, answer in self.against.items()}
        if self.judgement is not None:
            row["judge"] = self.judgement.to_json()
        return row
