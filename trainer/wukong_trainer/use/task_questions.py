"""A line of an exported questions.jsonl, and the scores of an answer to it, as `eval` gives them.

It travels with the questions: inspect_ai and lm-evaluation-harness call it where nothing of this project is installed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wukong_pipe.language.fact_matching import Facts
from wukong_trainer.data.thoughts import said
from wukong_trainer.scoring.facts import Wanted, fact_scores


@dataclass(frozen=True, slots=True)
class TaskQuestion:
    """A held-out question with all that asks and scores it.

    {"id": "cb1a0dc6ae74539c", "part": "wording", "cluster": "a.md\\u001f出云棍", "kind": "base", "lang": "zh",
     "messages": [{"role": "system", "content": "回答准确、简明。"}, {"role": "user", "content": "谁打造了它？"}],
     "question": "谁打造了它？", "reference": "铁匠", "facts": [["铁匠"]], "section": "出云棍\\n……它由一名铁匠打造。"}
    """

    id: str
    part: str
    """The questions that are averaged together: a level, and what of it the primary score is not about apart."""
    cluster: str
    """Questions of one cluster are alike, and an interval must count them so."""
    kind: str
    lang: str
    messages: tuple[dict[str, str], ...]
    """What is asked, with the system prompt of the training."""
    question: str
    reference: str
    facts: Facts
    section: str
    """Text that the question is about: what it does not name, an answer invents; "" where nobody has it."""

    @classmethod
    def of(cls, row: dict[str, Any]) -> TaskQuestion:
        """The question that a line holds; other keys of it are left."""
        values = {name: row[name] for name in cls.__slots__}
        return cls(**values | {"facts": tuple(map(tuple, row["facts"])), "messages": tuple(row["messages"])})

    def to_json(self) -> dict[str, Any]:
        """The line."""
        return asdict(self)

    def scores(self, answer: str) -> dict[str, float]:
        """fact_hit (0 or 1) and fact_recall (0 to 1) of an answer; what was thought before it does not count."""
        wanted = Wanted(self.question, self.reference, self.facts, self.kind, self.section)
        return {name: value or 0.0 for name, value in fact_scores(said(answer), wanted).items()}


def read_questions(folder: Path, part: str = "") -> list[TaskQuestion]:
    """The questions of an exported folder, or of one part of them."""
    lines = (folder / "questions.jsonl").read_text("utf-8").split("\n")
    questions = [TaskQuestion.of(json.loads(line)) for line in lines if line]
    return [question for question in questions if part in ("", question.part)]


def asked_alone(questions: Sequence[TaskQuestion]) -> list[TaskQuestion]:
    """Those that no earlier turn of a conversation belongs to."""
    return [question for question in questions if all(turn["role"] != "assistant" for turn in question.messages)]
