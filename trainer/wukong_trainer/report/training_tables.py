"""What the page shows of a training: the last losses, what else was logged, the checks before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from wukong_trainer.report.plots import Log, loss_points, lowest
from wukong_trainer.report.tables import Table, figure
from wukong_trainer.report.words import Words
from wukong_trainer.scoring.loss_curve import final_loss, has_risen


def last_losses(log: Log) -> dict[str, Any]:
    """The last losses ("train", "validation"); where the validation loss was "lowest", at which "step", and whether it
    has "risen" clearly since."""
    curves = {"train": loss_points(log, "loss"), "validation": loss_points(log, "eval_loss")}
    losses: dict[str, Any] = {}
    if curves["train"]:
        losses["train"] = final_loss([loss for _, loss in curves["train"]])
    if curves["validation"]:
        losses["validation"] = curves["validation"][-1][1]
        step, least = lowest(curves["validation"])
        losses |= {"step": f"{step:g}", "lowest": least, "risen": has_risen(least, losses["validation"])}
    return losses


def logged_table(log: Log, words: Words) -> Table:
    """Lowest, median, highest and last of every other number that was logged."""
    series: dict[str, list[float]] = {}
    for line in log:
        for key, value in line.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
                series.setdefault(key, []).append(float(value))
    lines = [
        (words.get(key, key), [figure(value) for value in (min(values), median(values), max(values), values[-1])])
        for key, values in series.items()
        if key not in {"step", "epoch", "loss", "eval_loss"}
    ]
    return Table([words[column] for column in ("min", "median", "max", "last")], lines)


def preflight_table(preflight: Mapping[str, Any], words: Words) -> Table:
    """The content of preflight.json, {"rows": 1386, "expected_memory_gb": {"weights": 0.002, …}, …}, a line a value."""
    lines: list[tuple[str, Sequence[str]]] = []
    for key, value in preflight.items():
        name = words.get(f"preflight_{key}", key)
        if isinstance(value, dict):
            parts = ((words.get(f"preflight_{part}", part), number) for part, number in value.items())
            lines += [(f"{name} › {part}", [figure(number)]) for part, number in parts]
        elif key == "trained":
            # A line break inside of what is trained is a part of it, and must be seen.
            lines.append((name, [figure(" | ".join(str(text).replace("\n", "⏎") for text in value))]))
        elif value != []:
            lines.append((name, [figure(", ".join(map(str, value)) if isinstance(value, list) else value)]))
    return Table([words["value"]], lines)
