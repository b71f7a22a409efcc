"""The plots of the report as SVG for the page: text stays text, the page's style sheet gives the colours, and the same
numbers always give the same bytes. Lengths are in the points of the drawing; the page scales it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from markupsafe import escape

from wukong_pipe.printable import printable
from wukong_trainer.evaluation.records import SIDES
from wukong_trainer.report.metrics_records import LevelPart
from wukong_trainer.report.words import Words, percent
from wukong_trainer.scoring.figures import points

WIDTH = 374.4
"""At the width of a phone a point is about a pixel."""
BROAD = 2.2 * WIDTH
"""On a desk the plot of losses is as wide as the page."""
RIGHT = 363.2
TEXT = 11
"""The size of text."""
GUTTER = 92.0
"""Left of the axis of rates or differences: what each mark is and shows stands there, beside it."""
NAME, MARK = 21.0, 15.0
"""The heights of a line's name, which stands above its marks, and of each of its marks."""
LOSS_PLOT = (37.4, 5.4, 145.8)
"""The left, top and bottom of the plot of losses."""
LEAST_LOSS = 1e-5
"""A smaller loss is drawn as this one: a log scale has no zero."""
TICKS = 6
"""An axis has at most so many intervals."""
LOWEST = 4.5
"""The radius of the ring round the lowest validation loss; what it is, the sentence below the plot says."""
CURVE_POINTS = 500
"""More points than this say nothing at that width; the curve takes every n-th."""

Log = Sequence[Mapping[str, Any]]
Point = tuple[float, float]


def rates_plot(lines: Sequence[tuple[str, LevelPart]], words: Words) -> str:
    """Rates of correct answers with Wilson's intervals, base above tuned, a line for each (name, scores)."""
    across = _Axis(-0.02, 1.02, GUTTER, RIGHT)

    def marks(scores: LevelPart, tops: Sequence[float]) -> Iterator[str]:
        for side, y in zip(SIDES, tops, strict=True):
            rate = scores.mean(side)
            yield _curve([(across.at(end), y) for end in scores.wilson95[side]], side)
            yield _dot(across.at(rate), y, side, "" if side == "tuned" else "var(--paper)")
            yield _label(y, f"{words[side]} {percent(rate, words)}", side)

    ticks = [(share, percent(share, words)) for share in (0, 0.25, 0.5, 0.75, 1)]
    return _rows_plot(lines, across, ticks, marks, len(SIDES), words["rates_plot"])


def differences_plot(lines: Sequence[tuple[str, LevelPart]], words: Words) -> str:
    """Tuned minus base in points with the interval of each line; zero is drawn through."""
    ends = [0.0, *(end for _, scores in lines for end in (*scores.ci95, scores.difference))]
    low, high = max(-1.0, math.floor(min(ends) * 5) / 5), min(1.0, math.ceil(max(ends) * 5) / 5)
    low, high = (low, high) if high > low else (-0.2, 0.2)
    margin = 0.03 * (high - low)
    across = _Axis(low - margin, high + margin, GUTTER, RIGHT)

    def marks(scores: LevelPart, tops: Sequence[float]) -> Iterator[str]:
        (y,) = tops
        colour = {"better": "good", "worse": "bad"}.get(scores.verdict or "", "quiet")
        yield _curve([(across.at(0), y - MARK / 2), (across.at(0), y + MARK / 2)], "quiet", 1.2)
        yield _curve([(across.at(end), y) for end in scores.ci95], colour)
        yield _diamond(across.at(scores.difference), y, colour)
        yield _label(y, points(scores.difference), colour)

    ticks = [(tick, points(tick)) for tick in _ticks(low, high)]
    return _rows_plot(lines, across, ticks, marks, 1, words["differences_plot"])


def loss_plot(log: Log, words: Words, width: float = WIDTH) -> str:
    """Training and validation loss by step, the lowest validation loss marked; "" when nothing was logged.

    On a log scale, or all that follows the first steps would be a flat line.
    """
    train, validation = loss_points(log, "loss"), loss_points(log, "eval_loss")
    if not train and not validation:
        return ""
    left, top, bottom = LOSS_PLOT
    right = width - (WIDTH - RIGHT)
    steps = [step for step, _ in train + validation]
    margin = 0.05 * (max(steps) - min(steps)) or 0.5
    across = _Axis(min(steps) - margin, max(steps) + margin, left, right)
    up = _loss_axis([loss for _, loss in train + validation], bottom, top)
    parts = []
    for tick in _log_ticks(up.low, up.high):
        parts.append(_curve([(left, up.at(log10(tick))), (right, up.at(log10(tick)))], "line", 0.8))
        parts.append(_text(left - 5, up.at(log10(tick)) + 4.2, f"{tick:g}", "quiet", "end"))
    whole = [tick for tick in _ticks(across.low, across.high) if tick.is_integer()]
    parts += [_text(across.at(tick), bottom + 13.4, f"{tick:g}", "quiet") for tick in whole]
    parts.append(_text((left + right) / 2, bottom + 28.4, words["step"], "quiet"))
    curves = [
        [(across.at(step), up.at(_log(loss))) for step, loss in curve] for curve in map(_thinned, (train, validation))
    ]
    # One point makes no line.
    parts += [_curve(curves[0], "tuned", 1.5)] if len(train) > 1 else [_dot(x, y, "tuned") for x, y in curves[0]]
    if validation:
        parts += [_curve(curves[1], "base", 1.5, dashed=True), *(_dot(x, y, "base", radius=1.75) for x, y in curves[1])]
        step, loss = lowest(validation)
        x, y = across.at(step), up.at(_log(loss))
        parts.append(_dot(x, y, "base", "none", LOWEST))
    return _svg(180, words["loss_plot"], parts, width)


