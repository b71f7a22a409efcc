"""Libraries that only some commands need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wukong_pipe.errors import MissingDependency


@contextmanager
def training_installed() -> Iterator[None]:
    """Turn a missing training library into a sentence that names the cure.

    Raises:
        MissingDependency: one of the libraries of the extra `train` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"This command needs {error.name}, which is not installed: pip install 'wukong-pipe[train]'."
        ) from error
