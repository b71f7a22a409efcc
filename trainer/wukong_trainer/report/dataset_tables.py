"""What the page shows of a dataset: rows by kind, coverage by section, the teacher's calls, rejects by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wukong_pipe.reasons import Reason
from wukong_trainer.report.tables import Table, figure, shortened
from wukong_trainer.report.words import Language, Words, filled

REASONS = 12
"""Reasons shown a stage; the others are only counted."""
EXAMPLES = 2
"""Rejects shown a reason."""

CHECKS = ("check_spellings", "dedupe_pairs", "edits", "dedupe_rows", "held_forms", "audit")
"""The stages that ask for nothing: rows go through them."""

Row = Mapping[str, Any]


def _kind(row: Row) -> str:
    return str("paraphrase" if row.get("variant") == "paraphrase" else row.get("kind", ""))


def rows_by_kind(dataset: Mapping[str, Sequence[Row]]) -> list[tuple[str, list[int]]]:
    """(kind, rows in each of the splits), as ("paraphrase", [1228, 37, 709]); a paraphrase is a kind of its own."""
    counts = [Counter(_kind(row) for row in rows) for rows in dataset.values()]
    return [(kind, [count[kind] for count in counts]) for kind in sorted(set().union(*counts))]


def sections_of(manifest: Mapping[str, Any], lang: Language) -> list[dict[str, Any]]:
    """The manifest's coverage and quota of every section, in the order of the source, whether it is "short", and why
    it was "not_asked"."""
    quota = {entry.get("id"): entry for entry in manifest.get("quota") or []}
    coverage = (manifest.get("coverage") or {}).get("by_section") or []
    ids = {entry.get("id") for entry in coverage}
    sections = [quota.get(entry.get("id"), {}) | entry for entry in coverage]
    sections += [entry for key, entry in quota.items() if key not in ids]
    return [
        section | {"short": section.get("kept", 0) < section.get("wanted", 0), "not_asked": _not_asked(section, lang)}
        for section in sections
        if isinstance(section.get("section"), str)
    ]


def _not_asked(section: Mapping[str, Any], lang: Language) -> str:
    """Why nothing was asked about a section; empty where something was."""
    code = section.get("not_asked")
    return Reason(code).sentence(lang) if isinstance(code, str) and code else ""


def accounting_of(manifest: Mapping[str, Any], words: Words) -> dict[str, Table]:
    """The manifest's accounting: what was asked for ("accounting"), and the "checks" that rows went through."""
    stages = manifest.get("accounting") or {}
    asked = {stage: counts for stage, counts in stages.items() if stage not in CHECKS}
    checks = {stage: counts for stage, counts in stages.items() if stage in CHECKS}
    columns = {key: words[key] for key in ("asked", "received", "short", "kept", "rejected")}
    through = {"received": words["went_in"], "kept": words["came_out"], "rejected": words["taken_out"]}
    tables = {"accounting": _counts(asked, columns, words), "checks": _counts(checks, through, words)}
    return {key: table for key, table in tables.items() if table.lines}


def reviewed_sentence(counts: Mapping[str, int], words: Words) -> str:
    """How many pairs a person has read, and what became of them; empty where nobody has.

    Args:
        counts: pairs "accepted", "mended" and "dropped", and rejects "rescued".
    """
    if not counts:
        return ""
    return filled(words["reviewed"], read=sum(counts.values()) - counts["rescued"], **counts)


def _counts(stages: Mapping[str, Mapping[str, Any]], columns: Mapping[str, str], words: Words) -> Table:
    """The counts of each stage under their names."""
    lines = [
        (words.get(f"stage_{stage}", stage), [figure(counts.get(key)) for key in columns])
        for stage, counts in stages.items()
    ]
    return Table([*columns.values()], lines)


def calls_of(manifest: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(stage, what its calls used): calls, tokens, cost by currency."""
    stages = manifest.get("calls") or {}
    return [(stage, entry["used"]) for stage, entry in stages.items() if isinstance(entry, dict) and entry.get("used")]


# --- rejects -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class StageRejects:
    """The rejects of a stage."""

    n: int
    reasons: list[tuple[str, int, list[tuple[str, str]]]]
    """(kind of reason, rejects, (candidate, reason) of some), most frequent first."""
    others: int
    """Further kinds of reason."""


def rejects_by_stage(rejects: Sequence[Row], lang: Language) -> dict[str, StageRejects]:
    """Rejects counted by stage and kind of reason, the stage with the most frequent reason first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for reject in rejects:
        kind = Reason.from_json(reject).kind(lang)
        groups.setdefault((str(reject.get("stage", "")), kind), []).append(reject)
    stages: dict[str, StageRejects] = {}
    for (stage, kind), group in sorted(groups.items(), key=lambda item: -len(item[1])):
        entry = stages.setdefault(stage, StageRejects(0, [], 0))
        entry.n += len(group)
        if len(entry.reasons) < REASONS:
            sentences = [shortened(Reason.from_json(row).sentence(lang)) for row in group[:EXAMPLES]]
            examples = list(zip(map(_candidate, group), sentences, strict=False))
            entry.reasons.append((shortened(kind), len(group), examples))
        else:
            entry.others += 1
    return stages


def _candidate(reject: Row) -> str:
    """What was proposed, or what came instead, in one line."""
    candidate = reject.get("candidate")
    fields = candidate if isinstance(candidate, dict) else {}
    texts = [str(fields[key]) for key in ("instruction", "question", "output", "answer") if fields.get(key)]
    text = " → ".join(texts) or str(candidate or reject.get("reply") or "–")
    return shortened(" ".join(text.split()))
