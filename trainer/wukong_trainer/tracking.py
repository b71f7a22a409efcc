"""Experiment trackers: where they write, and that they stay on this machine unless the user has said otherwise."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wukong_pipe.errors import MissingDependency
from wukong_trainer.recipe import Tracker


def check_installed(tracker: Tracker) -> None:
    """Refuse a tracker whose package is not there.

    Raises:
        MissingDependency: the sentence names the command that installs it.
    """
    if tracker != "none" and importlib.util.find_spec(tracker) is None:
        raise MissingDependency(f"--report-to {tracker} needs a package that is not installed: pip install {tracker}.")


@contextmanager
def tracked(tracker: Tracker, folder: Path) -> Iterator[None]:
    """Within the block the tracker writes to `folder`, offline; what the user has set in the environment counts."""
    place = folder.resolve() / tracker
    wanted = {
        "none": {},
        "tensorboard": {"TENSORBOARD_LOGGING_DIR": str(place)},
        "wandb": {"WANDB_MODE": "offline", "WANDB_DIR": str(place), "WANDB_PROJECT": "wukong-pipe"},
        "swanlab": {"SWANLAB_MODE": "offline", "SWANLAB_LOG_DIR": str(place), "SWANLAB_PROJECT": "wukong-pipe"},
        "mlflow": {"MLFLOW_TRACKING_URI": f"sqlite:///{place}.db", "MLFLOW_EXPERIMENT_NAME": "wukong-pipe"},
    }[tracker]
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    if tracker != "none":
        place.mkdir(parents=True, exist_ok=True)
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
