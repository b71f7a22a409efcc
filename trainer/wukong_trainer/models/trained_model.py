"""The model that a run trained: its folder, its base model, and the device and precision to ask both in."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.workspace import Run
from wukong_trainer.models.fingerprint import fingerprint, is_known
from wukong_trainer.models.loading import Place, choose_place
from wukong_trainer.models.record import read_record
from wukong_trainer.recipe import TINY


def tuned_folder(run: Run) -> tuple[Path, dict[str, Any]]:
    """The folder of the run's adapter or model, and what it was trained on.

    Raises:
        WorkspaceError: nothing was trained yet.
        DataError: the record of the training is damaged.
    """
    for folder in (run.adapter, run.full_model):
        if (folder / "config.json").is_file() or (folder / "adapter_config.json").is_file():
            return folder, read_record(folder)
    raise WorkspaceError(f"The run “{run.name}” has no adapter yet: start with `wukong-pipe train --run {run.name}`.")


def base_of(run: Run, record: dict[str, Any], folder: Path, wanted: str) -> str:
    """The base model of an adapter, or the `wanted` one; it must have been trained on exactly that.

    Raises:
        ModelError: it was trained on another, or does not say on which.
    """
    trained_on = record.get("base_model", "")
    base = wanted or trained_on
    if not base:
        raise ModelError(f"{folder} does not say which base model it was trained on; name it with --model.")
    base = str(run.student) if base == TINY else base
    if not record or fingerprint(base) == record["base_fingerprint"]:
        return base
    if is_known(base):
        raise ModelError(
            f"{folder} was trained on another base model than {base}, or on other weights or another precision of it: "
            f"it was {trained_on}. Name that with --model, or a copy of it, or train again."
        )
    if Path(base).is_dir():
        raise ModelError(
            f"{base} holds no safetensors, or not all of them, so whether it is the base model of {folder} cannot be "
            "known: name a copy that holds them with --model."
        )
    if Path(base).is_absolute():
        raise ModelError(f"{base}, the base model of {folder}, is not there: name a copy of it with --model.")
    # What is not here yet is known by its name alone.
    if base != trained_on:
        raise ModelError(
            f"Whether {base} is the base model of {folder} ({trained_on}) is known by its weights, and they are not "
            f"here: download it first, for instance with `hf download {shlex.quote(base)}`."
        )
    return base


def place_of(record: dict[str, Any]) -> Place:
    """Where a tuned model and its base are asked: in the precision that the training was asked for."""
    return choose_place(record.get("precision", "auto"))
