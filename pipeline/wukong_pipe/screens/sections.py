"""What a build made of each section: its text with the evidence marked, its pairs and their wordings, its rejects."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.corpus.split import split
from wukong_pipe.errors import CorpusError, DataError, WorkspaceError
from wukong_pipe.printable import one_line, printable
from wukong_pipe.records import FILES, Section
from wukong_pipe.workspace import MANIFEST, NOTE, Run, read_numbered, read_object

EVIDENCE = "black on yellow"
_NEWLINE = re.compile(r"\r\n?|\n")
_OF_A_ROW = ("id", "instruction", "output", "section_id", "pair_id", "kind", "split", "level", "lines", "evidence")
_OF_A_REJECT = ("section_id", "stage", "reason", "candidate", "reply")


@dataclass(frozen=True, slots=True)
class Overview:
    """One section that was asked about, in numbers."""

    number: int
    """Its place among the sections that were asked about, from 1."""
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
    """Sentences, list items and table rows, and how many of them evidence covers."""


@dataclass(frozen=True, slots=True)
class Family:
    """The rows of one pair."""

    pair_id: str
    rows: list[dict[str, Any]]

    @property
    def answers(self) -> list[str]:
        """What the rows answer: the pair's own answer first, then its other wordings, and what the user wrote."""
        # The base row has the pair's own answer, and so have rows that are not trained.
        own = sorted(self.rows, key=lambda row: (row["kind"] == "paraphrase", row["split"] == "train"))
        return list(dict.fromkeys(str(row["output"]) for row in own))


@dataclass(frozen=True, slots=True)
class Inspected:
    """All that is known of one section."""

    overview: Overview
    section: Section | None
    """None where the source is gone or has changed here."""
    problem: str
    """What is to be said about the source: missing, or changed."""
    evidence: list[tuple[int, int]]
    """Spans of the section's text that are evidence of a row, in order, without overlaps."""
    families: list[Family]
    rejects: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
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


def overviews(run: Run) -> list[Overview]:
    """The sections that the run's teacher was asked about, in the order of the sources.

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
        return [
            Overview(
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
            )
            for number, entry in enumerate(manifest["quota"], start=1)
        ]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{run.manifest} is not as this version writes it: build again; answers are not paid twice."
        ) from error


def matching(sections: Sequence[Overview], wanted: str) -> list[Overview]:
    """The sections that a number, an id, or words of a title name; one whose title is just these words wins.

    Raises:
        WorkspaceError: there is none.
    """
    exact = [section for section in sections if wanted in {str(section.number), section.id, section.title}]
    exact = exact or [section for section in sections if section.title.endswith(f" › {wanted}")]
    words = wanted.casefold()
    found = exact or [section for section in sections if words in section.title.casefold()]
    if not found:
        raise WorkspaceError(f"No section is called “{wanted}”: `wukong-pipe inspect` lists them.")
    return found


def inspect(run: Run, overview: Overview, source: Path | None, encoding: str) -> Inspected:
    """A section with its pairs and rejects, and with its text where the source still holds it.

    Args:
        source: the Markdown file or the folder above it, where it is not where the build found it.

    Raises:
        DataError: a file of the dataset cannot be read.
    """
    section, problem = _section(run, overview, source, encoding)
    families: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(run):
        if row["section_id"] == overview.id:
            families.setdefault(row["pair_id"], []).append(row)
    # The question itself first, then its wordings.
    ordered = [Family(id_, sorted(rows, key=lambda row: row["kind"] == "paraphrase")) for id_, rows in families.items()]
    return Inspected(
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
    """The objects of a file of ours, which somebody may have edited.

    Raises:
        DataError: one lacks a key; file, line and key are named.
    """
    for number, row in read_numbered(path):
        if missing := [key for key in keys if key not in row]:
            raise DataError(f"{path}, line {number} has no “{missing[0]}”; restore it or build again.")
        yield row


def _section(run: Run, overview: Overview, source: Path | None, encoding: str) -> tuple[Section | None, str]:
    """The section as its source has it now, and what is to be said about the source."""
    place = _place(run, overview.source, source)
    try:
        if place.is_dir():
            raise CorpusError(f"{place} is a folder.")
        (found,) = read_sources([place], encoding)
    except CorpusError as error:
        return None, f"{error} Its text can be shown where --source names the file or the folder above it."
    hashes = {entry.get("name"): entry.get("hash") for entry in read_object(run.manifest, MANIFEST).get("sources", [])}
    changed = found.hash != hashes.get(overview.source)
    for section in split(found.text, overview.source):
        # The id is a hash of the text, so this is what the teacher saw, wherever it stands now.
        if section.id == overview.id:
            moved = replace(section, first_line=overview.lines[0])
            return moved, f"{found.path} has changed since the build, but not in this section." if changed else ""
    why = "has changed since the build, and this section with it" if changed else "is now cut into other sections"
    return None, f"{found.path} {why}; build again to see it as it is now."


def _place(run: Run, name: str, source: Path | None) -> Path:
    """Where the source of that name should stand."""
    if source is not None:
        return source / name if source.is_dir() else source
    noted = run.folder / "build.json"
    recorded = read_object(noted, NOTE).get("sources", {}) if noted.is_file() else {}
    return Path(recorded.get(name, name))


def _evidence(section: Section, families: Iterable[Family]) -> list[tuple[int, int]]:
    spans = set()
    for family in families:
        for row in family.rows:
            spans |= {span for text in row["evidence"] if (span := _span(text, row["lines"], section))}
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _span(text: str, lines: Sequence[int], section: Section) -> tuple[int, int] | None:
    """Where a piece of evidence stands: of several places, the first within the row's lines."""
    at = section.text.find(text) if text else -1
    while at >= 0:
        first, last = section.lines_of(at, at + len(text))
        if lines[0] <= first and last <= lines[1]:
            return at, at + len(text)
        at = section.text.find(text, at + 1)
    return None


