"""The texts that a run was built from, as far as they can still be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wukong_pipe.corpus import read_sources
from wukong_pipe.errors import CorpusError
from wukong_pipe.workspace import NOTE, Run, read_object


def source_texts(run: Run, encoding: str = "utf-8") -> Iterator[tuple[str, str]]:
    """(name, text) of each source as it is now; none where the run was not built here.

    Raises:
        DataError: the run's notes are no JSON.
    """
    noted = run.folder / "build.json"
    for name, place in (read_object(noted, NOTE).get("sources", {}) if noted.is_file() else {}).items():
        try:
            found = read_sources([Path(place)], encoding)
        except CorpusError:
            continue
        # A folder that stands in the place of the file is another source.
        if len(found) == 1:
            yield name, found[0].text
