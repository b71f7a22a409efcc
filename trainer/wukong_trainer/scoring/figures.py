"""How a share, a difference of shares, its interval and a sample are written, on every screen and page alike."""

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
    return " … ".join(map(_end, ends))


def _end(share: float) -> str:
    """An end of an interval in points, with a decimal where it would else pass for the zero that it excludes."""
    return points(share) if abs(share) < 5e-4 or abs(share) >= 5e-3 else f"{100 * share:+.1f}".replace("-", "−")


def in_points(block: Mapping[str, Any]) -> str:
    """A difference with its interval, in points: "+12 points, 95 % interval +3 … +21"."""
    return f"{points(block['difference'])} points, 95 % interval {interval(block['ci95'])}"


def sample_of(evaluation: Mapping[str, Any]) -> dict[str, int] | None:
    """How many test questions were "asked", and "of" how many, where a limit left some out; None where none did.

    An older evaluation noted its "limit" alone: whether that left any out is not known.

    Args:
        evaluation: metrics.json, or a line of the history.
    """
    limit = (evaluation.get("settings") or {}).get("limit")
    found: dict[str, int] | None = evaluation.get("sample", {"limit": limit} if limit else None)
    return found


def engine_of(evaluation: Mapping[str, Any]) -> str:
    """What answered where that was not transformers, as "vllm 0.32.0, bfloat16"; else empty.

    Args:
        evaluation: metrics.json, or a line of the history; older ones name none.
    """
    settings = evaluation.get("settings") or {}
    engine = str(settings.get("engine", ""))
    return "" if engine.startswith("transformers") or not engine else f"{engine}, {settings.get('precision', '?')}"


def sampled(sample: Mapping[str, int] | None) -> str:
    """What must stand beside a verdict on a part of the test questions: " (sample: 40 of 475)"; "" beside any other."""
    if sample and "limit" in sample:
        return f" (at most {sample['limit']} questions)"
    return f" (sample: {sample['asked']} of {sample['of']})" if sample else ""
