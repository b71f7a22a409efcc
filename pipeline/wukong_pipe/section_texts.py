"""The text of the sections that a run's rows are about, as their sources have it now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wukong_pipe.run_sources import source_texts
from wukong_pipe.split import split
from wukong_pipe.workspace import Run


def source_of(run: Run, encoding: str = "utf-8") -> Callable[[dict[str, Any]], str | None] | None:
    """A function from a row to its section's headings and text, or None for a section that is gone or has changed.

    None where the run was not built here, or none of its sources can be read any more.

    Raises:
        DataError: the run's notes are no JSON.
    """
    # The id is a hash of the text: an edited section is another one, and its rows have no source any more.
    texts = {
        section.id: f"{section.title}\n{section.header}{section.text}".rstrip()
        for name, text in source_texts(run, encoding)
        for section in split(text, name)
    }
    if not texts:
        return None
    return lambda row: texts.get(row["section_id"])
