"""The past evaluations of a run, as the page and the terminal list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wukong_trainer.report.json_records import UnlikeError, read_as
from wukong_trainer.report.metrics_records import Verdict
from wukong_trainer.scoring.figures import engine_of, sample_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvaluation:
    """A line of eval/history.jsonl: {"time": "2026-01-02T03:04:05+00:00", "adapter_hash": "…", "primary": {…}, …}."""

    time: str
    adapter_hash: str
    test_hash: str
    leakage: str
    primary: Verdict
    judge: str = ""
    """Whose grades bear the verdict out, or deny it; "" where nobody graded."""
    sample: dict[str, int] | None
    engine: str

    @property
    def minute(self) -> str:
        """The time to the minute, as "2026-01-02 03:04"."""
        return self.time[:16].replace("T", " ")

    @property
    def adapter(self) -> str:
        """A hash short enough for a table, and long enough to tell adapters apart."""
        return self.adapter_hash[:8]

    @property
    def test_set(self) -> str:
        """The hash of the test rows, as short."""
        return self.test_hash[:8]


def past_evaluation(entry: Mapping[str, Any]) -> PastEvaluation | None:
    """An entry of the history; None if another version wrote it."""
    try:
        read_as(dict[str, Any], entry.get("settings") or {}, "settings")
        found: PastEvaluation = read_as(
            PastEvaluation, {**entry, "sample": sample_of(entry), "engine": engine_of(entry)}, ""
        )
    except UnlikeError:
        return None
    return found
