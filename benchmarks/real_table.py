"""The cells of `real.py` as Markdown: what each contender answered right, at which price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from wukong_trainer.scoring.intervals import MeanDifference, estimate, holm

LEVELS = {"wording": "other wordings", "question": "other questions", "section": "other sections (control)"}
CONTENDERS = (
    "base",
    "base, examples",
    "shuffled",
    "raw",
    "tuned",
    "base, BM25",
    "tuned, BM25",
    "base, section",
)
Cell = dict[str, Any]
Grades = Mapping[str, Mapping[str, str]]
"""Of each question the grade of each side's answer: {"85677e886f6fd643": {"base": "wrong", "tuned": "partly"}}."""


def tables(cells: Sequence[Cell], grades: Mapping[str, Grades]) -> Iterator[str]:
    """The lines of all tables.

    Args:
        grades: what a reader said of the answers of a cell, by its name.
    """
    corrected = holm([_difference(questions(cell, "wording"), "base", "tuned").p for cell in cells])
    heads = ["corpus, student, seed", "questions", "n (sections)", *CONTENDERS, "tuned − base, 95 %", "p, Holm"]
    yield f"| {' | '.join(heads)} |"
    yield f"|---|---|---:|{'---:|' * len(CONTENDERS)}---|---:|"
    for cell, p in zip(cells, corrected, strict=True):
        for level, title in LEVELS.items():
            asked = questions(cell, level)
            if asked:
                yield _line(cell, title, asked, f"{p:.1g}" if level == "wording" else "")
    yield ""
    yield from _parts(cells)
    yield ""
    yield from _graded(cells, grades)
    yield ""
    yield from _costs(cells)
    first = {(cell["corpus"], cell["student"]): cell for cell in reversed(cells)}
    for cell in reversed(first.values()):
        yield ""
        yield from _shown(cell)


def questions(cell: Cell, level: str) -> list[dict[str, Any]]:
    """Those of a level with one to three facts, which `fact_hit` is about."""
    return [each for each in cell["questions"] if each["level"] == level and each["scored_as"] == "facts"]


def _name(cell: Cell) -> str:
    return f"{cell['corpus']}, {cell['student']}, {cell['seed']}"


def _line(cell: Cell, title: str, asked: Sequence[dict[str, Any]], p: str) -> str:
    found = _difference(asked, "base", "tuned")
    n = f"{len(asked)} ({found.sections})"
    rates = " | ".join(_rate(asked, name) for name in CONTENDERS)
    interval = f"{found.difference:+.2f} ({found.low:+.2f} … {found.high:+.2f})"
    return f"| {_name(cell)} | {title} | {n} | {rates} | {interval} | {p} |"


def _rate(asked: Sequence[dict[str, Any]], name: str) -> str:
    """The share that is right, of those that were asked."""
    hits = [hit for each in asked if (hit := each["hits"].get(name)) is not None]
    return f"{fmean(hits):.2f}" if hits else "–"


def _difference(asked: Sequence[dict[str, Any]], first: str, second: str) -> MeanDifference:
    differences = [each["hits"][second] - each["hits"][first] for each in asked]
    return estimate(differences, [each["cluster"] for each in asked], bounded=True)


def _parts(cells: Sequence[Cell]) -> Iterator[str]:
    """Other wordings by the kind of their question, and by how near they are to a trained one."""
    yield "| corpus, student, seed | other wordings | n | base | tuned |"
    yield "|---|---|---:|---:|---:|"
    for cell in cells:
        asked = questions(cell, "wording")
        for key in ("kind", "nearness"):
            for value in sorted({each[key] for each in asked} - {""}):
                part = [each for each in asked if each[key] == value]
                yield f"| {_name(cell)} | {value} | {len(part)} | {_rate(part, 'base')} | {_rate(part, 'tuned')} |"


def _graded(cells: Sequence[Cell], grades: Mapping[str, Grades]) -> Iterator[str]:
    """What a reader found right who did not see whose answer it was, and how the score agrees: as it is no grade of
    its own, a partly right answer counts as wrong."""
    heads = ["corpus, student, seed", "answers", "base right, partly", "tuned right, partly"]
    yield f"| {' | '.join([*heads, 'recall', 'precision', 'specificity'])} |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for cell in cells:
        given = grades.get(f"{cell['corpus']}-{cell['student']}-{cell['seed']}")
        if given is None:
            continue
        asked = [each for each in cell["questions"] if each["id"] in given]
        pairs = [(given[each["id"]][side], each["hits"][side]) for each in asked for side in ("base", "tuned")]
        shares = [
            f"{fmean(grade == wanted for grade in (given[each['id']][side] for each in asked)):.2f}"
            for side in ("base", "tuned")
            for wanted in ("right", "partly")
        ]
        right = [hit for grade, hit in pairs if grade == "right"]
        wrong = [hit for grade, hit in pairs if grade != "right"]
        precision = sum(right) / (sum(right) + sum(wrong))
        scores = f"{fmean(right):.2f} | {precision:.2f} | {1 - fmean(wrong):.2f}"
        yield f"| {_name(cell)} | {len(pairs)} | {shares[0]}, {shares[1]} | {shares[2]}, {shares[3]} | {scores} |"


def _costs(cells: Sequence[Cell]) -> Iterator[str]:
    """What each training took, and what the tuned student forgot: its share of right answers to general questions."""
    heads = ["corpus, student, seed", "training", "steps", "minutes", "tokens/s", "peak memory", "last loss", "general"]
    yield f"| {' | '.join(heads)} |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for cell in cells:
        for name, made in cell["training"].items():
            forgot = cell["metrics"].get("forgetting", {}) if name == "tuned" else {}
            general = f"{forgot['base']:.2f} → {forgot['tuned']:.2f}" if forgot else ""
            minutes, speed = made["seconds"] / 60, made["tokens_per_second"]
            shown = [_name(cell), name, f"{made['steps']}", f"{minutes:.0f}", f"{speed:.0f}"]
            shown += [f"{made['peak_memory'] / 1e9:.1f} GB", f"{made['loss']:.3f}", general]
            yield f"| {' | '.join(shown)} |"


def _shown(cell: Cell) -> Iterator[str]:
    """The ten answers of a cell that its rule chose, base and tuned side by side; ✓ is a hit of the score."""
    yield f"| {_name(cell)}: asked | expected | base | tuned |"
    yield "|---|---|---|---|"
    for each in cell["shown"]:
        sides = [f"{'✓' if each[side]['fact_hit'] else '✗'} {_cut(each[side]['answer'])}" for side in ("base", "tuned")]
        yield f"| {_cut(each['instruction'])} | {_cut(each['reference'])} | {' | '.join(sides)} |"


def _cut(text: str) -> str:
    """A text as a cell of a table."""
    words = " ".join(text.split()).replace("|", "\\|")
    return words if len(words) <= 110 else f"{words[:109]}…"
