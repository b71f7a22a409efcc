"""The journal of a workspace, opened for asking: one that has lost its calls is not taken for a new one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.journal import Journal
from wukong_pipe.workspace import MANIFEST, Run, Workspace, read_object


@contextlib.contextmanager
def journal_of(workspace: Workspace, run: Run, say: Callable[[str], None]) -> Iterator[Journal]:
    """The journal; where there is none, the user is told what of `run` is paid again.

    Raises:
        WorkspaceError: it holds nothing, though datasets were made from its calls; or it cannot be opened.
    """
    was_there = workspace.journal.exists()
    with Journal(workspace.journal) as journal:
        if journal.is_empty:
            if was_there:
                _refuse_to_buy_again(workspace)
            elif bought := _bought_for(run):
                say(
                    f"There is no {workspace.journal}: the {bought} calls that {run.dataset} was made from "
                    "are paid for again."
                )
        yield journal


def _refuse_to_buy_again(workspace: Workspace) -> None:
    for folder in sorted(workspace.folder.iterdir()):
        if bought := _bought_for(Run(folder)):
            raise WorkspaceError(
                f"{workspace.journal} holds no call, though {Run(folder).dataset} was made from {bought}: put the "
                "journal back from a copy, or delete it to pay for them again."
            )


def _bought_for(run: Run) -> int:
    """How many calls of a language model a run's dataset was made from, as far as its manifest can be read."""
    with contextlib.suppress(DataError, LookupError, TypeError, AttributeError, OSError):
        manifest = read_object(run.manifest, MANIFEST)
        if manifest["teacher"]["language_model"]:
            return int(sum(stage["used"]["calls"] for stage in manifest["calls"].values()))
    return 0
