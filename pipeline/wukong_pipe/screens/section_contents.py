"""What a build made of each section, read from the run's files: its text and evidence, pairs, wordings and rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from wukong_pipe.corpus.run_sources import noted_text
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.corpus.split import split
from wukong_pipe.errors import CorpusError, DataError, WorkspaceError
from wukong_pipe.files import read_numbered, read_object
from wukong_pipe.reasons import Reason
from wukong_pipe.records import FILES, Section
from wukong_pipe.workspace import MANIFEST, Run

_OF_A_ROW = ("id", "instruction", "output", "section_id", "pair_id", "kind", "split", "level", "lines", "evidence")
_OF_A_REJECT = ("section_id", "stage", "reason", "candidate", "reply")


def is_paraphrase(row: Mapping[str, Any]) -> bool:
    """Whether a row words its pair's question in another way; rows of earlier versions say so in their kind."""
    return bool(row.get("variant", row["kind"]) == "paraphrase")


@dataclass(frozen=True, slots=True)
class SectionOverview:
    """One section, in numbers."""

    number: int
    """Its place in the manifest, from 1."""
    id: str
    title: str
    source: str
    lines: tuple[int, int]
    wanted: int
    kept: int
    """Pairs wanted, and kept by the checks."""
    rows: dict[str, int]
    """By split."""
    rejects: int
    units: int
    covered: int
    """What it says that is worth asking, unit by unit, and how much of it evidence covers."""
    not_asked: str = ""
    """Why nothing was asked about it; else empty."""
    part: int = 1
    parts: int = 1
    """How many sections of its source have the title: the pieces of a long one, and those that are called alike."""

    @property
    def name(self) -> str:
        """The title, told apart from the others that are alike: “书 › 一 (2 of 3)”."""
        return f"{self.title} ({self.part} of {self.parts})" if self.parts > 1 else self.title


@dataclass(frozen=True, slots=True)
class Family:
    """The rows of one pair."""

    pair_id: str
    rows: list[dict[str, Any]]

    @property
    def answers(self) -> list[str]:
        """The different answers of the rows: the pair's own first, then its other wordings and what the user wrote."""
        # Base rows have the pair's own answer, and so have test and validation rows: only trained rows are reworded.
        own = sorted(self.rows, key=lambda row: (is_paraphrase(row), row["split"] == "train"))
        return list(dict.fromkeys(str(row["output"]) for row in own))


@dataclass(frozen=True, slots=True)
class SectionContents:
    """All that is known of one section."""

    overview: SectionOverview
    section: Section | None
    """None if the source is gone or has changed in this section."""
    problem: str
    """A sentence about a source that is missing or has changed; empty if the text is as the build saw it."""
    evidence: list[tuple[int, int]]
    """(begin, end) of each piece of the section's text that is evidence of a row, in order, without overlaps."""
    families: list[Family]
    rejects: list[dict[str, Any]]

    @property
    def questions(self) -> dict[str, str]:
        """The own question of each pair by the pair's id, whether it is in the dataset or among the rejects."""
        rows = [row for family in self.families for row in family.rows]
        # A teacher's item may hold any keys; a row that was taken out holds these.
        candidates = (reject["candidate"] for reject in self.rejects if isinstance(reject["candidate"], dict))
        rows += [row for row in candidates if {"pair_id", "instruction", "kind"} <= row.keys()]
        return {str(row["pair_id"]): str(row["instruction"]) for row in rows if not is_paraphrase(row)}

    def to_json(self) -> dict[str, Any]:
        """The section as `inspect --json` prints it."""
        return {
            **asdict(self.overview),
            "text": self.section.text if self.section else None,
            "problem": self.problem,
            "evidence": self.evidence,
            "pairs": [
                {"pair_id": family.pair_id, "answer": family.answers[0], "answers": family.answers, "rows": family.rows}
                for family in self.families
            ],
            "rejected": self.rejects,
        }


# --- reading -----------------------------------------------------------------------------------------------------


def section_overviews(run: Run) -> list[SectionOverview]:
    """The sections of a run, in the order of the sources; those that say nothing with the reason.

    Raises:
        WorkspaceError: the run has no dataset.
        DataError: a file of the dataset cannot be read.
    """
    if not run.manifest.is_file():
        raise WorkspaceError(f"The run “{run.name}” has no dataset: start with `wukong-pipe build PATH`.")
    rows = Counter((row["section_id"], row["split"]) for row in _rows(run))
    rejects = Counter(reject["section_id"] for reject in _rejects(run))
    manifest = read_object(run.manifest, MANIFEST)
    try:
        covered = {entry["id"]: (entry["units"], entry["covered"]) for entry in manifest["coverage"]["by_section"]}
        parts = _parts([(entry["source"], entry["section"]) for entry in manifest["quota"]])
        return [
            SectionOverview(
                number=number,
                id=entry["id"],
                title=entry["section"],
                source=entry["source"],
                lines=(entry["lines"][0], entry["lines"][1]),
                wanted=entry["wanted"],
                kept=entry["kept"],
                rows={name: rows[entry["id"], name] for name in FILES},
                rejects=rejects[entry["id"]],
                units=covered.get(entry["id"], (0, 0))[0],
                covered=covered.get(entry["id"], (0, 0))[1],
                part=part,
                parts=of,
                not_asked=str(Reason(entry["not_asked"])) if entry.get("not_asked") else "",
            )
            for number, (entry, (part, of)) in enumerate(zip(manifest["quota"], parts, strict=True), start=1)
        ]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{run.manifest} is not as this version writes it: build again; answers are not paid twice."
        ) from error


