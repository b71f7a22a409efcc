"""Whether a model can be reached: a folder must be there; a hub is asked once whether it answers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from huggingface_hub import constants, get_session
from huggingface_hub.errors import HTTPError

from wukong_pipe.errors import ModelError

PATIENCE = 10.0
"""Seconds that the hub has for a sign of life."""


def reach(model: str) -> None:
    """Make sure that loading `model` does not wait long: a hub that does not answer is switched off for this process.

    What was downloaded before is still found without the hub.

    Raises:
        ModelError: `model` is the path of a folder that does not exist.
    """
    if Path(model).exists():
        return
    if is_path(model):
        raise ModelError(f"The model folder {model} does not exist.")
    if not constants.HF_HUB_OFFLINE and not _answers():
        constants.HF_HUB_OFFLINE = True


def is_path(model: str) -> bool:
    """Whether the text can only be a path: hubs' ids have one slash at most."""
    return model.startswith((".", "/", "~")) or model.count("/") > 1 or "\\" in model


def not_found(model: str) -> str:
    """Why a model that is not on this machine was not downloaded; "" where the hub was asked."""
    if not constants.HF_HUB_OFFLINE:
        return ""
    why = f"{constants.ENDPOINT} does not answer" if _answers.cache_info().currsize else "HF_HUB_OFFLINE is set"
    return (
        f"{model} is not on this machine, and {why}: check the network; HF_ENDPOINT names a mirror, and a downloaded "
        "folder can be given instead of a name."
    )


@cache
def _answers() -> bool:
    try:
        get_session().head(constants.ENDPOINT, timeout=PATIENCE)
    except (HTTPError, OSError):
        return False
    return True
