"""The journal of a workspace, opened for asking: one that has lost calls is not taken for one that never had them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.journal.store import Journal
from wukong_pipe.records import FILES
from wukong_pipe.workspace import MANIFEST, Run, Workspace, read_numbered, read_object


@contextlib.contextmanager
def journal_of(
    workspace: Workspace, run: Run, say: Callable[[str], None], *, is_paid: bool = True
) -> Iterator[Journal]:
    """The journal; where it lacks calls that `run` was made from, the user is told so.

    Args:
        is_paid: whether the calls that are asked cost anything; where not, nothing is looked for.

    Raises:
        WorkspaceError: it holds nothing, though datasets were made from its calls; or it cannot be opened.
    """
    was_there = workspace.journal.exists()
    with Journal(workspace.journal) as journal:
        if is_paid:
            if was_there and journal.is_empty:
                _refuse_to_buy_again(workspace)
            if lost := _lost(workspace, run, journal, was_there):
                say(lost)
        yield journal


def _refuse_to_buy_again(workspace: Workspace) -> None:
    for folder in sorted(workspace.folder.iterdir()):
        if bought := _bought_for(Run(folder)):
            raise WorkspaceError(
                f"{workspace.journal} holds no call, though {Run(folder).dataset} was made from {bought}: put the "
                "journal back from a copy, or delete it to pay for them again."
            )


def _lost(workspace: Workspace, run: Run, journal: Journal, was_there: bool) -> str:
    """What the user must know of the calls that a run's dataset was made from; empty where all are in the journal."""
    if not (bought := _bought_for(run)):
        return ""
    again = f"calls that {run.dataset} was made from: when it is built again, they are paid for again."
    if not was_there:
        return f"There is no {workspace.journal}, which held the {bought} {again}"
    lost = sum(not journal.holds(call) for call in _calls_of(run))
    return f"{workspace.journal} lacks {lost} of the {again}" if lost else ""


def _bought_for(run: Run) -> int:
    """How many calls of a language model a run's dataset was made from, as far as its manifest can be read."""
    with contextlib.suppress(DataError, LookupError, TypeError, AttributeError, OSError):
        manifest = read_object(run.manifest, MANIFEST)
        if manifest["teacher"]["language_model"]:
            return int(sum(stage["used"]["calls"] for stage in manifest["calls"].values()))
    return 0


def _calls_of(run: Run) -> set[str]:
    """The calls that a run's rows and rejects came in, as far as they can be read."""
    calls: set[str] = set()
    for name in (*FILES.values(), "rejected.jsonl"):
        with contextlib.suppress(DataError, OSError):
            calls.update(str(row.get("call") or "") for _, row in read_numbered(run.dataset / name))
    return calls - {""}
