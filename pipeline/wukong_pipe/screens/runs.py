"""The runs of a workspace: what was built, trained and proved in each, and its size on disk."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from wukong_pipe import bounded
from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.files import Kinds, read_object
from wukong_pipe.printable import one_line
from wukong_pipe.workspace import MANIFEST, RECORD, Run, Workspace
from wukong_trainer.scoring.figures import percent, sample_of, sampled

METRICS: Kinds = dict.fromkeys(("primary", "settings"), (dict, object))


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run, as far as its files can be read."""

    run: str
    last: bool
    """Whether it is the run that commands without --run take."""
    rows: dict[str, int]
    """By split: of the dataset, or else those that were trained on; empty where there is neither."""
    adapter: str
    """The method of the adapter or model; empty where nothing was trained."""
    base_model: str
    verdict: str
    base: float | None
    """The primary score of the base model, and of the tuned one."""
    tuned: float | None
    sample: dict[str, int] | None
    """{"asked": 12, "of": 90} where only a part of the test questions was asked; None where all were; {"limit": 12}
    where an older evaluation did not say which."""
    leakage: str
    """What is known of test questions that were trained: "none", "dropped 3", "dropped 3, rest unknown", "unknown"."""
    changed: str
    """When its newest file was written: ISO 8601, local time."""
    size: int
    """Bytes."""
    damaged: str
    """The first file that cannot be read, with why; empty where all can be."""


def summaries(workspace: Workspace) -> list[RunSummary]:
    """All runs, the one changed last first."""
    if not workspace.folder.is_dir():
        return []
    last = ""
    with contextlib.suppress(WorkspaceError):
        last = workspace.last_run().name
    folders = [path for path in workspace.folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    runs = [_summary(Run(folder), folder.name == last) for folder in folders]
    return sorted(runs, key=lambda summary: summary.changed, reverse=True)


def _summary(run: Run, last: bool) -> RunSummary:
    files = [path.stat() for path in run.folder.rglob("*") if path.is_file()]
    problems: list[str] = []

    def read(path: Path, kinds: Kinds) -> dict[str, Any]:
        if not path.is_file():
            return {}
        try:
            return read_object(path, kinds)
        except (DataError, OSError) as error:
            problems.append(str(error))
            return {}

    tuned = next((folder for folder in (run.adapter, run.full_model) if folder.is_dir()), None)
    record = read(tuned / RECORD, {}) if tuned else {}
    metrics = read(run.metrics, METRICS)
    primary = metrics.get("primary", {})
    newest = max((file.st_mtime for file in files), default=run.folder.stat().st_mtime)
    return RunSummary(
        run=run.name,
        last=last,
        rows={split: count for split, count in read(run.manifest, MANIFEST).get("splits", {}).items() if count}
        or _rows_trained(run),
        adapter=str(record.get("method", "unknown")) if tuned else "",
        base_model=str(record.get("base_model", "")),
        verdict=str(primary.get("verdict", "")),
        base=primary.get("base"),
        tuned=primary.get("tuned"),
        sample=sample_of(metrics),
        leakage=str(metrics.get("leakage", "")),
        changed=datetime.fromtimestamp(newest).astimezone().isoformat(timespec="seconds"),
        size=sum(file.st_size for file in files),
        damaged=problems[0] if problems else "",
    )


def _rows_trained(run: Run) -> dict[str, int]:
    """The rows of a training on other rows than a dataset's, as its recipe.toml tells them."""
    try:
        recipe = bounded.read_bytes(run.train / "recipe.toml", bounded.MIB).decode("utf-8", "replace")
    except (DataError, OSError):
        return {}
    match = re.search(r"^# rows: (\d+) train, (\d+) validation", recipe, re.MULTILINE)
    counts = zip(("train", "validation"), map(int, match.groups() if match else ()), strict=False)
    return {split: count for split, count in counts if count}


def runs_table(runs: Sequence[RunSummary]) -> Table:
    """The runs, one a line; * marks the one that commands without --run take."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "run", "train", "val", "test", "adapter", "base model", "verdict", "changed", "size"):
        table.add_column(heading, justify="right" if heading in {"train", "val", "test", "size"} else "left")
    for summary in runs:
        verdict = summary.verdict
        if verdict and summary.base is not None and summary.tuned is not None:
            verdict += f" ({percent(summary.base)} → {percent(summary.tuned)}){sampled(summary.sample)}"
        if verdict and "unknown" in summary.leakage:
            verdict += ", leakage unknown"
        cells = (
            *("*" if summary.last else "", summary.run),
            *(str(summary.rows.get(split, "")) for split in ("train", "validation", "test")),
            *(summary.adapter, _short(summary.base_model), verdict),
            *(summary.changed[:16].replace("T", " "), f"{summary.size / 1e6:,.1f} MB"),
        )
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    return table


def _short(model: str) -> str:
    """A model's id, or the last part of its folder."""
    return Path(model).name if Path(model).is_absolute() else model
