"""What the checks find in replies whose truth is known: honest rows lost and spoilt rows caught, in all and by rule.

    python benchmarks/grounding.py [--set FOLDER] [--docs FOLDER] [--half tuning|quoting|both] [--rows]

Without `--set` the rows are those of `benchmarks/grounding`, written by people who had not read the checks. A set of
others is a folder of three files, whose documents stand in `--docs`:

    pairs.jsonl           {"id", "document", "heading_path", "question", "answer", "evidence": [slices of the document]}
    spoilt_answers.jsonl  {"pair": id, "kind", "value": "in|partly|out" of the evidence, "spoilt": a wrong answer}
    wordings.jsonl        {"pair": id, "honest": true or false, "kind", "wording": another question}

A hash of the question puts each pair into one half: rules are tuned on the one, and figures quoted from the other; of
that, `--rows` lists nothing. "Alone" counts the rows of which no other rule says anything.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from wukong_pipe.checks.answer_wordings import check_answer
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.evidence import find_evidence
from wukong_pipe.checks.findings import Finding
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.checks.question_wordings import check_paraphrase
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import units
from wukong_pipe.language.hashing import digest
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair, Section

HERE = Path(__file__).parent
OWN = (("en", "apollo"), ("zh", "blackwukong"))
HONEST = ("free", "verbatim")


@dataclass(frozen=True)
class Row:
    """One reply and what the checks found in it."""

    part: str
    """answers, miscited answers, wordings or reworded answers; "answers by code" where the evidence is no prose."""
    kind: str
    honest: bool
    question: str
    said: str
    found: tuple[Finding, ...]

    @property
    def weight(self) -> str:
        return self.found[0].weight if self.found else ""

    @property
    def half(self) -> str:
        return "tuning" if int(digest(self.question), 16) % 2 else "quoting"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, action="append", help="a folder of rows; may be given several times")
    parser.add_argument("--docs", type=Path, help="the folder of their documents")
    parser.add_argument("--half", choices=("tuning", "quoting", "both"), default="both")
    parser.add_argument("--rows", action="store_true", help="list the rows of the tuning half that are judged wrongly")
    args = parser.parse_args()
    if args.set and not args.docs:
        parser.error("--set needs --docs, the folder of the documents that its rows cite")
    sets = [(folder.name, set_rows(folder, args.docs)) for folder in args.set or ()]
    for name, rows in sets or [(f"{name}.md", own_rows(lang, name)) for lang, name in OWN]:
        parts = defaultdict(list)
        for row in rows:
            if args.half in ("both", row.half):
                parts[row.part].append(row)
        for part, found in sorted(parts.items()):
            print(f"\n### {part}, {name}\n")
            print("\n".join([*totals(found), "", *by_rule(found)]))
        if args.rows:
            print("\n".join(listed(row for found in parts.values() for row in found)))


# --- rows ------------------------------------------------------------------------------------------------------


def read(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


@cache
def sections_of(document: Path) -> list[Section]:
    return split(document.read_text("utf-8"), document.name)


def set_rows(folder: Path, docs: Path) -> Iterator[Row]:
    """The rows of a folder; its evidence is sought in the section of its headings, else in the whole document."""
    pairs = {}
    for pair in read(folder / "pairs.jsonl"):
        section = best(sections_of(docs / pair["document"]), pair)
        pairs[pair["id"]] = (pair, section)
        yield on_answer(pair, section, pair["answer"], pair["kind"], honest=True)
        yield from on_another_unit(pair, section)
    for row in read(folder / "spoilt_answers.jsonl"):
        yield on_answer(*pairs[row["pair"]], row["spoilt"], f"{row['kind']}, {row['value']}", honest=False)
    for row in read(folder / "wordings.jsonl"):
        yield on_wording(*pairs[row["pair"]], row["wording"], row.get("kind", ""), row["honest"])


def best(sections: list[Section], pair: dict[str, Any]) -> Section:
    """The section that holds most of a pair's evidence; of several the one with most of its headings."""
    headings = set(pair["heading_path"])

    def fit(section: Section) -> tuple[int, int]:
        held = sum(find_evidence(text, section) is not None for text in pair["evidence"])
        return held, len(headings & set(section.heading_path))

    return max(sections, key=fit)


def own_rows(lang: str, name: str) -> Iterator[Row]:
    """The rows of `benchmarks/grounding` about one corpus."""
    found = sections_of(HERE.parent / "corpora" / f"{name}.md")
    sections = {section.title: section for section in found}
    bases = {}
    for file in (name, f"paraphrases_{lang}", f"third_{lang}"):
        for row in read(HERE / "grounding" / f"{file}.jsonl"):
            section, honest = sections[row["heading"]], row["kind"] in HONEST
            if not row["of"] and "evidence" in row:
                bases[row["heading"], row["question"]] = bases[row["id"]] = row
            if "paraphrase" in row:
                pair = {"evidence": []} | bases.get((row["heading"], row["question"]), {}) | row
                yield on_wording(pair, section, row["paraphrase"], row["kind"], honest)
            else:
                yield on_answer(row, section, row["answer"], row["kind"], honest)
    # A spoilt answer is a spoilt wording of the honest one, too.
    spoilt = (row for row in read(HERE / "grounding" / f"{name}.jsonl") if row["of"] and row["kind"] != "evidence")
    for row in (*read(HERE / "grounding" / f"wordings_{lang}.jsonl"), *(r | {"wording": r["answer"]} for r in spoilt)):
        pair = bases[row["of"]]
        yield on_reworded(pair, sections[pair["heading"]], row["wording"], row["kind"], row["kind"] in HONEST)


