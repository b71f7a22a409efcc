"""Writing weights: whatever goes wrong is a sentence that names the folder, and what is half written goes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from wukong_pipe.errors import WorkspaceError

LITTLE = 1 << 20
"""Less than so many bytes free: whatever the library says, the disk is full."""


@contextmanager
def saving(folder: Path, cure: str, *, keep: bool = False) -> Iterator[None]:
    """Within the block nothing is done but to write `folder`.

    safetensors and torch raise errors of their own for a full disk, which name neither it nor the file.

    Args:
        cure: what the user does once there is room.
        keep: `folder` holds what cannot be made again.

    Raises:
        WorkspaceError: it cannot be written; unless it is to be kept, what was written of it is removed, so that there
            is room again.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = _reason(folder, error)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        raise WorkspaceError(f"{folder} cannot be written: {reason}. {cure}") from error


def _reason(folder: Path, error: Exception) -> str:
    at = next(path for path in (folder, *folder.parents) if path.exists())
    if shutil.disk_usage(at).free < LITTLE:
        return "No space left on device"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).strip().split("\n")[0].rstrip(".")[:300] or type(error).__name__
