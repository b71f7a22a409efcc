"""The union of journals that several machines wrote: `journal --merge`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.database import is_filled, log_of
from wukong_pipe.journal.merge import Merged, merge
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.workspace import Workspace

Progress = Callable[[str, int, int], None]
"""Called with (step, done, total)."""


def unite(workspace: Workspace, places: Sequence[Path], progress: Progress) -> Iterator[tuple[Path, Merged]]:
    """Add to a workspace's journal what it lacks of others; of each in turn, what came of it. The caller holds the
    workspace's lock.

    All are checked before the first is added, and each is added whole or not at all. What was added stays, so the same
    command goes on after a crash.

    Args:
        places: the others, as files or runs folders.

    Raises:
        WorkspaceError: one of them, or the workspace's own, is damaged, is missing or comes from a newer version; or
            the workspace's own cannot be written.
    """
    journals = [journal_at(place) for place in places]
    own = workspace.journal
    checked = [*journals, own] if is_filled(own) or is_filled(log_of(own)) else journals
    for number, journal in enumerate(checked, 1):
        _check(journal)
        progress("checking the journals", number, len(checked))
    for journal in journals:
        if own.exists() and own.samefile(journal):
            raise WorkspaceError(f"{journal} is the journal that the others are to be added to. Nothing was changed.")
    for journal in journals:
        yield journal, merge(journal, own, partial(progress, f"adding {journal}"))


def journal_at(place: Path) -> Path:
    """The journal that a user means by a file or a runs folder.

    Raises:
        WorkspaceError: there is none.
    """
    journal = Workspace(place).journal if place.is_dir() else place
    if not journal.is_file():
        raise WorkspaceError(
            f"There is no journal {journal}: name a journal.sqlite, or the runs folder it stands in. "
            "Nothing was changed."
        )
    return journal


def _check(journal: Path) -> None:
    version = sound_version(journal)
    if version is not None and version <= len(MIGRATIONS):
        return
    if version is not None:
        raise WorkspaceError(f"{journal} was written by a newer wukong-pipe: update this one. Nothing was changed.")
    raise WorkspaceError(
        f"{journal} is no sound journal. If it is a damaged one, `wukong-pipe journal --recover --runs-dir "
        f"{shlex.quote(str(journal.parent))}` restores it; then merge again. Nothing was changed."
    )