def loss_points(log: Log, key: str) -> list[Point]:
    """(step, value) by step; of a step logged again after a resume the later counts."""
    values = {
        line["step"]: float(line[key])
        for line in log
        if isinstance(line.get(key), (int, float)) and math.isfinite(line[key]) and isinstance(line.get("step"), int)
    }
    return sorted(values.items())


def _thinned(curve: Sequence[Point]) -> Sequence[Point]:
    """Every n-th point and the last one."""
    stride = math.ceil(len(curve) / CURVE_POINTS) or 1
    return [*curve[:-1:stride], *curve[-1:]]


def lowest(curve: Sequence[Point]) -> Point:
    """(step, loss) where the loss is lowest, the first of equals."""
    return min(curve, key=lambda point: (point[1], point[0]))


# --- axes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Axis:
    """The values from `low` to `high` lie between the places `start` and `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two values: at most TICKS intervals of 1, 2, 2.5 or 5 times a power of ten."""
    # The tiny part: six intervals of 0.1 are not too many where 0.6 / 6 is 0.09999999999999999.
    least = (high - low) / TICKS * (1 - 1e-9)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(times * power for times in (1, 2, 2.5, 5, 10) if times * power >= least)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(step * i, 10) for i in range(first, last + 1)]


def _log(loss: float) -> float:
    """A loss on the log scale: one of nothing at all stands at the lowest end."""
    return log10(max(loss, LEAST_LOSS))


def _loss_axis(losses: Sequence[float], bottom: float, top: float) -> _Axis:
    """The powers of ten from the lowest to the highest loss, with some room."""
    low, high = _log(min(losses)), _log(max(losses))
    margin = max(0.05 * (high - low), 0.05)
    return _Axis(low - margin, high + margin, bottom, top)


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two powers of ten: 1, 2 and 5 times each whole power, or fewer where these are many."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks: list[float] = []
    for steps in ((1, 2, 5), (1, 3), (1,)):
        every = [times * 10.0**power for power in powers for times in steps]
        ticks = [tick for tick in every if low <= log10(tick) <= high]
        if len(ticks) <= TICKS + 1:
            break
    return ticks if len(ticks) > 2 else _ticks(10**low, 10**high)


def _rows_plot(
    lines: Sequence[tuple[str, LevelPart]],
    across: _Axis,
    ticks: Sequence[tuple[float, str]],
    marks: Callable[[LevelPart, Sequence[float]], Iterable[str]],
    count: int,
    title: str,
) -> str:
    """So many marks a line, each labelled at its left; the name of a line above them, where no grid runs through it."""
    height = NAME + count * MARK
    bottom = len(lines) * height + 4
    parts = []
    for i, (name, scores) in enumerate(lines):
        top = i * height + NAME
        grid = [[(across.at(value), top), (across.at(value), top + count * MARK)] for value, _ in ticks]
        parts += [_curve(line, "line", 0.8) for line in grid]
        parts.append(_text(0, top - 5, name, "ink", "start"))
        parts += marks(scores, [top + (j + 0.5) * MARK for j in range(count)])
    parts += [_text(across.at(value), bottom + 11, label, "quiet") for value, label in ticks]
    return _svg(bottom + 19, title, parts)


def _label(y: float, text: str, colour: str) -> str:
    """What a mark is, left of it."""
    return _text(GUTTER - 6, y + 3.8, text, colour, "end")


# --- SVG ---------------------------------------------------------------------------------------------------------
# Presentation attributes alone: the page's CSP refuses a style attribute.


def _svg(height: float, title: str, parts: Iterable[str], width: float = WIDTH) -> str:
    shapes = "\n".join(parts)
    label = f'role="img" aria-label="{escape(printable(title))}"'
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" {label} font-size="{TEXT}" stroke-linejoin="round">\n{shapes}\n</svg>'
    )


def _curve(curve: Iterable[Point], colour: str, width: float = 1.6, dashed: bool = False) -> str:
    path = " L ".join(f"{x:.2f} {y:.2f}" for x, y in curve)
    dashes = ' stroke-dasharray="5.5 2.4"' if dashed else ""
    return f'<path d="M {path}" fill="none" stroke="var(--{colour})" stroke-width="{width:g}"{dashes}/>'


def _dot(x: float, y: float, colour: str, fill: str = "", radius: float = 3) -> str:
    place, fill = f'cx="{x:.2f}" cy="{y:.2f}" r="{radius:g}"', fill or f"var(--{colour})"
    return f'<circle {place} fill="{fill}" stroke="var(--{colour})" stroke-width="1.4"/>'


def _diamond(x: float, y: float, colour: str) -> str:
    return f'<path d="M {x:.2f} {y - 4.7:.2f} l 4.7 4.7 l -4.7 4.7 l -4.7 -4.7 z" fill="var(--{colour})"/>'


def _text(x: float, y: float, text: str, colour: str, anchor: str = "middle") -> str:
    place = f'x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}"'
    return f'<text {place} fill="var(--{colour})">{escape(printable(text))}</text>'
