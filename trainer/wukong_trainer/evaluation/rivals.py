"""Several tuned models on one set of test questions, each compared with the first; and the history of a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wukong_pipe.errors import DataError
from wukong_pipe.workspace import Run, jsonl, read_jsonl, write_text
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.scoring.paired_difference import cluster_of, paired
from wukong_trainer.scoring.scores import PRIMARY

if TYPE_CHECKING:
    from wukong_trainer.inference.asked_models import Contender  # Which imports torch.

ScoredRows = dict[int, dict[str, Any]]
"""Scored answers by the place of their test row; a row whose question the model was trained on is left out."""


def leakage_of(record: dict[str, Any], dropped: int, audited: str | None) -> str:
    """What is known of test questions that a model was trained on: "none", "dropped N", "unknown", or both of these.

    Copies and light rewordings are always looked for; "none" also says that no pair or section that the test holds
    out was trained in other words, which only the build's audit can know. Where it does not, that also holds for the
    questions that are left when some were dropped: "dropped N, rest unknown".

    Args:
        record: what the model was trained on, {} where nobody knows.
        audited: the hash of the training rows that the test was audited against; None where it was not.
    """
    if "questions" not in record:
        return "unknown"
    known = audited is not None and record.get("dataset_hash") == audited
    if dropped:
        return f"dropped {dropped}" if known else f"dropped {dropped}, rest unknown"
    return "none" if known else "unknown"


def against(
    rows: Sequence[dict[str, Any]],
    first: str,
    rivals: Sequence[tuple[Contender, dict[str, Any], ScoredRows]],
    audited: str | None,
) -> dict[str, Any]:
    """`metrics["against"]`: models on the same test questions, and the difference of each to the first.

    Args:
        rows: of answers.jsonl; `tuned` is the first's.
        rivals: each with what it was trained on ({} for a model on its own), and its scored answers.
        audited: see `leakage_of`.

    Returns:
        `first` and `models`, of each name, weights, n, dropped (leaks), leakage (see `leakage_of`), and `levels`: n,
        first, model (shares of right answers), difference and ci95 (model minus first), over the questions that
        neither was trained on.
    """
    models = []
    for contender, record, scored in rivals:
        levels = {}
        for level in LEVELS:
            at = [i for i in scored if rows[i]["level"] == level]
            pair = paired(
                [rows[i]["tuned"][PRIMARY] for i in at],
                [scored[i][PRIMARY] for i in at],
                [cluster_of(rows[i]) for i in at],
            )
            if at:
                levels[level] = {"first": pair.pop("base"), "model": pair.pop("tuned"), **pair}
        dropped = len(rows) - len(scored)
        models.append(
            {
                "name": contender.name,
                "weights": contender.weights,
                "n": len(scored),
                "dropped": dropped,
                "leakage": leakage_of(record, dropped, audited),
                "levels": levels,
            }
        )
    return {"first": first, "models": models}


def remember(path: Path, metrics: dict[str, Any], *, adapter_hash: str, test_hash: str) -> None:
    """Add an evaluation to a run's history.

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
        "sample": metrics["sample"],
        "settings": metrics["settings"],
    }
    write_text(path, jsonl([*history(path), json.loads(json.dumps(entry))]))


def history_of(run: Run) -> Path:
    """Where a run's evaluations are listed."""
    return run.metrics.with_name("history.jsonl")


def history(path: Path) -> list[dict[str, Any]]:
    """A run's evaluations, oldest first.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return read_jsonl(path) if path.is_file() else []
    except DataError as error:
        raise DataError(f"{error} It lists past evaluations: correct that line, or remove the file.") from error
