"""The sources that a run was built from: where they stand, whether a build is of the same ones, and their texts."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from wukong_pipe.corpus import Source, read_sources
from wukong_pipe.errors import CorpusError, WorkspaceError
from wukong_pipe.workspace import MANIFEST, NOTE, Run, read_object

SHOWN = 3
"""So many names of a kind are told; all are counted."""


def noted_places(sources: Sequence[Source]) -> dict[str, Any]:
    """What build.json holds of the sources. The dataset, which knows their names and hashes, must not depend on where
    they stand."""
    return {
        "paths": sorted({str(source.given.resolve()) for source in sources}),
        "sources": {source.name: str(source.path.resolve()) for source in sources},
    }


def check_same_corpus(run: Run, sources: Sequence[Source]) -> None:
    """Refuse to replace the dataset of other files that merely have the same name.

    Files of the same folder may come, go and change.

    Raises:
        WorkspaceError: the run was built from other files.
    """
    built_from = _built_from(run)
    if not built_from or built_from == {source.name: source.hash for source in sources}:
        return
    before, now = _noted(run), noted_places(sources)
    places = [{*noted.get("paths", []), *noted.get("sources", {}).values()} for noted in (before, now)]
    if places[0] & places[1]:
        return
    old = before.get("paths") or list(before.get("sources", {}).values()) or list(built_from)
    raise WorkspaceError(
        f"The run “{run.name}” was built from {_listed(old)}, and {_listed(now['paths'])} is not that: name a run of "
        f"its own with --run NAME, or replace what is there with --run {shlex.quote(run.name)}."
    )


def changed_sources(run: Run, sources: Sequence[Source]) -> str:
    """Which files were added, are gone or were edited since the run was built; "" where none."""
    before, now = _built_from(run), {source.name: source.hash for source in sources}
    if not before:
        return ""
    kinds = {
        "added": now.keys() - before.keys(),
        "gone": before.keys() - now.keys(),
        "edited": {name for name in now.keys() & before.keys() if now[name] != before[name]},
    }
    return "; ".join(f"{kind} {_listed(sorted(names))}" for kind, names in kinds.items() if names)


def source_texts(run: Run, encoding: str = "utf-8") -> Iterator[tuple[str, str]]:
    """(name, text) of each source as it is now; none where the run was not built here.

    Raises:
        DataError: the run's notes are no JSON.
    """
    for name, place in _noted(run).get("sources", {}).items():
        try:
            found = read_sources([Path(place)], encoding)
        except CorpusError:
            continue
        # A folder that stands in the place of the file is another source.
        if len(found) == 1:
            yield name, found[0].text


def _noted(run: Run) -> dict[str, Any]:
    """build.json, {} where the run was not built here."""
    file = run.folder / "build.json"
    return read_object(file, NOTE) if file.is_file() else {}


def _built_from(run: Run) -> dict[str, str]:
    """Name → hash of the sources of the dataset that is there."""
    manifest = read_object(run.manifest, MANIFEST) if run.manifest.is_file() else {}
    return {source["name"]: source.get("hash", "") for source in manifest.get("sources", [])}


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join([*names][:SHOWN]) + more
