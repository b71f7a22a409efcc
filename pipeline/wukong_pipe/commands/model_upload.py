"""What `export --push-to-hub` does once its options are read: the tuned model and its card to the Hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from wukong_pipe import __version__, hub_upload
from wukong_pipe.extras import training_installed
from wukong_pipe.hub_upload import Destination, Upload
from wukong_pipe.workspace import Run

if TYPE_CHECKING:
    from wukong_trainer.models.model_facts import Form
    from wukong_trainer.use.gguf_export import Kind


def push_model(
    run: Run, folder: Path, form: Form, destination: Destination, licence: str, say: Callable[[str], None]
) -> str:
    """Upload a model of the run as one commit; the repository's address.

    Args:
        folder: where it stands.
        licence: an identifier of the Hub's; "" where the user names none.
        say: told what `hub_upload.push` tells.

    Raises:
        ModelError: an adapter's base is on no hub.
        WukongError: see `hub_upload.push`.
    """
    with training_installed():
        from wukong_trainer.use.publication import published_files
    upload = Upload(
        kind="model",
        files=published_files(run, folder, form, destination.repo, licence),
        title=f"{run.name}, tuned by wukong-pipe {__version__}",
    )
    return hub_upload.push(upload, destination, "Take them out of the model's files", say)


def adapter_of(run: Run) -> Path:
    """Where the run's adapter or model stands, as it was trained.

    Raises:
        WorkspaceError: nothing was trained.
    """
    with training_installed():
        from wukong_trainer.models.trained_model import tuned_folder
    return tuned_folder(run)[0]


def is_exported(run: Run, folder: Path, kind: Kind | None) -> bool:
    """Whether a folder holds the run's adapter as it is now: a GGUF of that type, or merged where the type is None."""
    with training_installed():
        from wukong_trainer.models.exports import exported_from
    adapter = adapter_of(run)
    if kind is None:
        return exported_from(folder, adapter, "merged")
    return exported_from(folder, adapter, "gguf") and any(folder.glob(f"*.{kind}.gguf"))
