"""How often fact_hit is wrong: precision and recall on answers that people read and labelled.

    python benchmarks/answer_scores.py FILE…

Each line of a file is an answer: {"question": "…", "reference": "…", "facts": [["石敢当"]], "answer": "…",
"right": true, "lang": "zh", "kind": "base", "side": "tuned", "source": "the section's text"}. `right` is true, false or
"partly", which counts as not right. Without "facts" they follow from the reference; without "source" no identifier
passes for invented.
It prints a Markdown table, a line for all answers and one for each language, kind, side and group: precision is the
share of hits that are right, recall the share of right answers that hit, each with Wilson's interval.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wukong_pipe.files import read_jsonl
from wukong_pipe.language.chinese import is_chinese
from wukong_trainer.scoring.facts import Wanted, facts_of_row, is_hit
from wukong_trainer.scoring.intervals import wilson


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer with its label: Labelled("由谁掉落？", "石敢当", is_right=True, is_hit=True, parts={"lang": "zh"})."""

    question: str
    answer: str
    is_right: bool
    is_hit: bool
    parts: dict[str, str]
    """By what the answers are told apart: language, kind, side, group."""

    @classmethod
    def of(cls, row: dict[str, Any]) -> Labelled:
        """A line of a file, scored."""
        question, reference = row["question"], row["reference"]
        named = tuple(tuple(fact) for fact in row.get("facts") or ())
        facts, origin = facts_of_row(named, question, reference)
        wanted = Wanted(question, reference, facts, row.get("kind", "base"), row.get("source", ""))
        parts = {
            "lang": row.get("lang") or ("zh" if is_chinese(question + reference) else "en"),
            "kind": row.get("kind", "base"),
            "side": row.get("side", "unknown"),
            "group": wanted.group,
            "facts": origin,
        }
        return cls(question, row["answer"], row["right"] is True, is_hit(row["answer"], wanted), parts)


def line(name: str, answers: list[Labelled]) -> str:
    hits, right = [each for each in answers if each.is_hit], [each for each in answers if each.is_right]
    both = sum(each.is_right for each in hits)
    wrong = len(answers) - len(right)
    cells = [str(len(answers)), str(len(right)), _rate(both, len(hits)), _rate(both, len(right))]
    return f"| {name} | {' | '.join(cells)} | {len(hits) - both} of {wrong} |"


def _rate(found: int, of: int) -> str:
    low, high = wilson(found, of)
    return f"{found / of:.3f} ({low:.2f} … {high:.2f})" if of else "–"


def table(answers: list[Labelled]) -> Iterable[str]:
    yield "| answers | n | right | precision | recall | wrong ones that pass |"
    yield "|---|---:|---:|---:|---:|---:|"
    yield line("all", answers)
    for part in ("lang", "kind", "side", "group", "facts"):
        for value in sorted({each.parts[part] for each in answers}):
            yield line(f"{part}: {value}", [each for each in answers if each.parts[part] == value])


def main() -> None:
    answers = [Labelled.of(row) for name in sys.argv[1:] for row in read_jsonl(Path(name))]
    if not answers:
        sys.exit(__doc__)
    print("\n".join(table(answers)))
    for each in answers:
        if each.is_hit != each.is_right:
            print(f"\n{'miss' if each.is_right else 'hit'}: {each.question}\n    {each.answer[:300]!r}")


if __name__ == "__main__":
    main()
