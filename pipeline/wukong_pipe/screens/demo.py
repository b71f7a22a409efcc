"""What the demo shows of its evaluation: an answer of each kind, and the verdict in a sentence.

A new wording, answered rightly
  trained    What is Ranger 7?
  asked      Could you tell me about Ranger 7?
  reference  a probe that sent the first close-up pictures of the Moon
  base       Ranger 7 is a fictional spaceship … (wrong)
  tuned      a probe that sent the first close-up pictures of the Moon (right)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wukong_pipe.printable import one_line
from wukong_trainer.scoring.figures import percent, points

if TYPE_CHECKING:
    from wukong_trainer.report.metrics_records import Metrics

SHOWN = 160
"""Characters of a text."""
KINDS = (
    ("wording", True, "A new wording, answered rightly"),
    ("wording", False, "A new wording, answered wrongly"),
    ("section", None, "The control: a section of which nothing was trained"),
)
"""The level of a sample answer, whether the tuned one is right (None: either), and its heading."""


def sample_lines(answers: Sequence[Mapping[str, Any]], trained: Mapping[str, str]) -> Iterator[str]:
    """An answer of each of `KINDS` that there is, the one with the lowest id: ids are hashes, and so nobody's choice.

    Args:
        answers: the rows of answers.jsonl.
        trained: a question that was trained, by the id of its pair.
    """
    from wukong_trainer.report.comparisons import is_hit

    for level, right, heading in KINDS:
        rows = [row for row in answers if row["level"] == level and right in (None, is_hit(row["tuned"]))]
        if rows:
            row = min(rows, key=lambda row: str(row["id"]))
            yield f"  {heading}"
            yield from _answer_lines(row, trained.get(row["pair_id"], ""))


def _answer_lines(row: Mapping[str, Any], trained: str) -> Iterator[str]:
    from wukong_trainer.report.comparisons import is_hit
    from wukong_trainer.report.tables import shortened

    texts = {"trained": trained, "asked": row["instruction"], "reference": row["reference"]}
    for name, text in texts.items():
        if text:
            yield f"    {name:<9}  {shortened(one_line(text), SHOWN)}"
    for side in ("base", "tuned"):
        score = {True: "right", False: "wrong", None: "not scored"}[is_hit(row[side])]
        yield f"    {side:<9}  {shortened(one_line(row[side]['answer']), SHOWN)} ({score})"


def verdict_line(metrics: Metrics) -> str:
    """What was proved, in the words of the report."""
    from wukong_trainer.report.words import WORDS, filled

    words, primary = WORDS["en"], metrics.primary
    if not primary.n:
        return words["no_primary"]
    figures = filled(
        words["headline_figures"],
        n=primary.n,
        sections=primary.sections,
        base=percent(primary.base),
        tuned=percent(primary.tuned),
        diff=points(primary.difference),
        low=points(primary.ci95[0]),
        high=points(primary.ci95[1]),
    )
    headline = words[f"headline_{primary.verdict}"].format(tuned=percent(primary.tuned))
    return f"{headline}. {figures}"