def _parts(titles: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    """Of each title, the how manyth of how many it is."""
    seen, totals, parts = Counter[tuple[str, str]](), Counter(titles), list[tuple[int, int]]()
    for title in titles:
        seen[title] += 1
        parts.append((seen[title], totals[title]))
    return parts


def matching(sections: Sequence[SectionOverview], wanted: str) -> list[SectionOverview]:
    """The sections that a number, an id or words of a title name. A section whose title is exactly these words wins.

    Raises:
        WorkspaceError: there is none.
    """
    exact = [
        section for section in sections if wanted in {str(section.number), section.id, section.name, section.title}
    ]
    exact = exact or [section for section in sections if section.title.endswith(f" › {wanted}")]
    words = wanted.casefold()
    matches = exact or [section for section in sections if words in section.title.casefold()]
    if not matches:
        raise WorkspaceError(f"No section is called “{wanted}”: `wukong-pipe inspect` lists them.")
    return matches


def contents_of(run: Run, overview: SectionOverview, source: Path | None, encoding: str) -> SectionContents:
    """A section with its pairs and rejects, and with its text if the source still holds it.

    Args:
        source: the Markdown file, or the folder above it, if it was moved since the build; else None.

    Raises:
        DataError: a file of the dataset cannot be read.
    """
    section, problem = _section(run, overview, source, encoding)
    families: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(run):
        if row["section_id"] == overview.id:
            families.setdefault(row["pair_id"], []).append(row)
    # The question itself first, then its wordings.
    ordered = [Family(id_, sorted(rows, key=is_paraphrase)) for id_, rows in families.items()]
    return SectionContents(
        overview,
        section,
        problem,
        _evidence(section, ordered) if section else [],
        sorted(ordered, key=lambda family: family.rows[0]["lines"]),
        [reject for reject in _rejects(run) if reject["section_id"] == overview.id],
    )


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    for name in FILES.values():
        if (run.dataset / name).is_file():
            yield from _checked(run.dataset / name, _OF_A_ROW)


def _rejects(run: Run) -> Iterator[dict[str, Any]]:
    yield from _checked(run.dataset / "rejected.jsonl", _OF_A_REJECT)


def _checked(path: Path, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The objects of a file that this tool wrote and somebody may have edited.

    Raises:
        DataError: one lacks a key; file, line and key are named.
    """
    for number, row in read_numbered(path):
        if missing := [key for key in keys if key not in row]:
            raise DataError(f"{path}, line {number} has no “{missing[0]}”; restore it or build again.")
        yield row


def _section(run: Run, overview: SectionOverview, source: Path | None, encoding: str) -> tuple[Section | None, str]:
    """The section as its source has it now, and a sentence about the source if it is missing or has changed."""
    place = _place(run, overview.source, source)
    try:
        if place.is_dir():
            raise CorpusError(f"{place} is a folder.")
        (file,) = read_sources([place], encoding)
    except CorpusError as error:
        return None, f"{error} Its text can be shown where --source names the file or the folder above it."
    hashes = {entry.get("name"): entry.get("hash") for entry in read_object(run.manifest, MANIFEST).get("sources", [])}
    changed = file.hash != hashes.get(overview.source)
    for section in split(file.text, overview.source):
        # The id is a hash of the text, so this is what the teacher saw, wherever it stands now.
        if section.id == overview.id:
            as_built = replace(section, first_line=overview.lines[0])
            return as_built, f"{file.path} has changed since the build, but not in this section." if changed else ""
    why = "has changed since the build, and this section with it" if changed else "is now cut into other sections"
    return None, f"{file.path} {why}; build again to see it as it is now."


def _place(run: Run, name: str, source: Path | None) -> Path:
    """Where the source of that name is expected."""
    if source is not None:
        return source / name if source.is_dir() else source
    return noted_text(run, name)


def _evidence(section: Section, families: Iterable[Family]) -> list[tuple[int, int]]:
    """The places of all evidence; places that overlap are one."""
    spans = set()
    for family in families:
        for row in family.rows:
            spans |= {span for text in row["evidence"] if (span := section.place_of(text, row["lines"]))}
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
