"""A built dataset to the Hugging Face Hub: certain files alone."""

from __future__ import annotations

from collections.abc import Callable

from wukong_pipe import __version__, hub_upload
from wukong_pipe.dataset.formats import FORMATS, INDEX, path_of
from wukong_pipe.hub_upload import Destination, Upload
from wukong_pipe.records import FILES
from wukong_pipe.workspace import Run

REJECTED = "rejected.jsonl"
ALLOWED = ("README.md", "manifest.json", INDEX, *(path_of(split, form) for form in FORMATS for split in FILES))
"""All that may leave a run's folder, in dataset/; REJECTED besides, if it was asked for."""


def files_of(run: Run, rejected: bool) -> dict[str, bytes]:
    """The files that an upload consists of, by their names in the repository."""
    names = [*ALLOWED, REJECTED] if rejected else ALLOWED
    return {name: (run.dataset / name).read_bytes() for name in names if (run.dataset / name).is_file()}


def push(run: Run, destination: Destination, say: Callable[[str], None], *, rejected: bool = False) -> str:
    """Upload the run's dataset as one commit; the repository's address.

    Args:
        say: told of each finding.
        rejected: upload the rejected candidates, too: they hold the teacher's raw words.

    Raises:
        WukongError: see `hub_upload.push`.
    """
    upload = Upload(
        kind="dataset",
        files=files_of(run, rejected),
        title=f"{run.name}, built by wukong-pipe {__version__}",
        replaces=frozenset({*ALLOWED, REJECTED}),
    )
    return hub_upload.push(upload, destination, "Take them out of the sources and build again", say)
