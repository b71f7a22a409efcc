"""What inspect_ai and lm-eval gave an exported task, beside what `eval` gave the same questions, one by one.

    inspect log dump LOG.eval > inspect.json
    python benchmarks/evaluation_elsewhere.py RUN/eval/answers.jsonl inspect.json samples_wukong_RUN_wording_TIME.jsonl

`evaluation_elsewhere.md` holds the result.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wukong_pipe.files import read_jsonl
from wukong_trainer.data.thoughts import said


@dataclass(frozen=True, slots=True)
class Scored:
    """A tool's answer to a question."""

    id: str
    part: str
    answer: str
    hit: float


def of_tool(path: Path) -> Iterator[Scored]:
    """The answers in a log of inspect_ai (.json) or in the samples of lm-eval (.jsonl)."""
    if path.suffix == ".jsonl":
        for sample in read_jsonl(path):
            doc = sample["doc"]
            yield Scored(doc["id"], doc["part"], sample["filtered_resps"][0], sample["fact_hit"])
        return
    for sample in json.loads(path.read_text("utf-8"))["samples"]:
        score, about = sample["scores"]["facts"], sample["metadata"]
        yield Scored(about["id"], about["part"], score["answer"], score["value"]["fact_hit"])


def compared(ours: dict[str, Any], theirs: list[Scored]) -> str:
    """A row of the table, and below it each question that was scored otherwise."""
    pairs = [(ours[each.id]["tuned"], each) for each in theirs]
    same = sum(said(our["answer"]) == said(their.answer) for our, their in pairs)
    right = sum(our["fact_hit"] for our, _ in pairs), sum(their.hit for _, their in pairs)
    apart = [(our, their) for our, their in pairs if our["fact_hit"] != their.hit]
    row = f"| {theirs[0].part} | {len(pairs)} | {right[0]:.0f} | {right[1]:.0f} | {same} | {len(apart)} |"
    return "\n".join([row, *(f"  {their.id}: ours {our['answer']!r}, theirs {their.answer!r}" for our, their in apart)])


def main(answers: Path, logs: list[Path]) -> None:
    ours = {row["id"]: row for row in read_jsonl(answers)}
    print("| part | questions | right in eval | right there | same answers | scored otherwise |")
    print("|---|---:|---:|---:|---:|---:|")
    for log in logs:
        print(f"{log.name}:\n{compared(ours, list(of_tool(log)))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), list(map(Path, sys.argv[2:])))
