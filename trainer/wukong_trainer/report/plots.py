"""The plots of the report as SVG for the page: text stays text, colours are the page's, the same bytes every time."""

from __future__ import annotations

import logging
import math
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

from wukong_pipe.printable import printable
from wukong_trainer.report.metrics_file import LevelPart
from wukong_trainer.report.words import Words, percent
from wukong_trainer.scoring.figures import points
from wukong_trainer.scoring.scores import PRIMARY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Matplotlib draws in these, and the page's style sheet, which knows light from dark, fills the variables in.
COLOURS = {
    "ink": "#010101",
    "quiet": "#020202",
    "line": "#030303",
    "base": "#040404",
    "tuned": "#050505",
    "good": "#060606",
    "bad": "#070707",
}
WIDTH = 5.2
"""Inches, 374 points: at the width of a phone a point is about a pixel."""
TEXT = 11
"""Points."""
CURVE_POINTS = 500
"""More points than this say nothing at that width; the curve takes every n-th."""
SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"

Log = Sequence[Mapping[str, Any]]


def rates_plot(lines: Sequence[tuple[str, LevelPart]], words: Words) -> str:
    """Rates of correct answers with Wilson's intervals, base above tuned, a line for each (name, scores)."""
    with _drawing("rates"):
        figure, axes = _rows([name for name, _ in lines])
        for i, (_, scores) in enumerate(lines):
            for side, rate, offset in (("base", scores.base[PRIMARY], -0.13), ("tuned", scores.tuned[PRIMARY], 0.13)):
                axes.plot(scores.wilson95[side], [i + offset] * 2, color=COLOURS[side], linewidth=1.6)
                axes.plot(
                    [rate],
                    [i + offset],
                    color=COLOURS[side],
                    marker="o",
                    markersize=6,
                    markeredgewidth=1.4,
                    markerfacecolor=COLOURS[side] if side == "tuned" else "white",
                )
        axes.set_xlim(-0.02, 1.02)
        ticks = (0, 0.25, 0.5, 0.75, 1)
        axes.set_xticks(ticks, [percent(share, words) for share in ticks])
        return _svg(figure, words["rates_plot"])


def differences_plot(lines: Sequence[tuple[str, LevelPart]], words: Words) -> str:
    """Tuned minus base in points with the interval of each line; zero is drawn through."""
    with _drawing("differences"):
        figure, axes = _rows([name for name, _ in lines])
        axes.axvline(0, color=COLOURS["quiet"], linewidth=1.2)
        for i, (_, scores) in enumerate(lines):
            colour = COLOURS[{"better": "good", "worse": "bad"}.get(scores.verdict, "quiet")]
            axes.plot(scores.ci95, [i] * 2, color=colour, linewidth=1.6)
            axes.plot([scores.difference], [i], color=colour, marker="D", markersize=6)
        ends = [0.0, *(end for _, scores in lines for end in (*scores.ci95, scores.difference))]
        low, high = max(-1.0, math.floor(min(ends) * 5) / 5), min(1.0, math.ceil(max(ends) * 5) / 5)
        low, high = (low, high) if high > low else (-0.2, 0.2)
        axes.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
        ticks = _ticks(low, high)
        axes.set_xticks(ticks, [points(tick) for tick in ticks])
        return _svg(figure, words["differences_plot"])


def loss_plot(log: Log, words: Words) -> str:
    """Training and validation loss by step, the lowest validation loss marked; "" when nothing was logged."""
    train, validation = loss_points(log, "loss"), loss_points(log, "eval_loss")
    if not train and not validation:
        return ""
    with _drawing("loss"):
        figure, axes = _axes(2.5, left=0.1, bottom=0.19)
        if train:
            # One point makes no line.
            axes.plot(*zip(*train, strict=True), color=COLOURS["tuned"], marker="" if len(train) > 1 else "o")
        if validation:
            axes.plot(*zip(*validation, strict=True), color=COLOURS["base"], linestyle="--", marker="o", markersize=3.5)
            step, loss = lowest(validation)
            axes.plot([step], [loss], marker="o", markersize=9, markerfacecolor="none", color=COLOURS["base"])
            axes.annotate(
                words["lowest"].format(loss=f"{loss:.3f}", step=f"{step:g}"),
                (step, loss),
                (0, 12),
                textcoords="offset points",
                ha="right" if step > (axes.get_xlim()[0] + axes.get_xlim()[1]) / 2 else "left",
                color=COLOURS["ink"],
                fontsize=TEXT,
                parse_math=False,
            )
        axes.set_ylim(0, 1.05 * max(max(loss for _, loss in train + validation), 1e-3))
        axes.locator_params(axis="both", nbins=6)
        axes.grid(axis="y", color=COLOURS["line"], linewidth=0.8)
        axes.set_xlabel(words["step"], color=COLOURS["quiet"], fontsize=TEXT, parse_math=False)
        return _svg(figure, words["loss_plot"])


