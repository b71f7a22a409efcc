"""What a model card says of an evaluation: the scores of each level with interval and verdict, and what they leave
open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wukong_pipe.language.plurals import counted
from wukong_trainer.scoring.figures import in_points, percent

LEVELS = {
    "wording": "trained facts in new wordings",
    "question": "new questions about trained sections",
    "section": "sections never trained: the control, where no rise is expected",
}

NOT_HELD_OUT = {
    "other test": "questions of a file given with --test",
    "unrecorded": "questions, of which nobody knows whether they were trained,",
}
"""What the questions are called where they were not held out of the training, by the state of the leak check."""


def scores(metrics: Mapping[str, Any]) -> list[str]:
    """The primary score in a sentence, and a table of the levels.

    Args:
        metrics: metrics.json; empty where nothing was evaluated.
    """
    primary = metrics.get("primary", {})
    if not primary.get("n"):
        return ["Not evaluated yet."]
    sample = metrics.get("sample") or {}
    part = f", a sample of {sample['of']}," if "of" in sample else ""
    asked = NOT_HELD_OUT.get(_audit(metrics), "held-out questions")
    lines = [
        f"On {primary['n']} {asked}{part} ({primary['level']}, {primary['metric']}) the base answered "
        f"{percent(primary['base'])} rightly and the model as trained {percent(primary['tuned'])}: "
        f"{primary['verdict']} ({in_points(primary)}). Leakage: {metrics.get('leakage', 'unknown')}.",
    ]
    levels = _levels(metrics)
    held_out = _are_held_out(metrics)
    if held_out and (control := metrics.get("levels", {}).get("section", {}).get("explanation")):
        lines.append(f"The control: {control}")
    if levels:
        head = "| what is asked | questions | base | as trained | difference | verdict |"
        rows = [_row(level + f": {LEVELS[level]}" * held_out, block) for level, block in levels.items()]
        lines += ["", head, "|---|---:|---:|---:|---|---|", *rows, "", _how(metrics.get("settings", {}))]
    return lines


def _audit(metrics: Mapping[str, Any]) -> str:
    return str((metrics.get("leak_check") or {}).get("audit", ""))


def _are_held_out(metrics: Mapping[str, Any]) -> bool:
    """Whether the questions are those that the run's build held out: then their levels mean something."""
    return _audit(metrics) not in NOT_HELD_OUT


def _levels(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The levels that questions were asked of."""
    levels = metrics.get("levels", {})
    return {level: levels[level] for level in LEVELS if levels.get(level, {}).get("n")}


def _row(asked_about: str, block: Mapping[str, Any]) -> str:
    metric = block["metric"]
    base, tuned = (percent(block[side][metric]) for side in ("base", "tuned"))
    count = f"{block['n']} in {counted(block['sections'], 'section')}"
    return f"| {asked_about} | {count} | {base} | {tuned} | {in_points(block)} | {block['verdict']} |"


def _how(settings: Mapping[str, Any]) -> str:
    """How was decoded, and what the score means."""
    known = (settings.get("decoding"), settings.get("engine"), settings.get("precision"))
    return (
        "`fact_hit` is the share of answers that state every fact of their question and invent no identifier; the "
        f"intervals count the questions of one section as alike. Decoding: {', '.join(filter(None, known))}."
    )


def limits(metrics: Mapping[str, Any]) -> list[str]:
    """What no number of the evaluation shows, one sentence each."""
    if not metrics.get("primary", {}).get("n"):
        return ["No evaluation shows that it answers anything rightly."]
    levels = _levels(metrics)
    found = [
        f"Not shown: that it is better than its base on “{level}” ({LEVELS[level]}): "
        f"{levels[level]['verdict'] if level in levels else 'nothing was asked'}."
        for level in ("wording", "question")
        if level not in levels or levels[level]["verdict"] != "better"
    ]
    if not _are_held_out(metrics):
        found = ["Not shown: how it answers questions about its documents that were held out of its training."]
    if "leakage" not in metrics or "unknown" in metrics["leakage"]:
        found.append("Not known: whether test questions were trained.")
    if "forgetting" not in metrics:
        found.append("Not measured: what of its general knowledge the tuning made it forget.")
    return found


def model_index(name: str, metrics: Mapping[str, Any]) -> list[str]:
    """The metadata from which the Hub shows the scores of held-out questions; in JSON, which is YAML, too."""
    if not _are_held_out(metrics):
        return []
    results = [
        {
            "task": {"type": "question-answering"},
            "dataset": {"type": "wukong-pipe", "name": f"{name}, held out: {level}", "config": level},
            "metrics": [{"type": block["metric"], "value": round(block["tuned"][block["metric"]], 4)}],
        }
        for level, block in _levels(metrics).items()
    ]
    if not results:
        return []
    return ["model-index:", f"- {json.dumps({'name': name, 'results': results}, ensure_ascii=False)}"]


def languages(metrics: Mapping[str, Any]) -> list[str]:
    """Those in which questions were asked."""
    return sorted({lang for block in _levels(metrics).values() for lang in block.get("corpus_bleu", {})})
