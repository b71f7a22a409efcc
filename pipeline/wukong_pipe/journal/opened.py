"""The journal of a workspace, opened for asking: one that has lost calls is not taken for one that never had them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.copies import copying, newer_copy
from wukong_pipe.journal.losses import calls_lost, calls_paid_for
from wukong_pipe.journal.store import Journal
from wukong_pipe.workspace import Run, Workspace


@contextlib.contextmanager
def journal_of(
    workspace: Workspace, run: Run, say: Callable[[str], None], *, is_paid: bool = True
) -> Iterator[Journal]:
    """The journal, copied while calls are bought; where it lacks calls that `run` was made from, the user is told so.

    Args:
        is_paid: whether the calls that are asked cost anything; where not, nothing is looked for or copied.

    Raises:
        WorkspaceError: it lacks calls that a copy holds; it holds nothing, though datasets were made from its calls; or
        it cannot be opened.
    """
    was_there = workspace.journal.exists()
    if is_paid and (copy := newer_copy(workspace.journal)):
        raise WorkspaceError(
            f"{copy} holds calls that {workspace.journal} lacks: `wukong-pipe journal --recover` puts them back, or "
            "delete the copies to pay for them again."
        )
    with Journal(workspace.journal) as journal:
        if not is_paid:
            yield journal
            return
        if was_there and journal.is_empty:
            _refuse_to_buy_again(workspace)
        if lost := _lost(workspace, run, journal, was_there):
            say(lost)
        with copying(workspace.journal, say):
            yield journal


def _refuse_to_buy_again(workspace: Workspace) -> None:
    for folder in sorted(workspace.folder.iterdir()):
        if bought := calls_paid_for(Run(folder)):
            raise WorkspaceError(
                f"{workspace.journal} holds no call, though {Run(folder).dataset} was made from {bought}: put the "
                "journal back from a copy, or delete it to pay for them again."
            )


def _lost(workspace: Workspace, run: Run, journal: Journal, was_there: bool) -> str:
    """What the user must know of the calls that a run's dataset was made from; empty where all are in the journal."""
    if not (bought := calls_paid_for(run)):
        return ""
    again = f"calls that {run.dataset} was made from: when it is built again, they are paid for again."
    if not was_there:
        return f"There is no {workspace.journal}, which held the {bought} {again}"
    lost = calls_lost(run, journal)
    return f"{workspace.journal} lacks {lost} of the {again}" if lost else ""
