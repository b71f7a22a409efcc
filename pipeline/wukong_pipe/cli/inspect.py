"""`inspect` and `journal`: what is there, and what it cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from wukong_pipe.cli.options import common, err, named_or_last, out
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.journal.check import sound_version
from wukong_pipe.journal.copies import newer_copy
from wukong_pipe.journal.migrations import MIGRATIONS
from wukong_pipe.journal.records import run_and_shard
from wukong_pipe.journal.recover import add_from_copies, recover
from wukong_pipe.journal.store import Journal
from wukong_pipe.journal.union import unite
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.journal import as_json, merged_line, recovery_lines, sound_line, summary, summary_table
from wukong_pipe.screens.section_contents import contents_of, matching, section_overviews
from wukong_pipe.screens.sections import overview_table, show_section
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
    sections = section_overviews(run)
    if section:
        sections = matching(sections, section)
    if not section or len(sections) > 1:
        if options["json"]:
            print(json.dumps({"run": run.name, "sections": [asdict(overview) for overview in sections]}))
        else:
            out.print(overview_table(sections))
        return
    contents = contents_of(run, sections[0], options["source"], options["encoding"])
    if options["json"]:
        print(json.dumps({"run": run.name, **contents.to_json()}))
    else:
        show_section(contents, out)


@click.command("journal")
@click.argument("journals", nargs=-1, type=click.Path(path_type=Path))
@click.option("--recover", is_flag=True, help="Restore the journal: from its copies, and what can be read.")
@click.option("--merge", is_flag=True, help="Add the calls of JOURNALS: files, or the runs folders of other machines.")
@common
def journal_command(**options: Any) -> None:
    """Show the calls to teachers and their cost, by run and prompt.

    JOURNALS are those that --merge adds, in any order; to add one again changes nothing.

    \b
    Examples:
      wukong-pipe journal
      wukong-pipe journal --run blackwukong --json
      wukong-pipe journal --recover
      wukong-pipe journal --merge machine2/runs machine3/runs
    """
    workspace = Workspace(options["runs_dir"])
    if bool(options["journals"]) != options["merge"] or (options["merge"] and options["recover"]):
        raise click.UsageError("--merge takes the journals to add, and nothing else does: journal --merge A B.")
    if options["merge"]:
        _merge(workspace, options["journals"], options["json"])
        return
    if options["recover"]:
        _recover(workspace, options["json"])
        return
    if not workspace.journal.exists():
        raise WorkspaceError(f"There is no journal in {workspace.folder}: start with `wukong-pipe build PATH`.")
    with Journal(workspace.journal) as journal:
        found = summary(journal)
    lines = [line for line in found if options["run"] in {"", line.run, run_and_shard(line.run)[0]}]
    if options["run"] and not lines:
        runs = ", ".join(sorted({line.run for line in found})) or "no run"
        raise WorkspaceError(f"The journal holds no call of the run “{options['run']}”, but of {runs}.")
    if options["json"]:
        print(json.dumps(as_json(lines)))
    else:
        out.print(summary_table(lines))


def _merge(workspace: Workspace, journals: Sequence[Path], as_json: bool) -> None:
    """Add to the journal what it lacks of others.

    Raises:
        WorkspaceError: see `unite`.
    """
    with workspace.writing(), Steps(err).shown() as steps:
        found = []
        for journal, merged in unite(workspace, journals, steps):
            found.append({"journal": str(journal), **asdict(merged)})
            if not as_json:
                out.print(merged_line(journal, merged))
    if as_json:
        print(json.dumps({"merged": found}))


def _recover(workspace: Workspace, as_json: bool) -> None:
    """Restore a damaged journal; add to a sound one what it lacks and a copy holds.

    Raises:
        WorkspaceError: it is sound and a newer version's, or there is nothing to restore it from.
    """
    path = workspace.journal
    with workspace.writing():
        version = sound_version(path)
        if version is not None and version > len(MIGRATIONS):
            raise WorkspaceError(
                f"The journal {path} is sound, and a newer wukong-pipe wrote it: open it with that one. "
                "Nothing was changed."
            )
        recovered = recover(workspace) if version is None else None
        # A sound journal may still lack calls that were bought: one that was deleted and made anew.
        added = add_from_copies(workspace) if version is not None and newer_copy(path) else None
    if recovered is not None:
        lines = list(recovery_lines(path, recovered))
    else:
        lines = [sound_line(path, added, is_current=version == len(MIGRATIONS))]
    if as_json:
        facts = {"sound": True, "added": added or 0} if recovered is None else {"sound": False, **asdict(recovered)}
        print(json.dumps(facts, default=str))
        return
    for line in lines:
        out.print(line)
