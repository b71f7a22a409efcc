"""What a run proved, for people: `report.html`, one page without scripts, and the table on the terminal.

Everything shown may have been written by a model or stand in somebody's corpus: it is text, never markup, and
characters that would steer a terminal or turn a line around are shown as escapes.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wukong_pipe.workspace import Run, read_json, read_jsonl, write_text
from wukong_trainer.metrics import LEVELS
from wukong_trainer.scores import PRIMARY

CURVE_WIDTH, CURVE_HEIGHT = 520, 240
CURVE_LEFT, CURVE_RIGHT, CURVE_TOP, CURVE_BOTTOM = 46, 500, 14, 198
CURVE_POINTS = 500
"""More points than this say nothing at that width; the curve takes every n-th."""

VERDICT_STYLES = {"better": "green", "worse": "red"}


def visible(text: str) -> str:
    r"""`text` with control, bidi and other invisible characters as escapes; line breaks, tabs, joiners stay.

    >>> visible("\x1b[31mred \u202egnp.exe")
    '\\x1b[31mred \\u202egnp.exe'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    # Lone surrogates (Cs) could not even be written as UTF-8; joiners (U+200C, U+200D) hold Persian together.
    invisible = unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if not invisible or char in "\n\t\u200c\u200d":
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# --- what page and terminal share ----------------------------------------------------------------------


