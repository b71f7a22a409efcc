"""`inspect` and `journal`: what is there, and what it cost."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from wukong_pipe.cli.options import common, named_or_last, out
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.recover import recover
from wukong_pipe.journal.store import Journal
from wukong_pipe.screens import sections
from wukong_pipe.screens.journal import as_json, summary, summary_table
from wukong_pipe.workspace import Workspace


@click.command("inspect")
@click.argument("section", default="")
@click.option("--source", type=click.Path(path_type=Path), help="The source, or the folder above it, if it was moved.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the sources.")
@common
def inspect_command(section: str, **options: Any) -> None:
    """Show the run's sections, or one with all that came of it.

    SECTION is a number, an id or words of a title; shown are its evidence, pairs, wordings and rejects.

    \b
    Examples:
      wukong-pipe inspect
      wukong-pipe inspect 3
      wukong-pipe inspect 武器 --run blackwukong
    """
    workspace = Workspace(options["runs_dir"])
    run = named_or_last(workspace, options["run"])
    found = sections.overviews(run)
    if section:
        found = sections.matching(found, section)
    if not section or len(found) > 1:
        if options["json"]:
            print(json.dumps({"run": run.name, "sections": [asdict(overview) for overview in found]}))
        else:
            out.print(sections.overview_table(found))
        return
    inspected = sections.inspect(run, found[0], options["source"], options["encoding"])
    if options["json"]:
        print(json.dumps({"run": run.name, **inspected.to_json()}))
    else:
        sections.show(inspected, out)


@click.command("journal")
@click.option("--recover", is_flag=True, help="Save every call of a damaged journal that can be read.")
@common
def journal_command(**options: Any) -> None:
    """Show the calls to teachers and their cost, by run and prompt.

    \b
    Examples:
      wukong-pipe journal
      wukong-pipe journal --run blackwukong --json
      wukong-pipe journal --recover
    """
    workspace = Workspace(options["runs_dir"])
    if options["recover"]:
        _recover(workspace, options["json"])
        return
    if not workspace.journal.exists():
        raise WorkspaceError(f"There is no journal in {workspace.folder}: start with `wukong-pipe build PATH`.")
    with Journal(workspace.journal) as journal:
        found = summary(journal)
    lines = [line for line in found if options["run"] in {"", line.run}]
    if options["run"] and not lines:
        runs = ", ".join(sorted({line.run for line in found})) or "no run"
        raise WorkspaceError(f"The journal holds no call of the run “{options['run']}”, but of {runs}.")
    if options["json"]:
        print(json.dumps(as_json(lines)))
    else:
        out.print(summary_table(lines))


def _recover(workspace: Workspace, as_json: bool) -> None:
    """Save what can be read of a damaged journal; leave a sound one alone.

    Raises:
        WorkspaceError: it is sound and a newer version's, or cannot be recovered.
    """
    with workspace.writing():
        version = sound_version(workspace.journal)
        if version is not None:
            if version > len(MIGRATIONS):
                raise WorkspaceError(
                    f"The journal {workspace.journal} is sound, and a newer wukong-pipe wrote it: open it with "
                    "that one. Nothing was changed."
                )
            if as_json:
                print(json.dumps({"sound": True}))
            else:
                old = " An older version wrote it: the next build brings it up to date."
                out.print(
                    f"The journal {workspace.journal} is sound: there is nothing to recover."
                    f"{old if version < len(MIGRATIONS) else ''}"
                )
            return
        saved = recover(workspace.journal)
    if as_json:
        print(json.dumps({"sound": False, **asdict(saved), "damaged": str(saved.damaged)}))
    else:
        out.print(
            f"{saved.calls} calls and {saved.sends} requests saved; at least {saved.lost_calls} calls and "
            f"{saved.lost_sends} requests could not be read. The damaged journal is {saved.damaged}."
        )
