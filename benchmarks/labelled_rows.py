"""Rows whose writer says which of them are false, to measure checks and verifiers with, and their sections.

A folder of a set holds pairs.jsonl, spoilt_answers.jsonl and wordings.jsonl, its documents stand in ../docs; the folder
of the rows about httpx holds httpx_pairs.jsonl, httpx_spoilt_answers.jsonl, httpx_wordings.jsonl and httpx_docs.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wukong_pipe.corpus.split import split
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import Section
from wukong_pipe.verify.answers import GivenAnswer


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """An answer, and what its writer knows of it."""

    section: Section
    given: GivenAnswer
    error: str
    """What kind of error it holds; empty where it is honest."""


@dataclass(frozen=True, slots=True)
class LabelledWordings:
    """Wordings of a pair's question, each with the kind of its error, and the other questions of the section."""

    section: Section
    given: GivenAnswer
    wordings: tuple[str, ...]
    errors: tuple[str, ...]
    others: tuple[str, ...]


def answers_of(folder: Path, whole: int) -> list[LabelledAnswer]:
    """The honest and spoilt answers of a folder of rows."""
    if (folder / "httpx_pairs.jsonl").exists():
        documents = Documents(folder / "httpx_docs", whole)
        honest = [row for row in _lines(folder / "httpx_pairs.jsonl") if row["honest"]]
        places = {row["question"]: row for row in honest}
        rows = [LabelledAnswer(documents.section(row), _given(row, row["answer"]), "") for row in honest]
        for row in _lines(folder / "httpx_spoilt_answers.jsonl"):
            if place := places.get(row["question"]):
                rows.append(LabelledAnswer(documents.section(place), _given(place, row["spoilt"]), "identifier"))
        return rows
    documents = Documents(folder.parent / "docs", whole)
    pairs = {row["id"]: row for row in _lines(folder / "pairs.jsonl")}
    rows = [LabelledAnswer(documents.section(row), _given(row, row["answer"]), "") for row in pairs.values()]
    for row in _lines(folder / "spoilt_answers.jsonl"):
        pair = pairs[row["pair"]]
        rows.append(LabelledAnswer(documents.section(pair), _given(pair, row["spoilt"]), row["kind"]))
    return rows


def wordings_of(folder: Path, whole: int) -> list[LabelledWordings]:
    """The honest and spoilt wordings of a folder of rows, by pair."""
    is_httpx = (folder / "httpx_pairs.jsonl").exists()
    documents = Documents(folder / "httpx_docs" if is_httpx else folder.parent / "docs", whole)
    pairs = _lines(folder / ("httpx_pairs.jsonl" if is_httpx else "pairs.jsonl"))
    places = {row["question"] if is_httpx else row["id"]: row for row in pairs}
    questions: dict[str, list[str]] = defaultdict(list)
    for pair in places.values():
        questions[documents.section(pair).id].append(pair["question"])
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in _lines(folder / ("httpx_wordings.jsonl" if is_httpx else "wordings.jsonl")):
        key = row["question" if is_httpx else "pair"]
        if key in places and (row["honest"] or not is_httpx):
            found[key].append((row["wording"], "" if row["honest"] else row["kind"]))
    labelled = []
    for key, rows in found.items():
        section, pair = documents.section(places[key]), places[key]
        others = tuple(question for question in questions[section.id] if question != pair["question"])
        wordings, errors = zip(*rows, strict=True)
        labelled.append(LabelledWordings(section, _given(pair, pair["answer"]), wordings, errors, others))
    return labelled


def _given(pair: Mapping[str, Any], answer: str) -> GivenAnswer:
    return GivenAnswer(pair["question"], answer, pair["kind"])


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


class Documents:
    """The documents of a set, and the section that a pair is about.

    Args:
        whole: a document of at most so many characters counts as one section.
    """

    def __init__(self, folder: Path, whole: int) -> None:
        self._sections: list[Section] = []
        self._shown: dict[str, Section] = {}
        for file in sorted(folder.glob("*.md")):
            text = file.read_text("utf-8")
            for section in split(text, file.name):
                full = Section(file.name, section.heading_path[:1], 1, text, section.lang)
                self._sections.append(section)
                self._shown[section.id] = full if len(text) <= whole else section

    def section(self, pair: Mapping[str, Any]) -> Section:
        """The section that holds most of the pair's evidence, the one under its headings first."""
        path = pair["heading_path"] if "heading_path" in pair else pair["headings"].split(" › ")
        pieces = [normalise(text) for text in pair["evidence"]]

        def fit(section: Section) -> tuple[int, bool]:
            text = normalise(section.text)
            return sum(piece in text for piece in pieces), section.heading_path == tuple(path)

        return self._shown[max(self._sections, key=fit).id]


def drafts(rows: Iterable[LabelledAnswer]) -> list[list[LabelledAnswer]]:
    """The rows by section, as a teacher might have sent them: no question twice, honest and spoilt answers mixed."""
    versions: dict[tuple[str, str], list[LabelledAnswer]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: digest(row.given.question, row.given.answer)):
        versions[row.section.id, row.given.question].append(row)
    found: dict[tuple[str, int], list[LabelledAnswer]] = defaultdict(list)
    for (section, _), of_question in versions.items():
        for number, row in enumerate(of_question):
            found[section, number].append(row)
    return list(found.values())


def sampled(rows: Sequence[LabelledAnswer], sources: Sequence[str], each: int) -> list[LabelledAnswer]:
    """From each of these documents so many rows of different questions, half of them spoilt."""
    chosen: list[LabelledAnswer] = []
    for source in sources:
        here = sorted(
            (row for row in rows if row.section.source == source), key=lambda row: digest(row.given.answer, source)
        )
        taken: set[str] = set()
        for is_spoilt in (True, False):
            new = {row.given.question: row for row in here if bool(row.error) == is_spoilt}
            kept = [row for question, row in new.items() if question not in taken][: each // 2]
            taken |= {row.given.question for row in kept}
            chosen += kept
    return chosen
