"""A run's dataset as pairs and rejects: rows are put together by their pair, in the order of the documents."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.files import read_numbered, read_object
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import FILES, Row
from wukong_pipe.review.pairs import ReviewPair, ReviewRow
from wukong_pipe.review.sample import sample_order
from wukong_pipe.workspace import MANIFEST, Run

_OF_A_ROW = frozenset(field.name for field in fields(Row) if field.default is MISSING)
_LISTS = ("heading_path", "lines", "evidence")
_OF_A_REJECT = frozenset({"id", "section_id", "stage", "reason", "candidate", "reply"})


@dataclass(frozen=True, slots=True)
class SectionPlace:
    """Where a section stood when the build read it."""

    source: str
    first_line: int


@dataclass(frozen=True)
class RunFiles:
    """What stands in dataset/ of a run."""

    pairs: list[ReviewPair]
    """In the order of the documents."""
    rejects: Mapping[str, list[dict[str, Any]]]
    """Lines of rejected.jsonl by section, but those of rows that a decision took out: these are rows of their pair."""
    sections: Mapping[str, SectionPlace]
    """Of all sections by id, in the order of the documents."""
    rescued: Mapping[str, str]
    """Reject id → row id of the rejects that were let in."""
    removed: frozenset[str]
    """Ids of the rows, and of their pairs, that were left out for what other rows say."""

    @cached_property
    def by_id(self) -> dict[str, ReviewPair]:
        return {pair.id: pair for pair in self.pairs}

    @cached_property
    def by_row(self) -> dict[str, ReviewPair]:
        return {row.id: pair for pair in self.pairs for row in pair.rows}

    @cached_property
    def by_question(self) -> dict[tuple[str, str], ReviewPair]:
        """By the id of its section and its own question."""
        return {(pair.section_id, pair.question): pair for pair in self.pairs}

    @cached_property
    def asking(self) -> dict[str, list[tuple[ReviewPair, ReviewRow]]]:
        """The rows by what dedupe compares of their questions, each behind its pair."""
        found: dict[str, list[tuple[ReviewPair, ReviewRow]]] = defaultdict(list)
        for pair in self.pairs:
            for row in pair.rows:
                found[normalise(row.question)].append((pair, row))
        return found

    @cached_property
    def words(self) -> dict[str, str]:
        """All texts of each pair by its id, folded."""
        texts = ((pair.id, [text for row in pair.rows for text in (row.question, row.answer)]) for pair in self.pairs)
        return {id_: folded("\n".join(dict.fromkeys(said))) for id_, said in texts}

    @cached_property
    def by_reject(self) -> dict[str, dict[str, Any]]:
        return {line["id"]: line for lines in self.rejects.values() for line in lines}

    @cached_property
    def sample(self) -> list[ReviewPair]:
        """The pairs in the order of the sample."""
        return sample_order(self.pairs)


def read_run(run: Run) -> RunFiles:
    """The pairs and rejects of a run.

    Raises:
        WorkspaceError: it has no dataset.
        DataError: a file of it cannot be read, or is not as this version writes it.
    """
    if not run.manifest.is_file():
        raise WorkspaceError(f"The run “{run.name}” has no dataset: start with `wukong-pipe build PATH`.")
    manifest = read_object(run.manifest, MANIFEST)
    sections, rescued = _sections(run, manifest), manifest.get("edits", {}).get("rescued", {})
    families: dict[str, _Family] = defaultdict(_Family)
    for name in FILES.values():
        if (run.dataset / name).is_file():
            for line in _lines(run.dataset / name, _OF_A_ROW):
                families[line["pair_id"]].add(line)
    rejects: dict[str, list[dict[str, Any]]] = defaultdict(list)
    removed = set[str]()
    for line in _lines(run.dataset / "rejected.jsonl", _OF_A_REJECT):
        is_row = isinstance(line["candidate"], dict) and line["candidate"].keys() >= _OF_A_ROW
        if is_row and line["stage"] == "edit":
            families[line["candidate"]["pair_id"]].add(line["candidate"])
            continue
        if is_row:
            removed |= {line["candidate"]["id"], line["candidate"]["pair_id"]}
        rejects[line["section_id"]].append(line)
    places = {section: place for place, section in enumerate(sections)}

    def place(family: _Family) -> tuple[int, list[int], str]:
        return places.get(family.own["section_id"], len(places)), family.own["lines"], family.own["pair_id"]

    ordered = sorted(families.values(), key=place)
    rejects_of = {row: reject for reject, row in rescued.items()}
    pairs = [family.pair(number, rejects_of) for number, family in enumerate(ordered, start=1)]
    return RunFiles(pairs, rejects, sections, rescued, frozenset(removed))


def folded(text: str) -> str:
    """A text as a search compares it: width and case do not count, punctuation does."""
    return unicodedata.normalize("NFKC", text).casefold()


def _sections(run: Run, manifest: Mapping[str, Any]) -> dict[str, SectionPlace]:
    try:
        return {entry["id"]: SectionPlace(entry["source"], entry["lines"][0]) for entry in manifest["quota"]}
    except (KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"{run.manifest} is not as this version writes it: build again; answers are not paid twice."
        ) from error


def _lines(path: Path, keys: frozenset[str]) -> Iterator[dict[str, Any]]:
    for number, line in read_numbered(path):
        if not line.keys() >= keys:
            missing = min(keys - line.keys())
            raise DataError(f"{path}, line {number} has no “{missing}”; restore it or build again.")
        yield line


@dataclass(slots=True)
class _Family:
    """The rows of one pair while they are read."""

    own: dict[str, Any] = field(default_factory=dict)
    """The line of the row that asks in the pair's own words; where it was left out, of one that has its answer."""
    rows: list[ReviewRow] = field(default_factory=list)

    def add(self, line: dict[str, Any]) -> None:
        # Trained rows may have other wordings of the answer; those that are tested have the pair's own.
        if not self.own or _rank(line) < _rank(self.own):
            self.own = line
        row = ReviewRow(
            id=line["id"],
            question=line["instruction"],
            answer=line["output"],
            split=line["split"],
            level=line["level"],
        )
        self.rows.append(row)

    def pair(self, number: int, rejects: Mapping[str, str]) -> ReviewPair:
        rows = sorted(self.rows, key=lambda row: row.id != self.own["id"])
        return ReviewPair(
            id=self.own["pair_id"],
            number=number,
            rows=tuple(rows),
            own=_row(self.own),
            splits=tuple(dict.fromkeys(row.split for row in rows)),
            level=next((row.level for row in rows if row.level), ""),
            rescued=rejects.get(rows[0].id, ""),
        )


def _rank(line: Mapping[str, Any]) -> tuple[bool, bool]:
    return line["variant"] != "base", line["split"] == "train"


def _row(line: Mapping[str, Any]) -> Row:
    values = {key: tuple(line[key]) if key in _LISTS else line[key] for key in _OF_A_ROW}
    return Row(**values | {"facts": tuple(map(tuple, line["facts"]))})
