"""What is known of test questions that a model was trained on, in the words of the page and the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Words = Mapping[str, str]


def leakage_cell(leakage: str, words: Words) -> str:
    """What `leakage_of` found, for a table cell."""
    known, _, rest = leakage.partition(", ")
    kind, _, n = known.partition(" ")
    return words[f"leak_word_{kind}"].format(n=n) + (words["leak_word_rest"] if rest else "")


def leakage_said(metrics: Mapping[str, Any], words: Words) -> str:
    """What stands beside a verdict: what was left out, and why the build's audit does not speak for the others."""
    kind, _, n = metrics["leakage"].partition(", ")[0].partition(" ")
    found = metrics.get("leak_check") or {}
    says = []
    if kind == "none":
        says.append(words["leak_none"])
    if kind == "dropped":
        says.append(words["leak_dropped"].format(n=n))
    if kind != "none" and found.get("audit") != "stands":
        unknown = words["leak_rest_unknown" if kind == "dropped" else "leak_unknown"]
        says.append(unknown + (no_audit(metrics, words) or words["audit_unsaid"]))
    if isinstance(found.get("closest"), float):
        says.append(words["leak_looked"].format(closest=f"{found['closest']:.2f}"))
    return words["next"].join(says)


def no_audit(metrics: Mapping[str, Any], words: Words) -> str:
    """Why the build's audit does not speak for the numbers; "" where it does, or where an evaluation did not say."""
    return words.get(f"audit_{(metrics.get('leak_check') or {}).get('audit')}", "")
