"""What the report says about leakage: test questions that the model was trained on.

This file chooses the sentences; the sentences stand in words.toml under [leakage], their keys begin with `leakage_`.
`metrics.leakage` is "none", "unknown", "dropped 3" or "dropped 3, rest unknown" (see rivals.leakage_of).
"""

from __future__ import annotations

from wukong_trainer.report.metrics_records import Metrics
from wukong_trainer.report.words import Words


def leakage_cell(leakage: str, words: Words) -> str:
    """The leakage of an evaluation as a table cell: "none", "unknown", "3 left out", "3 left out, others unknown"."""
    state, _, rest = leakage.partition(", ")
    kind, _, n = state.partition(" ")
    return words.get(f"leakage_cell_{kind}", kind).format(n=n) + (words["leakage_cell_rest"] if rest else "")


def leakage_sentences(metrics: Metrics, words: Words) -> str:
    """The sentences beside the verdict: what was left out, and why nobody knows more about the other questions."""
    kind, _, n = metrics.leakage.partition(", ")[0].partition(" ")
    check = metrics.leak_check
    sentences = []
    if kind == "none":
        sentences.append(words["leakage_none"])
    if kind == "dropped":
        sentences.append(words["leakage_dropped"].format(n=n))
    if kind != "none" and not (check and check.audit == "stands"):
        unknown = words["leakage_rest_unknown" if kind == "dropped" else "leakage_unknown"]
        sentences.append(unknown + (why_unknown(metrics, words) or words["leakage_why_unsaid"]))
    if check and check.closest is not None:
        sentences.append(words["leakage_closest"].format(closest=f"{check.closest:.2f}"))
    return words["next"].join(sentences)


def why_unknown(metrics: Metrics, words: Words) -> str:
    """Why the build's audit says nothing about these questions; "" where it does, or where no reason was recorded."""
    return words.get(f"leakage_why_{metrics.leak_check.audit}", "") if metrics.leak_check else ""
