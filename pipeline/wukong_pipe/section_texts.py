"""The text of the sections that a run's rows are about, as their sources have it now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from wukong_pipe.corpus import read_sources
from wukong_pipe.errors import CorpusError
from wukong_pipe.split import split
from wukong_pipe.workspace import Run, read_json


def source_of(run: Run, encoding: str = "utf-8") -> Callable[[dict[str, Any]], str | None] | None:
    """A function from a row to its section's headings and text, or None for a section that is gone or has changed.

    None where the run was not built here, or none of its sources can be read any more.

    Raises:
        DataError: the run's notes are no JSON.
    """
    noted = run.folder / "build.json"
    if not noted.is_file():
        return None
    texts: dict[str, str] = {}
    for name, place in read_json(noted).get("sources", {}).items():
        try:
            (found,) = read_sources([Path(place)], encoding)
        except CorpusError:
            continue
        # The id is a hash of the text: an edited section is another one, and its rows have no source any more.
        texts |= {
            section.id: f"{section.title}\n{section.header}{section.text}".rstrip()
            for section in split(found.text, name)
        }
    if not texts:
        return None
    return lambda row: texts.get(row["section_id"])
