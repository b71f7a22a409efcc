"""The GGUF of a run that llama.cpp serves."""

from __future__ import annotations

import shlex
from pathlib import Path

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.workspace import Run
from wukong_trainer.models.exports import exported_from
from wukong_trainer.models.trained_model import tuned_folder


def served_gguf(run: Run) -> Path:
    """The newest GGUF that was exported of the run's tuned model.

    Raises:
        WorkspaceError: none was, or what was is older than the adapter.
    """
    folder, _ = tuned_folder(run)
    files = [file for file in run.folder.glob("gguf-*/*.gguf") if exported_from(file.parent, folder, "gguf")]
    if not files:
        raise WorkspaceError(
            f"llama.cpp serves a GGUF, and {run.folder} holds none of this adapter: start with "
            f"`wukong-pipe export --gguf q8_0 --overwrite --run {shlex.quote(run.name)}`."
        )
    return max(files, key=lambda file: file.stat().st_mtime)
