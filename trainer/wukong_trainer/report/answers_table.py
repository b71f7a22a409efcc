"""The scores of base and tuned model as a table on the terminal, and a few answers side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wukong_pipe.printable import printable
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.report.comparisons import comparisons, is_hit, outcome
from wukong_trainer.report.leakage import why_unknown
from wukong_trainer.report.metrics_records import Metrics
from wukong_trainer.report.tables import shortened
from wukong_trainer.report.words import WORDS
from wukong_trainer.scoring.figures import interval, percent, points

PARTS = {"base": "forward"}
"""Names of parts of a level that would read like a column's."""
SHOWN = 240
"""Characters of an answer that the terminal shows."""
VERDICT_STYLES = {"better": "green", "worse": "red"}


def answers_table(metrics: Metrics, answers: list[dict[str, Any]], examples: int = 4) -> RenderableType:
    """The before and after table of `metrics.json`, and a few answers side by side: wins first, then a loss.

    Args:
        metrics: see `metrics_file.metrics_of`.
        answers: the rows of `answers.jsonl`.
        examples: how many questions to show, 0 for none.

    Returns:
        Something for `rich.console.Console.print`; model text in it is neither markup nor control character.
    """
    table = Table(title="Correct answers on held-out questions", title_justify="left", box=SIMPLE_HEAD)
    table.pad_edge, table.collapse_padding = False, True
    for name in ("level", "n", "sections", "base", "tuned", "diff.", "95 % interval", "verdict"):
        table.add_column(name, justify="left" if name in {"level", "verdict"} else "right", no_wrap=name != "verdict")
    for line in comparisons(metrics):
        scores = line.scores
        table.add_row(
            Text(printable(f"  {PARTS.get(line.part, line.part)}" if line.part else line.level)),
            str(scores.n),
            str(scores.sections),
            percent(scores.mean("base")),
            percent(scores.mean("tuned")),
            points(scores.difference),
            interval(scores.ci95),
            Text(scores.verdict or "", style=VERDICT_STYLES.get(scores.verdict or "", "")),
        )
    return Group(table, *_notes(metrics), *(_side_by_side(row) for row in _examples(answers, examples)))


def _notes(metrics: Metrics) -> Iterator[Text]:
    """What must stand beside the scores: that they are of a sample, what leaked, what the control shows."""
    if sample := metrics.sample:
        of = f"{sample['asked']} of {sample['of']}"
        yield Text(f"A sample: {of} test questions were asked, and the verdict is about these.")
    yield Text(printable(f"Leakage: {metrics.leakage}{_why_unknown(metrics)}."), style="dim")
    if control := metrics.levels.get("section"):
        yield Text(printable(f"Control (section): {control.explanation}"), style="dim")


def _why_unknown(metrics: Metrics) -> str:
    """Why the build's audit says nothing about these questions, and how close they come to trained ones."""
    why = why_unknown(metrics, WORDS["en"]).removesuffix(".")
    closest = metrics.leak_check.closest if metrics.leak_check else None
    near = "" if closest is None else f"; the closest to a trained question with its key facts is {closest:.2f} alike"
    return f" ({why}{near})" if why else ""


def _examples(answers: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Wins, with a loss in the last place if there is one; filled up with unchanged answers. One of each pair."""
    primary_last = sorted(answers, key=lambda row: -LEVELS.index(row["level"]))
    one_each = {row["pair_id"]: row for row in primary_last}.values()
    ranked = sorted(one_each, key=lambda row: LEVELS.index(row["level"]))
    by_outcome = {name: [row for row in ranked if outcome(row) == name] for name in ("won", "lost")}
    losses = by_outcome["lost"][: min(count, 1)]
    wins = _spread(by_outcome["won"], count - len(losses))
    ties = [row for row in ranked if outcome(row).startswith(("both", "unscored"))]
    return [*wins, *losses, *_spread(ties, count - len(wins) - len(losses))]


def _spread(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """At most `count` of the rows, from all over the list: neighbours are about the same section."""
    return [rows[i * len(rows) // count] for i in range(count)] if 0 < count < len(rows) else rows[: max(0, count)]


def _side_by_side(row: dict[str, Any]) -> Table:
    table = Table(
        title=Text(printable(row["instruction"]), style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        expand=True,
    )
    cells = [Text(printable(shortened(row["reference"], SHOWN)))]
    table.add_column("reference", ratio=1, overflow="fold")
    for side in ("base", "tuned"):
        hit = is_hit(row[side])
        name, style = ("not scored", "") if hit is None else ("hit", "green") if hit else ("miss", "red")
        judge = f", judge: {row[side]['grade']['value']}" if "grade" in row[side] else ""
        table.add_column(Text(printable(f"{side}: {name}{judge}")), ratio=1, overflow="fold")
        cells.append(Text(printable(shortened(row[side]["answer"], SHOWN)), style=style))
    table.add_row(*cells)
    return table
