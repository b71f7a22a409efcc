"""The text of the sections that a run's rows are about, as their sources have it now."""

from __future__ import annotations

from collections.abc import Iterator

from wukong_pipe.corpus.run_sources import source_texts
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import telling_terms
from wukong_pipe.records import Section
from wukong_pipe.workspace import Run


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
