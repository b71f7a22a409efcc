"""How a share, a difference of shares and its interval are written, on every screen and page alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def percent(share: float) -> str:
    """A share as "45 %"."""
    return f"{100 * share:.0f}\u00a0%"


def points(share: float) -> str:
    """A difference of rates in percentage points: "+12", "−3" with a real minus, "0" without a sign."""
    text = f"{100 * share:+.0f}"
    return text.replace("-", "−") if float(text) else "0"


def interval(ends: Sequence[float]) -> str:
    """A 95 % interval of a difference, in points: "+3 … +21"."""
    return f"{points(ends[0])} … {points(ends[1])}"


def in_points(block: Mapping[str, Any]) -> str:
    """A difference with its interval, in points: "+12 points, 95 % interval +3 … +21"."""
    return f"{points(block['difference'])} points, 95 % interval {interval(block['ci95'])}"
