"""The before and after table on the terminal, and a few answers side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wukong_pipe.printable import printable
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.report.comparisons import comparisons, outcome
from wukong_trainer.report.leakage import why_unknown
from wukong_trainer.report.words import WORDS
from wukong_trainer.scoring.figures import interval, percent, points
from wukong_trainer.scoring.scores import PRIMARY

PARTS = {"base": "forward"}
"""Parts of a level that bear the name of a column."""
VERDICT_STYLES = {"better": "green", "worse": "red"}


def answers_table(metrics: dict[str, Any], answers: list[dict[str, Any]], examples: int = 4) -> RenderableType:
    """The before and after table of `metrics.json`, and a few answers side by side: wins first, then a loss.

    Args:
        metrics: what `metrics.summarise` returns.
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
        table.add_row(
            Text(printable(f"  {PARTS.get(line['part'], line['part'])}" if line["part"] else line["level"])),
            str(line["n"]),
            str(line["sections"]),
            percent(line["base"][PRIMARY]),
            percent(line["tuned"][PRIMARY]),
            points(line["difference"]),
            interval(line["ci95"]),
            Text(line["verdict"], style=VERDICT_STYLES.get(line["verdict"], "")),
        )
    notes = [Text(printable(note)) for note in _of_the_sample(metrics)]
    notes.append(Text(printable(f"Leakage: {metrics['leakage']}{_why_unknown(metrics)}."), style="dim"))
    if says := (metrics["levels"].get("section") or {}).get("explanation"):
        notes.append(Text(printable(f"Control (section): {says}"), style="dim"))
    return Group(table, *notes, *(_side_by_side(row) for row in _examples(answers, examples)))


def _of_the_sample(metrics: dict[str, Any]) -> Iterator[str]:
    if sample := metrics.get("sample"):
        yield (
            f"A sample: {sample['asked']} of {sample['of']} test questions were asked, and the verdict is about these."
        )


def _why_unknown(metrics: dict[str, Any]) -> str:
    """Why the build's audit does not speak for the numbers, and how close the questions come to trained ones."""
    why = why_unknown(metrics, WORDS["en"]).removesuffix(".")
    closest = (metrics.get("leak_check") or {}).get("closest")
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
    ties = [row for row in ranked if outcome(row).startswith("both")]
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
    cells = [Text(printable(_short(row["reference"])))]
    table.add_column("reference", ratio=1, overflow="fold")
    for side in ("base", "tuned"):
        hit = float(row[side][PRIMARY]) >= 1
        table.add_column(f"{side}: {'hit' if hit else 'miss'}", ratio=1, overflow="fold")
        cells.append(Text(printable(_short(row[side]["answer"])), style="green" if hit else "red"))
    table.add_row(*cells)
    return table


def _short(text: str, width: int = 240) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
