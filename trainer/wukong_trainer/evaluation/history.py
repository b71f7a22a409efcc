"""The history of a run: one line for each of its evaluations."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wukong_pipe.errors import DataError
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.workspace import Run
from wukong_trainer.hardware import Hardware


def history_of(run: Run) -> Path:
    """Where a run's evaluations are listed."""
    return run.metrics.with_name("history.jsonl")


def history(path: Path) -> list[dict[str, Any]]:
    """A run's evaluations, oldest first.

    {"time": "2026-11-29T21:04:11+00:00", "adapter": "adapter", "leakage": "none", "primary": {"n": 475, …}, …}

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return read_jsonl(path) if path.is_file() else []
    except DataError as error:
        raise DataError(f"{error} It lists past evaluations: correct that line, or remove the file.") from error


def remember(
    path: Path,
    metrics: dict[str, Any],
    *,
    adapter_hash: str,
    test_hash: str,
    seconds: float,
    hardware: Hardware,
    command: str,
) -> None:
    """Add an evaluation to a run's history.

    Args:
        seconds: that the models took; answers kept from a stopped evaluation cost none.
        command: that makes it again; "" where none was typed.

    Raises:
        DataError: the history cannot be read.
        WorkspaceError: it cannot be written.
    """
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "adapter": metrics["adapter"],
        "adapter_hash": adapter_hash,
        "test_hash": test_hash,
        "base_model": metrics["base_model"],
        "leakage": metrics["leakage"],
        "primary": metrics["primary"],
        "judge": metrics.get("grades", {}).get("judge", ""),
        "sample": metrics["sample"],
        "settings": metrics["settings"],
        "seconds": round(seconds, 1),
        "hardware": asdict(hardware),
        "command": command,
    }
    write_text(path, jsonl([*history(path), json.loads(json.dumps(entry))]))