# --- showing -----------------------------------------------------------------------------------------------------


def _lines(text: str) -> str:
    """A text as it is shown below one another: Windows's and old Macs' line ends as line feeds, tabs as blanks."""
    return printable(_NEWLINE.sub("\n", text).replace("\t", "    "))


def overview_table(sections: Sequence[Overview]) -> Table:
    """The sections, one a line."""
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("section", overflow="fold")
    table.add_column("lines", overflow="fold")
    for heading in ("pairs", *FILES, "rejects", "covered"):
        table.add_column(heading, justify="right")
    for section in sections:
        covered = f"{section.covered / section.units:.0%}" if section.units else ""
        table.add_row(
            str(section.number),
            Text(one_line(section.title)),
            Text(f"{one_line(section.source)}:{section.lines[0]}-{section.lines[1]}"),
            f"{section.kept}/{section.wanted}",
            *(str(count) for count in section.rows.values()),
            str(section.rejects),
            covered,
        )
    return table


def show(inspected: Inspected, console: Console) -> None:
    """Print a section: evidence in colour on a terminal that has any, between ⟦ and ⟧ elsewhere."""
    overview = inspected.overview
    place = f"{one_line(overview.source)}:{overview.lines[0]}-{overview.lines[1]}"
    console.print(Text.assemble((one_line(overview.title), "bold"), f"  {place}  {overview.id}"))
    if inspected.problem:
        console.print(Text(one_line(inspected.problem), style="yellow"))
    console.print()
    if inspected.section:
        marked = console.color_system is None or console.no_color
        _show_text(inspected.section, inspected.evidence, marked, console)
        console.print()
    console.print(
        f"{overview.kept} of {overview.wanted} pairs kept; evidence covers {overview.covered} of {overview.units} "
        "sentences, list items and table rows."
    )
    for number, family in enumerate(inspected.families, start=1):
        _show_family(number, family, console)
        if inspected.section is None:
            for text in family.rows[0]["evidence"]:
                console.print(Text(f"{'':21}“{one_line(text)}”"))
    console.print(f"\n{overview.rejects} rejected{':' if overview.rejects else '.'}")
    for reject in inspected.rejects:
        console.print(Text.assemble(("  " + one_line(reject["stage"]), "bold"), f"  {one_line(reject['reason'])}"))
        if shown := _candidate(reject):
            console.print(Text(f"      {shown}", style="dim"))


def _show_text(section: Section, evidence: Sequence[tuple[int, int]], marked: bool, console: Console) -> None:
    """The section's lines with their numbers; before them, without, the table head or fence that they continue."""
    text = Text()
    begins, ends = {begin for begin, _ in evidence}, {end for _, end in evidence}
    for begin, end in pairwise(sorted({0, len(section.text), *begins, *ends})):
        inside = any(first <= begin < last for first, last in evidence)
        text.append("⟦" if marked and begin in begins else "")
        text.append(_lines(section.text[begin:end]), EVIDENCE if inside and not marked else "")
        text.append("⟧" if marked and end in ends else "")
    width = len(str(section.first_line + text.plain.count("\n")))
    for line in _lines(section.header).splitlines():
        console.print(Text(f"{'':{width}} ┆ {line}", style="dim"))
    text.rstrip()
    for number, numbered in enumerate(text.split("\n", allow_blank=True), start=section.first_line):
        console.print(Text.assemble((f"{number:{width}} │ ", "dim"), numbered))


def _show_family(number: int, family: Family, console: Console) -> None:
    first = family.rows[0]
    lines = "line {}".format(first["lines"][0])
    if first["lines"][0] != first["lines"][1]:
        lines = "lines {}-{}".format(*first["lines"])
    answers = family.answers
    console.print(
        Text.assemble(f"\n{number}. ", (one_line(answers[0]), "bold"), (f"  {lines}  {family.pair_id}", "dim"))
    )
    for count, answer in enumerate(answers[1:], start=2):
        console.print(Text(f"{'':15}({count}) → {one_line(answer)}"))
    for row in family.rows:
        where = f"{row['split']} {row['level']}".rstrip()
        words = one_line(row["instruction"])
        which = answers.index(str(row["output"])) + 1
        answer = f"  → ({which})" if which > 1 else ""
        console.print(Text.assemble((f"   {one_line(where):16}  ", "dim"), words, answer, (f"  {row['id']}", "dim")))


def _candidate(reject: dict[str, Any]) -> str:
    """What was rejected, as one line."""
    candidate = reject["candidate"]
    keys = ("answer", "question") if reject["stage"] == "answers" else ("instruction", "question", "item")
    words = next((candidate[key] for key in keys if candidate.get(key)), None)
    return one_line(str(words if words is not None else candidate or reject["reply"]))[:300]
