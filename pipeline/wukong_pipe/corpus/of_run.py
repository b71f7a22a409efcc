"""The text of the sections that a run's rows are about, as their sources have it now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wukong_pipe.corpus.run_sources import source_texts
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import telling_terms
from wukong_pipe.records import Section
from wukong_pipe.workspace import Run


def source_of(run: Run, encoding: str = "utf-8") -> Callable[[dict[str, Any]], str | None] | None:
    """A function from a row to its section's headings and text, or None for a section that is gone or has changed.

    None where the run was not built here, or none of its sources can be read any more.

    Raises:
        DataError: the run's notes are no JSON.
    """
    # The id is a hash of the text: an edited section is another one, and its rows have no source any more.
    texts = {
        section.id: f"{section.title}\n{section.header}{section.text}".rstrip() for section in _sections(run, encoding)
    }
    if not texts:
        return None
    return lambda row: texts.get(row["section_id"])


def names_of(run: Run, encoding: str = "utf-8") -> frozenset[str]:
    """The terms that tell two questions of a run apart, as its build had them; of the sources that can be read.

    Raises:
        DataError: the run's notes are no JSON.
    """
    return telling_terms(_sections(run, encoding))


def _sections(run: Run, encoding: str) -> Iterator[Section]:
    for name, text in source_texts(run, encoding):
        yield from split(text, name)
