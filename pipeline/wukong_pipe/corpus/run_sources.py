"""What a run knows of its sources: where they stand, whether a build is of the same ones, and their text as it is now.

build.json holds {"paths": ["/home/me/docs"], "sources": {"intro.pdf": "/home/me/docs/intro.pdf"},
"converted": {"intro.pdf": "/home/me/runs/docs/converted/intro.pdf.md"}}; the dataset's manifest holds names and hashes.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wukong_pipe.corpus.sources import Source, read_sources
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import telling_terms
from wukong_pipe.errors import CorpusError, DataError, WorkspaceError
from wukong_pipe.files import read_object
from wukong_pipe.language.plurals import listed
from wukong_pipe.records import Section
from wukong_pipe.workspace import MANIFEST, NOTE, Run


def noted_places(sources: Sequence[Source]) -> dict[str, Any]:
    """What build.json holds of the sources. The dataset, which knows their names and hashes, must not depend on where
    they stand."""
    places: dict[str, Any] = {
        "paths": sorted({str(source.given.resolve()) for source in sources}),
        "sources": {source.name: str(source.path.resolve()) for source in sources},
    }
    converted = {source.name: str(source.markdown.resolve()) for source in sources if source.markdown}
    return places | ({"converted": converted} if converted else {})


def noted_text(run: Run, name: str) -> Path:
    """Where the text of a source of that name is expected; the name itself where the run was not built here.

    Raises:
        DataError: the run's notes are no JSON.
    """
    note = _noted(run)
    places = note.get("sources", {}) | note.get("converted", {})
    return Path(places.get(name, name))


def check_same_corpus(run: Run, sources: Sequence[Source]) -> None:
    """Refuse to replace the dataset of other files that merely have the same name.

    Files of the same folder may come, go and change; none of the paths that it was built from may be left out.

    Raises:
        WorkspaceError: the run was built from other files, or from more.
    """
    if not run.manifest.is_file():
        return
    built_from, before, now = _built_from(run), _known_places(run), noted_places(sources)
    files = [*before.get("sources", {}).values()]
    old = before.get("paths") or files or [*built_from]
    same = built_from == {source.name: source.hash for source in sources}
    if same or {*old} <= {*now["paths"]} or (files and {*files} <= {*now["sources"].values()}):
        return
    raise WorkspaceError(
        f"The run “{run.name}” was built from {listed(old)}, and {listed(now['paths'])} is not that: name a run of "
        f"its own with --run NAME, or replace what is there with --run {shlex.quote(run.name)}."
    )


def changed_sources(run: Run, sources: Sequence[Source]) -> str:
    """Which files were added, left out or edited, or are gone, since the run was built; "" where none or unknown."""
    before, now = _built_from(run), {source.name: source.hash for source in sources}
    if not before:
        return ""
    places = _known_places(run).get("sources", {})
    missing = before.keys() - now.keys()
    left_out = {name for name in missing if name in places and Path(places[name]).is_file()}
    kinds = {
        "added": now.keys() - before.keys(),
        "gone": missing - left_out,
        "no longer given": left_out,
        "edited": {name for name in now.keys() & before.keys() if now[name] != before[name]},
    }
    return "; ".join(f"{kind} {listed(sorted(names))}" for kind, names in kinds.items() if names)


def source_texts(run: Run, encoding: str = "utf-8") -> Iterator[tuple[str, str]]:
    """(name, text) of each source as it is now; none where the run was not built here.

    Raises:
        DataError: the run's notes are no JSON.
    """
    note = _noted(run)
    converted = note.get("converted", {})
    for name, place in (note.get("sources", {}) | converted).items():
        try:
            found = read_sources([Path(place)], "utf-8" if name in converted else encoding)
        except CorpusError:
            continue
        # A folder that stands in the place of the file is another source.
        if len(found) == 1:
            yield name, found[0].text


def place_of(run: Run, name: str, given: Path | None = None) -> Path:
    """Where the source of that name is expected.

    Args:
        given: the file, or the folder above it, if it was moved since the build; else None.

    Raises:
        DataError: the run's notes are no JSON.
    """
    if given is not None:
        return given / name if given.is_dir() else given
    return noted_text(run, name)


def section_texts(run: Run, encoding: str = "utf-8") -> dict[str, str]:
    """Headings and text of every section of a run's sources, by id; none where its sources cannot be read any more.

    {"3284f4b0dc2675f6": "书 › 一\n## 一\n\n石甲的兵器是乙刀。"}

    Raises:
        DataError: the run's notes are no JSON.
    """
    # The id is a hash of the text: an edited section is another one, and its rows have no source any more.
    return {
        section.id: f"{section.title}\n{section.header}{section.text}".rstrip() for section in _sections(run, encoding)
    }


def names_of(run: Run, encoding: str = "utf-8") -> frozenset[str]:
    """The terms that tell two questions of a run apart, as its build had them; of the sources that can be read.

    Raises:
        DataError: the run's notes are no JSON.
    """
    return telling_terms(_sections(run, encoding))


def _sections(run: Run, encoding: str) -> Iterator[Section]:
    for name, text in source_texts(run, encoding):
        yield from split(text, name)


def _noted(run: Run) -> dict[str, Any]:
    """build.json, {} where the run was not built here."""
    file = run.folder / "build.json"
    return read_object(file, NOTE) if file.is_file() else {}


def _known_places(run: Run) -> dict[str, Any]:
    """build.json, {} where it cannot be read, too: the build that asks writes it anew."""
    try:
        return _noted(run)
    except DataError:
        return {}


def _built_from(run: Run) -> dict[str, str]:
    """Name → hash of the sources of the dataset that is there; {} where its manifest cannot be read: whether that one
    may be replaced is for `check_untouched` to say."""
    try:
        manifest = read_object(run.manifest, MANIFEST) if run.manifest.is_file() else {}
    except DataError:
        return {}
    return {source["name"]: source.get("hash", "") for source in manifest.get("sources", [])}