def _blocks(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The comparisons of `metrics.json` as table lines: a level, then its parts (form of wording, kind)."""
    lines: list[dict[str, Any]] = []
    for level in LEVELS:
        block = metrics["levels"].get(level) or {}
        if not block.get("n"):
            continue
        lines.append({"level": level, "part": "", **block})
        parts = (block.get("by_form") or {}) | (block.get("by_kind") or {})
        lines += [{"level": level, "part": part, **inner} for part, inner in parts.items() if inner]
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%"


def _points_text(share: float) -> str:
    """A difference of rates in percentage points: "+12", "−3" with a real minus, "0" without a sign."""
    text = f"{100 * share:+.0f}"
    return text.replace("-", "−") if float(text) else "0"


def _outcome(row: dict[str, Any]) -> str:
    """won, lost, both wrong or both right: what tuning did to this answer."""
    base, tuned = (float(row[side][PRIMARY]) >= 1 for side in ("base", "tuned"))
    if base == tuned:
        return "both_right" if base else "both_wrong"
    return "won" if tuned else "lost"


# --- the page ------------------------------------------------------------------------------------------


def write_report(run: Run) -> Path:
    """Write `report.html` of a run from its manifest, training log, recipe, metrics and answers.

    The page is self-contained (no script, no request), in Chinese when most answers are, else in English.
    What is not there yet is said plainly on the page.

    Returns:
        The path of the page.

    Raises:
        DataError: one of the run's files cannot be read; the sentence names it.
    """
    recipe = run.train / "recipe.toml"
    log = run.train / "log.jsonl"
    answers = read_jsonl(run.answers) if run.answers.is_file() else []
    metrics = read_json(run.metrics) if run.metrics.is_file() else None
    page = _template().render(
        name=run.name,
        lang=_language(answers),
        metrics=metrics,
        blocks=_blocks(metrics) if metrics else [],
        groups=_groups(answers),
        manifest=read_json(run.manifest) if run.manifest.is_file() else None,
        curve=_loss_curve(read_jsonl(log)) if log.is_file() else None,
        recipe=recipe.read_text("utf-8", errors="replace") if recipe.is_file() else None,
    )
    write_text(run.report, page)
    return run.report


def _template() -> Template:
    # finalize sees every value before autoescape does, so no place in the template can forget it; what a
    # macro returns is Markup and went through it already.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.filters["percent"] = _percent
    environment.filters["points"] = _points_text
    return environment.get_template("report.html.j2")


def _language(answers: list[dict[str, Any]]) -> str:
    return "zh" if 2 * sum(row.get("lang") == "zh" for row in answers) > len(answers) else "en"


def _groups(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The held-out questions by level, those on which tuning changed something first."""
    order = ("won", "lost", "both_wrong", "both_right")
    groups = []
    for level in LEVELS:
        rows = [row | {"outcome": _outcome(row)} for row in answers if row.get("level") == level]
        rows.sort(key=lambda row: order.index(row["outcome"]))
        if rows:
            groups.append({"level": level, "rows": rows, "counts": Counter(row["outcome"] for row in rows)})
    return groups


def _loss_curve(log: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Training and validation loss as SVG coordinates with axis ticks; None when nothing was logged."""
    curves = {"train": _points(log, "loss"), "eval": _points(log, "eval_loss")}
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return None
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    step = _nice_step(max(y for _, y in points))
    top = step * math.ceil(max(max(y for _, y in points) / step, 1))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / (last - first) if last > first else 0.5
        return (
            round(CURVE_LEFT + across * (CURVE_RIGHT - CURVE_LEFT), 1),
            round(CURVE_BOTTOM - max(y, 0.0) / top * (CURVE_BOTTOM - CURVE_TOP), 1),
        )

    steps = sorted({round(first + (last - first) * i / 4) for i in range(5)})
    return {
        "size": (CURVE_WIDTH, CURVE_HEIGHT),
        "box": (CURVE_LEFT, CURVE_TOP, CURVE_RIGHT, CURVE_BOTTOM),
        **{name: [place(x, y) for x, y in curve] for name, curve in curves.items()},
        "x_ticks": [(place(x, 0)[0], str(x)) for x in steps],
        "y_ticks": [(place(first, step * i)[1], f"{step * i:g}") for i in range(round(top / step) + 1)],
        "last": {name: curve[-1][1] for name, curve in curves.items() if curve},
    }


def _points(log: list[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    """(step, value) by step; of a step logged again after a resume the later value counts."""
    found = {
        line["step"]: float(line[key])
        for line in log
        if isinstance(line.get(key), (int, float)) and math.isfinite(line[key]) and "step" in line
    }
    points = sorted(found.items())
    stride = math.ceil(len(points) / CURVE_POINTS) or 1
    return points[:-1:stride] + points[-1:]


def _nice_step(top: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides an axis up to `top` into three to seven parts."""
    rough = max(top, 1e-9) / 5
    power: float = 10 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


# --- the terminal --------------------------------------------------------------------------------------


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
    for line in _blocks(metrics):
        difference, low, high = (_points_text(value) for value in (line["difference"], *line["ci95"]))
        table.add_row(
            Text(visible(f"  {line['part']}" if line["part"] else line["level"])),
            str(line["n"]),
            str(line["sections"]),
            _percent(line["base"][PRIMARY]),
            _percent(line["tuned"][PRIMARY]),
            difference,
            f"{low} … {high}",
            Text(line["verdict"], style=VERDICT_STYLES.get(line["verdict"], "")),
        )
    notes = [Text(visible(f"Leakage: {metrics['leakage']}."), style="dim")]
    if says := (metrics["levels"].get("section") or {}).get("explanation"):
        notes.append(Text(visible(f"Control (section): {says}"), style="dim"))
    return Group(table, *notes, *(_side_by_side(row) for row in _examples(answers, examples)))


def _examples(answers: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Wins, with a loss in the last place if there is one; filled up with unchanged answers. One of each pair."""
    primary_last = sorted(answers, key=lambda row: -LEVELS.index(row["level"]))
    one_each = {row["pair_id"]: row for row in primary_last}.values()
    ranked = sorted(one_each, key=lambda row: LEVELS.index(row["level"]))
    by_outcome = {name: [row for row in ranked if _outcome(row) == name] for name in ("won", "lost")}
    losses = by_outcome["lost"][: min(count, 1)]
    wins = _spread(by_outcome["won"], count - len(losses))
    ties = [row for row in ranked if _outcome(row).startswith("both")]
    return [*wins, *losses, *_spread(ties, count - len(wins) - len(losses))]


def _spread(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """At most `count` of the rows, from all over the list: neighbours are about the same section."""
    return [rows[i * len(rows) // count] for i in range(count)] if 0 < count < len(rows) else rows[: max(0, count)]


def _side_by_side(row: dict[str, Any]) -> Table:
    table = Table(
        title=Text(visible(row["instruction"]), style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        expand=True,
    )
    cells = [Text(visible(_short(row["reference"])))]
    table.add_column("reference", ratio=1, overflow="fold")
    for side in ("base", "tuned"):
        hit = float(row[side][PRIMARY]) >= 1
        table.add_column(f"{side}: {'hit' if hit else 'miss'}", ratio=1, overflow="fold")
        cells.append(Text(visible(_short(row[side]["answer"])), style="green" if hit else "red"))
    table.add_row(*cells)
    return table


def _short(text: str, width: int = 240) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
