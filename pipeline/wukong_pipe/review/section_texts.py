"""The sections of a run as its build saw them, read from their sources when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock

from wukong_pipe.corpus.run_sources import place_of
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.corpus.split import split
from wukong_pipe.errors import CorpusError
from wukong_pipe.records import Section
from wukong_pipe.review.run_files import SectionPlace
from wukong_pipe.workspace import Run


class SectionTexts:
    """The sections of a run; a source is read when one of its sections is asked for, and then held."""

    def __init__(
        self, run: Run, places: Mapping[str, SectionPlace], source: Path | None = None, encoding: str = "utf-8"
    ) -> None:
        """Of the sections at these places.

        Args:
            source: the source, or the folder above all, if they were moved since the build; else None.
        """
        self._run, self._places, self._moved, self._encoding = run, places, source, encoding
        self._read: dict[str, dict[str, Section]] = {}
        self._lock = Lock()

    def get(self, section_id: str) -> Section | None:
        """The section; None where its source is gone, or says something else there."""
        place = self._places.get(section_id)
        if place is None:
            return None
        with self._lock:
            if place.source not in self._read:
                self._read[place.source] = self._sections(place.source)
            section = self._read[place.source].get(section_id)
        # The id is a hash of the text, so this is what the teacher saw, wherever it stands now.
        return section and replace(section, first_line=place.first_line)

    def _sections(self, name: str) -> dict[str, Section]:
        path = place_of(self._run, name, self._moved)
        try:
            sources = [] if path.is_dir() else read_sources([path], self._encoding)
            return {section.id: section for source in sources for section in split(source.text, name)}
        except CorpusError:
            return {}
