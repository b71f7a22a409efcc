"""Experiment trackers: where they write; they stay offline unless the user's environment says otherwise."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wukong_pipe.errors import MissingDependency
from wukong_trainer.recipe import Tracker

PACKAGES = {"mlflow": "mlflow-skinny sqlalchemy alembic"}
"""What to install for a tracker where it is not called so: of mlflow itself pip finds but 1.26 beside the others."""


def check_installed(tracker: Tracker) -> None:
    """Refuse a tracker whose package is not there, or does not agree with the other packages.

    Raises:
        MissingDependency: the sentence names the command that installs it.
    """
    if tracker == "none":
        return
    try:
        importlib.import_module(tracker)
    except ImportError as error:
        raise MissingDependency(
            f"--report-to {tracker} needs a package that cannot be loaded ({error}): pip install --upgrade "
            f"{PACKAGES.get(tracker, tracker)}."
        ) from error


@contextmanager
def tracked(tracker: Tracker, folder: Path) -> Iterator[None]:
    """Within the block the tracker writes to `folder`, offline; what the user has set in the environment counts."""
    place = folder.resolve() / tracker
    wanted = {
        "none": {},
        "tensorboard": {"TENSORBOARD_LOGGING_DIR": str(place)},
        "wandb": {"WANDB_MODE": "offline", "WANDB_DIR": str(place), "WANDB_PROJECT": "wukong-pipe"},
        "swanlab": {"SWANLAB_MODE": "offline", "SWANLAB_LOG_DIR": str(place)},
        "mlflow": {"MLFLOW_TRACKING_URI": f"sqlite:///{place}.db", "MLFLOW_EXPERIMENT_NAME": "wukong-pipe"},
    }[tracker]
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    if tracker != "none":
        place.mkdir(parents=True, exist_ok=True)
    os.environ.update(added)
    try:
        if tracker == "swanlab":
            # Its get_run() raises where no run is open, and transformers expects None: open one first.
            importlib.import_module(tracker).init()
        yield
    finally:
        if tracker == "swanlab":
            importlib.import_module(tracker).finish()
        for name in added:
            os.environ.pop(name, None)