def on_answer(pair: dict[str, Any], section: Section, answer: str, kind: str, honest: bool) -> Row:
    candidate = read_pair(pair | {"answer": answer}, section)
    if isinstance(candidate, Reason):
        found: tuple[Finding, ...] = (Finding(candidate, "reject"),)
    else:
        found = check_pair(candidate, section)
    part = "answers by code" if isinstance(candidate, Candidate) and cites_code(candidate, section) else "answers"
    return Row(part, kind, honest, pair["question"], answer, found)


def on_another_unit(pair: dict[str, Any], section: Section) -> Iterator[Row]:
    """An honest answer that cites another unit of its section, as weak models do; none where it has no other."""
    others = [
        unit.text
        for unit in units(section)
        if not any(unit.text in text or text in unit.text for text in pair["evidence"])
    ]
    if others:
        other = others[int(digest(pair["question"]), 16) % len(others)]
        row = on_answer(pair | {"evidence": [other]}, section, pair["answer"], "another unit cited", honest=False)
        yield replace(row, part="miscited answers")


def cites_code(candidate: Candidate, section: Section) -> bool:
    """Whether a piece of the evidence begins or ends in a line of code."""
    lines, fenced, at = [], False, 0
    for line in section.text.splitlines(keepends=True):
        fence = line.lstrip().startswith(("```", "~~~"))
        if fenced or fence or line.startswith(("    ", "\t")):
            lines.append((at, at + len(line)))
        fenced, at = fenced != fence, at + len(line)
    return any(span and start < span[1] and span[0] < end for span in candidate.spans for start, end in lines)


def on_wording(pair: dict[str, Any], section: Section, wording: str, kind: str, honest: bool) -> Row:
    return Row("wordings", kind, honest, pair["question"], wording, check_paraphrase(wording, pair_of(pair, section)))


def on_reworded(pair: dict[str, Any], section: Section, wording: str, kind: str, honest: bool) -> Row:
    found = check_answer(wording, pair_of(pair, section))
    return Row("reworded answers", kind, honest, pair["question"], wording, found)


def pair_of(pair: dict[str, Any], section: Section) -> QAPair:
    places = [place for text in pair["evidence"] if (place := find_evidence(text, section))]
    evidence = tuple(section.text[start:end] for start, end in places)
    lines = section.first_line, section.last_line
    return QAPair(section, pair["question"], pair["answer"], evidence, lines, "base", "", "", "")


# --- tables ----------------------------------------------------------------------------------------------------


def totals(rows: Iterable[Row]) -> Iterator[str]:
    """A Markdown table: one line a kind, and all spoilt rows together."""
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        kinds["honest" if row.honest else row.kind].append(row)
        if not row.honest:
            kinds["**all spoilt**"].append(row)
    yield "| kind | n | rejected | doubted | passed |"
    yield "|---|---|---|---|---|"
    for kind in sorted(kinds, key=lambda kind: (kind != "honest", kind)):
        found, n = Counter(row.weight for row in kinds[kind]), len(kinds[kind])
        yield f"| {kind} | {n} | " + " | ".join(f"{found[weight] / n:.1%}" for weight in ("reject", "doubt", "")) + " |"


def by_rule(rows: Iterable[Row]) -> Iterator[str]:
    """A Markdown table: one line a rule, by what it costs and what it catches."""
    count: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        codes = {finding.reason.code for finding in row.found}
        for code in codes:
            truth = "honest" if row.honest else "spoilt"
            count[code, row.weight].update([truth, f"{truth} alone"] if len(codes) == 1 else [truth])
    columns = ("honest", "honest alone", "spoilt", "spoilt alone")
    yield f"| rule | weight | {' | '.join(columns)} |"
    yield "|---|---|---|---|---|---|"
    for (code, weight), found in sorted(count.items(), key=lambda item: -item[1]["spoilt alone"]):
        yield f"| {code} | {weight} | " + " | ".join(str(found[column]) for column in columns) + " |"


def listed(rows: Iterable[Row]) -> Iterator[str]:
    """The rows of the tuning half that the checks judge wrongly, a line each."""
    wrong = [row for row in rows if row.half == "tuning" and row.honest == bool(row.found)]
    for row in sorted(wrong, key=lambda row: (row.part, not row.honest, row.kind)):
        found = "; ".join(f"{finding.weight}: {finding.reason}" for finding in row.found) or "passes"
        truth = "honest" if row.honest else row.kind
        yield f"- {row.part}, {truth}: {row.question} → {row.said} [{found}]"


if __name__ == "__main__":
    main()