def loss_points(log: Log, key: str) -> list[tuple[float, float]]:
    """(step, value) by step, thinned to CURVE_POINTS; of a step logged again after a resume the later counts."""
    found = {
        line["step"]: float(line[key])
        for line in log
        if isinstance(line.get(key), (int, float)) and math.isfinite(line[key]) and "step" in line
    }
    every = sorted(found.items())
    stride = math.ceil(len(every) / CURVE_POINTS) or 1
    return every[:-1:stride] + every[-1:]


def lowest(curve: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(step, loss) where the loss is lowest, the first of equals."""
    return min(curve, key=lambda point: (point[1], point[0]))


def _rows(names: Sequence[str]) -> tuple[Figure, Axes]:
    """Axes with a row a name, the name above its row, so that a phone's width is left to the data."""
    height = 0.56 * len(names) + 0.35
    figure, axes = _axes(height, left=0.03, bottom=0.3 / height, top=1.0)
    axes.set_ylim(len(names) - 0.6, -0.75)
    axes.set_yticks([])
    axes.grid(axis="x", color=COLOURS["line"], linewidth=0.8)
    for i, name in enumerate(names):
        axes.annotate(
            printable(name),
            (0, i),
            (2, 11),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=COLOURS["ink"],
            fontsize=TEXT,
            parse_math=False,
        )
    return figure, axes


def _axes(height: float, left: float, bottom: float, top: float = 0.97) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((left, bottom, 0.97 - left, top - bottom))
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(COLOURS["line"])
    axes.tick_params(length=0, labelsize=TEXT, labelcolor=COLOURS["quiet"], pad=5)
    return figure, axes


def _ticks(low: float, high: float) -> list[float]:
    step = next(step for step in (0.05, 0.1, 0.2, 0.5) if (high - low) / step <= 6)
    return [round(step * i, 2) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


@contextmanager
def _drawing(name: str) -> Iterator[None]:
    """Matplotlib's own defaults, whatever the user's matplotlibrc says, and ids that depend on `name` alone."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "DejaVu Sans"})
        # DejaVu holds no Chinese. It only measures here; the page's own font draws.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _svg(figure: Figure, title: str) -> str:
    """The figure as an <svg> for the page: no style attribute, which its CSP would refuse, and no metadata."""
    out = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(out, format="svg", metadata=nothing)
    # ElementTree reads what matplotlib has just written: nobody's entities.
    root = ET.fromstring(out.getvalue())
    _, _, width, height = root.get("viewBox", "").split()
    root.attrib.clear()
    root.attrib.update({"viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": printable(title)})
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{SVG}metadata", f"{SVG}style"} or child.get("id") == "patch_1":
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        _plain(element)
    return ET.tostring(root, encoding="unicode")


def _plain(element: ET.Element) -> None:
    """Style as presentation attributes; matplotlib's colours as the page's; ids kept where something uses them."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            key, value = "font-size", value.split("px")[0].split()[-1]
        if key:
            element.set(key, value)
    # The page's font, whatever matplotlib measured with.
    element.attrib.pop("font-family", None)
    if target := element.attrib.pop(f"{XLINK}href", ""):
        element.set("href", target)
    if element.tag in {"g", "text"}:
        element.attrib.pop("id", None)
    variables = {value: f"var(--{name})" for name, value in COLOURS.items()} | {"#ffffff": "var(--paper)"}
    for key, value in element.attrib.items():
        if value in variables:
            element.set(key, variables[value])
