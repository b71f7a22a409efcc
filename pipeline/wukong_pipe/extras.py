"""Libraries that only some commands need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wukong_pipe.errors import MissingDependency


@contextmanager
def training_installed(extras: str = "train") -> Iterator[None]:
    """Turn a missing library into a sentence that names the cure.

    Raises:
        MissingDependency: one of the libraries of `extras` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"This command needs {error.name}, which is not installed: pip install 'wukong-pipe[{extras}]'."
        ) from error
